"""Which AWS calls a change takes: pure, so that what is written can be known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask_errwatch.provision.change import Change
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    CompositeAlarm,
    Dashboard,
    InsightRule,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    Pairs,
    QueryDefinition,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call that writes.

    Attributes:
        service: boto3's name of the service.
        method: boto3's name of the method.
        arguments: The call's arguments.
        tolerated: The error codes that mean that somebody else just did the same.
    """

    service: str
    method: str
    arguments: Mapping[str, object]
    tolerated: frozenset[str] = frozenset()


#: What the services say of something that is gone already: no failure of a deletion.
_GONE = frozenset({"ResourceNotFoundException", "ResourceNotFound", "NotFound"})


def calls(change: Change) -> tuple[Call, ...]:  # noqa: C901 - a table, one case a kind
    """The calls of one change, in order. Each can be repeated without harm.

    A change of several calls is found again, whichever of them was the last to succeed.
    """
    if change.action == "delete":
        return (replace(_deletion(change.resource), tolerated=_GONE),)
    resource, is_new = change.resource, change.action == "create"
    match resource:
        case LogGroup():
            return _log_group(resource, is_new=is_new)
        case MetricFilter():
            return (_filter(resource),)
        case Topic():
            # The tags are given at once: a topic without them would be somebody else's. A
            # topic that stands is never created again, since SNS refuses other tags then.
            return (_call("sns", "create_topic", Name=resource.name, Tags=_tag_list(resource)),)
        case TopicPolicy():
            return (_policy(resource),)
        case Subscription():
            return (_subscribe(resource),)
        case InsightRule():
            return (_insight_rule(resource, is_new=is_new),)
        case AnomalyDetector():
            return (_anomaly_detector("put_anomaly_detector", resource),)
        case MetricAlarm():
            return _tagged("put_metric_alarm", _metric_alarm(resource), resource, change.actual)
        case CompositeAlarm():
            arguments = {**_alarm(resource), "AlarmRule": resource.rule}
            return _tagged("put_composite_alarm", arguments, resource, change.actual)
        case QueryDefinition():
            return (_query_definition(resource, change.actual),)
        case Dashboard():
            return (_dashboard(resource, is_new=is_new),)


def _call(service: str, method: str, /, **arguments: object) -> Call:
    return Call(service=service, method=method, arguments=arguments)


def _deletion(stands: Resource) -> Call:
    match stands:
        case LogGroup():
            return _call("logs", "delete_log_group", logGroupName=stands.name)
        case MetricFilter():
            names = {"logGroupName": stands.log_group, "filterName": stands.name}
            return _call("logs", "delete_metric_filter", **names)
        case Topic():
            return _call("sns", "delete_topic", TopicArn=stands.arn)
        case InsightRule():
            return _call("cloudwatch", "delete_insight_rules", RuleNames=[stands.name])
        case AnomalyDetector():
            return _anomaly_detector("delete_anomaly_detector", stands)
        case MetricAlarm() | CompositeAlarm():
            return _call("cloudwatch", "delete_alarms", AlarmNames=[stands.name])
        case QueryDefinition():
            return _call("logs", "delete_query_definition", queryDefinitionId=stands.id)
        case Dashboard():
            return _call("cloudwatch", "delete_dashboards", DashboardNames=[stands.name])
        case TopicPolicy() | Subscription():
            raise AssertionError(stands.kind)  # they go with their topic; no plan deletes them


def _log_group(group: LogGroup, *, is_new: bool) -> tuple[Call, ...]:
    name = {"logGroupName": group.name}
    create = Call(
        service="logs",
        method="create_log_group",
        arguments={**name, "logGroupClass": group.log_class, "tags": dict(group.tags)},
        # Several workers may start at the same time, and a sender creates it too.
        tolerated=frozenset({"ResourceAlreadyExistsException"}),
    )
    days = {"retentionInDays": group.retention_days}
    retain = _call("logs", "put_retention_policy", **name, **days)
    return (create, retain) if is_new else (retain,)


def _filter(declared: MetricFilter) -> Call:
    transformation: dict[str, object] = {
        "metricNamespace": declared.namespace,
        "metricName": declared.metric_name,
        "metricValue": declared.value,
        "unit": declared.unit,
    }
    # AWS refuses a default beside dimensions; the model gives one or the other.
    if declared.default is not None:
        transformation["defaultValue"] = declared.default
    if declared.dimensions:
        transformation["dimensions"] = dict(declared.dimensions)
    return _call(
        "logs",
        "put_metric_filter",
        logGroupName=declared.log_group,
        filterName=declared.name,
        filterPattern=declared.pattern,
        metricTransformations=[transformation],
    )


def _policy(declared: TopicPolicy) -> Call:
    return _call(
        "sns",
        "set_topic_attributes",
        TopicArn=declared.topic_arn,
        AttributeName="Policy",
        AttributeValue=declared.document,
    )


def _subscribe(declared: Subscription) -> Call:
    return _call(
        "sns",
        "subscribe",
        TopicArn=declared.topic_arn,
        Protocol=declared.protocol,
        Endpoint=declared.endpoint,
    )


def _insight_rule(declared: InsightRule, *, is_new: bool) -> Call:
    arguments: dict[str, object] = {
        "RuleName": declared.name,
        "RuleState": declared.state,
        "RuleDefinition": declared.definition,
    }
    if is_new:  # tags of a rule that stands are ignored (AWS API Reference, PutInsightRule)
        arguments["Tags"] = _tag_list(declared)
    return _call("cloudwatch", "put_insight_rule", **arguments)


def _anomaly_detector(method: str, declared: AnomalyDetector) -> Call:
    metric = {
        "Namespace": declared.namespace,
        "MetricName": declared.metric_name,
        "Dimensions": _dimensions(declared.dimensions),
        "Stat": declared.statistic,
    }
    return _call("cloudwatch", method, SingleMetricAnomalyDetector=metric)


def _query_definition(declared: QueryDefinition, stands: Resource | None) -> Call:
    arguments: dict[str, object] = {
        "name": declared.name,
        "queryString": declared.query,
        "logGroupNames": list(declared.log_groups),
    }
    if isinstance(stands, QueryDefinition):
        arguments["queryDefinitionId"] = stands.id
    return _call("logs", "put_query_definition", **arguments)


def _dashboard(declared: Dashboard, *, is_new: bool) -> Call:
    arguments: dict[str, object] = {
        "DashboardName": declared.name,
        "DashboardBody": declared.body,
    }
    if is_new:
        arguments["Tags"] = _tag_list(declared)
    return _call("cloudwatch", "put_dashboard", **arguments)


def _tagged(
    method: str,
    arguments: dict[str, object],
    declared: MetricAlarm | CompositeAlarm,
    stands: Resource | None,
) -> tuple[Call, ...]:
    """Puts an alarm with its tags, which an update ignores: they are then set by a call."""
    tags = _tag_list(declared)
    if not isinstance(stands, MetricAlarm | CompositeAlarm):
        return (_call("cloudwatch", method, **arguments, Tags=tags),)
    # They go first: were they last and failed, the next plan would find nothing to do.
    tag = {"ResourceARN": stands.arn, "Tags": tags}
    return (
        _call("cloudwatch", "tag_resource", **tag),
        _call("cloudwatch", method, **arguments),
    )


def _alarm(declared: MetricAlarm | CompositeAlarm) -> dict[str, object]:
    return {
        "AlarmName": declared.name,
        "AlarmDescription": declared.description,
        "ActionsEnabled": declared.actions_enabled,
        "AlarmActions": list(declared.alarm_actions),
        "OKActions": list(declared.ok_actions),
        "InsufficientDataActions": list(declared.insufficient_data_actions),
    }


def _metric_alarm(declared: MetricAlarm) -> dict[str, object]:
    """The whole configuration: PutMetricAlarm keeps nothing of the former one."""
    arguments: dict[str, object | None] = {
        **_alarm(declared),
        "Namespace": declared.namespace,
        "MetricName": declared.metric_name,
        # An alarm on an expression takes none of the fields of a metric, not even empty.
        "Dimensions": None if declared.metrics else _dimensions(declared.dimensions),
        "Statistic": declared.statistic,
        "Period": declared.period,
        "EvaluationPeriods": declared.evaluation_periods,
        "DatapointsToAlarm": declared.datapoints_to_alarm,
        "Threshold": declared.threshold,
        "ComparisonOperator": declared.comparison_operator,
        "TreatMissingData": declared.treat_missing_data,
        "Unit": declared.unit,
        "Metrics": [_query(each) for each in declared.metrics] or None,
        "ThresholdMetricId": declared.threshold_metric_id,
    }
    return {key: value for key, value in arguments.items() if value is not None}


def _query(term: MetricQuery) -> dict[str, object]:
    shared: dict[str, object] = {"Id": term.id, "ReturnData": term.return_data}
    if term.label is not None:
        shared["Label"] = term.label
    if term.expression is not None:
        period = {} if term.period is None else {"Period": term.period}
        return {**shared, "Expression": term.expression, **period}
    metric = {
        "Namespace": term.namespace,
        "MetricName": term.metric_name,
        "Dimensions": _dimensions(term.dimensions),
    }
    stat = {"Metric": metric, "Period": term.period, "Stat": term.statistic}
    return {**shared, "MetricStat": stat}


def _dimensions(pairs: Pairs) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in pairs]


def _tag_list(
    declared: Topic | MetricAlarm | CompositeAlarm | InsightRule | Dashboard,
) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in declared.tags]

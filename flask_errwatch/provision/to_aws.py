"""Serializers: the AWS calls that make a change. Pure; `from_aws` is the way back."""

from __future__ import annotations

from dataclasses import replace

from flask_errwatch.errors import NOT_FOUND_CODES
from flask_errwatch.provision import ip_set_calls
from flask_errwatch.provision.aws_call import AwsCall
from flask_errwatch.provision.change import Change
from flask_errwatch.provision.query_role import POLICY_NAME
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    AwsAlarm,
    CompositeAlarm,
    Dashboard,
    DataProtection,
    InsightRule,
    IpSet,
    LogAlarm,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    Pairs,
    QueryDefinition,
    QueryRole,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)
from flask_errwatch.provision.tag_calls import tag_list, tagging

#: CloudWatch answers so while it still works on the alarm (API Reference, PutLogAlarm).
CONFLICT = frozenset({("ResourceConflict", "")})
#: What it may answer while IAM does not know a new role everywhere yet. No source names the code.
ROLE_UNKNOWN = frozenset(
    (code, "role") for code in ("InvalidParameterValue", "ValidationError", "ValidationException")
)


def calls_for(change: Change) -> tuple[AwsCall, ...]:  # noqa: C901, PLR0912 - a table, one case a kind
    """Returns the calls of a change, in order. Each can be repeated without harm.

    If only some of a change's calls succeeded, the next plan has the change again.
    """
    if change.action == "delete":
        return tuple(
            replace(call, tolerated=NOT_FOUND_CODES) for call in _deletion(change.resource)
        )
    resource, is_new = change.resource, change.action == "create"
    rest = change.without_tags()
    # The calls of an alarm have its tags anyway.
    if rest != change and not (rest.differences and isinstance(resource, AwsAlarm)):
        # Tags first: if they were last and failed, the next plan would find no difference.
        tags = tagging(resource, change.actual)
        return (*tags, *calls_for(rest)) if rest.differences else tags
    match resource:
        case LogGroup():
            return _log_group(resource, is_new=is_new)
        case DataProtection():
            return (_data_protection(resource),)
        case MetricFilter():
            return (_metric_filter(resource),)
        case Topic():
            # Created with its tags: a topic without them would be unmanaged. An existing topic
            # is never created again, since SNS refuses different tags then.
            return (_call("sns", "create_topic", Name=resource.name, Tags=tag_list(resource.tags)),)
        case TopicPolicy():
            return (_topic_policy(resource),)
        case Subscription():
            return (_subscription(resource),)
        case InsightRule():
            return (_insight_rule(resource, is_new=is_new),)
        case AnomalyDetector():
            return (_anomaly_detector("put_anomaly_detector", resource),)
        case MetricAlarm():
            arguments = _metric_alarm(resource)
            return _tagged("put_metric_alarm", arguments, resource, change.actual)
        case CompositeAlarm():
            arguments = {**_alarm(resource), "AlarmRule": resource.rule}
            return _tagged("put_composite_alarm", arguments, resource, change.actual)
        case LogAlarm():
            return _log_alarm_calls(resource, change.actual)
        case QueryRole():
            return _query_role(resource, is_new=is_new)
        case QueryDefinition():
            return (_query_definition(resource, change.actual),)
        case Dashboard():
            return (_dashboard(resource, is_new=is_new),)
        case IpSet():  # only ever created: one that exists is never compared
            return (ip_set_calls.creation(resource),)


def _call(service: str, method: str, /, **arguments: object) -> AwsCall:
    return AwsCall(service=service, method=method, arguments=arguments)


def _deletion(actual: Resource) -> tuple[AwsCall, ...]:  # noqa: C901, PLR0912 - a table, one case a kind
    match actual:
        case LogGroup():
            return (_call("logs", "delete_log_group", logGroupName=actual.name),)
        case DataProtection():
            name = actual.log_group
            return (_call("logs", "delete_data_protection_policy", logGroupIdentifier=name),)
        case MetricFilter():
            names = {"logGroupName": actual.log_group, "filterName": actual.name}
            return (_call("logs", "delete_metric_filter", **names),)
        case Topic():
            return (_call("sns", "delete_topic", TopicArn=actual.arn),)
        case InsightRule():
            return (_call("cloudwatch", "delete_insight_rules", RuleNames=[actual.name]),)
        case AnomalyDetector():
            return (_anomaly_detector("delete_anomaly_detector", actual),)
        case MetricAlarm() | CompositeAlarm():
            return (_call("cloudwatch", "delete_alarms", AlarmNames=[actual.name]),)
        case LogAlarm():
            # One name a call: CloudWatch refuses several (API Reference, DeleteAlarms).
            call = _call("cloudwatch", "delete_alarms", AlarmNames=[actual.name])
            return (replace(call, passing=CONFLICT),)
        case QueryRole():
            # A role that still has a policy cannot be deleted.
            policy = {"RoleName": actual.name, "PolicyName": POLICY_NAME}
            return (
                _call("iam", "delete_role_policy", **policy),
                _call("iam", "delete_role", RoleName=actual.name),
            )
        case QueryDefinition():
            return (_call("logs", "delete_query_definition", queryDefinitionId=actual.id),)
        case Dashboard():
            return (_call("cloudwatch", "delete_dashboards", DashboardNames=[actual.name]),)
        case IpSet():
            return (ip_set_calls.deletion(actual),)
        case TopicPolicy() | Subscription():
            raise AssertionError(actual.kind)  # deleted with their topic, never by a plan


def _log_group(desired: LogGroup, *, is_new: bool) -> tuple[AwsCall, ...]:
    name = {"logGroupName": desired.name}
    create = AwsCall(
        service="logs",
        method="create_log_group",
        arguments={**name, "logGroupClass": desired.log_class, "tags": dict(desired.tags)},
        # Several workers may start at the same time, and a sender creates it too.
        tolerated=frozenset({"ResourceAlreadyExistsException"}),
    )
    days = desired.retention_days
    if days is not None:
        retain = _call("logs", "put_retention_policy", **name, retentionInDays=days)
        return (create, retain) if is_new else (retain,)
    return (create,) if is_new else (_call("logs", "delete_retention_policy", **name),)


def _data_protection(desired: DataProtection) -> AwsCall:
    return _call(
        "logs",
        "put_data_protection_policy",
        logGroupIdentifier=desired.log_group,
        policyDocument=desired.document,
    )


def _metric_filter(desired: MetricFilter) -> AwsCall:
    transformation: dict[str, object] = {
        "metricNamespace": desired.namespace,
        "metricName": desired.metric_name,
        "metricValue": desired.value,
        "unit": desired.unit,
    }
    # AWS refuses a default together with dimensions. The model has one or the other.
    if desired.default is not None:
        transformation["defaultValue"] = desired.default
    if desired.dimensions:
        transformation["dimensions"] = dict(desired.dimensions)
    return _call(
        "logs",
        "put_metric_filter",
        logGroupName=desired.log_group,
        filterName=desired.name,
        filterPattern=desired.pattern,
        metricTransformations=[transformation],
    )


def _topic_policy(desired: TopicPolicy) -> AwsCall:
    return _call(
        "sns",
        "set_topic_attributes",
        TopicArn=desired.topic_arn,
        AttributeName="Policy",
        AttributeValue=desired.document,
    )


def _subscription(desired: Subscription) -> AwsCall:
    return _call(
        "sns",
        "subscribe",
        TopicArn=desired.topic_arn,
        Protocol=desired.protocol,
        Endpoint=desired.endpoint,
    )


def _insight_rule(desired: InsightRule, *, is_new: bool) -> AwsCall:
    arguments: dict[str, object] = {
        "RuleName": desired.name,
        "RuleState": desired.state,
        "RuleDefinition": desired.definition,
    }
    if is_new:  # an update ignores tags (AWS API Reference, PutInsightRule)
        arguments["Tags"] = tag_list(desired.tags)
    return _call("cloudwatch", "put_insight_rule", **arguments)


def _anomaly_detector(method: str, anomaly_detector: AnomalyDetector) -> AwsCall:
    metric = {
        "Namespace": anomaly_detector.namespace,
        "MetricName": anomaly_detector.metric_name,
        "Dimensions": _dimensions(anomaly_detector.dimensions),
        "Stat": anomaly_detector.statistic,
    }
    return _call("cloudwatch", method, SingleMetricAnomalyDetector=metric)


def _log_alarm_calls(desired: LogAlarm, actual: Resource | None) -> tuple[AwsCall, ...]:
    *before, put = _tagged("put_log_alarm", _log_alarm(desired), desired, actual)
    return (*before, replace(put, passing=CONFLICT | ROLE_UNKNOWN))


def _log_alarm(desired: LogAlarm) -> dict[str, object]:
    """Returns the whole configuration: PutLogAlarm keeps nothing of the previous one."""
    return {
        **_alarm(desired),
        "ScheduledQueryConfiguration": {
            "QueryString": desired.query,
            "LogGroupIdentifiers": list(desired.log_groups),
            "ScheduledQueryRoleARN": desired.role,
            "ScheduleConfiguration": schedule(desired),
            "AggregationExpression": desired.aggregation,
        },
        "QueryResultsToEvaluate": desired.evaluation_runs,
        "QueryResultsToAlarm": desired.runs_to_alarm,
        "Threshold": desired.threshold,
        "ComparisonOperator": desired.comparison_operator,
        "TreatMissingData": desired.treat_missing_data,
    }


def schedule(alarm: LogAlarm) -> dict[str, object]:
    """Returns when the query of a log alarm runs, and which lines it reads."""
    return {
        "ScheduleExpression": schedule_expression(alarm.rate),
        "StartTimeOffset": alarm.window + alarm.delay,
        "EndTimeOffset": alarm.delay,
    }


def schedule_expression(rate: int) -> str:
    """Returns the expression for a rate in seconds, as `from_aws` reads it.

    Example:
        >>> schedule_expression(60), schedule_expression(300)
        ('rate(1 minute)', 'rate(5 minutes)')
    """
    minutes = rate // 60
    return f"rate({minutes} {'minute' if minutes == 1 else 'minutes'})"


def _query_role(desired: QueryRole, *, is_new: bool) -> tuple[AwsCall, ...]:
    name = {"RoleName": desired.name}
    if is_new:
        trust = _call(
            "iam",
            "create_role",
            **name,
            AssumeRolePolicyDocument=desired.trust,
            Description="CloudWatch Logs queries lines of failing requests for log alarms.",
            Tags=tag_list(desired.tags),
        )
    else:
        trust = _call("iam", "update_assume_role_policy", **name, PolicyDocument=desired.trust)
    policy = {"PolicyName": POLICY_NAME, "PolicyDocument": desired.permissions}
    return trust, _call("iam", "put_role_policy", **name, **policy)


def _query_definition(desired: QueryDefinition, actual: Resource | None) -> AwsCall:
    arguments: dict[str, object] = {
        "name": desired.name,
        "queryString": desired.query,
        "logGroupNames": list(desired.log_groups),
    }
    if isinstance(actual, QueryDefinition):
        arguments["queryDefinitionId"] = actual.id
    return _call("logs", "put_query_definition", **arguments)


def _dashboard(desired: Dashboard, *, is_new: bool) -> AwsCall:
    arguments: dict[str, object] = {
        "DashboardName": desired.name,
        "DashboardBody": desired.body,
    }
    if is_new:
        arguments["Tags"] = tag_list(desired.tags)
    return _call("cloudwatch", "put_dashboard", **arguments)


def _tagged(
    method: str,
    arguments: dict[str, object],
    desired: AwsAlarm,
    actual: Resource | None,
) -> tuple[AwsCall, ...]:
    """Puts an alarm with its tags. An update ignores tags, so that they take another call."""
    if not isinstance(actual, AwsAlarm):
        return (_call("cloudwatch", method, **arguments, Tags=tag_list(desired.tags)),)
    # Tags first: if they were last and failed, the next plan would find no difference.
    return (*tagging(desired, actual), _call("cloudwatch", method, **arguments))


def _alarm(desired: AwsAlarm) -> dict[str, object]:
    return {
        "AlarmName": desired.name,
        "AlarmDescription": desired.description,
        "ActionsEnabled": desired.actions_enabled,
        "AlarmActions": list(desired.alarm_actions),
        "OKActions": list(desired.ok_actions),
        "InsufficientDataActions": list(desired.insufficient_data_actions),
    }


def _metric_alarm(desired: MetricAlarm) -> dict[str, object]:
    """Returns the whole configuration: PutMetricAlarm keeps nothing of the previous one."""
    arguments: dict[str, object | None] = {
        **_alarm(desired),
        "Namespace": desired.namespace,
        "MetricName": desired.metric_name,
        # AWS refuses the fields of a metric, even empty, in an alarm on an expression.
        "Dimensions": None if desired.metrics else _dimensions(desired.dimensions),
        "Statistic": desired.statistic,
        "Period": desired.period,
        "EvaluationPeriods": desired.evaluation_periods,
        "DatapointsToAlarm": desired.datapoints_to_alarm,
        "Threshold": desired.threshold,
        "ComparisonOperator": desired.comparison_operator,
        "TreatMissingData": desired.treat_missing_data,
        "Unit": desired.unit,
        "Metrics": [*map(_metric_query, desired.metrics)] or None,
        "ThresholdMetricId": desired.threshold_metric_id,
    }
    return {key: value for key, value in arguments.items() if value is not None}


def _metric_query(query: MetricQuery) -> dict[str, object]:
    shared: dict[str, object] = {"Id": query.id, "ReturnData": query.return_data}
    if query.label is not None:
        shared["Label"] = query.label
    if query.expression is not None:
        period = {} if query.period is None else {"Period": query.period}
        return {**shared, "Expression": query.expression, **period}
    metric = {
        "Namespace": query.namespace,
        "MetricName": query.metric_name,
        "Dimensions": _dimensions(query.dimensions),
    }
    stat = {"Metric": metric, "Period": query.period, "Stat": query.statistic}
    return {**shared, "MetricStat": stat}


def _dimensions(pairs: Pairs) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in pairs]

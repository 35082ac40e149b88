"""Which AWS calls a change takes: pure, so that what is written can be known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_errwatch.provision.plan import Change
from flask_errwatch.provision.resources import (
    LogGroup,
    MetricAlarm,
    MetricFilter,
    Pairs,
    Subscription,
    Topic,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call that writes.

    Attributes:
        service: boto3's name of the service.
        method: boto3's name of the method.
        arguments: The call's arguments.
        tolerated: The error code that means that somebody else just did the same, or None.
    """

    service: str
    method: str
    arguments: Mapping[str, object]
    tolerated: str | None = None


def calls(change: Change) -> tuple[Call, ...]:
    """The calls of one change, in order. Each can be repeated without harm.

    A change of several calls is found again, whichever of them was the last to succeed.
    """
    resource = change.resource
    match resource:
        case LogGroup():
            return _log_group(resource, change)
        case MetricFilter():
            return (_filter(resource),)
        case Topic():
            # The tags are given at once: a topic without them would be somebody else's. A
            # topic that stands is never created again, since SNS refuses other tags then.
            arguments = {"Name": resource.name, "Tags": _tag_list(resource.tags)}
            return (Call(service="sns", method="create_topic", arguments=arguments),)
        case Subscription():
            return (_subscribe(resource),)
        case MetricAlarm():
            return _alarm(resource, change.actual)


def _log_group(group: LogGroup, change: Change) -> tuple[Call, ...]:
    name = {"logGroupName": group.name}
    create = Call(
        service="logs",
        method="create_log_group",
        arguments={**name, "logGroupClass": group.log_class, "tags": dict(group.tags)},
        # Several workers may start at the same time, and a sender creates it too.
        tolerated="ResourceAlreadyExistsException",
    )
    retain = Call(
        service="logs",
        method="put_retention_policy",
        arguments={**name, "retentionInDays": group.retention_days},
    )
    return (create, retain) if change.action == "create" else (retain,)


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
    arguments = {
        "logGroupName": declared.log_group,
        "filterName": declared.name,
        "filterPattern": declared.pattern,
        "metricTransformations": [transformation],
    }
    return Call(service="logs", method="put_metric_filter", arguments=arguments)


def _subscribe(declared: Subscription) -> Call:
    arguments = {
        "TopicArn": declared.topic_arn,
        "Protocol": declared.protocol,
        "Endpoint": declared.endpoint,
    }
    return Call(service="sns", method="subscribe", arguments=arguments)


def _alarm(declared: MetricAlarm, stands: object) -> tuple[Call, ...]:
    arguments = _alarm_arguments(declared)
    tags = _tag_list(declared.tags)
    if not isinstance(stands, MetricAlarm):
        put = {**arguments, "Tags": tags}
        return (Call(service="cloudwatch", method="put_metric_alarm", arguments=put),)
    # PutMetricAlarm ignores tags on an update. They go first: were they last and failed, the
    # next plan would find nothing to do.
    tag = {"ResourceARN": stands.arn, "Tags": tags}
    return (
        Call(service="cloudwatch", method="tag_resource", arguments=tag),
        Call(service="cloudwatch", method="put_metric_alarm", arguments=arguments),
    )


def _alarm_arguments(declared: MetricAlarm) -> dict[str, object]:
    """The whole configuration: PutMetricAlarm keeps nothing of the former one."""
    arguments: dict[str, object | None] = {
        "AlarmName": declared.name,
        "AlarmDescription": declared.description,
        "Namespace": declared.namespace,
        "MetricName": declared.metric_name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in declared.dimensions],
        "Statistic": declared.statistic,
        "Period": declared.period,
        "EvaluationPeriods": declared.evaluation_periods,
        "DatapointsToAlarm": declared.datapoints_to_alarm,
        "Threshold": declared.threshold,
        "ComparisonOperator": declared.comparison_operator,
        "TreatMissingData": declared.treat_missing_data,
        "Unit": declared.unit,
        "ActionsEnabled": declared.actions_enabled,
        "AlarmActions": list(declared.alarm_actions),
        "OKActions": list(declared.ok_actions),
        "InsufficientDataActions": list(declared.insufficient_data_actions),
    }
    return {key: value for key, value in arguments.items() if value is not None}


def _tag_list(tags: Pairs) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags]

"""What stands in AWS, in the same resource model: pure readers of the entries of listings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_errwatch.provision.resources import LogGroup, MetricAlarm, MetricFilter, Pairs

#: One entry of a listing, as boto3 gives it.
Entry = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Actual:
    """Everything that stands where an app's resources belong, foreign ones included.

    Attributes:
        log_group: The app's log group, or None.
        filters: Every metric filter of that group, by name.
        alarms: Every metric alarm whose name begins with the app's prefix, by name.
        has_topic: Whether the topic to create stands already.
        subscriptions: The topic's, as protocol and endpoint, and whether it is confirmed.
    """

    log_group: LogGroup | None
    filters: Mapping[str, MetricFilter]
    alarms: Mapping[str, MetricAlarm]
    has_topic: bool
    subscriptions: Mapping[tuple[str, str], bool]


def log_group(entry: Entry, tags: Mapping[str, str]) -> LogGroup:
    """A log group, from an entry of DescribeLogGroups and its tags."""
    return LogGroup(
        name=entry["logGroupName"],
        retention_days=entry.get("retentionInDays"),
        log_class=entry.get("logGroupClass", "STANDARD"),
        tags=tuple(sorted(tags.items())),
    )


def log_group_arn(entry: Entry) -> str:
    """The ARN as tagging takes it, without the `:*` of the older field."""
    return str(entry.get("logGroupArn") or entry["arn"]).removesuffix(":*")


def metric_filter(entry: Entry) -> MetricFilter:
    """A metric filter, from an entry of DescribeMetricFilters."""
    transformations = entry.get("metricTransformations") or [{}]
    made = transformations[0]
    default = made.get("defaultValue")
    return MetricFilter(
        log_group=entry["logGroupName"],
        name=entry["filterName"],
        pattern=entry.get("filterPattern", ""),
        namespace=made.get("metricNamespace", ""),
        metric_name=made.get("metricName", ""),
        value=made.get("metricValue", ""),
        unit=made.get("unit", "None"),
        default=None if default is None else float(default),
        dimensions=tuple(sorted((made.get("dimensions") or {}).items())),
    )


def metric_alarm(entry: Entry) -> MetricAlarm:
    """A metric alarm, from an entry of DescribeAlarms; alarms on expressions lack a metric."""
    number, needed = entry.get("EvaluationPeriods"), entry.get("DatapointsToAlarm")
    threshold = entry.get("Threshold")
    return MetricAlarm(
        name=entry["AlarmName"],
        description=entry.get("AlarmDescription") or "",
        namespace=entry.get("Namespace"),
        metric_name=entry.get("MetricName"),
        dimensions=_dimensions(entry),
        statistic=entry.get("Statistic") or entry.get("ExtendedStatistic"),
        period=entry.get("Period"),
        evaluation_periods=number,
        datapoints_to_alarm=None if needed == number else needed,
        threshold=None if threshold is None else float(threshold),
        comparison_operator=entry.get("ComparisonOperator"),
        treat_missing_data=entry.get("TreatMissingData") or "missing",
        unit=entry.get("Unit"),
        actions_enabled=entry.get("ActionsEnabled", True),
        alarm_actions=tuple(entry.get("AlarmActions", ())),
        ok_actions=tuple(entry.get("OKActions", ())),
        insufficient_data_actions=tuple(entry.get("InsufficientDataActions", ())),
        arn=entry["AlarmArn"],
    )


def _dimensions(entry: Entry) -> Pairs:
    return tuple(sorted((each["Name"], each["Value"]) for each in entry.get("Dimensions", ())))


def subscription(entry: Entry) -> tuple[tuple[str, str], bool]:
    """Protocol and endpoint of an entry of ListSubscriptionsByTopic; confirmed ones have an ARN.

    An unconfirmed one stands too: subscribing again would write to the person again.
    """
    key = (entry["Protocol"], entry["Endpoint"])
    return key, str(entry.get("SubscriptionArn", "")).startswith("arn:")

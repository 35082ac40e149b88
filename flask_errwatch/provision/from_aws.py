"""What stands in AWS, in the same resource model: pure readers of the entries of listings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask_errwatch.provision.resources import (
    AlarmState,
    AnomalyDetector,
    CompositeAlarm,
    InsightRule,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    Pairs,
    QueryDefinition,
    Resource,
    Subscription,
    TopicPolicy,
)
from flask_errwatch.provision.resources.canonical_json import canonical, recanonical

#: One entry of a listing, as boto3 gives it.
Entry = Mapping[str, Any]
#: Any class of the resource model.
ResourceT = TypeVar("ResourceT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Actual:
    """Everything that was found where an app's resources belong, foreign ones included.

    Attributes:
        resources: What was found; of alarms, those whose name begins with the app's.
        unseen: Sentences about what could not be looked for.
        topic_users: Names of other apps' alarms that tell this app's topic.
        missing_topic: ARN of the topic that the alarms shall tell, when it does not exist.
        region: The region that was looked at; None when that does not matter.
    """

    resources: tuple[Resource, ...]
    unseen: tuple[str, ...] = ()
    topic_users: tuple[str, ...] = ()
    missing_topic: str | None = None
    region: str | None = None
    _by_key: dict[tuple[str, str], Resource] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key = {(each.kind, each.key): each for each in self.resources}
        object.__setattr__(self, "_by_key", by_key)

    def like(self, declared: Resource) -> Resource | None:
        """What stands in the place of a declared resource."""
        return self._by_key.get((declared.kind, declared.key))

    def of(self, kind: type[ResourceT]) -> tuple[ResourceT, ...]:
        """Everything of one kind."""
        return tuple(each for each in self.resources if isinstance(each, kind))

    def alarm(self, name: str) -> MetricAlarm | CompositeAlarm | None:
        """The alarm of that name, of a metric or composite: they share their names' room."""
        for kind in (MetricAlarm, CompositeAlarm):
            found = self._by_key.get((kind.kind, name))
            if isinstance(found, MetricAlarm | CompositeAlarm):
                return found
        return None


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
        **_common(entry),
        namespace=entry.get("Namespace"),
        metric_name=entry.get("MetricName"),
        dimensions=_dimensions(entry.get("Dimensions", ())),
        statistic=entry.get("Statistic") or entry.get("ExtendedStatistic"),
        period=entry.get("Period"),
        evaluation_periods=number,
        datapoints_to_alarm=None if needed == number else needed,
        threshold=None if threshold is None else float(threshold),
        comparison_operator=entry.get("ComparisonOperator"),
        treat_missing_data=entry.get("TreatMissingData") or "missing",
        unit=entry.get("Unit"),
        metrics=tuple(map(_query, entry.get("Metrics", ()))),
        threshold_metric_id=entry.get("ThresholdMetricId"),
    )


def composite_alarm(entry: Entry) -> CompositeAlarm:
    """A composite alarm, from an entry of DescribeAlarms."""
    return CompositeAlarm(**_common(entry), rule=entry.get("AlarmRule", ""))


def _common(entry: Entry) -> dict[str, Any]:
    """What the entries of metric and composite alarms share."""
    state = AlarmState(
        value=entry.get("StateValue", "INSUFFICIENT_DATA"),
        reason=entry.get("StateReason") or "",
        since=entry.get("StateTransitionedTimestamp") or entry.get("StateUpdatedTimestamp"),
    )
    return {
        "name": entry["AlarmName"],
        "description": entry.get("AlarmDescription") or "",
        "actions_enabled": entry.get("ActionsEnabled", True),
        "alarm_actions": tuple(entry.get("AlarmActions", ())),
        "ok_actions": tuple(entry.get("OKActions", ())),
        "insufficient_data_actions": tuple(entry.get("InsufficientDataActions", ())),
        "arn": entry["AlarmArn"],
        "state": state,
    }


def _query(entry: Entry) -> MetricQuery:
    stat = entry.get("MetricStat") or {}
    metric = stat.get("Metric") or {}
    return MetricQuery(
        id=entry["Id"],
        expression=entry.get("Expression"),
        namespace=metric.get("Namespace"),
        metric_name=metric.get("MetricName"),
        dimensions=_dimensions(metric.get("Dimensions", ())),
        statistic=stat.get("Stat"),
        period=entry.get("Period") or stat.get("Period"),
        label=entry.get("Label") or None,
        return_data=entry.get("ReturnData", True),
    )


def _dimensions(entries: Iterable[Entry]) -> Pairs:
    return tuple(sorted((each["Name"], each["Value"]) for each in entries))


def anomaly_detector(entry: Entry) -> AnomalyDetector | None:
    """A model of one metric, from DescribeAnomalyDetectors; None for one of an expression."""
    # The older fields stand beside the newer structure, or instead of it.
    metric = entry.get("SingleMetricAnomalyDetector") or entry
    if "MetricName" not in metric:
        return None
    return AnomalyDetector(
        namespace=metric["Namespace"],
        metric_name=metric["MetricName"],
        dimensions=_dimensions(metric.get("Dimensions", ())),
        statistic=metric["Stat"],
    )


def insight_rule(entry: Entry) -> InsightRule:
    """A rule, from an entry of DescribeInsightRules."""
    definition = recanonical(entry["Definition"])
    return InsightRule(name=entry["Name"], definition=definition, state=entry["State"])


def topic_policy(arn: str, policy: str, sid: str) -> TopicPolicy:
    """The statement of that id in a topic's policy, and the others.

    Args:
        arn: The topic.
        policy: Its attribute `Policy`.
        sid: The statement's id.
    """
    statements = json.loads(policy or "{}").get("Statement", ())
    # A policy of one statement may be written without a list.
    listed = [statements] if isinstance(statements, dict) else [*statements]
    return TopicPolicy(
        topic_arn=arn,
        statement=next((canonical(each) for each in listed if each.get("Sid") == sid), ""),
        others=tuple(canonical(each) for each in listed if each.get("Sid") != sid),
    )


def subscription(entry: Entry) -> Subscription:
    """A subscription, from an entry of ListSubscriptionsByTopic; confirmed ones have an ARN.

    An unconfirmed one stands too: subscribing again would write to the person again.
    """
    arn = str(entry.get("SubscriptionArn", ""))
    return Subscription(
        topic_arn=entry["TopicArn"],
        protocol=entry["Protocol"],
        endpoint=entry["Endpoint"],
        arn=arn if arn.startswith("arn:") else None,
    )


def query_definition(entry: Entry) -> QueryDefinition:
    """A saved query, from an entry of DescribeQueryDefinitions."""
    return QueryDefinition(
        name=entry["name"],
        query=entry["queryString"],
        log_groups=tuple(entry.get("logGroupNames", ())),
        id=entry["queryDefinitionId"],
    )

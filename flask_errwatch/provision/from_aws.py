"""Deserializers: entries of AWS list calls become resources. `to_aws` is the way back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from flask_errwatch._parsers import parse_json
from flask_errwatch.provision.resources import (
    AlarmState,
    AnomalyDetector,
    CompositeAlarm,
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
    Subscription,
    TopicPolicy,
    WafScope,
)
from flask_errwatch.provision.resources.canonical_json import canonical, recanonical

#: One entry of a list call, as boto3 returns it.
Entry = Mapping[str, Any]


def log_group(entry: Entry, tags: Mapping[str, str]) -> LogGroup:
    """Reads a log group from an entry of DescribeLogGroups and its tags."""
    return LogGroup(
        name=entry["logGroupName"],
        retention_days=entry.get("retentionInDays"),
        log_class=entry.get("logGroupClass", "STANDARD"),
        tags=tuple(sorted(tags.items())),
        arn=log_group_arn(entry),
    )


def log_group_arn(entry: Entry) -> str:
    """Returns the ARN as tagging expects it, without the `:*` of the older field."""
    return str(entry.get("logGroupArn") or entry["arn"]).removesuffix(":*")


def data_protection(log_group: str, response: Entry) -> DataProtection | None:
    """Reads the policy of a log group from GetDataProtectionPolicy. None if it has none."""
    document = response.get("policyDocument")
    if not document:
        return None
    return DataProtection(log_group=log_group, document=recanonical(document))


def metric_filter(entry: Entry) -> MetricFilter:
    """Reads a metric filter from an entry of DescribeMetricFilters."""
    transformations = entry.get("metricTransformations") or [{}]
    transformation = transformations[0]
    default = transformation.get("defaultValue")
    return MetricFilter(
        log_group=entry["logGroupName"],
        name=entry["filterName"],
        pattern=entry.get("filterPattern", ""),
        namespace=transformation.get("metricNamespace", ""),
        metric_name=transformation.get("metricName", ""),
        value=transformation.get("metricValue", ""),
        unit=transformation.get("unit", "None"),
        default=None if default is None else float(default),
        dimensions=tuple(sorted((transformation.get("dimensions") or {}).items())),
    )


def metric_alarm(entry: Entry) -> MetricAlarm:
    """Reads a metric alarm from an entry of DescribeAlarms. One on an expression has no metric."""
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


def log_alarm(entry: Entry) -> LogAlarm:
    """Reads a log alarm from an entry of DescribeAlarms."""
    query = entry["ScheduledQueryConfiguration"]
    schedule = query["ScheduleConfiguration"]
    delay = schedule.get("EndTimeOffset") or 0
    return LogAlarm(
        **_common(entry),
        log_groups=tuple(map(_log_group_name, query.get("LogGroupIdentifiers", ()))),
        query=query["QueryString"],
        aggregation=query["AggregationExpression"],
        rate=_rate(schedule["ScheduleExpression"]),
        window=schedule["StartTimeOffset"] - delay,
        delay=delay,
        evaluation_runs=entry.get("QueryResultsToEvaluate", 1),
        runs_to_alarm=entry.get("QueryResultsToAlarm", 1),
        threshold=float(entry.get("Threshold", 0)),
        comparison_operator=entry.get("ComparisonOperator", ""),
        treat_missing_data=entry.get("TreatMissingData") or "missing",
        role=query["ScheduledQueryRoleARN"],
        evaluation_state=entry.get("EvaluationState"),
    )


def _log_group_name(identifier: str) -> str:
    """Returns the name of a group that may be given by its ARN."""
    return identifier.partition(":log-group:")[2].removesuffix(":*") or identifier


_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


def _rate(expression: str) -> int:
    """Returns the seconds between two runs. 0 for a schedule that is not a rate."""
    match = _RATE.fullmatch(expression)
    return int(match[1]) * _SECONDS[match[2]] if match else 0


def query_role(role: Entry, policy: Entry | None) -> QueryRole:
    """Reads the role of log alarms from GetRole, and its policy from GetRolePolicy."""
    return QueryRole(
        name=role["RoleName"],
        arn=role["Arn"],
        trust=_policy_document(role.get("AssumeRolePolicyDocument")),
        permissions="" if policy is None else _policy_document(policy.get("PolicyDocument")),
        tags=tag_pairs(role.get("Tags", ())),
    )


def tag_pairs(entries: Iterable[Entry]) -> Pairs:
    """Reads tags as most services list them."""
    return tuple((tag["Key"], tag["Value"]) for tag in entries)


def _policy_document(document: object) -> str:
    """Returns a policy as canonical JSON. botocore decodes those of IAM, which are URL-encoded."""
    return recanonical(unquote(document)) if isinstance(document, str) else canonical(document)


def composite_alarm(entry: Entry) -> CompositeAlarm:
    """Reads a composite alarm from an entry of DescribeAlarms."""
    return CompositeAlarm(**_common(entry), rule=entry.get("AlarmRule", ""))


def _common(entry: Entry) -> dict[str, Any]:
    """Reads the fields that all alarms share."""
    state = AlarmState(
        value=entry.get("StateValue", "INSUFFICIENT_DATA"),
        reason=entry.get("StateReason") or "",
        since=entry.get("StateTransitionedTimestamp") or entry.get("StateUpdatedTimestamp"),
        evidence=entry.get("StateReasonData") or "",
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
    return tuple(sorted((entry["Name"], entry["Value"]) for entry in entries))


def anomaly_detector(entry: Entry) -> AnomalyDetector | None:
    """Reads the model of a metric from DescribeAnomalyDetectors. None for that of an expression."""
    # AWS returns the older fields beside the newer structure, or instead of it.
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
    """Reads a rule from an entry of DescribeInsightRules."""
    definition = recanonical(entry["Definition"])
    return InsightRule(name=entry["Name"], definition=definition, state=entry["State"])


def topic_policy(arn: str, policy: str, sid: str) -> TopicPolicy:
    """Reads a topic's policy: the statement with that id, and the others.

    Args:
        arn: The topic's ARN.
        policy: Its attribute `Policy`.
        sid: The statement's id.
    """
    document = parse_json(policy or "{}")
    statements = document.get("Statement", ()) if isinstance(document, dict) else ()
    # A policy with a single statement may have no list.
    statements = [statements] if isinstance(statements, dict) else [*statements]
    return TopicPolicy(
        topic_arn=arn,
        statement=next((canonical(entry) for entry in statements if entry.get("Sid") == sid), ""),
        others=tuple(canonical(entry) for entry in statements if entry.get("Sid") != sid),
    )


def subscription(entry: Entry) -> Subscription:
    """Reads a subscription from an entry of ListSubscriptionsByTopic.

    Only a confirmed one has an ARN. An unconfirmed one exists too: to subscribe again would send
    the person another e-mail.
    """
    arn = str(entry.get("SubscriptionArn", ""))
    return Subscription(
        topic_arn=entry["TopicArn"],
        protocol=entry["Protocol"],
        endpoint=entry["Endpoint"],
        arn=arn if arn.startswith("arn:") else None,
    )


def query_definition(entry: Entry) -> QueryDefinition:
    """Reads a saved query from an entry of DescribeQueryDefinitions."""
    return QueryDefinition(
        name=entry["name"],
        query=entry["queryString"],
        log_groups=tuple(entry.get("logGroupNames", ())),
        id=entry["queryDefinitionId"],
    )


def ip_set(response: Entry, scope: WafScope) -> IpSet:
    """Reads an IP set from GetIPSet."""
    entry = response["IPSet"]
    return IpSet(
        name=entry["Name"],
        scope=scope,
        family=entry["IPAddressVersion"],
        description=entry.get("Description") or "",
        entries=len(entry.get("Addresses", ())),
        arn=entry["ARN"],
        id=entry["Id"],
        lock_token=response["LockToken"],
    )


def action_failed(entry: Entry) -> bool:
    """Whether an alarm's action failed, from an entry of DescribeAlarmHistory.

    CloudWatch writes `Failed to execute action …` (re:Post, cloudwatch-configure-alarm-sns).
    """
    summary = str(entry.get("HistorySummary"))
    return summary.startswith("Failed") or history_data(entry).get("actionState") == "Failed"


def history_data(entry: Entry) -> Entry:
    """Returns the details of an entry of DescribeAlarmHistory. Empty if they are not JSON."""
    try:
        data = parse_json(entry.get("HistoryData") or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}

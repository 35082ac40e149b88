"""Parses the stored filters, rules and alarms, and rejects those that the judge cannot evaluate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.provision.from_aws import (
    composite_alarm,
    insight_rule,
    log_alarm,
    metric_alarm,
    metric_filter,
)
from flask_errwatch.provision.resources import (
    CompositeAlarm,
    InsightRule,
    LogAlarm,
    MetricAlarm,
    MetricFilter,
)
from flask_errwatch.simulation import (
    AlarmCondition,
    CompositeCondition,
    LineFilter,
    LogAlarmCondition,
)
from flask_errwatch.simulation.insight_rules import ContributorRule

# Members without a field in the resource model, because `apply` never sets them.
_UNSUPPORTED_IN_FILTERS = {
    "applyOnTransformedLogs": "The judge sees lines only as they were sent; leave it out.",
    "fieldSelectionCriteria": "The judge sees lines only as they were sent; leave it out.",
    "emitSystemFieldDimensions": "The judge has no system fields; leave it out.",
}
_UNSUPPORTED_IN_ALARMS = {
    "EvaluationCriteria": "The judge evaluates one metric, not PromQL.",
    "WarmUpConfiguration": "The judge has no warm-up period; leave it out.",
}


def parse_filter(entry: Mapping[str, Any]) -> MetricFilter:
    """Returns the metric filter of an entry of DescribeMetricFilters.

    Raises:
        JudgeError: When the judge cannot evaluate it.
    """
    _reject(entry, _UNSUPPORTED_IN_FILTERS, f"metric filter {entry['filterName']!r}")
    resource = metric_filter(entry)
    LineFilter(resource)
    return resource


def parse_rule(entry: Mapping[str, Any]) -> InsightRule:
    """Returns the insight rule of an entry of DescribeInsightRules.

    Raises:
        JudgeError: When the judge cannot evaluate it.
    """
    rule = insight_rule(entry)
    ContributorRule.of(rule)
    if len(_groups_of(rule)) != 1:
        remedy = "The lab judges rules of one log group."
        raise _error(entry, "Definition", f"insight rule {rule.name!r}", remedy)
    return rule


def group_of(rule: InsightRule) -> str:
    """Returns the log group whose lines a parsed rule counts."""
    return _groups_of(rule)[0]


def _groups_of(rule: InsightRule) -> list[str]:
    groups: list[str] = json.loads(rule.definition).get("LogGroupNames", [])
    return groups


def parse_alarm(entry: Mapping[str, Any]) -> MetricAlarm | CompositeAlarm | LogAlarm:
    """Returns the alarm of an entry of DescribeAlarms.

    Raises:
        JudgeError: When the judge cannot evaluate it.
    """
    if "ScheduledQueryConfiguration" in entry:
        return _log_alarm(entry)
    if entry.get("AlarmRule"):
        composite = composite_alarm(entry)
        CompositeCondition.of(composite)
        return composite
    name = f"alarm {entry['AlarmName']!r}"
    _reject(entry, _UNSUPPORTED_IN_ALARMS, name)
    if "WallClockWindow" in (entry.get("EvaluationWindow") or {}):
        raise _error(entry, "EvaluationWindow", name, "The judge evaluates sliding windows only.")
    if entry.get("EvaluateLowSampleCountPercentile") == "ignore":
        remedy = "The judge evaluates every percentile; use 'evaluate'."
        raise _error(entry, "EvaluateLowSampleCountPercentile", name, remedy)
    resource = metric_alarm(entry)
    AlarmCondition.of(resource)
    return resource


def _log_alarm(entry: Mapping[str, Any]) -> LogAlarm:
    name = f"log alarm {entry['AlarmName']!r}"
    _reject(entry, _UNSUPPORTED_IN_ALARMS, name)
    resource = log_alarm(entry)
    query = entry["ScheduledQueryConfiguration"]
    if not resource.rate:
        remedy = "The judge reads rate(1 minute), rate(2 hours) and the like."
        raise _error(query["ScheduleConfiguration"], "ScheduleExpression", name, remedy)
    if len(resource.log_groups) != 1:
        remedy = "The lab judges log alarms of one log group."
        raise _error(query, "LogGroupIdentifiers", name, remedy)
    LogAlarmCondition.of(resource)
    return resource


def _reject(entry: Mapping[str, Any], remedies: Mapping[str, str], name: str) -> None:
    for key, remedy in remedies.items():
        if entry.get(key):
            raise _error(entry, key, name, remedy)


def _error(entry: Mapping[str, Any], key: str, name: str, remedy: str) -> JudgeError:
    return JudgeError(Problem(key=f"{key} of {name}", value=entry.get(key), remedy=remedy))

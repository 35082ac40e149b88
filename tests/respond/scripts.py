"""Answers of AWS to questions about alarms, as its pages show them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask_errwatch.respond.alarm.subject import Subject, find_subject
from tests.doctor.scripted_aws import ScriptedAws, shop

#: 29 November 2026, 02:06:00 UTC, and two minutes later.
FIRED = datetime(2026, 11, 29, 2, 6, tzinfo=UTC)
NOW = FIRED.timestamp() + 120
ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:"
PATTERN = '{ $.event = "Not Found Error" }'

EVIDENCE = {
    "version": "1.0",
    "queryDate": "2026-11-29T02:06:00.123+0000",
    "startDate": "2026-11-29T02:01:00.000+0000",
    "statistic": "Sum",
    "period": 300,
    "recentDatapoints": [41.0],
    "threshold": 10.0,
    "evaluatedDatapoints": [{"timestamp": "2026-11-29T02:01:00.000+0000", "value": 41.0}],
}


def metric_entry(name: str = "shop-not-found-error", **more: Any) -> dict[str, Any]:
    """A metric alarm in ALARM as DescribeAlarms returns it."""
    return {
        "AlarmName": name,
        "AlarmArn": f"{ARN}{name}",
        "Namespace": "Application Logs",
        "MetricName": name,
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 10.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "StateValue": "ALARM",
        "StateReasonData": json.dumps(EVIDENCE),
        "StateTransitionedTimestamp": FIRED,
        **more,
    }


def log_entry(name: str = "shop-scan", **more: Any) -> dict[str, Any]:
    """A log alarm in ALARM as DescribeAlarms returns it."""
    return {
        "AlarmName": name,
        "AlarmArn": f"{ARN}{name}",
        "ScheduledQueryConfiguration": {
            "QueryString": "filter suspicion > 0",
            "LogGroupIdentifiers": ["shop"],
            "ScheduledQueryRoleARN": "arn:aws:iam::123456789012:role/shop",
            "ScheduleConfiguration": {
                "ScheduleExpression": "rate(1 minute)",
                "StartTimeOffset": 660,
                "EndTimeOffset": 60,
            },
            "AggregationExpression": "sum(suspicion) by client_ip | sort desc",
        },
        "QueryResultsToEvaluate": 1,
        "QueryResultsToAlarm": 1,
        "Threshold": 16.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "StateValue": "ALARM",
        "StateTransitionedTimestamp": FIRED,
        **more,
    }


def composite_entry(name: str, rule: str, **more: Any) -> dict[str, Any]:
    """A composite alarm in ALARM as DescribeAlarms returns it."""
    state = {"StateValue": "ALARM", "StateTransitionedTimestamp": FIRED}
    return {"AlarmName": name, "AlarmArn": f"{ARN}{name}", "AlarmRule": rule, **state, **more}


def filter_entry(name: str = "shop-not-found-error", pattern: str = PATTERN) -> dict[str, Any]:
    """A metric filter as DescribeMetricFilters returns it."""
    return {
        "logGroupName": "shop",
        "filterName": name,
        "filterPattern": pattern,
        "metricTransformations": [
            {
                "metricName": name,
                "metricNamespace": "Application Logs",
                "metricValue": "1",
                "defaultValue": 0.0,
                "unit": "Count",
            }
        ],
    }


def knows(
    aws: ScriptedAws,
    *,
    metric: Iterable[Mapping[str, Any]] = (),
    composite: Iterable[Mapping[str, Any]] = (),
    log: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Expects the calls that list the alarms of each kind."""
    for key, alarms in (("Metric", metric), ("Composite", composite), ("Log", log)):
        aws.answers("cloudwatch", "describe_alarms", {f"{key}Alarms": [*alarms]})


def filters(aws: ScriptedAws, *entries: Mapping[str, Any]) -> None:
    """Expects the call that lists the metric filters of the app's log group."""
    aws.expects(
        "logs", "describe_metric_filters", {"metricFilters": [*entries]}, logGroupName="shop"
    )


def subject_of(aws: ScriptedAws, entry: Mapping[str, Any]) -> Subject:
    """The subject of a metric alarm or log alarm that AWS lists."""
    if "MetricName" in entry:
        knows(aws, metric=[entry])
        filters(aws, filter_entry(entry["MetricName"]))
    else:
        knows(aws, log=[entry])
        filters(aws)
    return find_subject(aws, entry["AlarmName"], *shop())

"""Builds resources for the simulation tests."""

from __future__ import annotations

import json

from flask_errwatch.provision.resources import (
    CompositeAlarm,
    InsightRule,
    LogAlarm,
    MetricAlarm,
    MetricFilter,
)


def metric_filter(
    name: str = "boom", pattern: str = '{ $.event = "Boom" }', **fields: object
) -> MetricFilter:
    """A metric filter that feeds the metric `Shop/boom`."""
    arguments: dict[str, object] = {"namespace": "Shop", "metric_name": "boom", **fields}
    return MetricFilter(log_group="shop", name=name, pattern=pattern, **arguments)  # type: ignore[arg-type]  # what the test is about


def metric_alarm(name: str = "boom", **fields: object) -> MetricAlarm:
    """An alarm on `Shop/boom`: more than 10 in 300 s."""
    arguments: dict[str, object] = {
        "namespace": "Shop",
        "metric_name": "boom",
        "statistic": "Sum",
        "threshold": 10.0,
        "period": 300,
        "evaluation_periods": 1,
        "comparison_operator": "GreaterThanThreshold",
        "treat_missing_data": "missing",
        **fields,
    }
    return MetricAlarm(name=name, description="", **arguments)  # type: ignore[arg-type]  # what the test is about


def composite_alarm(name: str, rule: str) -> CompositeAlarm:
    """A composite alarm."""
    return CompositeAlarm(name=name, description="", rule=rule)


def log_alarm(name: str = "scan", /, **fields: object) -> LogAlarm:
    """A log alarm on a suspicion of one client above 16 in the 600 s that ended 60 s ago."""
    arguments: dict[str, object] = {
        "query": "filter suspicion > 0",
        "aggregation": "sum(suspicion) by client_ip | sort desc",
        "window": 600,
        "threshold": 16.0,
        "alarm_actions": ("arn:aws:sns:eu-west-1:123456789012:ops",),
        **fields,
    }
    return LogAlarm(
        name=name,
        description="",
        log_groups=("shop",),
        role="arn:aws:iam::123456789012:role/shop-queries",
        **arguments,  # type: ignore[arg-type]  # what the test is about
    )


def insight_rule(
    name: str = "scan",
    *,
    key: str = "$.client_ip",
    filters: list[dict[str, object]] | None = None,
    value: str | None = "$.suspicion",
) -> InsightRule:
    """A rule that sums the suspicion of each client."""
    contribution: dict[str, object] = {
        "Keys": [key],
        "Filters": filters or [{"Match": "$.suspicion", "GreaterThan": 0}],
    }
    if value is not None:
        contribution["ValueOf"] = value
    definition = {
        "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
        "LogGroupNames": ["shop"],
        "LogFormat": "JSON",
        "Contribution": contribution,
        "AggregateOn": "Count" if value is None else "Sum",
    }
    return InsightRule(name=name, definition=json.dumps(definition))

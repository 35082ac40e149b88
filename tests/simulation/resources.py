"""Builds resources for the simulation tests."""

from __future__ import annotations

from flask_errwatch.provision.resources import CompositeAlarm, MetricAlarm, MetricFilter


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

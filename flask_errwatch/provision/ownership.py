"""Decides whether a resource is managed by this app, using only what the list calls return."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    CompositeAlarm,
    Dashboard,
    DataProtection,
    InsightRule,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    QueryDefinition,
    Resource,
    Topic,
)
from flask_errwatch.provision.resources.tags import marker, tags_for

# The only form in which a detector's pattern is written (`Detector.pattern`).
_PATTERN = re.compile(r'\{ \$\.event = "([^"]+)" \}')
_WORDS = re.compile(r"[a-z0-9]+")
_RULE_METRIC = re.compile(r'INSIGHT_RULE_METRIC\("([^"]*)"')


def is_managed(resource: Resource, app_name: str, actual: Actual) -> bool:
    """Whether an existing resource is managed by the app, so that it may be changed or deleted.

    Args:
        resource: The existing resource.
        app_name: The app.
        actual: Everything that exists.
    """
    match resource:
        case LogGroup() | Topic():
            return set(tags_for(app_name)) <= set(resource.tags)
        case MetricAlarm() | CompositeAlarm():
            return resource.belongs_to(app_name)
        case MetricFilter():
            return _is_managed_filter(resource, app_name, actual)
        case InsightRule():
            return resource.name in insight_rules_of(managed_metric_alarms(actual, app_name))
        case AnomalyDetector():
            return any(
                (query.namespace, query.metric_name) == (resource.namespace, resource.metric_name)
                for alarm in managed_metric_alarms(actual, app_name)
                if has_band(alarm)
                for query in alarm.metrics
            )
        case DataProtection():
            return f'"Description":{json.dumps(marker(app_name))}' in resource.document
        case QueryDefinition():
            return resource.query.split("\n", 1)[0] == f"# {marker(app_name)}"
        case Dashboard():
            # Dashboards are global: the same app may have one in another region.
            is_here = actual.region is None or f'"region":"{actual.region}"' in resource.body
            return is_here and f'"markdown":{json.dumps(marker(app_name))}' in resource.body
        case _:
            # The policy and the subscriptions of a topic belong to the topic.
            return False


#: The values of desired filters: a line counts as one, or as its own count.
_VALUES = frozenset({"1", "$.count"})


def _is_managed_filter(metric_filter: MetricFilter, app_name: str, actual: Actual) -> bool:
    """Decides by two signs, in this order, since a filter has neither tags nor a description.

    1. The alarm of the same name: the filter has the alarm's owner.
    2. Without such an alarm, the phrase that the filter counts shows where the app's name ends.
       `shop-admin-critical-error` counts `Critical Error`, so it belongs to `shop-admin` and
       never to `shop`. Its transformation must also be the one that we write. A detector whose
       name is not its phrase leaves the owner unknown: without an alarm its filter is neither
       changed nor deleted on suspicion.
    """
    if metric_filter.metric_name != metric_filter.name:
        return False
    alarm = actual.alarm(metric_filter.name)
    if alarm is not None:
        return alarm.belongs_to(app_name)
    return _is_plain(metric_filter) and owner_by_phrase(metric_filter) == app_name


def _is_plain(metric_filter: MetricFilter) -> bool:
    """Whether its transformation is one that desired filters have, collapsed lines or not."""
    return metric_filter.value in _VALUES and (
        metric_filter.unit,
        metric_filter.default,
        metric_filter.dimensions,
    ) == ("Count", 0.0, ())


def owner_by_phrase(metric_filter: MetricFilter) -> str | None:
    """Returns the app that owns a filter, by its name and phrase. None when they do not match.

    Example:
        >>> login_failed = MetricFilter(log_group="shop", name="shop-admin-login-failed",
        ...     pattern='{ $.event = "Login Failed" }', namespace="N", metric_name="…")
        >>> owner_by_phrase(login_failed)
        'shop-admin'
    """
    match = _PATTERN.fullmatch(metric_filter.pattern)
    if match is None:
        return None
    name, ending = metric_filter.name, "-" + "-".join(_WORDS.findall(match[1].lower()))
    return name.removesuffix(ending) if name.endswith(ending) else None


def managed_metric_alarms(actual: Actual, app_name: str) -> tuple[MetricAlarm, ...]:
    """Returns the existing metric alarms that are managed by the app."""
    return tuple(alarm for alarm in actual.of_type(MetricAlarm) if alarm.belongs_to(app_name))


def insight_rules_of(alarms: Iterable[MetricAlarm]) -> frozenset[str]:
    """Returns the names of the Contributor Insights rules that the alarms' expressions use."""
    expressions = (query.expression or "" for alarm in alarms for query in alarm.metrics)
    return frozenset(
        name for expression in expressions for name in _RULE_METRIC.findall(expression)
    )


def has_band(alarm: MetricAlarm) -> bool:
    """Whether the alarm compares its metric with an anomaly band."""
    return alarm.threshold_metric_id is not None

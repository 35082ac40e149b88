"""Decides whether a resource is managed by this app, using only what the list calls return."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from flask_errwatch.detectors import DEFAULT_DETECTORS
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    CompositeAlarm,
    Dashboard,
    DataProtection,
    InsightRule,
    IpSet,
    LogAlarm,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    QueryDefinition,
    QueryRole,
    Resource,
    Topic,
)
from flask_errwatch.provision.resources.tags import is_own_ip_set, marker, tags_for
from flask_errwatch.provision.source_alarms import source_alarm_names

# The forms in which a detector's pattern names its event (`Detector.pattern`).
_PATTERN = re.compile(
    r'\{ (?:\$\.event = "([^"]+)"|\(\$\.event = "([^"]+)"\) && \(.+\)) \}', re.DOTALL
)
# Those of the default detectors without an event, and how the names of their filters end.
_ENDINGS = {
    detector.pattern: f"-{detector.name}"
    for detector in DEFAULT_DETECTORS
    if detector.event is None
}
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
        case LogGroup() | Topic() | QueryRole():
            return set(tags_for(app_name)) <= set(resource.tags)
        case MetricAlarm() | LogAlarm() | CompositeAlarm():
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
        case IpSet():
            return is_own_ip_set(resource.description, app_name)
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


#: The values of desired filters: a line counts as one, or as its own count, or a default detector
#: has its own. Where an app's detector has one, only its alarm shows the owner.
_VALUES = frozenset({"1", "$.count", *(detector.value for detector in DEFAULT_DETECTORS)} - {None})


def _is_managed_filter(metric_filter: MetricFilter, app_name: str, actual: Actual) -> bool:
    """Decides by two signs, in this order, since a filter has neither tags nor a description.

    1. The alarm of the same name, or one of the app's on the filter's metric or on the sources of
       its lines: the filter has the alarm's owner.
    2. Without such an alarm, the phrase that the filter counts shows where the app's name ends.
       `shop-admin-critical-error` counts `Critical Error`, so it belongs to `shop-admin` and
       never to `shop`. So does the condition of a default detector without a phrase. Its
       transformation must also be the one that we write. A detector whose name is not its phrase
       leaves the owner unknown: without an alarm its filter is neither changed nor deleted on
       suspicion.
    """
    if metric_filter.metric_name != metric_filter.name:
        return False
    alarm = actual.alarm(metric_filter.name)
    if alarm is not None:
        return alarm.belongs_to(app_name)
    metric = (metric_filter.namespace, metric_filter.metric_name)
    watching = [
        *map(actual.alarm, source_alarm_names(metric_filter.name)),
        *(
            alarm
            for alarm in actual.of_type(MetricAlarm)
            if (alarm.namespace, alarm.metric_name) == metric
        ),
    ]
    if any(alarm is not None and alarm.belongs_to(app_name) for alarm in watching):
        return True
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
    name, match = metric_filter.name, _PATTERN.fullmatch(metric_filter.pattern)
    if match is None:
        ending = _ENDINGS.get(metric_filter.pattern)
    else:
        ending = "-" + "-".join(_WORDS.findall((match[1] or match[2]).lower()))
    if ending is None:
        return None
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

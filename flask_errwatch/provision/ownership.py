"""Whose is it: told from what the listings return, without a call per resource."""

from __future__ import annotations

import json
import re

from flask_errwatch.provision.from_aws import Actual
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    CompositeAlarm,
    Dashboard,
    InsightRule,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    QueryDefinition,
    Resource,
    Topic,
)
from flask_errwatch.provision.resources.tags import marker, tags_for

# The one form in which a detector's pattern is written (`Detector.pattern`).
_PATTERN = re.compile(r'\{ \$\.event = "([^"]+)" \}')
_WORDS = re.compile(r"[a-z0-9]+")


def is_ours(stands: Resource, app_name: str, actual: Actual) -> bool:
    """Whether what stands is the app's own, so that it may be changed or deleted.

    Args:
        stands: What was found.
        app_name: The app.
        actual: Everything that was found.
    """
    match stands:
        case LogGroup() | Topic():
            return set(tags_for(app_name)) <= set(stands.tags)
        case MetricAlarm() | CompositeAlarm():
            return stands.belongs_to(app_name)
        case MetricFilter():
            return _is_our_filter(stands, app_name, actual)
        case InsightRule():
            return stands.name in _expressions(app_name, actual)
        case AnomalyDetector():
            return (stands.namespace, stands.metric_name) in _banded(app_name, actual)
        case QueryDefinition():
            return stands.query.split("\n", 1)[0] == f"# {marker(app_name)}"
        case Dashboard():
            # Dashboards are global: the same app may have one in another region.
            is_here = actual.region is None or f'"region":"{actual.region}"' in stands.body
            return is_here and f'"markdown":{json.dumps(marker(app_name))}' in stands.body
        case _:
            # A topic's policy and subscriptions go with the topic.
            return False


def _is_our_filter(stands: MetricFilter, app_name: str, actual: Actual) -> bool:
    """A filter carries neither tags nor a description; two things tell, in this order.

    The alarm of the same name says whose it is. Otherwise the phrase that the filter counts says
    where the app's name ends: `shop-admin-critical-error` counts `Critical Error`, so it is
    `shop-admin`'s and never `shop`'s; its transformation must be the one that we write. A
    detector whose name is not its phrase leaves that open: its filter, when it has no alarm, is
    neither changed nor deleted on suspicion.
    """
    if stands.metric_name != stands.name:
        return False
    alarm = actual.alarm(stands.name)
    if alarm is not None:
        return alarm.belongs_to(app_name)
    return _is_plain(stands) and owner_told(stands) == app_name


def _is_plain(stands: MetricFilter) -> bool:
    """Whether its transformation is the one that every declared filter has."""
    values = (stands.value, stands.unit, stands.default, stands.dimensions)
    return values == ("1", "Count", 0.0, ())


def owner_told(stands: MetricFilter) -> str | None:
    """The app whose filter this is by its name and phrase; None when they do not tell.

    Example:
        >>> counted = MetricFilter(log_group="shop", name="shop-admin-login-failed",
        ...     pattern='{ $.event = "Login Failed" }', namespace="N", metric_name="…")
        >>> owner_told(counted)
        'shop-admin'
    """
    found = _PATTERN.fullmatch(stands.pattern)
    if found is None:
        return None
    ending = "-" + "-".join(_WORDS.findall(found[1].lower()))
    return stands.name.removesuffix(ending) if stands.name.endswith(ending) else None


def _own_alarms(app_name: str, actual: Actual) -> tuple[MetricAlarm, ...]:
    return tuple(each for each in actual.of(MetricAlarm) if each.belongs_to(app_name))


def rules_named(alarms: tuple[MetricAlarm, ...]) -> frozenset[str]:
    """The Contributor Insights rules that the expressions of alarms name."""
    terms = (term.expression or "" for each in alarms for term in each.metrics)
    return frozenset(
        name for term in terms for name in re.findall(r'INSIGHT_RULE_METRIC\("([^"]*)"', term)
    )


def has_band(alarm: MetricAlarm) -> bool:
    """Whether the alarm compares with an anomaly band."""
    return alarm.threshold_metric_id is not None


def _expressions(app_name: str, actual: Actual) -> frozenset[str]:
    return rules_named(_own_alarms(app_name, actual))


def _banded(app_name: str, actual: Actual) -> set[tuple[str | None, str | None]]:
    banded = (each for each in _own_alarms(app_name, actual) if has_band(each))
    return {(term.namespace, term.metric_name) for each in banded for term in each.metrics}

"""Separates the alarms that an input can decide from those that are left unjudged, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from flask_errwatch.detectors import PROCESS_DIED
from flask_errwatch.errors import JudgeError
from flask_errwatch.provision.resources import (
    CompositeAlarm,
    InsightRule,
    LogAlarm,
    MetricAlarm,
    MetricFilter,
    Resource,
)
from flask_errwatch.simulation.composite import CompositeCondition
from flask_errwatch.simulation.conditions import AlarmCondition, metric_of, reason_unjudged
from flask_errwatch.simulation.contributors import ContributorMetric
from flask_errwatch.simulation.filters import LineFilter
from flask_errwatch.simulation.insight_rules import ContributorRule
from flask_errwatch.simulation.judge import HEARTBEAT_LINE
from flask_errwatch.simulation.log_conditions import LogAlarmCondition

#: The fields that name the client of a line, the preferred one first.
SOURCES = ("client_ip", "peer_ip")

_COUNTS = ("Sum", "SampleCount")


@dataclass(frozen=True, kw_only=True, slots=True)
class InputCoverage:
    """What an input shows beside the lines of failures.

    Attributes:
        requests: Whether it shows every request, as an access log does.
        heartbeats: Whether it shows the app's Heartbeat lines.
        deaths: Whether it would show the line of a process that died.
        fields: The fields that its lines show. None for all that the app writes.
        sources: Whether it shows whose every line is.
        sums_only: Whether it shows no lines but sums of what they add to metrics.
    """

    requests: bool
    heartbeats: bool
    deaths: bool = True
    fields: frozenset[str] | None = None
    sources: bool = True
    sums_only: bool = False

    def why_no_sources(self, reads: Iterable[str]) -> str | None:
        """The same for what reads these fields of the lines of each source."""
        if not self.sources:
            return "The input does not show the sources."
        return self.why_unread({*reads}.difference(SOURCES))

    def why_unread(self, reads: Iterable[str]) -> str | None:
        """Why what reads these fields is not judged, as a sentence, or None when it is."""
        hidden = () if self.fields is None else sorted({*reads} - self.fields)
        return f"The input does not show {' and '.join(hidden)}." if hidden else None


#: That of an input that shows everything.
WHOLE = InputCoverage(requests=True, heartbeats=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unjudged:
    """An alarm that is created and that the input cannot decide.

    Attributes:
        alarm: The alarm's name.
        reason: Why, as a sentence.
    """

    alarm: str
    reason: str


def split_judgeable(
    resources: Iterable[Resource], coverage: InputCoverage
) -> tuple[tuple[Resource, ...], tuple[Unjudged, ...]]:
    """Separates the alarms that an input cannot decide from the other resources.

    Args:
        resources: What `apply` creates for one app.
        coverage: What the input shows.

    Returns:
        The resources for a `Judge`, and the alarms that were left out.

    Example:
        >>> alarm = MetricAlarm(name="busy", description="", namespace="AWS/ApplicationELB",
        ...     metric_name="RequestCount", statistic="Sum", threshold=1, period=60,
        ...     evaluation_periods=1, comparison_operator="GreaterThanThreshold",
        ...     treat_missing_data="notBreaching")
        >>> split_judgeable([alarm], InputCoverage(requests=False, heartbeats=True))
        ((), (Unjudged(alarm='busy', reason='The input does not show all requests.'),))
    """
    listed = tuple(resources)
    filters = [LineFilter(resource) for resource in listed if isinstance(resource, MetricFilter)]
    rules, unread = _rules(listed)
    reasons: dict[str, str] = {}
    for resource in listed:
        reason = None
        if isinstance(resource, MetricAlarm):
            reason = _reason(resource, filters, coverage) or _rule_reason(
                resource, rules, unread, coverage
            )
        elif isinstance(resource, LogAlarm):
            reason = _query_reason(resource, coverage)
        if isinstance(resource, MetricAlarm | LogAlarm) and reason is not None:
            reasons[resource.name] = reason
    composites = [resource for resource in listed if isinstance(resource, CompositeAlarm)]
    reasons |= dict(_dependent(composites, reasons))
    alarm_kinds = (MetricAlarm, LogAlarm, CompositeAlarm)
    judged = tuple(
        resource
        for resource in listed
        if not (isinstance(resource, alarm_kinds) and resource.name in reasons)
        and not (isinstance(resource, InsightRule) and resource.name in unread)
    )
    unjudged = (Unjudged(alarm=name, reason=reason) for name, reason in reasons.items())
    return judged, tuple(unjudged)


def _reason(
    alarm: MetricAlarm, filters: Iterable[LineFilter], coverage: InputCoverage
) -> str | None:
    reason = reason_unjudged(alarm)
    if reason is not None or alarm.metrics:
        return reason
    metric = metric_of(alarm)
    feeding = [line_filter for line_filter in filters if line_filter.feeds(metric, alarm.unit)]
    if not feeding:
        if not coverage.requests:
            return "The input does not show all requests."
        if alarm.statistic not in _COUNTS:
            return f"Its {alarm.statistic} of the requests is not their number."
    elif not coverage.heartbeats and all(map(_counts_heartbeats, feeding)):
        return "The input does not show heartbeats."
    elif not coverage.deaths and all(map(_counts_deaths, feeding)):
        return "The input does not show which processes died."
    elif coverage.sums_only and alarm.statistic != "Sum":
        return f"Sums do not show its {alarm.statistic}."
    else:
        return coverage.why_unread(chain.from_iterable(one.reads for one in feeding))
    return None


def _rules(
    resources: Iterable[Resource],
) -> tuple[dict[str, ContributorRule], dict[str, str]]:
    """The insight rules by their names, and why the judge cannot evaluate the others."""
    rules: dict[str, ContributorRule] = {}
    unread: dict[str, str] = {}
    for resource in resources:
        if isinstance(resource, InsightRule):
            try:
                rules[resource.name] = ContributorRule.of(resource)
            except JudgeError as error:
                unread[resource.name] = str(error)
    return rules, unread


def _rule_reason(
    alarm: MetricAlarm,
    rules: Mapping[str, ContributorRule],
    unread: Mapping[str, str],
    coverage: InputCoverage,
) -> str | None:
    """Why an alarm on insight rules is not judged. Any source may be the one that is shown."""
    metric = AlarmCondition.of(alarm).metric if alarm.metrics else None
    if not isinstance(metric, ContributorMetric):
        return None
    for name in metric.rules:
        if name in unread:
            return unread[name]
    reads = (rules[name].reads for name in metric.rules if name in rules)
    return coverage.why_no_sources(chain.from_iterable(reads))


def _query_reason(alarm: LogAlarm, coverage: InputCoverage) -> str | None:
    """Why a log alarm is not judged: a condition of its detector may be beyond the judge."""
    try:
        condition = LogAlarmCondition.of(alarm)
    except JudgeError as error:
        return str(error)
    return coverage.why_no_sources(condition.query.reads)


def _counts_heartbeats(line_filter: LineFilter) -> bool:
    return line_filter.pattern.matches(HEARTBEAT_LINE)


def _counts_deaths(line_filter: LineFilter) -> bool:
    return line_filter.pattern.matches(f'{{"event": "{PROCESS_DIED}"}}')


def _dependent(
    composites: Iterable[CompositeAlarm], unjudged: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """The composite alarms that depend on an unjudged one, also through another composite."""
    names = set(unjudged)
    waiting = [CompositeCondition.of(composite) for composite in composites]
    while dependent := [condition for condition in waiting if condition.children & names]:
        for condition in dependent:
            yield condition.name, "It depends on an alarm that is not judged."
        names.update(condition.name for condition in dependent)
        waiting = [condition for condition in waiting if condition.name not in names]

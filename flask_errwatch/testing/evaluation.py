"""Evaluates the lines and requests of one app with the judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TypeVar

from flask_errwatch._text import counted, listed
from flask_errwatch._time import readable_minute
from flask_errwatch.alarms import SourceAlarm
from flask_errwatch.extension import AppState
from flask_errwatch.patterns import JsonEvent, read_event
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.provision.resources import LogAlarm, Resource
from flask_errwatch.provision.source_alarms import declared_alarm_names
from flask_errwatch.simulation import (
    HEARTBEAT_LINE,
    MINUTE,
    CompositeCondition,
    ContributorTransition,
    InputCoverage,
    Judge,
    LogAlarmReport,
    Report,
    Transition,
    Unjudged,
    split_judgeable,
)
from flask_errwatch.testing.sources import Firing, Offender, OffenderSearch

#: Addresses that a sentence names.
_SHOWN = 3

ChangeT = TypeVar("ChangeT", Transition, ContributorTransition)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrafficEvaluation:
    """The evaluated lines of one app.

    Attributes:
        state: The app's state.
        judge: The judge that evaluated the lines.
        transitions: The state transitions of all alarms, in order of time.
        moves: Those of the contributors of log alarms.
        offenders: The addresses for which a source alarm fired, in order of time.
        names: The name of each alarm in tests.
        unjudged: The alarms that lines cannot decide.
        children: The alarms that each composite alarm combines.
    """

    state: AppState
    judge: Judge
    transitions: list[Transition]
    moves: list[ContributorTransition]
    offenders: tuple[Offender, ...]
    names: dict[str, str]
    unjudged: tuple[Unjudged, ...]
    children: dict[str, list[str]]

    @property
    def firings(self) -> list[Firing]:
        """Each time that an alarm fired. A source alarm fires once for each address."""
        by_source = {offender.alarm for offender in self.offenders}
        others = [
            Firing(self.names[transition.alarm], transition.at, None)
            for transition in self.transitions
            if transition.new == "ALARM" and transition.alarm in self.names
        ]
        return [
            *(firing for firing in others if firing.alarm not in by_source),
            *(Firing(one.alarm, one.at, one.address) for one in self.offenders),
        ]

    def has_detector(self, name: str) -> bool:
        """Whether the app has this detector."""
        return any(detector.name == name for detector in self.state.catalogue)

    def lines(self, detector: str) -> int:
        """How many lines a detector counts."""
        name = self.state.catalogue.named(detector).resource_name(self.state.config.app_name)
        return next(
            lines
            for report in self.judge.reports()
            for line_filter, lines in report.filters
            if line_filter.name == name
        )

    def sentences(self, fired: AbstractSet[str]) -> Iterator[tuple[str, str, bool]]:
        """Name and result of each detector and further alarm, and whether it had no line."""
        alarms = {name: alarm for alarm, name in self.names.items()}
        app_name = self.state.config.app_name
        detectors = {
            detector.name: detector.resource_name(app_name) for detector in self.state.catalogue
        }
        reports: dict[str, Report | LogAlarmReport] = {
            report.name: report for report in self.judge.reports()
        }
        # A log alarm and the metric filter of its detector have one name.
        reports |= {report.name: report for report in self.judge.log_reports()}
        unjudged = {entry.alarm for entry in self.unjudged}
        for name, alarm in ({**detectors, **alarms}).items():
            seen = [reports[part] for part in self.children.get(alarm, [alarm]) if part in reports]
            sentence = self._sentence(alarm, reports, has_fired=name in fired)
            is_quiet = alarm not in unjudged and not any(map(_has_data, seen))
            yield name, sentence, is_quiet

    def _for_whom(self, alarm: str) -> str:
        """The addresses for which a source alarm fired. Empty for any other alarm."""
        name = self.names[alarm]
        # Each once: an address may come back.
        values = {
            offender.address: offender.value
            for offender in self.offenders
            if offender.alarm == name
        }
        shown = [f"{address} ({value:g})" for address, value in values.items()]
        return f" for {listed(shown, _SHOWN)}" if shown else ""

    def _sentence(
        self, alarm: str, reports: dict[str, Report | LogAlarmReport], *, has_fired: bool
    ) -> str:
        """One alarm, or one detector without an alarm, in one line."""
        outcome = f"fired{self._for_whom(alarm)}" if has_fired else "not fired"
        for entry in self.unjudged:
            if entry.alarm == alarm:
                return f"not judged: {entry.reason}"
        if alarm in reports:
            report = reports[alarm]
            if report.alarm is None:
                return f"{_observed(report)}; it has no alarm"
            return f"{outcome}: {_observed(report)}; alarms when {report.alarm}"
        children = [reports[child] for child in self.children[alarm]]
        observed = "; ".join(f"{child.name}: {_observed(child)}" for child in children)
        conditions = " and ".join(str(child.alarm) for child in children)
        return f"{outcome}: {observed}; alarms when {conditions}"


def evaluate_traffic(
    state: AppState,
    *,
    lines: Sequence[tuple[int, str]],
    requests: Iterable[int],
    start: int,
    now: float,
) -> TrafficEvaluation:
    """Evaluates one app with a new judge, so that no line is late.

    A log alarm reads its window when it is a minute old or so. Here it reads it at once, like any
    other alarm, and its transitions have the time at which they would happen.

    Args:
        state: The app's state.
        lines: Its lines with their time in milliseconds since the epoch.
        requests: The times of its requests, in the same unit.
        start: When the judge's clock starts, in seconds since the epoch.
        now: The current time. Its minute is treated as complete.
    """
    config = state.config
    desired = desired_resources(state.catalogue, config)
    coverage = InputCoverage(requests=True, heartbeats=bool(config.heartbeat_seconds))
    resources, unjudged = split_judgeable(desired.resources, coverage)
    judge = Judge([_without_delay(resource) for resource in resources], start=start)
    events: list[tuple[int, JsonEvent]] = []
    for timestamp, text in lines:
        event = read_event(text)
        judge.count(timestamp, judge.match_event(event, text))
        if event is not None:
            events.append((timestamp, event))
    for timestamp in requests:
        judge.count_requests(timestamp)
    end = int(now // MINUTE * MINUTE + MINUTE)
    if config.heartbeat_seconds:
        # A second heartbeat in a minute would add the same zero.
        beats = judge.assume_heartbeats(start, every=max(MINUTE, int(config.heartbeat_seconds)))
        minutes = {timestamp // 1000 // MINUTE * MINUTE for timestamp, _ in lines}
        among_lines = [minute for minute in minutes if beats.has(minute)]
        for minute in among_lines:
            judge.feed(minute * 1000, HEARTBEAT_LINE)
        judge.count_assumed(len(range(start, end, beats.every)) - len(among_lines))
    search = OffenderSearch.of(resources, events)
    transitions = [_delayed(change, search) for change in judge.advance(end)]
    moves = [_delayed(move, search) for move in judge.take_contributor_transitions()]
    names = _names_of(desired, state)
    return TrafficEvaluation(
        state=state,
        judge=judge,
        transitions=sorted(transitions, key=lambda transition: transition.at),
        moves=moves,
        offenders=tuple(search.offenders(transitions, moves, names)),
        names=names,
        unjudged=unjudged,
        children={
            composite.name: sorted(CompositeCondition.of(composite).children)
            for composite in (*desired.composites, *desired.app_alarms)
        },
    )


def _without_delay(resource: Resource) -> Resource:
    return replace(resource, delay=0) if isinstance(resource, LogAlarm) else resource


def _delayed(change: ChangeT, search: OffenderSearch) -> ChangeT:
    """The transition at the time at which it would happen."""
    alarm = search.log_alarms.get(change.alarm)
    return change if alarm is None else change._replace(at=change.at + alarm.delay)


def _names_of(desired: Desired, state: AppState) -> dict[str, str]:
    """The name of each alarm in tests: its detector's, or its own without the app's prefix.

    The alarm of a detector with a composite alarm (`BusyAlarm`) is the composite: the alarms that
    it combines notify no one. A `SourceAlarm` has the detector's name, whatever kind of alarm the
    configuration makes of it.
    """
    app_name = state.config.app_name
    names = {detector.resource_name(app_name): detector.name for detector in state.catalogue}
    for detector in state.catalogue:
        if isinstance(detector.alarm, SourceAlarm):
            kinds = declared_alarm_names(detector.resource_name(app_name))
            names |= dict.fromkeys(kinds, detector.name)
    log_alarms = [alarm for alarm in desired.resources if isinstance(alarm, LogAlarm)]
    alarms = {
        alarm.name: names.get(alarm.name)
        for alarm in (*desired.alarms, *log_alarms, *desired.app_alarms)
    }
    for composite in desired.composites:
        children = CompositeCondition.of(composite).children
        owners = [alarms.pop(child, None) for child in sorted(children)]
        alarms[composite.name] = next(filter(None, owners), None)
    return {alarm: name or alarm.removeprefix(f"{app_name}-") for alarm, name in alarms.items()}


def _has_data(report: Report | LogAlarmReport) -> bool:
    """Whether a line matched, or the alarm had a value."""
    if isinstance(report, LogAlarmReport):
        return report.most is not None
    has_value = report.peak is not None and bool(report.peak.datapoint.value)
    return has_value or any(lines for _, lines in report.filters)


def _observed(report: Report | LogAlarmReport) -> str:
    """How many lines matched, and the worst period; of a log alarm, the highest value."""
    if isinstance(report, LogAlarmReport):
        return "no data" if report.most is None else "highest {1:g} of {0}".format(*report.most)
    parts = []
    if report.filters:
        parts.append(f"{counted(sum(lines for _, lines in report.filters), 'line')} matched")
    if report.alarm is not None and report.peak is not None and report.peak.datapoint.value:
        start, end, value = report.peak.datapoint
        period = f"{readable_minute(start)} to {readable_minute(end)}"
        parts.append(f"worst {period} with {report.alarm.statistic} {value:g}")
    return ", ".join(parts) or "no data"

"""Evaluates the lines and requests of one app with the judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from flask_errwatch._text import counted
from flask_errwatch._time import readable_minute
from flask_errwatch.extension import AppState
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.simulation import (
    HEARTBEAT_LINE,
    MINUTE,
    CompositeCondition,
    InputCoverage,
    Judge,
    Report,
    Transition,
    Unjudged,
    split_judgeable,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrafficEvaluation:
    """The evaluated lines of one app.

    Attributes:
        state: The app's state.
        judge: The judge that evaluated the lines.
        transitions: The state transitions of all alarms, in order of time.
        names: The name of each alarm in tests.
        unjudged: The alarms that lines cannot decide.
        children: The alarms that each composite alarm combines.
    """

    state: AppState
    judge: Judge
    transitions: list[Transition]
    names: dict[str, str]
    unjudged: tuple[Unjudged, ...]
    children: dict[str, list[str]]

    @property
    def fired(self) -> frozenset[str]:
        """The names of the alarms that fired."""
        return frozenset(
            self.names[transition.alarm]
            for transition in self.transitions
            if transition.new == "ALARM" and transition.alarm in self.names
        )

    def sentences(self, fired: AbstractSet[str]) -> Iterator[tuple[str, str]]:
        """Name and result of each detector, and of each further alarm."""
        alarms = {name: alarm for alarm, name in self.names.items()}
        app_name = self.state.config.app_name
        detectors = {
            detector.name: detector.resource_name(app_name) for detector in self.state.catalogue
        }
        reports = {report.name: report for report in self.judge.reports()}
        for name, alarm in ({**detectors, **alarms}).items():
            yield name, self._sentence(alarm, reports, has_fired=name in fired)

    def _sentence(self, alarm: str, reports: dict[str, Report], *, has_fired: bool) -> str:
        """One alarm, or one detector without an alarm, in one line."""
        outcome = "fired" if has_fired else "not fired"
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
    lines: Iterable[tuple[int, str]],
    requests: Iterable[int],
    start: int,
    now: float,
) -> TrafficEvaluation:
    """Evaluates one app with a new judge, so that no line is late.

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
    judge = Judge(resources, start=start)
    for timestamp, text in lines:
        judge.feed(timestamp, text)
    for timestamp in requests:
        judge.count_requests(timestamp)
    end = int(now // MINUTE * MINUTE + MINUTE)
    if config.heartbeat_seconds:
        match = judge.match(HEARTBEAT_LINE)
        # A second heartbeat in a minute would add the same zero.
        for at in range(start, end, max(MINUTE, int(config.heartbeat_seconds))):
            judge.count(at * 1000, match)
    return TrafficEvaluation(
        state=state,
        judge=judge,
        transitions=judge.advance(end),
        names=_names_of(desired, state),
        unjudged=unjudged,
        children={
            composite.name: sorted(CompositeCondition.of(composite).children)
            for composite in (*desired.composites, *desired.app_alarms)
        },
    )


def _names_of(desired: Desired, state: AppState) -> dict[str, str]:
    """The name of each alarm in tests: its detector's, or its own without the app's prefix.

    The alarm of a detector with a composite alarm (`BusyAlarm`) is the composite: the alarms that
    it combines notify no one.
    """
    app_name = state.config.app_name
    names = {detector.resource_name(app_name): detector.name for detector in state.catalogue}
    alarms = {alarm.name: names.get(alarm.name) for alarm in (*desired.alarms, *desired.app_alarms)}
    for composite in desired.composites:
        children = CompositeCondition.of(composite).children
        owners = [alarms.pop(child, None) for child in sorted(children)]
        alarms[composite.name] = next(filter(None, owners), None)
    return {alarm: name or alarm.removeprefix(f"{app_name}-") for alarm, name in alarms.items()}


def _observed(report: Report) -> str:
    """How many lines matched, and the worst period."""
    parts = []
    if report.filters:
        parts.append(f"{counted(sum(lines for _, lines in report.filters), 'line')} matched")
    if report.alarm is not None and report.peak is not None and report.peak.datapoint.value:
        start, end, value = report.peak.datapoint
        period = f"{readable_minute(start)} to {readable_minute(end)}"
        parts.append(f"worst {period} with {report.alarm.statistic} {value:g}")
    return ", ".join(parts) or "no data"

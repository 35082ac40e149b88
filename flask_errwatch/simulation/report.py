"""Reports of the judge: what it saw of each alarm, as values and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from flask_errwatch._text import counted
from flask_errwatch._time import rfc3339_second
from flask_errwatch.simulation.alarm_state import AlarmWatch, Peak
from flask_errwatch.simulation.composite import CompositeCondition
from flask_errwatch.simulation.conditions import AlarmCondition, StateValue
from flask_errwatch.simulation.contributors import ContributorMetric
from flask_errwatch.simulation.filters import LineFilter
from flask_errwatch.simulation.log_alarms import MOST_CONTRIBUTORS, MOST_IN_ALARM, LogAlarmWatch
from flask_errwatch.simulation.log_conditions import LogAlarmCondition


class Report(NamedTuple):
    """What the judge saw of one alarm, or of a metric filter that no alarm watches.

    Attributes:
        name: The alarm's name, or the filter's.
        state: The alarm's state, or None without an alarm.
        alarm: The alarm's condition, or None without an alarm.
        filters: The metric filters that feed it, each with how many lines matched.
        peak: Its farthest datapoint until now, or None without an alarm or a datapoint.
        current_peak: The same since it went to ALARM, or None in any other state.
    """

    name: str
    state: StateValue | None
    alarm: AlarmCondition | None
    filters: tuple[tuple[LineFilter, int], ...]
    peak: Peak | None
    current_peak: Peak | None

    def __str__(self) -> str:
        return "\n  ".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.alarm is None:
            yield f"{self.name}: no alarm watches it"
        else:
            yield f"{self.name}: {self.state}; alarms when {self.alarm}"
        for line_filter, matched in self.filters:
            yield f"{counted(matched, 'line')} matched {line_filter.pattern}"
        if self.alarm is None:
            return
        is_by_source = isinstance(self.alarm.metric, ContributorMetric)
        if self.peak is None:
            if not self.filters and not is_by_source:
                yield f"no metric filter feeds {self.alarm.metric}"
            return
        (start, end, value), lines = self.peak
        # A period without a line is not worth a sentence.
        has_data = bool(value) and (lines > 0 or not self.filters)
        if value is not None and (has_data or self.alarm.breaches(value)):
            origin = f" from {counted(lines, 'line')} that matched" if self.filters else ""
            yield (
                f"worst period {rfc3339_second(start)} to {rfc3339_second(end)}: "
                f"{self.alarm.statistic} {value:g}{origin}"
            )


class LogAlarmReport(NamedTuple):
    """What the judge saw of one log alarm.

    Attributes:
        name: The alarm's name.
        state: Its state.
        alarm: Its condition.
        in_alarm: The contributors that are in ALARM, each with its value.
        most: The contributor with the highest value of any run until now, and that value.
        left_out: Contributors that the last run did not return: the evaluation state is
            PARTIAL_DATA where there are any.
        not_in_alarm: Contributors that breached in the last run, beyond the 100 that may be in
            ALARM.
    """

    name: str
    state: StateValue
    alarm: LogAlarmCondition
    in_alarm: Mapping[str, float]
    most: tuple[str, float] | None
    left_out: int
    not_in_alarm: int

    def __str__(self) -> str:
        return "\n  ".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.name}: {self.state}; alarms when {self.alarm}"
        for contributor, value in self.in_alarm.items():
            yield f"{contributor} is in ALARM with {value:g}"
        if self.most is not None:
            contributor, value = self.most
            yield f"highest value: {value:g} of {contributor}"
        if self.left_out:
            yield (
                f"PARTIAL_DATA: {counted(self.left_out, 'contributor')} beyond the "
                f"{MOST_CONTRIBUTORS} of a run were not evaluated"
            )
        if self.not_in_alarm:
            yield (
                f"{counted(self.not_in_alarm, 'contributor')} breached beyond the "
                f"{MOST_IN_ALARM} that may be in ALARM"
            )


def log_reports_of(watches: Iterable[LogAlarmWatch]) -> tuple[LogAlarmReport, ...]:
    """A report for each log alarm."""
    return tuple(
        LogAlarmReport(
            name=watch.condition.name,
            state=watch.state,
            alarm=watch.condition,
            in_alarm=dict(watch.in_alarm),
            most=watch.most,
            left_out=watch.left_out,
            not_in_alarm=watch.not_in_alarm,
        )
        for watch in watches
    )


def reports_of(
    watches: Iterable[AlarmWatch], line_filters: Sequence[LineFilter], matched: Mapping[str, int]
) -> tuple[Report, ...]:
    """A report for each alarm, then one for each metric filter that none of them watches.

    Args:
        watches: The alarms.
        line_filters: The metric filters.
        matched: How many lines matched each metric filter, by its name.
    """
    reports: list[Report] = []
    unwatched = {line_filter.name: line_filter for line_filter in line_filters}
    for watch in watches:
        alarm, metric = watch.condition, watch.condition.metric
        feeding = [
            line_filter
            for line_filter in line_filters
            if not isinstance(metric, ContributorMetric) and line_filter.feeds(metric, alarm.unit)
        ]
        for line_filter in feeding:
            unwatched.pop(line_filter.name, None)
        matches = tuple((line_filter, matched[line_filter.name]) for line_filter in feeding)
        reports.append(
            Report(alarm.name, watch.state, alarm, matches, watch.peak, watch.current_peak)
        )
    for name, line_filter in unwatched.items():
        reports.append(Report(name, None, None, ((line_filter, matched[name]),), None, None))
    return tuple(reports)


def explanation(
    reports: Iterable[Report | LogAlarmReport],
    composites: Iterable[tuple[CompositeCondition, StateValue]],
    *,
    lines: int,
    at: int | None,
) -> str:
    """The text of `Judge.explain`."""
    until = (
        "nothing is evaluated yet: advance()" if at is None else f"judged to {rfc3339_second(at)}"
    )
    parts = [f"{counted(lines, 'line')} fed, {until}", *(str(report) for report in reports)]
    parts += [
        f"{condition.name}: {state}; alarms when {condition}" for condition, state in composites
    ]
    return "\n".join(parts)

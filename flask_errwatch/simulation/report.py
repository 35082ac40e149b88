"""What the judge saw, as values and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from flask_errwatch.simulation.alarm_state import AlarmWatch, Peak
from flask_errwatch.simulation.alarms import AlarmRule, State, shown_time
from flask_errwatch.simulation.composite import CompositeRule
from flask_errwatch.simulation.metrics import MetricRule


class Report(NamedTuple):
    """What the judge saw of one alarm, or of a metric filter that no alarm watches.

    Attributes:
        name: The alarm's name, or the filter's.
        state: The alarm's state; None without an alarm.
        alarm: The alarm; None without one.
        filters: The metric filters that feed it, each with how many lines matched.
        peak: Its farthest datapoint until now; None without an alarm or a datapoint.
        height: The same of the alarm that stands now; None when none does.
    """

    name: str
    state: State | None
    alarm: AlarmRule | None
    filters: tuple[tuple[MetricRule, int], ...]
    peak: Peak | None
    height: Peak | None

    def __str__(self) -> str:
        return "\n  ".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.alarm is None:
            yield f"{self.name}: no alarm watches it"
        else:
            yield f"{self.name}: {self.state}; alarms when {self.alarm}"
        for rule, matched in self.filters:
            yield f"{_counted(matched)} matched {rule.pattern}"
        if self.alarm is not None and not self.filters:
            yield f"no metric filter gives {self.alarm.metric}"
        if self.alarm is not None and self.peak is not None:
            (start, end, value), lines = self.peak
            # A period in which nothing happened is no news.
            if value is not None and (lines or self.alarm.breaches(value)):
                yield (
                    f"worst period {shown_time(start)} to {shown_time(end)}: "
                    f"{self.alarm.statistic} {value:g} from {_counted(lines)} that matched"
                )


def reports_of(
    watches: Iterable[AlarmWatch], rules: Sequence[MetricRule], matched: Mapping[str, int]
) -> tuple[Report, ...]:
    """A report for each alarm, then one for each metric filter that none of them watches.

    Args:
        watches: The alarms.
        rules: The metric filters.
        matched: How many lines matched each metric filter, by its name.
    """
    reports: list[Report] = []
    unwatched = {rule.name: rule for rule in rules}
    for watch in watches:
        alarm = watch.rule
        filters = [rule for rule in rules if rule.feeds(alarm.metric, alarm.unit)]
        for rule in filters:
            unwatched.pop(rule.name, None)
        counted = tuple((rule, matched[rule.name]) for rule in filters)
        reports.append(Report(alarm.name, watch.state, alarm, counted, watch.peak, watch.height))
    for rule in unwatched.values():
        reports += [Report(rule.name, None, None, ((rule, matched[rule.name]),), None, None)]
    return tuple(reports)


def explained(
    reports: Iterable[Report],
    composites: Iterable[tuple[CompositeRule, State]],
    *,
    lines: int,
    at: int | None,
) -> str:
    """The text of `Judge.explain`."""
    until = "nothing is evaluated yet: advance()" if at is None else f"judged to {shown_time(at)}"
    parts = [f"{_counted(lines)} fed, {until}", *(str(report) for report in reports)]
    parts += [f"{rule.name}: {state}; alarms when {rule}" for rule, state in composites]
    return "\n".join(parts)


def _counted(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"

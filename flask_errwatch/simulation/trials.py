"""Alarms tried with other thresholds, on a log."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.resources import InsightRule, LogAlarm, MetricAlarm, MetricFilter
from flask_errwatch.simulation.alarm_state import Cadence
from flask_errwatch.simulation.backtest import spans_of
from flask_errwatch.simulation.conditions import AlarmCondition, metric_of
from flask_errwatch.simulation.definitions import Definitions
from flask_errwatch.simulation.feeding import feed_tally
from flask_errwatch.simulation.filters import LineFilter
from flask_errwatch.simulation.judge import Judge
from flask_errwatch.simulation.judged_log import Span
from flask_errwatch.simulation.log_conditions import LogAlarmCondition
from flask_errwatch.simulation.metrics import MINUTE, Heartbeats, MetricSeries
from flask_errwatch.simulation.source_sums import SourceSums
from flask_errwatch.simulation.tally import Tally

#: Each moment at which an alarm may change, and the level below which a threshold fires.
Levels = list[tuple[int, float]]


class SourceSpan(NamedTuple):
    """One time that the alarm was in ALARM with another threshold.

    Attributes:
        source: For whom, where the alarm fires for each source. None for all.
        span: When.
    """

    source: str | None
    span: Span


class Trial(Protocol):
    """An alarm that is tried with other thresholds."""

    @property
    def can_be_tried(self) -> bool:
        """Whether it compares a sum with an upper threshold."""

    @property
    def above(self) -> int:
        """What a threshold adds to a level that shall not fire."""

    def levels(self) -> list[Levels]:
        """The levels of each series of which one alarm after the other fires."""

    def firings(self, threshold: int) -> list[SourceSpan]:
        """The alarms that the judge finds with a threshold."""


@dataclass(frozen=True, slots=True)
class MetricTrial:
    """An alarm on the metric of a detector.

    Args:
        tally: The log.
        filters: The metric filters.
        alarm: The alarm.
        heartbeat: Whether quiet minutes have zeros.
    """

    tally: Tally
    filters: tuple[MetricFilter, ...]
    alarm: MetricAlarm
    heartbeat: bool

    @property
    def _condition(self) -> AlarmCondition:
        return AlarmCondition.of(self.alarm)

    @property
    def can_be_tried(self) -> bool:
        """Whether it compares a sum with an upper threshold."""
        return self._condition.statistic == "Sum" and not self._condition.is_worse(0, 1)

    @property
    def above(self) -> int:
        """What a threshold adds to a level that shall not fire."""
        return _above(self.alarm.comparison_operator)

    def levels(self) -> list[Levels]:
        """The levels of its one series."""
        return [[*self._levels()]]

    def firings(self, threshold: int) -> list[SourceSpan]:
        """The alarms that the judge finds with a threshold."""
        tried = replace(self.alarm, threshold=float(threshold))
        judge = Judge([*self.filters, tried])
        changes = feed_tally(judge, self.tally, heartbeat=self.heartbeat)
        spans = spans_of(AlarmCondition.of(tried), changes, None)
        return [SourceSpan(None, span) for span in spans]

    def _levels(self) -> Iterator[tuple[int, float]]:
        """M of the newest N datapoints lie above a threshold exactly when the M-th largest does.

        So one number decides for every threshold whether the alarm is in ALARM.
        """
        series, condition = self._series(), self._condition
        cadence = Cadence(condition.period, condition.evaluation_range, condition.interval)
        last = max(self.tally.minutes, default=0) + MINUTE
        last += condition.horizon + condition.interval if self.heartbeat else 0
        moments = {at for minute in series for at in cadence.moments(minute) if at <= last}
        missing = math.inf if condition.treat_missing_data == "breaching" else -math.inf
        period, number = condition.period, condition.evaluation_periods
        for at in sorted(moments):
            ends = range(at, at - condition.evaluation_range * period, -period)
            values = (series.statistic(condition.statistic, end - period, end) for end in ends)
            newest = [value for value in values if value is not None][:number]
            newest += [missing] * (number - len(newest))
            yield at, sorted(newest, reverse=True)[condition.datapoints_to_alarm - 1]

    def _series(self) -> MetricSeries:
        """The samples of its metric."""
        series, metric = MetricSeries(), metric_of(self.alarm)
        feeding = [
            line_filter
            for line_filter in map(LineFilter, self.filters)
            if line_filter.feeds(metric, self.alarm.unit)
        ]
        samples = {
            kind: [
                sample.value
                for line_filter in feeding
                if (sample := line_filter.sample(json.dumps(kind.event))) is not None
            ]
            for kind in self.tally.kinds
        }
        for minute, row in self.tally.rows():
            for kind, lines in row:
                for value in samples[kind]:
                    series.add(minute, value, lines)
        if self.heartbeat:
            series.fill(Heartbeats(since=min(series, default=0)), [0.0])
        return series


@dataclass(frozen=True, slots=True)
class SourceTrial:
    """An alarm on sources, as a log alarm or on insight rules.

    Args:
        sums: What each source added.
        alarm: The alarm.
        rules: The insight rules.
        heartbeat: Whether quiet minutes have zeros.
    """

    sums: SourceSums
    alarm: LogAlarm | MetricAlarm
    rules: tuple[InsightRule, ...]
    heartbeat: bool

    @classmethod
    def of(cls, name: str, desired: Desired, tally: Tally, heartbeat: bool) -> SourceTrial | None:  # noqa: FBT001 - by position as its fields
        """The trial of the alarm of that name. None when it is not on sources."""
        alarms: tuple[LogAlarm | MetricAlarm, ...] = (*desired.alarms, *desired.log_alarms)
        alarm = next((alarm for alarm in alarms if alarm.name == name), None)
        if alarm is None:
            return None
        definitions = Definitions.read([*desired.insight_rules, alarm])
        sums = SourceSums.of(name, definitions, tally)
        return None if sums is None else cls(sums, alarm, desired.insight_rules, heartbeat)

    @property
    def can_be_tried(self) -> bool:
        """Whether it compares a sum with an upper threshold."""
        return (self.alarm.comparison_operator or "").startswith("Greater")

    @property
    def above(self) -> int:
        """What a threshold adds to a level that shall not fire."""
        return _above(self.alarm.comparison_operator)

    def levels(self) -> list[Levels]:
        """The levels of each source of a log alarm, else those of the busiest source."""
        by_source = [[*self._levels(values)] for values in self.sums.by_source().values()]
        return by_source if isinstance(self.alarm, LogAlarm) else [*_highest(by_source)]

    def firings(self, threshold: int) -> list[SourceSpan]:
        """The alarms that the judge finds with a threshold."""
        tried = replace(self.alarm, threshold=float(threshold))
        judge = Judge([*self.rules, tried])
        changes = feed_tally(judge, self.sums.tally, heartbeat=self.heartbeat)
        if isinstance(tried, MetricAlarm):
            spans = spans_of(AlarmCondition.of(tried), changes, None)
            return [SourceSpan(None, span) for span in spans]
        condition = LogAlarmCondition.of(tried)
        sums = replace(self.sums, condition=condition)
        end = max(self.sums.tally.minutes, default=0) + MINUTE
        return [
            SourceSpan(fired.offences[0].source, fired.span) for fired in sums.fired(changes, end)
        ]

    def _levels(self, values: dict[int, float]) -> Iterator[tuple[int, float]]:
        """The sums of one source, at each moment at which they change."""
        window, delay = self.sums.window, self.sums.delay
        changes: dict[int, float] = {}
        for minute, value in values.items():
            entering = minute + MINUTE + delay
            changes[entering] = changes.get(entering, 0.0) + value
            changes[entering + window] = changes.get(entering + window, 0.0) - value
        total = 0.0
        for at in sorted(changes):
            total += changes[at]
            yield at, total


def _above(comparison_operator: str | None) -> int:
    return 0 if comparison_operator == "GreaterThanThreshold" else 1


def _highest(sequences: Sequence[Levels]) -> Iterator[Levels]:
    """The highest of several series at each moment, as one series, if there is any."""
    changes = sorted((at, index, level) for index, one in enumerate(sequences) for at, level in one)
    now: dict[int, float] = {}
    highest: dict[int, float] = {}
    for at, index, level in changes:
        if level:
            now[index] = level
        else:
            now.pop(index, None)
        highest[at] = max(now.values(), default=0.0)
    if highest:
        yield [*highest.items()]

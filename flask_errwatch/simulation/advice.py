"""Advice: the lowest threshold whose alarm would have fired seldom, and what it would miss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.resources import MetricAlarm
from flask_errwatch.simulation.alarm_state import Cadence
from flask_errwatch.simulation.backtest import columns_of, feed_tally, spans_of
from flask_errwatch.simulation.conditions import AlarmCondition
from flask_errwatch.simulation.judge import Judge
from flask_errwatch.simulation.judged_log import FiredAlarm, JudgedDetector, JudgedLog, Span
from flask_errwatch.simulation.metrics import MINUTE, MetricSeries
from flask_errwatch.simulation.tally import Tally

_WEEK = 7
#: An alarm that is in ALARM for a larger share of the log is useless.
_LONGEST_SHARE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """The threshold that is proposed for one detector.

    Attributes:
        detector: The detector, configured.
        threshold: The proposed one. None when no threshold fits, or when its alarm does not compare
            a Sum with an upper threshold.
        alarms: How often the alarm would have fired with it.
        missed: The alarms of the present threshold that the proposed one does not overlap.
    """

    detector: Detector
    threshold: int | None
    alarms: int
    missed: tuple[FiredAlarm, ...]


def advise(
    tally: Tally,
    catalogue: Catalogue,
    desired: Desired,
    judged_log: JudgedLog,
    *,
    alarms_a_week: float,
) -> tuple[Advice, ...]:
    """Proposes a threshold for each detector whose metric alarm was judged.

    It is the lowest one that gives at most so many alarms a week, on the average of the log.
    A threshold so low that its alarm is in ALARM for more than half of the log is passed over: it
    gives few alarms because it never ends, and detects nothing.

    Args:
        tally: The log.
        catalogue: The detectors, configured.
        desired: Their resources.
        judged_log: The result of `judge_log`.
        alarms_a_week: At least 0. Begun days count as whole ones, and a log of less than a
            week counts as a week.
    """
    # A log that lacks only the last quiet minutes of fourteen days counts as fourteen days.
    allowed = alarms_a_week * max(1.0, math.ceil(judged_log.days) / _WEEK)
    alarms = {alarm.name: alarm for alarm in desired.alarms}
    return tuple(
        _Trial(
            tally=tally,
            catalogue=catalogue,
            desired=desired,
            column=column,
            alarm=alarms[judged.condition.name],
            heartbeat=judged_log.heartbeat,
        ).advice(judged, judged.condition, allowed)
        for column, judged in enumerate(judged_log.detectors)
        if judged.condition is not None
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    """One detector's alarm, tried with other thresholds."""

    tally: Tally
    catalogue: Catalogue
    desired: Desired
    column: int
    alarm: MetricAlarm
    heartbeat: bool

    def advice(self, judged: JudgedDetector, condition: AlarmCondition, allowed: float) -> Advice:
        none = Advice(
            detector=judged.detector, threshold=None, alarms=len(judged.alarms), missed=()
        )
        if condition.is_worse(0, 1) or condition.statistic != "Sum":
            return none
        above = 0 if condition.comparison_operator == "GreaterThanThreshold" else 1
        levels = list(self._levels(condition))
        for level in _quiet(levels, allowed):
            threshold = int(level) + above
            spans = self._spans(threshold)
            if len(spans) <= allowed:  # what was counted fast is judged once more, in full
                missed = [
                    alarm
                    for alarm in judged.alarms
                    if not any(_overlap(alarm.span, span) for span in spans)
                ]
                return replace(none, threshold=threshold, alarms=len(spans), missed=tuple(missed))
        return none

    def _series(self) -> MetricSeries:
        """The samples of the detector's metric: 1 for each of its lines, 0 for each other."""
        series = MetricSeries()
        for minute in self.tally.minutes:
            row = self.tally.row(minute)
            own = row[self.column]
            for value, times in ((1.0, own), (0.0, sum(row) - own)):
                if times:
                    series.add(minute, value, times)
        if self.heartbeat:
            series.fill(min(series, default=0), [0.0])
        return series

    def _levels(self, condition: AlarmCondition) -> Iterator[tuple[int, float]]:
        """Each moment at which an alarm may change, and the level below which a threshold fires.

        M of the newest N datapoints lie above a threshold exactly when the M-th largest of them
        does. So one number decides for every threshold whether the alarm is in ALARM.
        """
        series = self._series()
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

    def _spans(self, threshold: int) -> list[Span]:
        """The alarms that the judge finds with a threshold."""
        tried = replace(self.alarm, threshold=float(threshold))
        judge = Judge([*self.desired.filters, tried])
        transitions = feed_tally(
            judge, self.tally, columns_of(self.catalogue, self.desired), heartbeat=self.heartbeat
        )
        return spans_of(AlarmCondition.of(tried), transitions, None)


def _quiet(levels: Sequence[tuple[int, float]], allowed: float) -> Iterator[float]:
    """The thresholds, lowest first, that fire seldom enough and are not in ALARM all the time."""
    thresholds = sorted({0.0, *(level for _, level in levels if math.isfinite(level))})
    indexes = {threshold: index for index, threshold in enumerate(thresholds)}
    indexes |= {-math.inf: 0, math.inf: len(thresholds)}
    # Differences from one threshold to the next: of alarms, and of seconds in ALARM.
    rises, seconds_in_alarm = [0] * (len(thresholds) + 1), [0] * (len(thresholds) + 1)
    before = 0
    ends = [at for at, _ in levels[1:]]
    for (at, level), end in zip(levels, [*ends, *(at for at, _ in levels[-1:])], strict=True):
        now = indexes[level]  # the thresholds before this index lie below the level
        if now > before:
            rises[before] += 1
            rises[now] -= 1
        seconds_in_alarm[0] += end - at
        seconds_in_alarm[now] -= end - at
        before = now
    whole = levels[-1][0] - levels[0][0] if levels else 0
    summed = zip(thresholds, accumulate(rises), accumulate(seconds_in_alarm), strict=False)
    for threshold, alarms, seconds in summed:
        if alarms <= allowed and seconds <= whole * _LONGEST_SHARE:
            yield threshold


def _overlap(span: Span, other: Span) -> bool:
    """Whether some of the same lines made both alarms fire."""
    is_before = span.end is not None and span.end <= other.since
    is_after = other.end is not None and other.end <= span.since
    return not (is_before or is_after)

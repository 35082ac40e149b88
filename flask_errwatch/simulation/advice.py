"""Which threshold would have kept the peace, and what it would have missed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from flask_errwatch.detectors import Detector
from flask_errwatch.patterns import parse
from flask_errwatch.simulation.alarm_state import Cadence
from flask_errwatch.simulation.alarms import AlarmRule
from flask_errwatch.simulation.backtest import (
    DetectorReplay,
    RaisedAlarm,
    Replay,
    Span,
    judged,
    line_of,
    spans_of,
)
from flask_errwatch.simulation.judge import Judge
from flask_errwatch.simulation.metrics import MINUTE, MetricRule, MetricSeries
from flask_errwatch.simulation.tally import Tally

_WEEK = 7
#: An alarm that stands for a larger share of the log tells nobody anything.
_LONGEST_SHARE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """The threshold that is proposed for one detector.

    Args:
        detector: The detector, configured.
        threshold: The proposed one; None when there is none, or when its alarm does not ask
            whether a Sum is too high.
        alarms: How many alarms the log would have raised with it.
        missed: Those that the present threshold raises and the proposed one does not touch.
    """

    detector: Detector
    threshold: int | None
    alarms: int
    missed: tuple[RaisedAlarm, ...]


def advise(tally: Tally, found: Replay, *, alarms_a_week: float) -> tuple[Advice, ...]:
    """Proposes a threshold for each detector that has an alarm.

    It is the lowest one that gives at most so many alarms a week, on the average of the log.
    One so low that its alarm stands for more than half of the log is passed over: it gives
    few alarms because it never ends, and detects nothing.

    Args:
        tally: The log.
        found: What `replay` made of it.
        alarms_a_week: At least 0; begun days count as whole ones, and a log of less than a
            week counts as a week.
    """
    # A log of fourteen days, but for its last quiet minutes, is one of fourteen days.
    allowed = alarms_a_week * max(1.0, math.ceil(found.days) / _WEEK)
    return tuple(
        _advised(tally, index, each, allowed, heartbeat=found.heartbeat)
        for index, each in enumerate(found.detectors)
        if each.rule is not None
    )


def _advised(
    tally: Tally, index: int, found: DetectorReplay, allowed: float, *, heartbeat: bool
) -> Advice:
    rule, present = found.rule, found.alarms
    assert rule is not None  # noqa: S101 - `advise` takes no other
    none = Advice(detector=found.detector, threshold=None, alarms=len(present), missed=())
    if not rule.comparison_operator.startswith("Greater") or rule.statistic != "Sum":
        return none
    above = 0 if rule.comparison_operator == "GreaterThanThreshold" else 1
    series = _series(tally, index, heartbeat=heartbeat)
    for level in _quiet(list(_levels(rule, series, tally, heartbeat=heartbeat)), allowed):
        threshold = int(level) + above
        tried = replace(rule, threshold=threshold)
        spans = _spans(tally, index, found.detector, tried, heartbeat=heartbeat)
        if len(spans) <= allowed:  # what was counted fast is judged once more, in full
            missed = [each for each in present if not any(_overlap(each.span, it) for it in spans)]
            return replace(none, threshold=threshold, alarms=len(spans), missed=tuple(missed))
    return none


def _series(tally: Tally, index: int, *, heartbeat: bool) -> MetricSeries:
    """The samples of a detector's metric: one for each of its lines, a 0 for each other."""
    series = MetricSeries()
    for minute in tally.minutes:
        row = tally.row(minute)
        for value, times in ((1.0, row[index]), (0.0, sum(row) - row[index])):
            if times:
                series.add(minute, value, times)
    if heartbeat:
        series.fill(min(series, default=0), [0.0])
    return series


def _levels(
    rule: AlarmRule, series: MetricSeries, tally: Tally, *, heartbeat: bool
) -> Iterator[tuple[int, float]]:
    """Each moment at which an alarm may change, and the level below which a threshold alarms.

    M of the newest N datapoints lie above a threshold exactly when the M-th largest of them
    does; so one number says for every threshold whether the alarm stands.
    """
    cadence = Cadence(rule.period, rule.evaluation_range, rule.interval)
    last = max(tally.minutes, default=0) + MINUTE
    last += rule.horizon + rule.interval if heartbeat else 0
    moments = {at for minute in series for at in cadence.moments(minute) if at <= last}
    gap = math.inf if rule.treat_missing_data == "breaching" else -math.inf
    for at in sorted(moments):
        ends = range(at, at - rule.evaluation_range * rule.period, -rule.period)
        values = (series.statistic(rule.statistic, end - rule.period, end) for end in ends)
        newest = [value for value in values if value is not None][: rule.evaluation_periods]
        newest += [gap] * (rule.evaluation_periods - len(newest))
        yield at, sorted(newest, reverse=True)[rule.needed - 1]


def _quiet(levels: Sequence[tuple[int, float]], allowed: float) -> Iterator[float]:
    """The thresholds, lowest first, that alarm seldom enough and do not stand all the time."""
    thresholds = sorted({0.0, *(level for _, level in levels if math.isfinite(level))})
    place = {threshold: index for index, threshold in enumerate(thresholds)}
    place |= {-math.inf: 0, math.inf: len(thresholds)}
    rises, stands = [0] * (len(thresholds) + 1), [0] * (len(thresholds) + 1)
    before = 0
    ends = [at for at, _ in levels[1:]]
    for (at, level), end in zip(levels, [*ends, *(at for at, _ in levels[-1:])], strict=True):
        now = place[level]  # the thresholds before this place lie below the level
        if now > before:
            rises[before] += 1
            rises[now] -= 1
        stands[0] += end - at
        stands[now] -= end - at
        before = now
    whole = levels[-1][0] - levels[0][0] if levels else 0
    summed = zip(thresholds, accumulate(rises), accumulate(stands), strict=False)
    for threshold, alarms, seconds in summed:
        if alarms <= allowed and seconds <= whole * _LONGEST_SHARE:
            yield threshold


def _spans(
    tally: Tally, index: int, detector: Detector, rule: AlarmRule, *, heartbeat: bool
) -> list[Span]:
    """The alarms that the judge finds."""
    metric = MetricRule(
        name="lines",
        pattern=parse(detector.pattern),
        namespace=rule.namespace,
        metric_name=rule.metric_name,
        default_value=0.0,
        unit="Count",
    )
    judge = Judge([metric], [rule])
    outcomes = [judge.match("{}")] * tally.width
    outcomes[index] = judge.match(line_of(detector))
    return spans_of(rule, judged(judge, tally, outcomes, heartbeat=heartbeat), None)


def _overlap(one: Span, other: Span) -> bool:
    """Whether the two tell of the same lines."""
    is_before = one.end is not None and one.end <= other.since
    is_after = other.end is not None and other.end <= one.since
    return not (is_before or is_after)

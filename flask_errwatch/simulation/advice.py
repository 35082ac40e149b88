"""Advice: the lowest threshold whose alarm would have fired seldom, and what it would miss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.provision.desired import Desired
from flask_errwatch.simulation.judged_log import FiredAlarm, JudgedLog, Span
from flask_errwatch.simulation.tally import Tally
from flask_errwatch.simulation.trials import Levels, MetricTrial, SourceSpan, SourceTrial, Trial

_WEEK = 7
#: An alarm that is in ALARM for a larger share of the log is useless.
_LONGEST_SHARE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """The threshold that is proposed for one alarm of a detector.

    Attributes:
        detector: The detector, configured.
        alarm: The alarm's name without the app's. That on a detector's own metric has its name.
        threshold: The proposed one. None when no threshold fits, or when its alarm does not compare
            a Sum with an upper threshold.
        alarms: How often the alarm would have fired with it.
        missed: The alarms of the present threshold that the proposed one does not overlap.
    """

    detector: Detector
    alarm: str
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
    """Proposes a threshold for each detector whose metric alarm or source alarm was judged.

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
    heartbeat = judged_log.heartbeat
    length = (judged_log.end or 0) - (judged_log.start or 0)
    alarms = {alarm.name: alarm for alarm in desired.alarms}
    advice: list[Advice] = []
    for judged in judged_log.detectors:
        if judged.condition is not None:
            alarm = alarms[judged.condition.name]
            trial = MetricTrial(tally, desired.filters, alarm, heartbeat=heartbeat)
            asked = _Asked(judged.detector, judged.detector.name, judged.alarms)
            advice.append(_advice(asked, trial, allowed, length))
    for other in judged_log.others:
        if other.detector is None:
            continue
        on_sources = SourceTrial.of(f"{desired.app_name}-{other.name}", desired, tally, heartbeat)
        if on_sources is not None:
            asked = _Asked(other.detector, other.name, other.alarms)
            advice.append(_advice(asked, on_sources, allowed, length))
    order = {detector.name: index for index, detector in enumerate(catalogue)}
    return tuple(sorted(advice, key=lambda entry: order[entry.detector.name]))


class _Asked(NamedTuple):
    """An alarm for which a threshold is looked for."""

    detector: Detector
    name: str
    alarms: tuple[FiredAlarm, ...]


def _advice(asked: _Asked, trial: Trial, allowed: float, length: int) -> Advice:
    if trial.can_be_tried:
        for level in _quiet([one for one in trial.levels() if one], allowed, length):
            threshold = int(level) + trial.above
            firings = trial.firings(threshold)
            if len(firings) <= allowed:  # what was counted fast is judged once more, in full
                return Advice(
                    detector=asked.detector,
                    alarm=asked.name,
                    threshold=threshold,
                    alarms=len(firings),
                    missed=tuple(one for one in asked.alarms if not _is_among(one, firings)),
                )
    return Advice(
        detector=asked.detector,
        alarm=asked.name,
        threshold=None,
        alarms=len(asked.alarms),
        missed=(),
    )


def _is_among(alarm: FiredAlarm, firings: Sequence[SourceSpan]) -> bool:
    """Whether some of the same lines made the alarm fire."""
    own = {offence.source for offence in alarm.offences}
    return any(
        (firing.source is None or firing.source in own) and _overlap(alarm.span, firing.span)
        for firing in firings
    )


def _quiet(sequences: Sequence[Levels], allowed: float, length: int) -> Iterator[float]:
    """The thresholds, lowest first, that fire seldom enough and are not in ALARM all the time."""
    every = {level for levels in sequences for _, level in levels if math.isfinite(level)}
    thresholds = sorted({0.0, *every})
    indexes = {threshold: index for index, threshold in enumerate(thresholds)}
    indexes |= {-math.inf: 0, math.inf: len(thresholds)}
    alarms = [0] * len(thresholds)
    longest = [0.0] * len(thresholds)  # the share of the log in ALARM
    begin = min((levels[0][0] for levels in sequences), default=0)
    # Alarms may settle after the log's end.
    whole = max(1, length, max((levels[-1][0] for levels in sequences), default=0) - begin)
    for levels in sequences:
        rises, seconds = _of_sequence(levels, indexes)
        alarms = [total + own for total, own in zip(alarms, accumulate(rises), strict=False)]
        shares = (in_alarm / whole for in_alarm in accumulate(seconds))
        longest = [max(pair) for pair in zip(longest, shares, strict=False)]
    for threshold, number, share in zip(thresholds, alarms, longest, strict=True):
        if number <= allowed and share <= _LONGEST_SHARE:
            yield threshold


def _of_sequence(levels: Levels, indexes: dict[float, int]) -> tuple[list[int], list[int]]:
    """Of alarms, and of seconds in ALARM, the differences from one threshold to the next."""
    most = indexes[math.inf]
    rises, seconds = [0] * (most + 1), [0] * (most + 1)
    before = 0
    ends = [at for at, _ in levels[1:]] + [at for at, _ in levels[-1:]]
    for (at, level), end in zip(levels, ends, strict=True):
        now = indexes[level]  # the thresholds before this index lie below the level
        if now > before:
            rises[before] += 1
            rises[now] -= 1
        seconds[0] += end - at
        seconds[now] -= end - at
        before = now
    return rises, seconds


def _overlap(span: Span, other: Span) -> bool:
    """Whether some of the same lines made both alarms fire."""
    is_before = span.end is not None and span.end <= other.since
    is_after = other.end is not None and other.end <= span.since
    return not (is_before or is_after)

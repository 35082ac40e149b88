"""One alarm over time: which minutes can change it, and its state after each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flask_errwatch.simulation._alarms import (
    AlarmRule,
    Datapoint,
    State,
    decisive,
    next_state,
    reason_of,
)
from flask_errwatch.simulation._intake import MetricFeed
from flask_errwatch.simulation._metrics import MINUTE


class Peak(NamedTuple):
    """The datapoint farthest on the breaching side of the threshold.

    Attributes:
        datapoint: Its period and value.
        lines: How many lines of that period matched.
    """

    datapoint: Datapoint
    lines: int


class Transition(NamedTuple):
    """An alarm changed its state; this is when CloudWatch runs actions.

    Attributes:
        alarm: The alarm's name.
        at: When, in seconds since the epoch.
        old: The state before.
        new: The state from now on.
        reason: Why, in a sentence.
        datapoints: What was looked at, oldest first; empty for a composite alarm.
        peak: Out of ALARM, the height of the whole alarm; otherwise the farthest datapoint
            of those that decided; None where there is none.
    """

    alarm: str
    at: int
    old: State
    new: State
    reason: str
    datapoints: tuple[Datapoint, ...] = ()
    peak: Peak | None = None

    def __str__(self) -> str:
        return f"{self.alarm}: {self.old} -> {self.new}. {self.reason}"


class AlarmWatch:
    """The state of one alarm, evaluated over what its metric received.

    A datapoint can change only when a minute with samples enters a period or leaves one, so
    only those `moments` need an evaluation; every minute between gives the same state again.

    Args:
        rule: The alarm.
        feed: Its metric's samples.
        state: Its state at the beginning; a new alarm has INSUFFICIENT_DATA.
    """

    def __init__(
        self, rule: AlarmRule, feed: MetricFeed, state: State = "INSUFFICIENT_DATA"
    ) -> None:
        self.rule = rule
        self.feed = feed
        self.state: State = state
        self.peak: Peak | None = None
        self._height: Peak | None = None
        self._values: dict[int, float | None] = {}

    def moments(self, minute: int) -> Iterator[int]:
        """When the samples of a minute enter a period of the range, and when they leave it."""
        for shift in range(self.rule.evaluation_range + 1):
            yield self._rounded(minute + MINUTE + shift * self.rule.period)

    def _rounded(self, at: int) -> int:
        """An alarm that is evaluated hourly sees a change at its next evaluation."""
        return -(-at // self.rule.interval) * self.rule.interval

    def next_moment(self, at: int) -> int:
        """The first evaluation after the one at that second."""
        return self._rounded(at + MINUTE)

    def forget(self) -> None:
        """Drops the remembered values: samples arrived for a minute already evaluated."""
        self._values.clear()

    def evaluate(self, at: int) -> Transition | None:
        """Evaluates the alarm at a whole minute; the transition, when there is one."""
        rule, period = self.rule, self.rule.period
        ends = range(at - (rule.evaluation_range - 1) * period, at + 1, period)
        values = [self._value(end) for end in ends]
        self._forget_before(ends[0])
        self._note(Datapoint(at - period, at, values[-1]))
        old, self.state = self.state, next_state(rule, values, self.state)
        if self.state == old:
            return None
        pairs = zip(ends, values, strict=True)
        datapoints = tuple(Datapoint(end - period, end, value) for end, value in pairs)
        reason = reason_of(rule, datapoints)
        farthest = self._farthest(datapoints)
        peak = self._height if old == "ALARM" else farthest
        self._height = farthest
        return Transition(rule.name, at, old, self.state, reason, datapoints, peak)

    def _value(self, end: int) -> float | None:
        if end not in self._values:
            start = end - self.rule.period
            self._values[end] = self.feed.series.statistic(self.rule.statistic, start, end)
        return self._values[end]

    def _forget_before(self, oldest: int) -> None:
        """Keeps the remembered values to about twice what the next evaluation can use."""
        if len(self._values) > 2 * self.rule.horizon // MINUTE:
            self._values = {end: each for end, each in self._values.items() if end >= oldest}

    def _note(self, datapoint: Datapoint) -> None:
        """Keeps the farthest datapoint, and the farthest since the last transition."""
        if self._is_farther(datapoint, self._height and self._height.datapoint):
            self._height = self._peak_of(datapoint)
            # What exceeds all there was exceeds what there was since the transition.
            if self._is_farther(datapoint, self.peak and self.peak.datapoint):
                self.peak = self._height

    def _farthest(self, datapoints: tuple[Datapoint, ...]) -> Peak | None:
        farthest: Datapoint | None = None
        for datapoint in decisive(self.rule, datapoints):
            if self._is_farther(datapoint, farthest):
                farthest = datapoint
        return farthest and self._peak_of(farthest)

    def _is_farther(self, datapoint: Datapoint, other: Datapoint | None) -> bool:
        if datapoint.value is None:
            return False
        if other is None or other.value is None:
            return True
        return self.rule.is_worse(datapoint.value, other.value)

    def _peak_of(self, datapoint: Datapoint) -> Peak:
        lines = self.feed.lines.statistic("SampleCount", datapoint.start, datapoint.end)
        return Peak(datapoint, int(lines or 0))

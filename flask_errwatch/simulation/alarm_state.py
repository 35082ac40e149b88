"""One alarm over time: which minutes can change it, and its state after each."""

from __future__ import annotations

from typing import NamedTuple

from flask_errwatch.simulation.alarms import (
    AlarmRule,
    Datapoint,
    State,
    decisive,
    next_state,
    reason_of,
)
from flask_errwatch.simulation.matching import MetricFeed
from flask_errwatch.simulation.metrics import MINUTE


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


class Cadence(NamedTuple):
    """When an alarm must be evaluated; many alarms share one.

    A datapoint can change only when a minute with samples enters a period or leaves one, so
    only those `moments` need an evaluation; every minute between gives the same state again.

    Attributes:
        period: Seconds of one datapoint.
        datapoints: Length of the evaluation range.
        interval: Seconds between two evaluations.
    """

    period: int
    datapoints: int
    interval: int

    def moments(self, minute: int) -> list[int]:
        """When the samples of a minute enter a period of the range, and when they leave it."""
        entering = minute + MINUTE
        leaving = entering + self.datapoints * self.period
        moments = range(entering, leaving + 1, self.period)
        # An alarm that is evaluated hourly sees the change at its next evaluation.
        return [-(-moment // self.interval) * self.interval for moment in moments]

    def after(self, at: int) -> int:
        """The first evaluation after the one at that second."""
        return -(-(at + MINUTE) // self.interval) * self.interval


class AlarmWatch:
    """The state of one alarm, evaluated over what its metric received.

    Args:
        rule: The alarm.
        feed: Its metric's samples.
        state: Its state at the beginning; a new alarm has INSUFFICIENT_DATA.
    """

    def __init__(
        self, rule: AlarmRule, feed: MetricFeed, state: State = "INSUFFICIENT_DATA"
    ) -> None:
        self.rule = rule
        self.cadence = Cadence(rule.period, rule.evaluation_range, rule.interval)
        self.feed = feed
        self.state: State = state
        self.peak: Peak | None = None
        self._height: Peak | None = None
        self._seen: list[float | None] = []
        self._values: dict[int, float | None] = {}
        self._kept = 2 * rule.horizon // MINUTE

    @property
    def height(self) -> Peak | None:
        """Its farthest datapoint since it went to ALARM; None while it is in no alarm."""
        return self._height if self.state == "ALARM" else None

    def forget(self) -> None:
        """Drops the remembered values: samples arrived for a minute already evaluated."""
        self._values.clear()

    def evaluate(self, at: int) -> Transition | None:
        """Evaluates the alarm at a whole minute; the transition, when there is one."""
        rule, (period, datapoints_seen, _) = self.rule, self.cadence
        ends = range(at - (datapoints_seen - 1) * period, at + 1, period)
        values = [self._value(end) for end in ends]
        if len(self._values) > self._kept:
            self._values = {end: each for end, each in self._values.items() if end >= ends[0]}
        if values == self._seen:
            return None  # the same values give the same state again (`next_state`)
        self._seen = values
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

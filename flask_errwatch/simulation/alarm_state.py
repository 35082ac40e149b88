"""One alarm over time: which minutes can change it, and its state after each."""

from __future__ import annotations

from typing import NamedTuple

from flask_errwatch.simulation.conditions import (
    AlarmCondition,
    Datapoint,
    StateValue,
    decisive,
    next_state,
    reason_of,
)
from flask_errwatch.simulation.line_matcher import Feed
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
    """A change of an alarm's state, at which CloudWatch runs actions.

    Attributes:
        alarm: The alarm's name.
        at: When, in seconds since the epoch.
        old: The state before.
        new: The state from now on.
        reason: Why, in a sentence.
        datapoints: The datapoints that were evaluated, oldest first. Empty for a composite alarm.
        peak: When it leaves ALARM, the farthest datapoint of the whole alarm. Otherwise the
            farthest of the datapoints that decided, or None without any.
    """

    alarm: str
    at: int
    old: StateValue
    new: StateValue
    reason: str
    datapoints: tuple[Datapoint, ...] = ()
    peak: Peak | None = None

    def __str__(self) -> str:
        return f"{self.alarm}: {self.old} -> {self.new}. {self.reason}"


class Cadence(NamedTuple):
    """When an alarm must be evaluated. Many alarms share one.

    A datapoint can change only when a minute with samples enters a period or leaves one, so
    only those `moments` need an evaluation. Every minute between gives the same state again.

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


#: For alarms that only samples which enter a period can change.
_ON_ARRIVAL = Cadence(MINUTE, 0, MINUTE)


class AlarmWatch:
    """The state of one alarm, evaluated over what its metric received.

    Args:
        condition: The alarm's condition.
        feed: The samples of its metric.
        state: Its state at the beginning. A new alarm has INSUFFICIENT_DATA.
    """

    def __init__(
        self, condition: AlarmCondition, feed: Feed, state: StateValue = "INSUFFICIENT_DATA"
    ) -> None:
        self.condition = condition
        self.cadence = Cadence(condition.period, condition.evaluation_range, condition.interval)
        #: When it must be evaluated because samples arrived. `next_moment` tells the others.
        self.wakes = _ON_ARRIVAL if condition.is_fired_by_growth else self.cadence
        self.feed = feed
        self.state: StateValue = state
        self.peak: Peak | None = None
        self._state_peak: Peak | None = None
        self._seen: list[float | None] = []
        self._values: dict[int, float | None] = {}
        self._kept = 2 * condition.horizon // MINUTE
        self._is_at_rest = False
        self._calm_since: int | None = None

    @property
    def current_peak(self) -> Peak | None:
        """Its farthest datapoint since it went to ALARM, or None in any other state."""
        return self._state_peak if self.state == "ALARM" else None

    def forget(self) -> None:
        """Drops the remembered values: samples arrived for a minute already evaluated."""
        self._values.clear()
        self._is_at_rest, self._calm_since = False, None

    def stay_awake(self) -> None:
        """Lets it be evaluated at each moment of its cadence: heartbeats change its datapoints."""
        self.wakes, self._is_at_rest = self.cadence, False

    def next_moment(self, at: int) -> int | None:
        """The next moment at which a datapoint changes although no sample arrives.

        None where that cannot change the state: in OK, an alarm that growth fires is at rest.
        """
        if self.wakes is self.cadence or (self._is_at_rest and not self.feed.has_negative):
            return None
        period, datapoints, _ = self.cadence
        for moment in range(at + MINUTE, at + period + 1, MINUTE):
            minutes = range(moment - MINUTE - datapoints * period, moment, period)
            if any(map(self.feed.has, minutes)):
                return moment
        return None

    def evaluate(self, at: int) -> Transition | None:
        """Evaluates the alarm at a whole minute and returns the transition, if any."""
        condition, (period, datapoints_seen, _) = self.condition, self.cadence
        if self._is_at_rest and not self.feed.has_negative:
            value = self.feed.value(condition.statistic, at - period, at)
            if value is None or not condition.breaches(value):
                self._note(at, value)
                return None
        ends = range(at - (datapoints_seen - 1) * period, at + 1, period)
        values = [self._value(end) for end in ends]
        self._note_calm(at, values[-1])
        if len(self._values) > self._kept:
            self._values = {end: value for end, value in self._values.items() if end >= ends[0]}
        if values == self._seen:
            return None  # the same values give the same state again (`next_state`)
        self._seen = values
        self._note(at, values[-1])
        old, self.state = self.state, next_state(condition, values, self.state)
        if self.state == old:
            return None
        pairs = zip(ends, values, strict=True)
        datapoints = tuple(Datapoint(end - period, end, value) for end, value in pairs)
        reason = reason_of(condition, datapoints)
        farthest = self._farthest(datapoints)
        peak = self._state_peak if old == "ALARM" else farthest
        self._state_peak = farthest
        return Transition(condition.name, at, old, self.state, reason, datapoints, peak)

    def _value(self, end: int) -> float | None:
        if end not in self._values:
            start = end - self.condition.period
            self._values[end] = self.feed.value(self.condition.statistic, start, end)
        return self._values[end]

    def _note_calm(self, at: int, newest: float | None) -> None:
        """Lets an alarm rest that growth fires, once it sees nothing but values that are calm.

        Until then it is evaluated whenever a value changes, so none is missed.
        """
        if newest is not None and self.condition.breaches(newest):
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = at
        seen = at - self.condition.horizon + self.condition.period
        self._is_at_rest = (
            self.wakes is not self.cadence
            and self.state == "OK"
            and self._calm_since is not None
            and self._calm_since <= seen
        )

    def _note(self, end: int, value: float | None) -> None:
        """Keeps the farthest datapoint, and the farthest since the last transition."""
        if self._is_farther(value, self._state_peak and self._state_peak.datapoint):
            self._state_peak = self._peak_of(Datapoint(end - self.condition.period, end, value))
            # What exceeds all there was exceeds what there was since the transition.
            if self._is_farther(value, self.peak and self.peak.datapoint):
                self.peak = self._state_peak

    def _farthest(self, datapoints: tuple[Datapoint, ...]) -> Peak | None:
        farthest: Datapoint | None = None
        for datapoint in decisive(self.condition, datapoints):
            if self._is_farther(datapoint.value, farthest):
                farthest = datapoint
        return farthest and self._peak_of(farthest)

    def _is_farther(self, value: float | None, other: Datapoint | None) -> bool:
        if value is None:
            return False
        if other is None or other.value is None:
            return True
        return self.condition.is_worse(value, other.value)

    def _peak_of(self, datapoint: Datapoint) -> Peak:
        return Peak(datapoint, self.feed.lines(datapoint.start, datapoint.end))

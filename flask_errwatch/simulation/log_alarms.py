"""A log alarm over time: its state, and that of each of its contributors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import nsmallest
from typing import NamedTuple

from flask_errwatch._time import rfc3339_second
from flask_errwatch.simulation.alarm_state import Transition
from flask_errwatch.simulation.conditions import OPERATORS, Datapoint, StateValue
from flask_errwatch.simulation.contributors import ContributorFeed
from flask_errwatch.simulation.log_conditions import LogAlarmCondition

#: Contributors of one run that are evaluated. Those beyond are left out, and the alarm's
#: evaluation state is PARTIAL_DATA (CloudWatch User Guide, Log alarms).
MOST_CONTRIBUTORS = 500
#: Contributors of one alarm that may be in ALARM at the same time (the same page).
MOST_IN_ALARM = 100
#: Contributors that a reason names.
_NAMED = 3


class ContributorTransition(NamedTuple):
    """A change of one contributor's state.

    Attributes:
        alarm: The log alarm's name.
        contributor: The contributor, such as a client address.
        by: The name of its attribute, such as `client_ip`.
        at: When, in seconds since the epoch.
        old: The state before. A contributor that was not there was OK.
        new: The state from now on.
        value: Its value in the run that decided. None when it is gone.
        reason: Why, as a sentence.
        is_notified: Whether the alarm has actions for the new state: one message is sent.
    """

    alarm: str
    contributor: str
    by: str
    at: int
    old: StateValue
    new: StateValue
    value: float | None
    reason: str
    is_notified: bool

    def __str__(self) -> str:
        value = "gone" if self.value is None else f"{self.value:g}"
        return f"{self.alarm}, {self.contributor}: {self.old} -> {self.new} ({value})."


class _Result(NamedTuple):
    """What one run returned.

    Attributes:
        values: The value of each contributor, in the order of the query's `sort`.
        left_out: Contributors beyond `MOST_CONTRIBUTORS`.
    """

    values: Mapping[str, float]
    left_out: int


class LogAlarmWatch:
    """The state of one log alarm and of its contributors.

    Args:
        condition: The alarm's condition.
        feed: What each contributor added.
        record: Takes each change of a contributor.

    Attributes:
        state: Its state. A new alarm has INSUFFICIENT_DATA.
        in_alarm: The contributors that are in ALARM, with their value.
        most: The highest value of a run until now with its contributor, or None.
        left_out: Contributors of the last run that were not evaluated: PARTIAL_DATA above 0.
        not_in_alarm: Contributors that breached in the last run while 100 others were in ALARM.
    """

    def __init__(
        self,
        condition: LogAlarmCondition,
        feed: ContributorFeed,
        record: Callable[[ContributorTransition], object],
    ) -> None:
        self.condition = condition
        self.cadence = self.wakes = condition.cadence
        self.feed = feed
        self.state: StateValue = "INSUFFICIENT_DATA"
        self.in_alarm: dict[str, float] = {}
        self.most: tuple[str, float] | None = None
        self.left_out = 0
        self.not_in_alarm = 0
        self._record = record
        self._results: dict[int, _Result] = {}

    def succeed(self, before: LogAlarmWatch) -> None:
        """Takes over the states of the alarm that this one replaces, unless its query changed.

        Another threshold, M or N keeps them (CloudWatch User Guide, Log alarms).
        """
        if self.condition.schedule == before.condition.schedule:
            self.state = before.state
            self.in_alarm = dict(before.in_alarm)

    def next_moment(self, at: int) -> int | None:  # noqa: ARG002 - as `AlarmWatch`
        """None: each of its runs is known when lines arrive."""
        return None

    def forget(self) -> None:
        """Drops the remembered results: lines arrived for a window already read."""
        self._results.clear()

    def evaluate(self, at: int) -> Transition | None:
        """Evaluates the alarm at a run and returns its own transition, if any."""
        condition = self.condition
        first = at - (condition.evaluation_runs - 1) * condition.rate
        results = [self._result(run) for run in range(first, at + 1, condition.rate)]
        self._results = {run: result for run, result in self._results.items() if run >= first}
        newest = results[-1]
        self.left_out = newest.left_out
        self._note(newest.values)
        breaching = {
            contributor: value
            for contributor, value in newest.values.items()
            if self._breaching_runs(contributor, results) >= condition.runs_to_alarm
        }
        before, self.in_alarm = self.in_alarm, self._limited(breaching)
        self._record_changes(at, before, newest.values)
        old, self.state = self.state, self._next_state(newest.values)
        if self.state == old:
            return None
        top = Datapoint(*self._window(at), max(newest.values.values(), default=None))
        reason = self._reason(at, newest.values)
        return Transition(condition.name, at, old, self.state, reason, (top,))

    def _window(self, run: int) -> tuple[int, int]:
        end = run - self.condition.delay
        return end - self.condition.window, end

    def _result(self, run: int) -> _Result:
        if run not in self._results:
            values = self.feed.contributors(*self._window(run))
            kept = _first(values, self.condition.query.order)
            self._results[run] = _Result(kept, len(values) - len(kept))
        return self._results[run]

    def _note(self, values: Mapping[str, float]) -> None:
        if values:
            top = max(values, key=lambda contributor: values[contributor])
            if self.most is None or values[top] > self.most[1]:
                self.most = top, values[top]

    def _breaching_runs(self, contributor: str, results: list[_Result]) -> int:
        is_missing_bad = self.condition.treat_missing_data == "breaching"
        values = (result.values.get(contributor) for result in results)
        return sum(
            is_missing_bad if value is None else self.condition.breaches(value) for value in values
        )

    def _limited(self, breaching: Mapping[str, float]) -> dict[str, float]:
        """At most 100 of them, first those that are in ALARM already. AWS does not state which."""
        ordered = sorted(breaching, key=lambda contributor: contributor not in self.in_alarm)
        self.not_in_alarm = max(0, len(ordered) - MOST_IN_ALARM)
        return {contributor: breaching[contributor] for contributor in ordered[:MOST_IN_ALARM]}

    def _record_changes(
        self, at: int, before: Mapping[str, float], values: Mapping[str, float]
    ) -> None:
        begun = [contributor for contributor in self.in_alarm if contributor not in before]
        # A contributor that is gone goes to OK, whatever missing data counts as.
        ended = [contributor for contributor in before if contributor not in self.in_alarm]
        if not (begun or ended):
            return
        reason = self._reason(at, values)
        changes: tuple[tuple[StateValue, StateValue, list[str]], ...] = (
            ("OK", "ALARM", begun),
            ("ALARM", "OK", ended),
        )
        for old, new, contributors in changes:
            for contributor in contributors:
                self._record(
                    ContributorTransition(
                        alarm=self.condition.name,
                        contributor=contributor,
                        by=self.condition.query.by,
                        at=at,
                        old=old,
                        new=new,
                        value=values.get(contributor),
                        reason=reason,
                        is_notified=new in self.condition.notified,
                    )
                )

    def _next_state(self, values: Mapping[str, float]) -> StateValue:
        """ALARM if any contributor is. An empty result is missing data."""
        if self.in_alarm:
            return "ALARM"
        treatment = self.condition.treat_missing_data
        if values or treatment == "notBreaching":
            return "OK"
        if treatment == "breaching":
            return "ALARM"
        if treatment == "missing":
            return "INSUFFICIENT_DATA"
        return "OK" if self.state == "ALARM" else self.state

    def _reason(self, at: int, values: Mapping[str, float]) -> str:
        """Why, in the words of the service's message, then with the figures."""
        condition = self.condition
        sign = OPERATORS[condition.comparison_operator][0]
        start, end = map(rfc3339_second, self._window(at))
        named = [f"{one} has {value:g}" for one, value in [*self.in_alarm.items()][:_NAMED]]
        return (
            f"{len(self.in_alarm)} out of {len(values)} contributors evaluated to ALARM "
            f"({condition.query} {sign} {condition.threshold:g}, from {start} to {end})"
            f"{': ' if named else ''}{', '.join(named)}."
        )


def _first(values: Mapping[str, float], order: str) -> Mapping[str, float]:
    """The contributors that a run returns, in order: by name, or by value where it sorts."""
    sign = {"desc": -1, "asc": 1}.get(order, 0)
    # Equal values in the order of their names, so that the same lines give the same result.
    names = nsmallest(MOST_CONTRIBUTORS, values, key=lambda name: (sign * values[name], name))
    return {name: values[name] for name in names}

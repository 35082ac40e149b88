"""When a contributor of a log alarm changes state: the query, its windows, M of N runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.provision.resources import LogAlarm
from flask_errwatch.simulation.conditions import OPERATORS, TREATMENTS, StateValue
from flask_errwatch.simulation.insights_query import LogQuery
from flask_errwatch.simulation.metrics import MINUTE

_MOST_RUNS = 100


class LogMetric(NamedTuple):
    """What a log alarm watches: the result of a query.

    Attributes:
        query: The query.
        step: Seconds that are summed together, so that each window is a multiple of them.
    """

    query: LogQuery
    step: int


class LogCadence(NamedTuple):
    """When a log alarm must be evaluated. Between these runs its result is the same.

    Attributes:
        rate: Seconds between two runs.
        window: Seconds of lines that a run reads.
        delay: Seconds before a run at which its window ends.
        runs: Results that are evaluated.
        step: Seconds that are summed together.
    """

    rate: int
    window: int
    delay: int
    runs: int
    step: int

    def moments(self, minute: int) -> list[int]:
        """The runs at which lines of a minute enter a window, and at which they leave it."""
        # Runs are a minute or more apart, so the first and last step of a minute cover all.
        ends = (minute + self.step, minute + MINUTE)
        offsets = (self.delay, self.delay + self.window)
        changes = {self._run_from(end + offset) for end in ends for offset in offsets}
        later = range(0, self.runs * self.rate, self.rate)
        return sorted({change + wait for change in changes for wait in later})

    def after(self, at: int) -> int:
        """The first run after that second, which is a whole minute."""
        return self._run_from(at + MINUTE)

    def _run_from(self, second: int) -> int:
        return -(-second // self.rate) * self.rate


@dataclass(frozen=True, kw_only=True, slots=True)
class LogAlarmCondition:
    """When a contributor of a log alarm goes to ALARM, read from its resource (`of`).

    A run at time T reads the lines of [T - (window + delay), T - delay), in whole seconds. The
    second at the end is not part of it: AWS does not state which ends are closed, and half-open
    windows count each line as often as any other. Nor does AWS state at which times a rate starts:
    here runs are at the multiples of the rate since the epoch.

    Attributes:
        name: The alarm's name.
        query: The query and its aggregation.
        threshold: What the value of a contributor is compared with.
        comparison_operator: How.
        rate: Seconds between two runs, a multiple of 60.
        window: Seconds of lines that a run reads.
        delay: Seconds before a run at which its window ends.
        evaluation_runs: Results that are evaluated (N).
        runs_to_alarm: How many of those must breach (M).
        treat_missing_data: What a run without the contributor counts as.
        notified: The states whose change is notified, once for each contributor.
    """

    name: str
    query: LogQuery
    threshold: float
    comparison_operator: str
    rate: int
    window: int
    delay: int
    evaluation_runs: int
    runs_to_alarm: int
    treat_missing_data: str
    notified: frozenset[StateValue]
    _breaches: Callable[[float, float], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_breaches", OPERATORS[self.comparison_operator][1])

    @classmethod
    def of(cls, alarm: LogAlarm) -> LogAlarmCondition:
        """The condition of a log alarm.

        Raises:
            JudgeError: When its query is not of the form that `apply` writes, or naming each
                other field that cannot be evaluated.
        """
        query = LogQuery(alarm.name, alarm.query, alarm.aggregation)
        problems = [*_problems(alarm)]
        if problems:
            raise JudgeError(*problems)
        actions: dict[StateValue, tuple[str, ...]] = {
            "ALARM": alarm.alarm_actions,
            "OK": alarm.ok_actions,
        }
        return cls(
            name=alarm.name,
            query=query,
            threshold=alarm.threshold,
            comparison_operator=alarm.comparison_operator,
            rate=alarm.rate,
            window=alarm.window,
            delay=alarm.delay,
            evaluation_runs=alarm.evaluation_runs,
            runs_to_alarm=alarm.runs_to_alarm,
            treat_missing_data=alarm.treat_missing_data,
            notified=frozenset(
                state for state, arns in actions.items() if arns and alarm.actions_enabled
            ),
        )

    @property
    def metric(self) -> LogMetric:
        """What the alarm watches."""
        return LogMetric(self.query, math.gcd(MINUTE, self.window, self.delay))

    @property
    def schedule(self) -> tuple[LogQuery, int, int, int]:
        """What resets the alarm to INSUFFICIENT_DATA when it is changed."""
        return self.query, self.rate, self.window, self.delay

    @property
    def cadence(self) -> LogCadence:
        """When it must be evaluated."""
        step = self.metric.step
        return LogCadence(self.rate, self.window, self.delay, self.evaluation_runs, step)

    @property
    def horizon(self) -> int:
        """Seconds before an evaluation that it can see."""
        return self.window + self.delay + (self.evaluation_runs - 1) * self.rate

    @property
    def interval(self) -> int:
        """Seconds between two evaluations."""
        return self.rate

    def breaches(self, value: float) -> bool:
        """Whether the value of a contributor breaches the threshold."""
        return self._breaches(value, self.threshold)

    def __str__(self) -> str:
        sign = OPERATORS[self.comparison_operator][0]
        count = f"{self.runs_to_alarm} of {self.evaluation_runs} runs"
        return f"{self.query} {sign} {self.threshold:g} over {self.window} s, {count}"


def _problems(alarm: LogAlarm) -> Iterator[Problem]:
    checks = (
        ("threshold", math.isfinite(alarm.threshold), "Use a finite number."),
        (
            "comparison_operator",
            alarm.comparison_operator in OPERATORS,
            f"Use one of: {', '.join(OPERATORS)}.",
        ),
        (
            "treat_missing_data",
            alarm.treat_missing_data in TREATMENTS,
            f"Use one of: {', '.join(TREATMENTS)}.",
        ),
        ("rate", alarm.rate > 0 and alarm.rate % MINUTE == 0, "Use a multiple of 60."),
        ("window", alarm.window > 0, "Use a number of seconds above 0."),
        ("delay", alarm.delay >= 0, "Use a number of seconds, or 0."),
        ("evaluation_runs", 1 <= alarm.evaluation_runs <= _MOST_RUNS, "Use 1 to 100."),
        (
            "runs_to_alarm",
            1 <= alarm.runs_to_alarm <= alarm.evaluation_runs,
            "Use a number from 1 to evaluation_runs.",
        ),
    )
    for key, is_valid, remedy in checks:
        if not is_valid:
            shown = f"{key} of log alarm {alarm.name!r}"
            yield Problem(key=shown, value=getattr(alarm, key), remedy=remedy)

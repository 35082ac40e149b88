"""When an alarm changes state: M of N datapoints, and what a missing one counts as."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from flask_errwatch.alarms import AnyAlarm
from flask_errwatch.detectors import Alarm
from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.simulation.metrics import MINUTE, Metric, is_statistic
from flask_errwatch.simulation.stored import Reader

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

_DAY = 86_400
_HOUR = 3_600
#: Longest window, of a day where periods are shorter than an hour (CloudWatch API, PutMetricAlarm).
_WEEK = 604_800
_OPERATORS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": (">", operator.gt),
    "GreaterThanOrEqualToThreshold": (">=", operator.ge),
    "LessThanThreshold": ("<", operator.lt),
    "LessThanOrEqualToThreshold": ("<=", operator.le),
}
_TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
_BEYOND = {
    "Metrics": "The judge evaluates one metric, no metric math.",
    "ThresholdMetricId": "The judge evaluates fixed thresholds, no anomaly detection.",
    "EvaluationCriteria": "The judge evaluates one metric, no PromQL.",
    "WarmUpConfiguration": "The judge knows no warm-up period; leave it out.",
}

_UNJUDGED = {
    "AnomalyAlarm": "The judge has no model of what is usual: judge it with an Alarm(…).",
    "BusyAlarm": "The lines do not count all requests: judge its `errors` alone.",
}


class Datapoint(NamedTuple):
    """The value of one period.

    Attributes:
        start: Its first second, since the epoch.
        end: The second after its last.
        value: The statistic of its samples, or None when it has none.
    """

    start: int
    end: int
    value: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmRule:
    """A metric alarm as values; the fields are those of CloudWatch's PutMetricAlarm.

    Args:
        name: The alarm's name.
        namespace: Namespace of the metric that it watches.
        metric_name: Name of that metric.
        dimensions: Name and value of each of that metric's dimensions.
        threshold: What a datapoint is compared with.
        period: Seconds that one datapoint covers, a multiple of 60.
        evaluation_periods: Datapoints that are looked at (N).
        datapoints_to_alarm: Datapoints of those that must breach (M); None means all.
        statistic: `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or as `p99`.
        comparison_operator: How a datapoint is compared with the threshold.
        treat_missing_data: What a period without samples counts as.
        unit: The only unit of samples that count; None means any.

    Raises:
        JudgeError: Naming each field with which the judge cannot work.

    Example:
        >>> rule = AlarmRule(name="shop-error", namespace="Shop", metric_name="errors",
        ...     threshold=10, period=300)
        >>> print(rule)
        Sum > 10 over 300 s, 1 of 1 periods
    """

    name: str
    namespace: str
    metric_name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    threshold: float
    period: int
    evaluation_periods: int = 1
    datapoints_to_alarm: int | None = None
    statistic: str = "Sum"
    comparison_operator: str = "GreaterThanThreshold"
    treat_missing_data: str = "missing"
    unit: str | None = None
    _breaches: Callable[[float, float], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problems = list(_alarm_problems(self))
        if problems:
            raise JudgeError(*problems)
        object.__setattr__(self, "dimensions", tuple(sorted(self.dimensions)))
        object.__setattr__(self, "_breaches", _OPERATORS[self.comparison_operator][1])

    @classmethod
    def from_alarm(cls, alarm: AnyAlarm, *, name: str, metric: Metric) -> AlarmRule:
        """The rule of a detector's alarm.

        Args:
            alarm: As it is configured: with threshold and period (`Catalogue.configured`).
            name: The alarm's name.
            metric: The metric that it watches.

        Raises:
            JudgeError: When threshold or period is not filled in, or when it depends on more
                than this metric: on a model that only CloudWatch has, or on all requests.
        """
        if not isinstance(alarm, Alarm):
            remedy = _UNJUDGED[type(alarm).__name__]
            raise JudgeError(Problem(key="alarm", value=name, remedy=remedy))
        if alarm.threshold is None or alarm.period is None:
            remedy = "Give it a threshold and a period, or take it from Catalogue.configured()."
            raise JudgeError(Problem(key="alarm", value=name, remedy=remedy))
        return cls(
            name=name,
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=metric.dimensions,
            threshold=alarm.threshold,
            period=alarm.period,
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=alarm.datapoints_to_alarm,
            statistic=alarm.statistic,
            comparison_operator=alarm.comparison_operator,
            treat_missing_data=alarm.treat_missing_data,
        )

    @classmethod
    def from_cloudwatch(cls, mapping: Mapping[str, object]) -> AlarmRule:
        """The rule that is stored in AWS.

        Args:
            mapping: An entry of `MetricAlarms`, as DescribeAlarms returns it.

        Raises:
            JudgeError: Naming what is missing, wrong, or beyond what the judge evaluates.
        """
        read = Reader(mapping, f"alarm {mapping.get('AlarmName')!r}")
        for key, remedy in _BEYOND.items():
            read.refuse(key, remedy)
        window = mapping.get("EvaluationWindow")
        if isinstance(window, Mapping) and "WallClockWindow" in window:
            read.wrong("EvaluationWindow", "The judge evaluates sliding windows only.")
        if mapping.get("EvaluateLowSampleCountPercentile") == "ignore":
            remedy = "The judge evaluates every percentile; use 'evaluate'."
            read.wrong("EvaluateLowSampleCountPercentile", remedy)
        extended = read.has("ExtendedStatistic")
        # What is beyond the judge explains why the rest is missing, so it is said alone.
        read.done()
        found = read.has("DatapointsToAlarm")
        needed = read.whole("DatapointsToAlarm") if found else None
        rule = {
            "name": read.text("AlarmName"),
            "namespace": read.text("Namespace"),
            "metric_name": read.text("MetricName"),
            "statistic": read.text("ExtendedStatistic" if extended else "Statistic"),
            "comparison_operator": read.text("ComparisonOperator"),
            "treat_missing_data": read.text("TreatMissingData", "missing"),
        }
        threshold, period = read.number("Threshold"), read.whole("Period")
        periods, dimensions = read.whole("EvaluationPeriods"), read.texts("Dimensions")
        read.done()
        return cls(
            threshold=threshold,
            period=period,
            evaluation_periods=periods,
            datapoints_to_alarm=needed,
            dimensions=dimensions,
            unit=read.text("Unit", "") or None,
            **rule,
        )

    @property
    def metric(self) -> Metric:
        """The metric that it watches."""
        return Metric(self.namespace, self.metric_name, self.dimensions)

    @property
    def needed(self) -> int:
        """Datapoints that must breach (M)."""
        return self.datapoints_to_alarm or self.evaluation_periods

    @property
    def evaluation_range(self) -> int:
        """Datapoints that are fetched: N + 2.

        CloudWatch fetches more than N so that it can go on past gaps, and does not say how
        many; every example of its documentation fetches 5 for N = 3 (User Guide, "Configuring
        how CloudWatch alarms treat missing data").
        """
        return self.evaluation_periods + 2

    @property
    def horizon(self) -> int:
        """Seconds before an evaluation that it can see."""
        return self.evaluation_range * self.period

    @property
    def interval(self) -> int:
        """Seconds between two evaluations: a minute, or an hour when N periods span over a day.

        See the User Guide, "Alarm evaluation".
        """
        return _HOUR if self.period * self.evaluation_periods > _DAY else MINUTE

    def breaches(self, value: float) -> bool:
        """Whether a datapoint of that value breaches the threshold."""
        return self._breaches(value, self.threshold)

    def is_worse(self, value: float, other: float) -> bool:
        """Whether the first value lies farther on the breaching side than the second."""
        return value < other if self.comparison_operator.startswith("Less") else value > other

    def __str__(self) -> str:
        sign = _OPERATORS[self.comparison_operator][0]
        count = f"{self.needed} of {self.evaluation_periods} periods"
        return f"{self.statistic} {sign} {self.threshold:g} over {self.period} s, {count}"


def _alarm_problems(rule: AlarmRule) -> Iterator[Problem]:
    def problem(key: str, remedy: str) -> Problem:
        return Problem(key=f"{key} of alarm {rule.name!r}", value=getattr(rule, key), remedy=remedy)

    if not math.isfinite(rule.threshold):
        yield problem("threshold", "Use a finite number.")
    if rule.period < MINUTE or rule.period % MINUTE:
        yield problem("period", "Use a multiple of 60: metric filters count per minute.")
    if rule.evaluation_periods < 1:
        yield problem("evaluation_periods", "Use a whole number of at least 1.")
    elif rule.datapoints_to_alarm is not None and not (
        1 <= rule.datapoints_to_alarm <= rule.evaluation_periods
    ):
        yield problem("datapoints_to_alarm", "Use a whole number from 1 to evaluation_periods.")
    window = _DAY if rule.period < _HOUR else _WEEK
    if rule.period * rule.evaluation_periods > window:
        remedy = "Use at most a day together, a week where a period is an hour or longer."
        yield problem("evaluation_periods", remedy)
    if not is_statistic(rule.statistic):
        names = "'Sum', 'Average', 'Minimum', 'Maximum', 'SampleCount' or a percentile as 'p99'"
        yield problem("statistic", f"Use {names}; the judge knows no other.")
    if rule.comparison_operator not in _OPERATORS:
        yield problem("comparison_operator", f"Use one of: {', '.join(_OPERATORS)}.")
    if rule.treat_missing_data not in _TREATMENTS:
        yield problem("treat_missing_data", f"Use one of: {', '.join(_TREATMENTS)}.")


class Evaluation(NamedTuple):
    """What one evaluation came to.

    Attributes:
        state: The alarm's state from now on.
        reason: Why, in a sentence.
        datapoints: What was looked at, oldest first.
    """

    state: State
    reason: str
    datapoints: tuple[Datapoint, ...]


def evaluate(rule: AlarmRule, datapoints: Sequence[Datapoint], state: State) -> Evaluation:
    """Evaluates an alarm once.

    Args:
        rule: The alarm.
        datapoints: The datapoints of the evaluation range, oldest first.
        state: The alarm's state until now.

    Example:
        >>> rule = AlarmRule(name="a", namespace="n", metric_name="m", threshold=10, period=300)
        >>> evaluate(rule, [Datapoint(0, 300, 11.0)], "OK").state
        'ALARM'
    """
    new = next_state(rule, [each.value for each in datapoints], state)
    return Evaluation(new, reason_of(rule, datapoints), tuple(datapoints))


def next_state(rule: AlarmRule, values: Sequence[float | None], state: State) -> State:
    """The state that follows from the values of the evaluation range, oldest first.

    With at least N values the newest N decide. With fewer, all of them count, and each of the
    N that is missing counts as `treat_missing_data` says. Under `missing` and `ignore`, fewer
    than M breaching values and no other are too early to tell: the state stays, until, under
    `missing`, the oldest of them is M periods old, which alarms. (User Guide, "Configuring how
    CloudWatch alarms treat missing data" and "Avoiding premature transitions to alarm state";
    that the state stays meanwhile is our reading of "does not go immediately into ALARM".)

    The same values give the same state again, which lets a caller skip unchanged minutes.
    """
    breaching = [rule.breaches(value) for value in values if value is not None]
    missing = rule.evaluation_periods - len(breaching)
    treatment = rule.treat_missing_data
    if missing <= 0:
        breaches = sum(breaching[-rule.evaluation_periods :])
    else:
        breaches = sum(breaching) + (missing if treatment == "breaching" else 0)
    if breaches >= rule.needed:
        return "ALARM"
    if missing <= 0 or treatment in {"breaching", "notBreaching"} or not all(breaching):
        return "OK"
    if treatment == "ignore":
        return state
    if not breaching:
        return "INSUFFICIENT_DATA"
    oldest = next(index for index, value in enumerate(values) if value is not None)
    return "ALARM" if len(values) - oldest >= rule.needed else state


def decisive(rule: AlarmRule, datapoints: Sequence[Datapoint]) -> list[Datapoint]:
    """The datapoints that have a value, the newest N of them, oldest first."""
    return [each for each in datapoints if each.value is not None][-rule.evaluation_periods :]


def reason_of(rule: AlarmRule, datapoints: Sequence[Datapoint]) -> str:
    """The sentence that says why an evaluation came to its state."""
    looked_at = decisive(rule, datapoints)
    if not looked_at:
        treatment = f"missing data counts as {rule.treat_missing_data}"
        return f"No sample in {len(datapoints)} periods of {rule.period} s; {treatment}."
    values = ", ".join(f"{each.value:g}" for each in looked_at)
    breaching = sum(each.value is not None and rule.breaches(each.value) for each in looked_at)
    sign = _OPERATORS[rule.comparison_operator][0]
    gaps = rule.evaluation_periods - len(looked_at)
    missing = f"; {gaps} missing, counted as {rule.treat_missing_data}" if gaps else ""
    return (
        f"{breaching} of {len(looked_at)} datapoints {sign} {rule.threshold:g} "
        f"({rule.statistic} over {rule.period} s: {values}), the last until "
        f"{shown_time(looked_at[-1].end)}{missing}; "
        f"{rule.needed} of {rule.evaluation_periods} make an alarm."
    )


def shown_time(seconds: int) -> str:
    """The time in UTC, or the number where a calendar ends.

    Example:
        >>> shown_time(1_700_000_000)
        '2023-11-14T22:13:20Z'
    """
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"

"""When a metric alarm changes state: M of N datapoints, and what a missing one counts as."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from flask_errwatch._time import rfc3339_second
from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.provision.resources import MetricAlarm
from flask_errwatch.simulation.contributors import MAX_CONTRIBUTOR_VALUE, ContributorMetric
from flask_errwatch.simulation.metrics import MINUTE, Metric, is_statistic

StateValue = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

_DAY = 86_400
_HOUR = 3_600
#: Longest window, of a day where periods are shorter than an hour (CloudWatch API, PutMetricAlarm).
_WEEK = 604_800
#: The sign and the function of each comparison operator.
OPERATORS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": (">", operator.gt),
    "GreaterThanOrEqualToThreshold": (">=", operator.ge),
    "LessThanThreshold": ("<", operator.lt),
    "LessThanOrEqualToThreshold": ("<=", operator.le),
}
#: What missing data may count as.
TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")


def _busiest(term: str) -> re.Pattern[str]:
    """The pattern of the busiest contributor of one rule, or that of the busier of two rules."""
    return re.compile(rf"{term}|MAX\(\[ *{term} *, *{term} *\]\)", re.ASCII)


_INSIGHT_RULE_METRIC = rf'INSIGHT_RULE_METRIC\("([^"]*)", *"{MAX_CONTRIBUTOR_VALUE}"\)'
#: The expressions that are evaluated, by the value of a period without contributors. FILL with a
#: constant gives that to each period without a datapoint (CloudWatch User Guide, "Using metric
#: math", FILL). No page and no emulator shows it on INSIGHT_RULE_METRIC.
_BUSIEST: dict[float | None, re.Pattern[str]] = {
    None: _busiest(_INSIGHT_RULE_METRIC),
    0.0: _busiest(rf"FILL\( *{_INSIGHT_RULE_METRIC} *, *0 *\)"),
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


def reason_unjudged(alarm: MetricAlarm) -> str | None:
    """Why the judge cannot evaluate the alarm, as a sentence, or None when it can.

    Example:
        >>> from flask_errwatch.provision.resources import MetricQuery
        >>> band = MetricQuery(id="band", expression="ANOMALY_DETECTION_BAND(count, 2)")
        >>> reason_unjudged(MetricAlarm(name="a", description="", metrics=(band,),
        ...     threshold_metric_id="band", evaluation_periods=1, comparison_operator=None,
        ...     treat_missing_data="missing"))
        'Only CloudWatch has the model behind its anomaly band.'
    """
    if alarm.threshold_metric_id is not None:
        return "Only CloudWatch has the model behind its anomaly band."
    if alarm.metrics and _contributor_metric(alarm) is None:
        return "The judge evaluates no metric math."
    return None


def metric_of(alarm: MetricAlarm) -> Metric:
    """The metric that the alarm names, where it watches no metric query."""
    return Metric(alarm.namespace or "", alarm.metric_name or "", tuple(sorted(alarm.dimensions)))


def _contributor_metric(alarm: MetricAlarm) -> ContributorMetric | None:
    """The metric of one insight rule or of two that is the alarm's one term."""
    if len(alarm.metrics) != 1:
        return None
    for empty, pattern in _BUSIEST.items():
        match = pattern.fullmatch(alarm.metrics[0].expression or "")
        if match is not None:
            return ContributorMetric(tuple(filter(None, match.groups())), empty)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmCondition:
    """When a metric alarm goes to ALARM, read from its resource (`AlarmCondition.of`).

    Attributes:
        name: The alarm's name.
        metric: The metric that it watches, or that of an insight rule's busiest contributor.
        threshold: What a datapoint is compared with.
        period: Seconds that one datapoint covers, a multiple of 60.
        evaluation_periods: Datapoints that are evaluated (N).
        datapoints_to_alarm: Datapoints of those that must breach (M).
        statistic: `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or a percentile as
            `p99`; `MaxContributorValue` of an insight rule.
        comparison_operator: How a datapoint is compared with the threshold.
        treat_missing_data: What a period without samples counts as.
        unit: The only unit of samples that count. None means any unit.

    Example:
        >>> print(AlarmCondition.of(MetricAlarm(name="shop-error", description="",
        ...     namespace="Shop", metric_name="errors", statistic="Sum", threshold=10, period=300,
        ...     evaluation_periods=1, comparison_operator="GreaterThanThreshold",
        ...     treat_missing_data="notBreaching")))
        Sum > 10 over 300 s, 1 of 1 periods
    """

    name: str
    metric: Metric | ContributorMetric
    threshold: float
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    statistic: str
    comparison_operator: str
    treat_missing_data: str
    unit: str | None
    _breaches: Callable[[float, float], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_breaches", OPERATORS[self.comparison_operator][1])

    @classmethod
    def of(cls, alarm: MetricAlarm) -> AlarmCondition:
        """The condition of an alarm.

        Raises:
            JudgeError: Naming each field that the judge cannot evaluate.
        """
        reason = reason_unjudged(alarm)
        problems = [_problem(alarm, "metrics", reason)] if reason else [*_problems(alarm)]
        if problems:
            raise JudgeError(*problems)
        contributors = _contributor_metric(alarm)
        # Each assertion repeats what `_problems` checked, for the type checker.
        assert alarm.threshold is not None  # noqa: S101
        assert alarm.evaluation_periods is not None  # noqa: S101
        assert alarm.comparison_operator is not None  # noqa: S101
        return cls(
            name=alarm.name,
            metric=contributors or metric_of(alarm),
            threshold=alarm.threshold,
            period=_period(alarm) or MINUTE,
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=alarm.datapoints_to_alarm or alarm.evaluation_periods,
            statistic=MAX_CONTRIBUTOR_VALUE if contributors else alarm.statistic or "",
            comparison_operator=alarm.comparison_operator,
            treat_missing_data=alarm.treat_missing_data,
            unit=alarm.unit,
        )

    @property
    def evaluation_range(self) -> int:
        """Datapoints that are fetched: N + 2.

        CloudWatch fetches more than N so that it can evaluate across gaps, and does not document
        how many. Every example of its documentation fetches 5 for N = 3 (User Guide, "Configuring
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

    @property
    def is_fired_by_growth(self) -> bool:
        """Whether it goes to ALARM only when samples enter a period, if none is negative.

        In OK it stays so while samples leave its periods, or are missing.
        """
        return (
            self.statistic in {"Sum", MAX_CONTRIBUTOR_VALUE}
            and self.comparison_operator.startswith("Greater")
            and not self.breaches(0.0)
            and self.treat_missing_data == "notBreaching"
            and self.interval == MINUTE
        )

    def breaches(self, value: float) -> bool:
        """Whether a datapoint of that value breaches the threshold."""
        return self._breaches(value, self.threshold)

    def is_worse(self, value: float, other: float) -> bool:
        """Whether the first value lies farther on the breaching side than the second."""
        return value < other if self.comparison_operator.startswith("Less") else value > other

    def __str__(self) -> str:
        sign = OPERATORS[self.comparison_operator][0]
        count = f"{self.datapoints_to_alarm} of {self.evaluation_periods} periods"
        return f"{self.statistic} {sign} {self.threshold:g} over {self.period} s, {count}"


def _period(alarm: MetricAlarm) -> int | None:
    return alarm.metrics[0].period if alarm.metrics else alarm.period


def _problem(alarm: MetricAlarm, key: str, remedy: str, *, value: object = None) -> Problem:
    shown = getattr(alarm, key) if value is None else value
    return Problem(key=f"{key} of alarm {alarm.name!r}", value=shown, remedy=remedy)


def _problems(alarm: MetricAlarm) -> Iterator[Problem]:
    if alarm.threshold is None or not math.isfinite(alarm.threshold):
        yield _problem(alarm, "threshold", "Use a finite number.")
    if not alarm.metrics:
        if not is_statistic(alarm.statistic or ""):
            names = "'Sum', 'Average', 'Minimum', 'Maximum', 'SampleCount' or a percentile as 'p99'"
            yield _problem(alarm, "statistic", f"Use {names}; the judge knows no other.")
        for key in ("namespace", "metric_name"):
            if not getattr(alarm, key):
                yield _problem(alarm, key, "Name the metric that the alarm watches.")
    if alarm.comparison_operator not in OPERATORS:
        yield _problem(alarm, "comparison_operator", f"Use one of: {', '.join(OPERATORS)}.")
    if alarm.treat_missing_data not in TREATMENTS:
        yield _problem(alarm, "treat_missing_data", f"Use one of: {', '.join(TREATMENTS)}.")
    yield from _window_problems(alarm)


def _window_problems(alarm: MetricAlarm) -> Iterator[Problem]:
    period, number = _period(alarm) or 0, alarm.evaluation_periods or 0
    if period < MINUTE or period % MINUTE:
        remedy = "Use a multiple of 60: metric filters count per minute."
        yield _problem(alarm, "period", remedy, value=period)
    if number < 1:
        yield _problem(alarm, "evaluation_periods", "Use a whole number of at least 1.")
    elif alarm.datapoints_to_alarm is not None and not 1 <= alarm.datapoints_to_alarm <= number:
        remedy = "Use a whole number from 1 to evaluation_periods."
        yield _problem(alarm, "datapoints_to_alarm", remedy)
    if period * number > (_DAY if period < _HOUR else _WEEK):
        remedy = "Use at most a day together, a week where a period is an hour or longer."
        yield _problem(alarm, "evaluation_periods", remedy)


def next_state(
    condition: AlarmCondition, values: Sequence[float | None], state: StateValue
) -> StateValue:
    """The state that follows from the values of the evaluation range, oldest first.

    With at least N values the newest N decide. With fewer, all of them count, and each missing
    one counts as `treat_missing_data` defines. Under `missing` and `ignore`, fewer than M
    breaching values and no other do not decide yet: the state is kept until, under `missing`,
    the oldest of them is M periods old, which gives ALARM. (User Guide, "Configuring how
    CloudWatch alarms treat missing data" and "Avoiding premature transitions to alarm state".
    That the state is kept meanwhile is our reading of "does not go immediately into ALARM".)

    The same values give the same state again, which lets a caller skip unchanged minutes.

    Example:
        >>> condition = AlarmCondition.of(MetricAlarm(name="a", description="", namespace="n",
        ...     metric_name="m", statistic="Sum", threshold=10, period=300, evaluation_periods=1,
        ...     comparison_operator="GreaterThanThreshold", treat_missing_data="missing"))
        >>> next_state(condition, [None, 3.0, 11.0], "OK")
        'ALARM'
    """
    breaching = [condition.breaches(value) for value in values if value is not None]
    missing = condition.evaluation_periods - len(breaching)
    treatment = condition.treat_missing_data
    if missing <= 0:
        breaches = sum(breaching[-condition.evaluation_periods :])
    else:
        breaches = sum(breaching) + (missing if treatment == "breaching" else 0)
    if breaches >= condition.datapoints_to_alarm:
        return "ALARM"
    if missing <= 0 or treatment in {"breaching", "notBreaching"} or not all(breaching):
        return "OK"
    if treatment == "ignore":
        return state
    if not breaching:
        return "INSUFFICIENT_DATA"
    oldest = next(index for index, value in enumerate(values) if value is not None)
    return "ALARM" if len(values) - oldest >= condition.datapoints_to_alarm else state


def decisive(condition: AlarmCondition, datapoints: Sequence[Datapoint]) -> list[Datapoint]:
    """The datapoints that have a value, the newest N of them, oldest first."""
    valued = [datapoint for datapoint in datapoints if datapoint.value is not None]
    return valued[-condition.evaluation_periods :]


def reason_of(condition: AlarmCondition, datapoints: Sequence[Datapoint]) -> str:
    """Why an evaluation came to its state, as a sentence."""
    evaluated = decisive(condition, datapoints)
    if not evaluated:
        treatment = f"missing data counts as {condition.treat_missing_data}"
        return f"No sample in {len(datapoints)} periods of {condition.period} s; {treatment}."
    values = ", ".join(f"{datapoint.value:g}" for datapoint in evaluated)
    breaching = sum(
        datapoint.value is not None and condition.breaches(datapoint.value)
        for datapoint in evaluated
    )
    sign = OPERATORS[condition.comparison_operator][0]
    gaps = condition.evaluation_periods - len(evaluated)
    missing = f"; {gaps} missing, counted as {condition.treat_missing_data}" if gaps else ""
    return (
        f"{breaching} of {len(evaluated)} datapoints {sign} {condition.threshold:g} "
        f"({condition.statistic} over {condition.period} s: {values}), the last until "
        f"{rfc3339_second(evaluated[-1].end)}{missing}; "
        f"{condition.datapoints_to_alarm} of {condition.evaluation_periods} make an alarm."
    )

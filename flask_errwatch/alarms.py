"""When a detector alarms: at a threshold, above what is usual, or only while the app is busy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, Self, get_args

from flask_errwatch import _parsers as parsers
from flask_errwatch.errors import Problem, raise_if

Statistic = Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"]
ComparisonOperator = Literal[
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
MissingData = Literal["breaching", "notBreaching", "ignore", "missing"]

_DAY = 86_400
_is_statistic = parsers.one_of(get_args(Statistic))
_is_operator = parsers.one_of(get_args(ComparisonOperator))
_is_missing_data = parsers.one_of(get_args(MissingData))


class DetectorAlarm:
    """What a detector may have as its alarm."""

    __slots__ = ()

    def with_defaults(self, *, threshold: float, period: int) -> Self:
        """The alarm with what is configured for every alarm, where it has no value of its own.

        Example:
            >>> alarm = Alarm(period=60).with_defaults(threshold=4, period=300)
            >>> alarm.threshold, alarm.period
            (4, 60)
        """
        raise NotImplementedError

    def with_overrides(self, settings: Mapping[str, object]) -> Self:
        """The alarm with other values in some fields.

        Raises:
            ConfigurationError: Naming the fields that this type of alarm does not have.

        Example:
            >>> Alarm().with_overrides({"threshold": 3}).threshold
            3
        """
        own = sorted(each.name for each in fields(self))  # type: ignore[arg-type]  # each is one
        kind = type(self).__name__
        remedy = f"This detector has an {kind}, which takes {', '.join(own)}."
        unknown = [key for key in settings if key not in own]
        raise_if(Problem(key=key, value=settings[key], remedy=remedy) for key in unknown)
        return replace(self, **settings)  # type: ignore[type-var]  # checked there


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm(DetectorAlarm):
    """When a detector's metric is abnormal; the fields are those of CloudWatch's alarm.

    Args:
        threshold: The value compared with; None means `ERRWATCH_ALARM_THRESHOLD`.
        period: Seconds that one datapoint covers, a multiple of 60; None means
            `ERRWATCH_ALARM_PERIOD`.
        evaluation_periods: Datapoints that are looked at (N).
        datapoints_to_alarm: Datapoints of those that must breach (M); None means all.
        statistic: How a period's samples become one value.
        comparison_operator: How that value is compared with the threshold.
        treat_missing_data: What a period without samples counts as.

    Raises:
        ConfigurationError: When CloudWatch would refuse it (AWS API Reference,
            PutMetricAlarm: a period below an hour spans at most a day, others a week).

    Example:
        >>> Alarm(threshold=5).period is None
        True
    """

    threshold: float | None = None
    period: int | None = None
    evaluation_periods: int = 1
    datapoints_to_alarm: int | None = None
    statistic: Statistic = "Sum"
    comparison_operator: ComparisonOperator = "GreaterThanThreshold"
    treat_missing_data: MissingData = "notBreaching"

    def __post_init__(self) -> None:
        raise_if(
            [
                *parsers.problems_of("statistic", self.statistic, _is_statistic),
                *parsers.problems_of("comparison_operator", self.comparison_operator, _is_operator),
                *parsers.problems_of(
                    "treat_missing_data", self.treat_missing_data, _is_missing_data
                ),
                *_number_problems("threshold", self.threshold, minimum=0),
                *_window_problems(self),
            ]
        )

    def with_defaults(self, *, threshold: float, period: int) -> Self:
        """The alarm with threshold and period, where it has none of its own."""
        own = threshold if self.threshold is None else self.threshold
        return replace(self, threshold=own, period=self.period or period)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnomalyAlarm(DetectorAlarm):
    """Alarms when the metric rises above what it usually is at this hour and weekday.

    CloudWatch learns a model of up to two weeks of the metric; before that the band is wide or
    missing. It suits a detector with a steady background, such as 404s of a busy site; for a
    rare failure a fixed threshold says more.

    Args:
        band: Half the band's width in standard deviations, above 0: a smaller one alarms more.
        period: Seconds that one datapoint covers, a multiple of 60; None means
            `ERRWATCH_ALARM_PERIOD`.
        evaluation_periods: Datapoints that are looked at (N).
        datapoints_to_alarm: Datapoints of those that must lie above the band (M); None means all.
        statistic: How a period's samples become one value.
        treat_missing_data: What a period without samples counts as.

    Raises:
        ConfigurationError: When CloudWatch would refuse it.

    Example:
        >>> AnomalyAlarm(band=3).statistic
        'Sum'
    """

    band: float = 2
    period: int | None = None
    evaluation_periods: int = 1
    datapoints_to_alarm: int | None = None
    statistic: Statistic = "Sum"
    treat_missing_data: MissingData = "notBreaching"

    def __post_init__(self) -> None:
        problems = _number_problems("band", self.band, minimum=0)
        if not problems and not self.band:
            remedy = "Use a number of standard deviations above 0, such as 2."
            problems = [Problem(key="band", value=self.band, remedy=remedy)]
        raise_if(
            [
                *problems,
                *parsers.problems_of("statistic", self.statistic, _is_statistic),
                *parsers.problems_of(
                    "treat_missing_data", self.treat_missing_data, _is_missing_data
                ),
                *_window_problems(self),
            ]
        )

    def with_defaults(self, *, threshold: float, period: int) -> Self:  # noqa: ARG002 - it has no threshold
        """The alarm with a period, where it has none of its own."""
        return replace(self, period=self.period or period)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestMetric:
    """A metric that counts all requests, such as a load balancer's: the lines count failures only.

    Args:
        namespace: Its namespace, such as `AWS/ApplicationELB`.
        name: Its name, such as `RequestCount`.
        dimensions: Name and value of each of its dimensions. They must be all of the metric's:
            CloudWatch finds no data otherwise (User Guide, Using metrics, Dimensions).
        statistic: How a period's samples become the number of requests.

    Example:
        >>> RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount",
        ...     dimensions=(("LoadBalancer", "app/shop/50dc6c495c0c9188"),)).statistic
        'Sum'
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    statistic: Statistic = "Sum"


@dataclass(frozen=True, kw_only=True, slots=True)
class BusyAlarm(DetectorAlarm):
    """Alarms only while enough requests come in: a handful at night is no evidence.

    It becomes two alarms that tell nobody, on the failures and on the requests, and a composite
    alarm that tells when both are in ALARM.

    Args:
        errors: When there are too many failures.
        requests: The metric that counts all requests.
        minimum_requests: Requests, in a period of `errors`, from which on the failures count.

    Raises:
        ConfigurationError: When CloudWatch would refuse it.

    Example:
        >>> balancer = RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount",
        ...     dimensions=(("LoadBalancer", "app/shop/50dc6c495c0c9188"),))
        >>> BusyAlarm(errors=Alarm(threshold=20), requests=balancer, minimum_requests=500).errors
        Alarm(threshold=20, period=None, evaluation_periods=1, datapoints_to_alarm=None, \
statistic='Sum', comparison_operator='GreaterThanThreshold', treat_missing_data='notBreaching')
    """

    requests: RequestMetric
    minimum_requests: float
    errors: Alarm = field(default_factory=Alarm)

    def __post_init__(self) -> None:
        problems = _number_problems("minimum_requests", self.minimum_requests, minimum=1)
        requests = self.requests
        named: tuple[tuple[str, object], ...] = (
            ("namespace", requests.namespace),
            ("name", requests.name),
        )
        for key, name in named:
            if not isinstance(name, str) or not parsers.is_metric_name(name) or len(name) > 255:
                remedy = "Use 1 to 255 characters, none of them ':', '*' or '$'."
                problems.append(Problem(key=f"requests.{key}", value=name, remedy=remedy))
        problems += parsers.problems_of("statistic", requests.statistic, _is_statistic)
        raise_if(problems)

    def with_defaults(self, *, threshold: float, period: int) -> Self:
        """The alarm with threshold and period of its failures, where they have none."""
        return replace(self, errors=self.errors.with_defaults(threshold=threshold, period=period))

    def with_overrides(self, settings: Mapping[str, object]) -> Self:
        """The alarm with other values in some fields of its failures."""
        return replace(self, errors=self.errors.with_overrides(settings))


AnyAlarm = Alarm | AnomalyAlarm | BusyAlarm


def _number_problems(key: str, value: object, *, minimum: float) -> list[Problem]:
    parse = parsers.declared(int | float, parsers.number(minimum=minimum))
    return parsers.problems_of(key, value, parse)


def _window_problems(alarm: Alarm | AnomalyAlarm) -> list[Problem]:
    """What is wrong with its period and with how many periods are looked at."""
    problems = parsers.problems_of("period", alarm.period, parsers.declared(int, parsers.period))
    number, needed = alarm.evaluation_periods, alarm.datapoints_to_alarm
    if not _is_count(number):
        remedy = "Use a whole number of at least 1."
        problems.append(Problem(key="evaluation_periods", value=number, remedy=remedy))
    elif needed is not None and not (_is_count(needed) and needed <= number):
        remedy = f"Use a whole number from 1 to evaluation_periods ({number}), or leave it out."
        problems.append(Problem(key="datapoints_to_alarm", value=needed, remedy=remedy))
    if not problems and alarm.period is not None:
        longest = _DAY if alarm.period < 3600 else 7 * _DAY
        if alarm.period * number > longest:
            remedy = f"period x evaluation_periods may span at most {longest} seconds."
            problems.append(Problem(key="evaluation_periods", value=number, remedy=remedy))
    return problems


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1

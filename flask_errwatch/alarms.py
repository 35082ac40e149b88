"""When a detector alarms: one type per choice, each with what CloudWatch needs for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, TypeVar

from flask_errwatch._checks import alarm_problems, anomaly_problems, busy_problems, raise_if
from flask_errwatch.errors import Problem

Statistic = Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"]
ComparisonOperator = Literal[
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
MissingData = Literal["breaching", "notBreaching", "ignore", "missing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
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
        raise_if(alarm_problems(self))


@dataclass(frozen=True, kw_only=True, slots=True)
class AnomalyAlarm:
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
        raise_if(anomaly_problems(self))


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
class BusyAlarm:
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
        raise_if(busy_problems(self))


AnyAlarm = Alarm | AnomalyAlarm | BusyAlarm


def filled(alarm: AnyAlarm, *, threshold: float, period: int) -> AnyAlarm:
    """The alarm with what is configured for every alarm, where it has no value of its own.

    Example:
        >>> filled(Alarm(period=60), threshold=4, period=300) == Alarm(threshold=4, period=60)
        True
    """
    match alarm:
        case Alarm():
            return _filled(alarm, threshold, period)
        case AnomalyAlarm():
            return replace(alarm, period=alarm.period or period)
        case BusyAlarm():
            return replace(alarm, errors=_filled(alarm.errors, threshold, period))


def _filled(alarm: Alarm, threshold: float, period: int) -> Alarm:
    own = threshold if alarm.threshold is None else alarm.threshold
    return replace(alarm, threshold=own, period=alarm.period or period)


def overridden(alarm: AnyAlarm, settings: Mapping[str, object]) -> AnyAlarm:
    """The alarm with other values in some fields; a busy alarm's are those of its failures.

    Raises:
        ConfigurationError: Naming the fields that this type of alarm does not have.

    Example:
        >>> overridden(Alarm(), {"threshold": 3}).threshold
        3
    """
    match alarm:
        case Alarm():
            return _overridden(alarm, settings)
        case AnomalyAlarm():
            return _overridden(alarm, settings)
        case BusyAlarm():
            return replace(alarm, errors=_overridden(alarm.errors, settings))


SimpleT = TypeVar("SimpleT", Alarm, AnomalyAlarm)


def _overridden(alarm: SimpleT, settings: Mapping[str, object]) -> SimpleT:
    own = {each.name for each in fields(alarm)}
    kind = type(alarm).__name__
    remedy = f"This detector has an {kind}, which takes {', '.join(sorted(own))}."
    unknown = [key for key in settings if key not in own]
    raise_if(Problem(key=key, value=settings[key], remedy=remedy) for key in unknown)
    return replace(alarm, **settings)  # type: ignore[arg-type]  # checked there


def setting_names() -> frozenset[str]:
    """Every field that some type of alarm lets the configuration override."""
    return frozenset(each.name for kind in (Alarm, AnomalyAlarm) for each in fields(kind))

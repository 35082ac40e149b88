"""Alarms that need to know more than a threshold. Loaded at their first use: few apps have one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flask_errwatch._checks import anomaly_problems, busy_problems, raise_if
from flask_errwatch.alarms import Alarm, DetectorAlarm, MissingData, Statistic

if TYPE_CHECKING:
    from typing_extensions import Self


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
        raise_if(anomaly_problems(self))

    def filled(self, *, threshold: float, period: int) -> Self:  # noqa: ARG002 - it has no threshold
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
        raise_if(busy_problems(self))

    def filled(self, *, threshold: float, period: int) -> Self:
        """The alarm with threshold and period of its failures, where they have none."""
        return replace(self, errors=self.errors.filled(threshold=threshold, period=period))

    def overridden(self, settings: Mapping[str, object]) -> Self:
        """The alarm with other values in some fields of its failures."""
        return replace(self, errors=self.errors.overridden(settings))


AnyAlarm = Alarm | AnomalyAlarm | BusyAlarm

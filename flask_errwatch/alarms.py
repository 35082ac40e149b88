"""When a detector alarms: at a fixed threshold. The rarer choices are in `special_alarms`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

from flask_errwatch._checks import alarm_problems, raise_if
from flask_errwatch.errors import Problem

if TYPE_CHECKING:
    from typing_extensions import Self

Statistic = Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"]
ComparisonOperator = Literal[
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
MissingData = Literal["breaching", "notBreaching", "ignore", "missing"]


class DetectorAlarm:
    """What a detector may have as its alarm."""

    __slots__ = ()

    def filled(self, *, threshold: float, period: int) -> Self:
        """The alarm with what is configured for every alarm, where it has no value of its own.

        Example:
            >>> Alarm(period=60).filled(threshold=4, period=300) == Alarm(threshold=4, period=60)
            True
        """
        raise NotImplementedError

    def overridden(self, settings: Mapping[str, object]) -> Self:
        """The alarm with other values in some fields.

        Raises:
            ConfigurationError: Naming the fields that this type of alarm does not have.

        Example:
            >>> Alarm().overridden({"threshold": 3}).threshold
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
        raise_if(alarm_problems(self))

    def filled(self, *, threshold: float, period: int) -> Self:
        """The alarm with threshold and period, where it has none of its own."""
        own = threshold if self.threshold is None else self.threshold
        return replace(self, threshold=own, period=self.period or period)

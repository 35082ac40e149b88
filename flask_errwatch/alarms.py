"""The alarms of detectors: at a threshold, above the usual value, or only while the app is busy."""

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
    """The base class of the alarms that a detector may have."""

    __slots__ = ()

    @property
    def notifies(self) -> bool:
        """Whether it notifies when it fires."""
        return True

    def with_defaults(self, *, threshold: float, period: int) -> Self:
        """Returns the alarm with the configured threshold and period where it has none.

        Example:
            >>> alarm = Alarm(period=60).with_defaults(threshold=4, period=300)
            >>> alarm.threshold, alarm.period
            (4, 60)
        """
        raise NotImplementedError

    def with_overrides(self, settings: Mapping[str, object]) -> Self:
        """Returns the alarm with other values in some fields.

        Raises:
            ConfigurationError: Names the fields that this type of alarm does not have.

        Example:
            >>> Alarm().with_overrides({"threshold": 3}).threshold
            3
        """
        known = sorted(
            field.name
            for field in fields(self)  # type: ignore[arg-type]  # every subclass is a dataclass
        )
        kind = type(self).__name__
        article = "an" if kind[0] == "A" else "a"
        remedy = f"This detector has {article} {kind}, which takes {', '.join(known)}."
        unknown = [key for key in settings if key not in known]
        raise_if(Problem(key=key, value=settings[key], remedy=remedy) for key in unknown)
        return replace(self, **settings)  # type: ignore[type-var]  # the same


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm(DetectorAlarm):
    """Alarms at a threshold. The fields are those of CloudWatch's alarm.

    Args:
        threshold: The value to compare with. None means `ERRWATCH_ALARM_THRESHOLD`.
        period: Seconds that one datapoint covers, a multiple of 60. None means
            `ERRWATCH_ALARM_PERIOD`.
        evaluation_periods: Number of datapoints that are evaluated (N).
        datapoints_to_alarm: Number of those that must breach (M). None means all.
        statistic: How a period's samples are combined.
        comparison_operator: How that value is compared with the threshold.
        treat_missing_data: How a period without samples counts.
        notify: Whether it notifies. An alarm that does not has a state, which the console, the
            dashboard, `status` and composite alarms show.

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
    notify: bool = True

    def __post_init__(self) -> None:
        raise_if(
            [
                *_notify_problems(self.notify),
                *parsers.problems_of("statistic", self.statistic, _is_statistic),
                *parsers.problems_of("comparison_operator", self.comparison_operator, _is_operator),
                *parsers.problems_of(
                    "treat_missing_data", self.treat_missing_data, _is_missing_data
                ),
                *_number_problems("threshold", self.threshold, minimum=0),
                *_window_problems(self),
            ]
        )

    @property
    def notifies(self) -> bool:
        """Whether it notifies when it fires."""
        return self.notify

    def with_defaults(self, *, threshold: float, period: int) -> Self:
        """Returns the alarm with the threshold and the period where it has none."""
        chosen = threshold if self.threshold is None else self.threshold
        return replace(self, threshold=chosen, period=self.period or period)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnomalyAlarm(DetectorAlarm):
    """Alarms when the metric rises above its usual value at this hour and weekday.

    CloudWatch trains a model on up to two weeks of the metric. Before that the band is wide or
    missing. It suits a detector with a steady background, such as 404s of a busy site. For rare
    failures a fixed threshold is better.

    Args:
        band: Half the band's width in standard deviations, above 0. Smaller bands alarm more.
        period: Seconds that one datapoint covers, a multiple of 60. None means
            `ERRWATCH_ALARM_PERIOD`.
        evaluation_periods: Number of datapoints that are evaluated (N).
        datapoints_to_alarm: Number of those that must be above the band (M). None means all.
        statistic: How a period's samples are combined.
        treat_missing_data: How a period without samples counts.

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
        """Returns the alarm with the period where it has none."""
        return replace(self, period=self.period or period)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestMetric:
    """A metric that counts all requests, such as a load balancer's. The lines count only failures.

    Args:
        namespace: The namespace, such as `AWS/ApplicationELB`.
        name: The name, such as `RequestCount`.
        dimensions: Name and value of each dimension. All dimensions of the metric are required:
            CloudWatch finds no data otherwise (User Guide, Using metrics, Dimensions).
        statistic: How a period's samples are combined into the number of requests.

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
    """Alarms only while there are enough requests: a few failures at night are not evidence.

    In AWS it consists of two alarms without notifications, on the failures and on the requests,
    and a composite alarm that notifies when both are in ALARM.

    Args:
        errors: The alarm on the failures.
        requests: The metric that counts all requests.
        minimum_requests: Number of requests, in a period of `errors`, from which failures count.

    Raises:
        ConfigurationError: When CloudWatch would refuse it.

    Example:
        >>> balancer = RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount",
        ...     dimensions=(("LoadBalancer", "app/shop/50dc6c495c0c9188"),))
        >>> BusyAlarm(errors=Alarm(threshold=20), requests=balancer, minimum_requests=500).errors
        Alarm(threshold=20, period=None, evaluation_periods=1, datapoints_to_alarm=None, \
statistic='Sum', comparison_operator='GreaterThanThreshold', treat_missing_data='notBreaching', \
notify=True)
    """

    requests: RequestMetric
    minimum_requests: float
    errors: Alarm = field(default_factory=Alarm)

    def __post_init__(self) -> None:
        problems = _number_problems("minimum_requests", self.minimum_requests, minimum=1)
        requests = self.requests
        names: tuple[tuple[str, object], ...] = (
            ("namespace", requests.namespace),
            ("name", requests.name),
        )
        for key, name in names:
            if not isinstance(name, str) or not parsers.is_metric_name(name) or len(name) > 255:
                remedy = "Use 1 to 255 characters, none of them ':', '*' or '$'."
                problems.append(Problem(key=f"requests.{key}", value=name, remedy=remedy))
        for text in (text for pair in requests.dimensions for text in pair):
            key = "requests.dimensions"
            problems += parsers.problems_of(key, text, parsers.text_to_export)
        problems += parsers.problems_of("statistic", requests.statistic, _is_statistic)
        raise_if(problems)

    @property
    def notifies(self) -> bool:
        """Whether `errors` would notify: its own alarm is only a part of the composite one."""
        return self.errors.notify

    def with_defaults(self, *, threshold: float, period: int) -> Self:
        """Returns the alarm with the threshold and the period where `errors` has none."""
        return replace(self, errors=self.errors.with_defaults(threshold=threshold, period=period))

    def with_overrides(self, settings: Mapping[str, object]) -> Self:
        """Returns the alarm with other values in some fields of `errors`."""
        return replace(self, errors=self.errors.with_overrides(settings))


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceAlarm(DetectorAlarm):
    """Alarms when the lines of one client address exceed a threshold.

    In AWS it is a log alarm, whose message names the address, where there is a role for its query
    (`ERRWATCH_LOG_ALARM_ROLE`, or that of `apply --create-role`), else a Contributor Insights rule
    and an alarm on its busiest contributor. `ERRWATCH_SOURCE_ALARMS` may replace it by an alarm on
    all addresses together, or turn it off.

    Args:
        threshold: The sum that one address must exceed.
        period: Seconds over which lines are summed, a multiple of 60.
        value: The numeric field that is summed, such as `$.suspicion`. None means the detector's
            own `value`, or the number of lines.
        site_threshold: The sum over all addresses within `site_period` that must be exceeded
            while `ERRWATCH_SOURCE_ALARMS` is `site`. None means `threshold`.
        site_period: Seconds over which the lines of all addresses are summed. None means `period`.

    Raises:
        ConfigurationError: When CloudWatch would refuse it.

    Example:
        >>> SourceAlarm(threshold=16, period=600).value is None
        True
    """

    threshold: float
    period: int
    value: str | None = None
    site_threshold: float | None = None
    site_period: int | None = None

    def __post_init__(self) -> None:
        period = parsers.typed(int, parsers.period)
        raise_if(
            [
                *_number_problems("threshold", self.threshold, minimum=0),
                *_number_problems("site_threshold", self.site_threshold, minimum=0),
                *parsers.problems_of("period", self.period, period),
                *parsers.problems_of("site_period", self.site_period, period),
                *parsers.problems_of("value", self.value, parsers.typed(str, parsers.field_path)),
            ]
        )

    def with_defaults(self, *, threshold: float, period: int) -> Self:  # noqa: ARG002 - it has both
        """Returns the alarm: it always has a threshold and a period."""
        return self


AnyAlarm = Alarm | AnomalyAlarm | BusyAlarm | SourceAlarm


def _notify_problems(value: object) -> list[Problem]:
    if isinstance(value, bool):
        return []
    return [Problem(key="notify", value=value, remedy="Use True or False.")]


def _number_problems(key: str, value: object, *, minimum: float) -> list[Problem]:
    parse = parsers.typed(int | float, parsers.number(minimum=minimum))
    return parsers.problems_of(key, value, parse)


def _window_problems(alarm: Alarm | AnomalyAlarm) -> list[Problem]:
    """The problems of the period and of the number of periods."""
    problems = parsers.problems_of("period", alarm.period, parsers.typed(int, parsers.period))
    number, needed = alarm.evaluation_periods, alarm.datapoints_to_alarm
    if not _is_count(number):
        remedy = "Use a whole number of at least 1."
        problems.append(Problem(key="evaluation_periods", value=number, remedy=remedy))
    elif needed is not None and not (_is_count(needed) and needed <= number):
        remedy = f"Use a whole number from 1 to evaluation_periods ({number}), or omit it."
        problems.append(Problem(key="datapoints_to_alarm", value=needed, remedy=remedy))
    if not problems and alarm.period is not None:
        longest = _DAY if alarm.period < 3600 else 7 * _DAY
        if alarm.period * number > longest:
            remedy = f"period x evaluation_periods may span at most {longest} seconds."
            problems.append(Problem(key="evaluation_periods", value=number, remedy=remedy))
    return problems


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1

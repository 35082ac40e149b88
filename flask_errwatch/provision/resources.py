"""The resource model: what stands in AWS, or should, as values that can be compared.

Plan, status, destroy and every export read these and nothing else. Fields that take no part
in a comparison (`compare=False`) are written for people or known only to AWS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

from flask_errwatch.detectors import Alarm

#: The value of the tag `managed-by`, and the first words of an alarm's marker line.
MANAGER = "flask-errwatch"
#: Filters that one log group takes (AWS API Reference, PutMetricFilter); it cannot be raised.
FILTERS_PER_GROUP = 100

Pairs = tuple[tuple[str, str], ...]

# What AWS refuses in a tag's value (CloudWatch Logs API Reference, CreateLogGroup, tags).
_NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]")


def tags_for(app_name: str) -> Pairs:
    """The tags of every resource that takes some; they also tell whose a log group is.

    Example:
        >>> tags_for("shop (eu)")
        (('managed-by', 'flask-errwatch'), ('app', 'shop _eu_'))
    """
    return (("managed-by", MANAGER), ("app", _NOT_IN_TAGS.sub("_", app_name)))


def marker(app_name: str) -> str:
    """The last line of an alarm's description: it tells, in a listing, whose the alarm is."""
    return f"managed-by={MANAGER} app={app_name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LogGroup:
    """A log group of CloudWatch Logs.

    Attributes:
        name: Its name.
        retention_days: Days that events are kept; None is for ever.
        log_class: Only `STANDARD` carries metric filters, and it cannot be changed.
        tags: Its tags.
    """

    kind: ClassVar[str] = "log group"

    name: str
    retention_days: int | None
    log_class: str = "STANDARD"
    tags: Pairs = field(default=(), compare=False)

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricFilter:
    """A metric filter: which lines of a log group are counted, and in which metric.

    Attributes:
        log_group: The log group's name.
        name: Its name, unique within the group.
        pattern: The filter pattern.
        namespace: The metric's namespace.
        metric_name: The metric's name.
        value: What one matching line adds.
        unit: The metric's unit.
        default: What a minute with lines but without a match adds; None is nothing.
        dimensions: The metric's dimensions.
    """

    kind: ClassVar[str] = "metric filter"

    log_group: str
    name: str
    pattern: str
    namespace: str
    metric_name: str
    value: str = "1"
    unit: str = "Count"
    default: float | None = 0.0
    dimensions: Pairs = ()

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.name

    @property
    def is_ours(self) -> bool:
        """Filters carry no tags: ours bear the name of their metric."""
        return self.metric_name == self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricAlarm:
    """A metric alarm. Declared ones are made by `watching`, from the filter that feeds them.

    It has no unit, unless somebody gave it one: an alarm whose unit is not the metric's
    stays at INSUFFICIENT_DATA for ever (AWS API Reference, PutMetricAlarm, Unit).

    Attributes:
        name: Its name, unique within account and region.
        description: For the person called; its last line tells whose the alarm is.
        namespace: The metric's namespace.
        metric_name: The metric's name; None for an alarm on an expression.
        dimensions: The metric's dimensions.
        statistic: How a period's samples become one value.
        period: Seconds of one datapoint.
        evaluation_periods: Datapoints that are looked at.
        datapoints_to_alarm: Datapoints of those that must breach; None is all.
        threshold: What the value is compared with.
        comparison_operator: How.
        treat_missing_data: What a period without samples counts as.
        unit: None, see above.
        actions_enabled: Whether the actions are taken.
        alarm_actions: ARNs told of the change to ALARM.
        ok_actions: ARNs told of the change to OK.
        insufficient_data_actions: ARNs told of the change to INSUFFICIENT_DATA.
        arn: Its ARN; None until it stands.
        tags: Its tags; never read, since that would cost a call per alarm.
    """

    kind: ClassVar[str] = "alarm"

    name: str
    description: str
    namespace: str | None
    metric_name: str | None
    dimensions: Pairs = ()
    statistic: str | None
    period: int | None
    evaluation_periods: int | None
    datapoints_to_alarm: int | None
    threshold: float | None
    comparison_operator: str | None
    treat_missing_data: str
    unit: str | None = None
    actions_enabled: bool = True
    alarm_actions: tuple[str, ...] = ()
    ok_actions: tuple[str, ...] = ()
    insufficient_data_actions: tuple[str, ...] = ()
    arn: str | None = field(default=None, compare=False)
    tags: Pairs = field(default=(), compare=False)

    @classmethod
    def watching(
        cls,
        counted: MetricFilter,
        alarm: Alarm,
        *,
        description: str,
        actions: tuple[str, ...],
        tags: Pairs,
    ) -> MetricAlarm:
        """The alarm on the filter's metric: name, namespace and dimensions are the filter's.

        Args:
            counted: The filter that feeds the metric.
            alarm: The declaration, with threshold and period filled in.
            description: For the person called.
            actions: ARNs told of the changes to ALARM and to OK.
            tags: Its tags.
        """
        number, needed = alarm.evaluation_periods, alarm.datapoints_to_alarm
        return cls(
            name=counted.name,
            description=description,
            namespace=counted.namespace,
            metric_name=counted.metric_name,
            dimensions=counted.dimensions,
            statistic=alarm.statistic,
            period=alarm.period,
            evaluation_periods=number,
            datapoints_to_alarm=None if needed == number else needed,
            threshold=None if alarm.threshold is None else float(alarm.threshold),
            comparison_operator=alarm.comparison_operator,
            treat_missing_data=alarm.treat_missing_data,
            alarm_actions=actions,
            ok_actions=actions,
            tags=tags,
        )

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.name

    def belongs_to(self, app_name: str) -> bool:
        """Whether the marker line of the app ends its description."""
        return self.description.rsplit("\n", 1)[-1] == marker(app_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """An SNS topic, named by the configuration.

    Attributes:
        name: Its name.
        arn: Its ARN, which is known before it stands: it follows from account and name.
        tags: Its tags.
    """

    kind: ClassVar[str] = "topic"

    name: str
    arn: str
    tags: Pairs = field(default=(), compare=False)

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """An SNS subscription: SNS takes one per topic, protocol and endpoint.

    Attributes:
        topic_arn: The topic.
        protocol: SNS's word for it: `email`, `https`, `http`, `sms`, `lambda`, `sqs` …
        endpoint: Address, URL, phone number or ARN.
    """

    kind: ClassVar[str] = "subscription"

    topic_arn: str
    protocol: str
    endpoint: str

    @classmethod
    def of(cls, url: str, topic_arn: str) -> Subscription:
        """The subscription that an entry of `ERRWATCH_SUBSCRIPTIONS` asks for.

        Example:
            >>> Subscription.of("mailto:ops@example.com", "arn:aws:sns:…:ops").protocol
            'email'
        """
        scheme, _, rest = url.partition(":")
        if scheme in {"http", "https"}:
            return cls(topic_arn=topic_arn, protocol=scheme, endpoint=url)
        if scheme == "arn":
            return cls(topic_arn=topic_arn, protocol=url.split(":")[2], endpoint=url)
        protocol = "email" if scheme == "mailto" else scheme
        return cls(topic_arn=topic_arn, protocol=protocol, endpoint=rest)

    @property
    def label(self) -> str:
        """How it is shown to people: of a URL only the host, since hooks carry secrets in it.

        Example:
            >>> Subscription.of("https://hooks.example.com/s3cret", "arn:aws:sns:…:ops").label
            'https://hooks.example.com/…'
        """
        if self.protocol not in {"http", "https"}:
            return self.endpoint
        return f"{self.protocol}://{urlsplit(self.endpoint).hostname}/…"


Resource = LogGroup | MetricFilter | Topic | Subscription | MetricAlarm

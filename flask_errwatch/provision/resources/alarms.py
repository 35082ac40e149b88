"""Resources of CloudWatch: alarms, and what only alarms need: expressions, models, rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from flask_errwatch.provision.resources.named import Named, Pairs
from flask_errwatch.provision.resources.tags import is_marked


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmState:
    """What an alarm said when it was read.

    Attributes:
        value: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
        reason: Why, in CloudWatch's words.
        since: When it went there; None when CloudWatch does not say.
    """

    value: str
    reason: str = ""
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricQuery:
    """One term of an alarm on an expression: a metric, or an expression over others.

    Attributes:
        id: What expressions call it.
        expression: The expression; None for a metric.
        namespace: The metric's namespace.
        metric_name: The metric's name.
        dimensions: The metric's dimensions.
        statistic: How a period's samples become one value.
        period: Seconds of one datapoint.
        label: How it is shown.
        return_data: Whether the alarm looks at it.
    """

    id: str
    expression: str | None = None
    namespace: str | None = None
    metric_name: str | None = None
    dimensions: Pairs = ()
    statistic: str | None = None
    period: int | None = None
    label: str | None = None
    return_data: bool = True

    def __str__(self) -> str:
        if self.expression is not None:
            return f"{self.id} = {self.expression}"
        return f"{self.id} = {self.statistic} of {self.metric_name} in {self.period} s"


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricAlarm(Named):
    """A metric alarm. Declared ones are made in `alarming`, from the filter that feeds them.

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
        threshold: What the value is compared with; None for an anomaly band.
        comparison_operator: How.
        treat_missing_data: What a period without samples counts as.
        unit: None, see above.
        metrics: The terms of an alarm on an expression; none for an alarm on a metric.
        threshold_metric_id: The term that is the anomaly band.
        actions_enabled: Whether the actions are taken.
        alarm_actions: ARNs told of the change to ALARM.
        ok_actions: ARNs told of the change to OK.
        insufficient_data_actions: ARNs told of the change to INSUFFICIENT_DATA.
        arn: Its ARN; None until it stands.
        state: What it said when it was read; None until it stands.
        tags: Its tags; never read, since that would cost a call per alarm.
    """

    kind: ClassVar[str] = "alarm"

    name: str
    description: str
    namespace: str | None = None
    metric_name: str | None = None
    dimensions: Pairs = ()
    statistic: str | None = None
    period: int | None = None
    evaluation_periods: int | None
    datapoints_to_alarm: int | None = None
    threshold: float | None = None
    comparison_operator: str | None
    treat_missing_data: str
    unit: str | None = None
    metrics: tuple[MetricQuery, ...] = ()
    threshold_metric_id: str | None = None
    actions_enabled: bool = True
    alarm_actions: tuple[str, ...] = ()
    ok_actions: tuple[str, ...] = ()
    insufficient_data_actions: tuple[str, ...] = ()
    arn: str | None = field(default=None, compare=False)
    state: AlarmState | None = field(default=None, compare=False)
    tags: Pairs = field(default=(), compare=False)

    def belongs_to(self, app_name: str) -> bool:
        """Whether the marker line of the app ends its description."""
        return is_marked(self.description, app_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompositeAlarm(Named):
    """An alarm on the states of other alarms.

    Attributes:
        name: Its name; metric and composite alarms share their names' room.
        description: For the person called; its last line tells whose the alarm is.
        rule: The expression over the other alarms.
        actions_enabled: Whether the actions are taken.
        alarm_actions: ARNs told of the change to ALARM.
        ok_actions: ARNs told of the change to OK.
        insufficient_data_actions: ARNs told of the change to INSUFFICIENT_DATA.
        arn: Its ARN; None until it stands.
        state: What it said when it was read; None until it stands.
        tags: Its tags; never read, since that would cost a call per alarm.
    """

    kind: ClassVar[str] = "composite alarm"

    name: str
    description: str
    rule: str
    actions_enabled: bool = True
    alarm_actions: tuple[str, ...] = ()
    ok_actions: tuple[str, ...] = ()
    insufficient_data_actions: tuple[str, ...] = ()
    arn: str | None = field(default=None, compare=False)
    state: AlarmState | None = field(default=None, compare=False)
    tags: Pairs = field(default=(), compare=False)

    def belongs_to(self, app_name: str) -> bool:
        """Whether the marker line of the app ends its description."""
        return is_marked(self.description, app_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnomalyDetector:
    """The model of a metric that gives an anomaly band; an alarm's band expression uses it.

    Attributes:
        namespace: The metric's namespace.
        metric_name: The metric's name.
        dimensions: The metric's dimensions.
        statistic: The statistic that it learns.
    """

    kind: ClassVar[str] = "anomaly detector"

    namespace: str
    metric_name: str
    dimensions: Pairs = ()
    statistic: str

    @property
    def key(self) -> str:
        """What identifies it among resources of its kind."""
        words = [self.namespace, self.metric_name, self.statistic]
        return "|".join([*words, *(f"{name}={value}" for name, value in self.dimensions)])

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.metric_name


@dataclass(frozen=True, kw_only=True, slots=True)
class InsightRule(Named):
    """A Contributor Insights rule: it ranks, say, sources by their lines.

    Attributes:
        name: Its name, at most 128 printable ASCII characters.
        definition: The rule as canonical JSON (`marks.canonical`), at most 8,192 characters.
        state: `ENABLED` or `DISABLED`.
        tags: Its tags; never read.
    """

    kind: ClassVar[str] = "insight rule"

    name: str
    definition: str
    state: str = "ENABLED"
    tags: Pairs = field(default=(), compare=False)

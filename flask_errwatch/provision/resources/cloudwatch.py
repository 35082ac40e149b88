"""Resources of CloudWatch: alarms, what alarms depend on, and dashboards."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from flask_errwatch.provision.resources.named import Named, Pairs
from flask_errwatch.provision.resources.tags import is_marked

#: A condition of a composite alarm's rule. An unquoted name may hold anything but these characters.
_CONDITION = re.compile(
    r"""(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]*)"|([^()"\s](?:[^()"]*[^()"\s])?))\s*\)"""
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmState:
    """The state of an alarm at the time it was read.

    Attributes:
        value: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
        reason: CloudWatch's reason for the state.
        since: When the alarm entered the state. None when CloudWatch does not return it.
        evidence: `StateReasonData`: the datapoints that decided, as JSON, or empty.
    """

    value: str
    reason: str = ""
    since: datetime | None = None
    evidence: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricQuery:
    """One term of an alarm on an expression: a metric, or an expression over other terms.

    Attributes:
        id: The name that expressions use for it.
        expression: The expression. None for a metric.
        namespace: The metric's namespace.
        metric_name: The metric's name.
        dimensions: The metric's dimensions.
        statistic: How a period's samples become one value.
        period: Seconds of one datapoint.
        label: The label that CloudWatch shows.
        return_data: Whether the alarm evaluates it.
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


class _Described(Named):
    """An alarm, whose description identifies its owner."""

    __slots__ = ()

    description: str

    def belongs_to(self, app_name: str) -> bool:
        """Whether the last line of its description is the marker of the app."""
        return is_marked(self.description, app_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricAlarm(_Described):
    """A metric alarm. `AlarmFactory` creates the desired ones from the filter that feeds them.

    A desired alarm has no unit. An alarm with another unit than its metric stays at
    INSUFFICIENT_DATA for ever (AWS API Reference, PutMetricAlarm, Unit).

    Attributes:
        name: Its name, unique within account and region.
        description: Text for the person on call. Its last line identifies the owner.
        namespace: The metric's namespace.
        metric_name: The metric's name. None for an alarm on an expression.
        dimensions: The metric's dimensions.
        statistic: How a period's samples become one value.
        period: Seconds of one datapoint.
        evaluation_periods: Datapoints that are evaluated.
        datapoints_to_alarm: How many of those must breach. None means all.
        threshold: What the value is compared with. None for an anomaly band.
        comparison_operator: How the value is compared.
        treat_missing_data: What a period without samples counts as.
        unit: None in desired alarms, see above.
        metrics: The terms of an alarm on an expression. Empty for an alarm on a metric.
        threshold_metric_id: The term that is the anomaly band.
        actions_enabled: Whether the actions are taken.
        alarm_actions: ARNs that are notified of the change to ALARM.
        ok_actions: ARNs that are notified of the change to OK.
        insufficient_data_actions: ARNs that are notified of the change to INSUFFICIENT_DATA.
        arn: Its ARN. None until it exists.
        state: Its state when it was read. None until it exists.
        tags: Its tags. They are read only for an app with `ERRWATCH_TAGS`: it takes a call each.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class CompositeAlarm(_Described):
    """An alarm on the states of other alarms.

    Attributes:
        name: Its name. Metric and composite alarms share one namespace of names.
        description: Text for the person on call. Its last line identifies the owner.
        rule: The expression over the other alarms.
        actions_enabled: Whether the actions are taken.
        alarm_actions: ARNs that are notified of the change to ALARM.
        ok_actions: ARNs that are notified of the change to OK.
        insufficient_data_actions: ARNs that are notified of the change to INSUFFICIENT_DATA.
        arn: Its ARN. None until it exists.
        state: Its state when it was read. None until it exists.
        tags: Its tags. They are read only for an app with `ERRWATCH_TAGS`: it takes a call each.
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

    @property
    def children(self) -> frozenset[str]:
        """The names in the rule, which may have quotation marks. Ours always have them."""
        return frozenset(quoted or bare for quoted, bare in _CONDITION.findall(self.rule))


@dataclass(frozen=True, kw_only=True, slots=True)
class LogAlarm(_Described):
    """An alarm on the result of a scheduled Logs Insights query, per contributor.

    Each group of `aggregation` is a contributor with its own state. The alarm is in ALARM
    while any of them is, and its actions are taken once for each of them (CloudWatch User Guide,
    Log alarms).

    Attributes:
        name: Its name. All kinds of alarms share one namespace of names.
        description: Text for the person on call. Its last line identifies the owner.
        log_groups: The names of the log groups that are queried, at most 50.
        query: The query, at most 10,000 characters.
        aggregation: What is compared, such as `sum(suspicion) by client_ip | sort desc`.
        rate: Seconds between two runs, a multiple of 60.
        window: Seconds of lines that a run reads.
        delay: Seconds before a run at which its window ends, so that late lines are in it.
        evaluation_runs: Results that are evaluated.
        runs_to_alarm: How many of those must breach.
        threshold: What a result is compared with.
        comparison_operator: How it is compared.
        treat_missing_data: What a run without a result counts as.
        role: ARN of the role with which CloudWatch Logs runs the query.
        actions_enabled: Whether the actions are taken.
        alarm_actions: ARNs that are notified when a contributor goes to ALARM.
        ok_actions: ARNs that are notified when a contributor goes to OK.
        insufficient_data_actions: ARNs that are notified of INSUFFICIENT_DATA.
        arn: Its ARN. None until it exists.
        state: Its state when it was read. None until it exists.
        evaluation_state: `PARTIAL_DATA`, `EVALUATION_FAILURE` or `EVALUATION_ERROR` when it was
            read. None if the query ran well.
        tags: Its tags. They are read only for an app with `ERRWATCH_TAGS`: it takes a call each.
    """

    kind: ClassVar[str] = "log alarm"

    name: str
    description: str
    log_groups: tuple[str, ...]
    query: str
    aggregation: str
    rate: int = 60
    window: int
    delay: int = 60
    evaluation_runs: int = 1
    runs_to_alarm: int = 1
    threshold: float
    comparison_operator: str = "GreaterThanThreshold"
    treat_missing_data: str = "notBreaching"
    role: str
    actions_enabled: bool = True
    alarm_actions: tuple[str, ...] = ()
    ok_actions: tuple[str, ...] = ()
    insufficient_data_actions: tuple[str, ...] = ()
    arn: str | None = field(default=None, compare=False)
    state: AlarmState | None = field(default=None, compare=False)
    evaluation_state: str | None = field(default=None, compare=False)
    tags: Pairs = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnomalyDetector:
    """The model of a metric from which CloudWatch computes an anomaly band.

    Attributes:
        namespace: The metric's namespace.
        metric_name: The metric's name.
        dimensions: The metric's dimensions.
        statistic: The statistic that the model learns.
    """

    kind: ClassVar[str] = "anomaly detector"

    namespace: str
    metric_name: str
    dimensions: Pairs = ()
    statistic: str

    @property
    def key(self) -> str:
        """Identifies it among resources of its kind."""
        words = [self.namespace, self.metric_name, self.statistic]
        return "|".join([*words, *(f"{name}={value}" for name, value in self.dimensions)])

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.metric_name


@dataclass(frozen=True, kw_only=True, slots=True)
class InsightRule(Named):
    """A Contributor Insights rule, such as one that ranks client addresses by their lines.

    Attributes:
        name: Its name, at most 128 printable ASCII characters.
        definition: The rule as canonical JSON (`canonical_json`), at most 8,192 characters.
        state: `ENABLED` or `DISABLED`.
        tags: Its tags. They are read only for an app with `ERRWATCH_TAGS`.
        arn: Its ARN. None unless its tags were read.
    """

    kind: ClassVar[str] = "insight rule"

    name: str
    definition: str
    state: str = "ENABLED"
    tags: Pairs = field(default=(), compare=False)
    arn: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard(Named):
    """A CloudWatch dashboard. Dashboards belong to the account, not to a region.

    Attributes:
        name: Its name, of letters, digits, `-` and `_`.
        body: The body as canonical JSON (`canonical_json`). A text widget identifies the owner.
        tags: Its tags. They are read only for an app with `ERRWATCH_TAGS`.
        arn: Its ARN. None unless its tags were read.
    """

    kind: ClassVar[str] = "dashboard"

    name: str
    body: str
    tags: Pairs = field(default=(), compare=False)
    arn: str | None = field(default=None, compare=False)

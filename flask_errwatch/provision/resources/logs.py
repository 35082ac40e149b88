"""Resources of CloudWatch Logs: the log group, its metric filters and saved queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from flask_errwatch.provision.resources.named import Named, Pairs

#: Metric filters per log group (AWS API Reference, PutMetricFilter). The quota cannot be raised.
FILTERS_PER_GROUP = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class LogGroup(Named):
    """A log group of CloudWatch Logs.

    Attributes:
        name: Its name.
        retention_days: Days that events are kept. None means for ever.
        log_class: Only `STANDARD` supports metric filters, and the class cannot be changed.
        tags: Its tags.
        arn: Its ARN, as tagging expects it. None until it exists.
    """

    kind: ClassVar[str] = "log group"

    name: str
    retention_days: int | None
    log_class: str = "STANDARD"
    tags: Pairs = field(default=(), compare=False)
    arn: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricFilter(Named):
    """A metric filter: which lines of a log group are counted, and in which metric.

    Attributes:
        log_group: The log group's name.
        name: Its name, unique within the group.
        pattern: The filter pattern.
        namespace: The metric's namespace.
        metric_name: The metric's name.
        value: What one matching line adds to the metric.
        unit: The metric's unit.
        default: What a minute with lines but without a match adds. None means nothing.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class DataProtection:
    """The data protection policy of a log group, which masks secrets in new events.

    Attributes:
        log_group: The log group's name.
        document: The policy as canonical JSON (`canonical_json`). Its description identifies the
            owner.
    """

    kind: ClassVar[str] = "data protection policy"

    log_group: str
    document: str

    @property
    def key(self) -> str:
        """Identifies it among resources of its kind."""
        return self.log_group

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.log_group


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryDefinition(Named):
    """A saved Logs Insights query.

    Attributes:
        name: Its name. The console shows the part before `/` as a folder.
        query: The query. Its first line is a comment that identifies the owner.
        log_groups: The log groups that it reads.
        id: Its id. None until it exists. A put without an id creates a second query.
    """

    kind: ClassVar[str] = "saved query"

    name: str
    query: str
    log_groups: tuple[str, ...]
    id: str | None = field(default=None, compare=False)

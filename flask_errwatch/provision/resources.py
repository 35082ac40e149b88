"""The resource model: what stands in AWS, or should, as values that can be compared.

Plan, status, destroy and every export read these and nothing else. Fields that take no part
in a comparison (`compare=False`) are written for people or known only to AWS. `key` tells
resources of one kind apart, `label` is how a person sees one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

from flask_errwatch.provision.alarms import (
    AlarmState,
    AnomalyDetector,
    CompositeAlarm,
    InsightRule,
    MetricAlarm,
    MetricQuery,
    Named,
)
from flask_errwatch.provision.canonical_json import canonical
from flask_errwatch.provision.tags import MANAGER, Pairs, marker, tags_for

__all__ = [
    "FILTERS_PER_GROUP",
    "MANAGER",
    "AlarmState",
    "AnomalyDetector",
    "CompositeAlarm",
    "Dashboard",
    "InsightRule",
    "LogGroup",
    "MetricAlarm",
    "MetricFilter",
    "MetricQuery",
    "Pairs",
    "QueryDefinition",
    "Resource",
    "Subscription",
    "Topic",
    "TopicPolicy",
    "marker",
    "tags_for",
]

#: Filters that one log group takes (AWS API Reference, PutMetricFilter); it cannot be raised.
FILTERS_PER_GROUP = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class LogGroup(Named):
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


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricFilter(Named):
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic(Named):
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


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicPolicy:
    """The statement in a topic's policy that lets the account's alarms publish.

    A policy is replaced as a whole, so that the other statements are kept beside it.

    Attributes:
        topic_arn: The topic.
        statement: The statement as canonical JSON (`marks.canonical`); empty when it is missing.
        others: The policy's other statements, in the same form.
    """

    kind: ClassVar[str] = "topic policy"

    topic_arn: str
    statement: str
    others: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """What identifies it among resources of its kind."""
        return self.topic_arn

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.topic_arn.rsplit(":", 1)[-1]

    @property
    def document(self) -> str:
        """The whole policy, as SNS takes it."""
        statements = [json.loads(each) for each in (*self.others, self.statement)]
        return canonical({"Version": "2012-10-17", "Statement": statements})


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """An SNS subscription: SNS takes one per topic, protocol and endpoint.

    Attributes:
        topic_arn: The topic.
        protocol: SNS's word for it: `email`, `https`, `http`, `sms`, `lambda`, `sqs` …
        endpoint: Address, URL, phone number or ARN.
        arn: Its ARN; None until its owner has confirmed it.
    """

    kind: ClassVar[str] = "subscription"

    topic_arn: str
    protocol: str
    endpoint: str
    arn: str | None = field(default=None, compare=False)

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
    def key(self) -> str:
        """What identifies it among resources of its kind."""
        return f"{self.protocol}:{self.endpoint}"

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


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryDefinition(Named):
    """A saved Logs Insights query.

    Attributes:
        name: Its name; what precedes `/` is shown as a folder.
        query: The query; its first line is a comment that tells whose it is.
        log_groups: The log groups that it reads.
        id: Its id; None until it stands. A put without an id makes a second one.
    """

    kind: ClassVar[str] = "saved query"

    name: str
    query: str
    log_groups: tuple[str, ...]
    id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard(Named):
    """A CloudWatch dashboard; dashboards belong to the account, not to a region.

    Attributes:
        name: Its name, of letters, digits, `-` and `_`.
        body: The body as canonical JSON (`marks.canonical`); a text on it tells whose it is.
        tags: Its tags; never read.
    """

    kind: ClassVar[str] = "dashboard"

    name: str
    body: str
    tags: Pairs = field(default=(), compare=False)


Resource = (
    LogGroup
    | MetricFilter
    | Topic
    | TopicPolicy
    | Subscription
    | InsightRule
    | AnomalyDetector
    | MetricAlarm
    | CompositeAlarm
    | QueryDefinition
    | Dashboard
)

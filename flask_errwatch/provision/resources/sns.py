"""Resources of SNS: the topic, its policy and its subscriptions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

from flask_errwatch.provision.resources.canonical_json import canonical
from flask_errwatch.provision.resources.named import Named, Pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic(Named):
    """An SNS topic, named by the configuration.

    Attributes:
        name: Its name.
        arn: Its ARN. It follows from account and name, so it is known before the topic exists.
        tags: Its tags.
    """

    kind: ClassVar[str] = "topic"

    name: str
    arn: str
    tags: Pairs = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicPolicy:
    """The statement in a topic's policy that allows the account's alarms to publish.

    SNS only replaces a policy as a whole, so the other statements are kept beside it.

    Attributes:
        topic_arn: The topic.
        statement: The statement as canonical JSON (`canonical_json`). Empty when it is missing.
        others: The policy's other statements, in the same form.
    """

    kind: ClassVar[str] = "topic policy"

    topic_arn: str
    statement: str
    others: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """Identifies it among resources of its kind."""
        return self.topic_arn

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.topic_arn.rsplit(":", 1)[-1]

    @property
    def document(self) -> str:
        """The whole policy document, as SNS expects it."""
        statements = [json.loads(statement) for statement in (*self.others, self.statement)]
        return canonical({"Version": "2012-10-17", "Statement": statements})


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """An SNS subscription. SNS allows one per topic, protocol and endpoint.

    Attributes:
        topic_arn: The topic.
        protocol: The protocol as SNS names it: `email`, `https`, `http`, `sms`, `lambda`, `sqs` …
        endpoint: Address, URL, phone number or ARN.
        arn: Its ARN. None until its owner has confirmed it.
    """

    kind: ClassVar[str] = "subscription"

    topic_arn: str
    protocol: str
    endpoint: str
    arn: str | None = field(default=None, compare=False)

    @classmethod
    def of(cls, url: str, topic_arn: str) -> Subscription:
        """Returns the subscription for an entry of `ERRWATCH_SUBSCRIPTIONS`.

        Example:
            >>> Subscription.of("mailto:ops@example.com", "arn:aws:sns:…:ops").protocol
            'email'
        """
        scheme, _, address = url.partition(":")
        if scheme in {"http", "https"}:
            return cls(topic_arn=topic_arn, protocol=scheme, endpoint=url)
        if scheme == "arn":
            return cls(topic_arn=topic_arn, protocol=url.split(":")[2], endpoint=url)
        protocol = "email" if scheme == "mailto" else scheme
        return cls(topic_arn=topic_arn, protocol=protocol, endpoint=address)

    @property
    def key(self) -> str:
        """Identifies it among resources of its kind."""
        return f"{self.topic_arn} {self.protocol}:{self.endpoint}"

    @property
    def label(self) -> str:
        """How it is shown to people. Of a URL only the host, since webhook URLs contain secrets.

        Example:
            >>> Subscription.of("https://hooks.example.com/s3cret", "arn:aws:sns:…:ops").label
            'https://hooks.example.com/…'
        """
        if self.protocol not in {"http", "https"}:
            return self.endpoint
        return f"{self.protocol}://{urlsplit(self.endpoint).hostname}/…"

    @property
    def topic_name(self) -> str:
        """The name of its topic.

        Example:
            >>> Subscription.of("mailto:ops@example.com", "arn:aws:sns:…:ops").topic_name
            'ops'
        """
        return self.topic_arn.rpartition(":")[2]

    @property
    def confirmation(self) -> str:
        """Who has to confirm it after its creation, and how. Empty where no one has to.

        Example:
            >>> Subscription.of("mailto:ops@example.com", "arn:aws:sns:…:ops").confirmation
            'ops@example.com has to confirm for ops: AWS Notifications sent a mail with a link.'
        """
        who = f"{self.label} has to confirm for {self.topic_name}"
        if self.protocol == "email":
            return f"{who}: AWS Notifications sent a mail with a link."
        if self.protocol in {"http", "https"}:
            return (
                f"{who}: services such as PagerDuty do it by themselves, "
                "others open the SubscribeURL that SNS sent them."
            )
        return ""

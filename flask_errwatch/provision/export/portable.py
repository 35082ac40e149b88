"""The desired state without a place: tokens for what only the deployment knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.provision.resources import Subscription
from flask_errwatch.provision.tokens import ANYWHERE, token

_QUOTED = re.compile(r'"([^"]*)"')
#: The name of the token that stands for the topic's ARN.
TOPIC = "topic"


def portable(catalogue: Catalogue, config: Config) -> Desired:
    """What should stand, wherever it is: partition, region, account and topic are tokens.

    A topic given by its ARN, or not at all, is a parameter of the export, with that default.
    """
    topic = token(TOPIC)
    if default_topic(config) is not None:
        config = config._replace(sns_topic=None)
    return desired_resources(catalogue, config, topic_arn=topic, scope=ANYWHERE)


def default_topic(config: Config) -> str | None:
    """The ARN of a topic that stands already, or None."""
    topic = config.sns_topic
    return topic if topic is not None and topic.startswith("arn:") else None


def tells(desired: Desired) -> bool:
    """Whether anything refers to the topic."""
    told = [each.alarm_actions for each in desired.alarms]
    told += [each.alarm_actions for each in desired.composites]
    return bool(desired.subscriptions) or any(told)


def is_secret(subscription: Subscription) -> bool:
    """Whether its endpoint has no place in a file: the URLs of hooks carry secrets."""
    return subscription.protocol in {"http", "https"}


def linked(text: str, links: Mapping[str, str]) -> str:
    """A rule or an expression in which the quoted names of resources are links.

    Args:
        text: Such as `ALARM("shop-critical-error")`.
        links: What stands for a name.

    Example:
        >>> linked('ALARM("a") OR ALARM("b")', {"a": "<link>"})
        'ALARM("<link>") OR ALARM("b")'
    """
    return _QUOTED.sub(lambda found: f'"{links.get(found[1], found[1])}"', text)


def walked(value: object, change: Callable[[object], object]) -> object:
    """A JSON document in which every member, from the inside out, is what `change` makes of it.

    Example:
        >>> walked({"a": [1, 2]}, lambda value: value + 1 if isinstance(value, int) else value)
        {'a': [2, 3]}
    """
    if isinstance(value, Mapping):
        return change({key: walked(member, change) for key, member in value.items()})
    if isinstance(value, list | tuple):
        return change([walked(member, change) for member in value])
    return change(value)

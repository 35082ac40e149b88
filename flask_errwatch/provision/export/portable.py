"""The desired state of every deployment: tokens replace what is known only at deployment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.provision.log_alarm_access import LogAlarmAccess
from flask_errwatch.provision.resources import Subscription
from flask_errwatch.provision.tokens import ANYWHERE, token
from flask_errwatch.provision.topics import Topics

_QUOTED = re.compile(r'"([^"]*)"')
#: The name of the token for the topic's ARN.
TOPIC = "topic"


def portable_state(catalogue: Catalogue, config: Config, *, create_role: bool = False) -> Desired:
    """The desired state with tokens for partition, region, account and topic.

    A topic that is configured by its ARN is not among the resources. That of a level has no token.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        create_role: Whether the role of log alarms is among the resources.
    """
    has_default = config.sns_topic is not None
    names = {config.sns_topic: token(TOPIC)}
    for name in config.sns_topics.values():
        names.setdefault(name, name if name.startswith("arn:") else token(f"{TOPIC}_{len(names)}"))
    by_level = {level: names[name] for level, name in config.sns_topics.items()}
    if config.has_topic_arn:
        config = config._replace(sns_topic=None)
    access = LogAlarmAccess.with_new_role(config, ANYWHERE) if create_role else None
    topics = Topics(default=token(TOPIC), by_level=by_level)
    desired = desired_resources(catalogue, config, topics=topics, scope=ANYWHERE, access=access)
    if has_default:
        return desired
    # The parameter for a topic is there, but has no default.
    subscriptions = (one for one in desired.subscriptions if one.topic_arn != token(TOPIC))
    return replace(desired, subscriptions=tuple(subscriptions))


def topic_arn(config: Config) -> str | None:
    """The ARN of the configured topic. None when the configuration has a name, or no topic."""
    return config.sns_topic if config.has_topic_arn else None


def uses_topic(desired: Desired) -> bool:
    """Whether any resource refers to the topic of `ERRWATCH_SNS_TOPIC`."""
    used = {arn for alarm in desired.every_alarm for arn in alarm.alarm_actions}
    used.update(subscription.topic_arn for subscription in desired.subscriptions)
    return token(TOPIC) in used


def is_secret(subscription: Subscription) -> bool:
    """Whether the endpoint must not be written to a file: URLs of web hooks contain secrets."""
    return subscription.protocol in {"http", "https"}


def replace_names(text: str, links: Mapping[str, str]) -> str:
    """A rule or an expression with the quoted names of resources replaced by links.

    Args:
        text: Such as `ALARM("shop-critical-error")`.
        links: The replacement for each name.

    Example:
        >>> replace_names('ALARM("a") OR ALARM("b")', {"a": "<link>"})
        'ALARM("<link>") OR ALARM("b")'
    """
    return _QUOTED.sub(lambda match: f'"{links.get(match[1], match[1])}"', text)


def map_json(value: object, change: Callable[[object], object]) -> object:
    """A copy of a JSON document with `change` applied to every value, innermost first.

    Example:
        >>> map_json({"a": [1, 2]}, lambda value: value + 1 if isinstance(value, int) else value)
        {'a': [2, 3]}
    """
    if isinstance(value, Mapping):
        return change({key: map_json(member, change) for key, member in value.items()})
    if isinstance(value, list | tuple):
        return change([map_json(member, change) for member in value])
    return change(value)

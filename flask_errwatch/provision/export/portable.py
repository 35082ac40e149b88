"""The desired state of every deployment: tokens replace what is known only at deployment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.provision.log_alarm_access import LogAlarmAccess
from flask_errwatch.provision.resources import Subscription
from flask_errwatch.provision.tokens import ANYWHERE, token

_QUOTED = re.compile(r'"([^"]*)"')
#: The name of the token for the topic's ARN.
TOPIC = "topic"


def portable_state(catalogue: Catalogue, config: Config, *, create_role: bool = False) -> Desired:
    """The desired state with tokens for partition, region, account and topic.

    A topic that is configured by its ARN is not among the resources.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        create_role: Whether the role of log alarms is among the resources.
    """
    if config.has_topic_arn:
        config = config._replace(sns_topic=None)
    access = LogAlarmAccess.with_new_role(config, ANYWHERE) if create_role else None
    return desired_resources(
        catalogue, config, topic_arn=token(TOPIC), scope=ANYWHERE, access=access
    )


def topic_arn(config: Config) -> str | None:
    """The ARN of the configured topic. None when the configuration has a name, or no topic."""
    return config.sns_topic if config.has_topic_arn else None


def uses_topic(desired: Desired) -> bool:
    """Whether any resource refers to the topic."""
    actions = any(alarm.alarm_actions for alarm in desired.every_alarm)
    return bool(desired.subscriptions) or actions


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

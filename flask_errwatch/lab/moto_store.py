"""Where the operations that the lab adds to moto keep what they store, and how they are asked."""

from __future__ import annotations

from typing import Any


def located(alarm_arn: str) -> tuple[Any, str]:
    """Moto's backend of an alarm, and the alarm's name."""
    from moto.cloudwatch.models import cloudwatch_backends

    _, _, _, region, account, _, name = alarm_arn.split(":", 6)
    return cloudwatch_backends[account][region], name


def stored(backend: Any, name: str) -> dict[str, Any]:
    """What is stored in moto's backend under a name. A reset of moto deletes it."""
    kept: dict[str, Any] = backend.__dict__.setdefault(name, {})
    return kept


def given(response: Any, name: str) -> Any:
    """A member of the request, None without it."""
    return response._get_param(name)  # noqa: SLF001 - how moto's own operations read it


def create_topic_of_any_account(topic_arn: str) -> None:
    """Creates the topic in the account and region of its ARN. No call creates one elsewhere."""
    from moto.sns.models import sns_backends

    *_, region, account, name = topic_arn.split(":")
    sns_backends[account][region].create_topic(name)

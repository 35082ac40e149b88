"""Ownership markers: the tags and the marker line that identify an app's own resources."""

from __future__ import annotations

import re

from flask_errwatch.config import Config
from flask_errwatch.provision.resources.named import Pairs

#: The value of the tag `managed-by`, and the first part of a marker line.
MANAGER = "flask-errwatch"


# What AWS refuses in a tag's value (CloudWatch Logs API Reference, CreateLogGroup, tags).
_NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]")


def tags_for(app_name: str) -> Pairs:
    """Returns the tags that identify the owner of a log group, a topic or a role.

    Example:
        >>> tags_for("shop (eu)")
        (('managed-by', 'flask-errwatch'), ('app', 'shop _eu_'))
    """
    return (("managed-by", MANAGER), ("app", _NOT_IN_TAGS.sub("_", app_name)))


def all_tags(config: Config) -> Pairs:
    """Returns the tags of every resource that has tags, those of `ERRWATCH_TAGS` included.

    Example:
        >>> from flask_errwatch import config
        >>> shop = config.load({"ERRWATCH_TAGS": {"team": "web"}}, {}, app_name="shop")
        >>> all_tags(shop)
        (('managed-by', 'flask-errwatch'), ('app', 'shop'), ('team', 'web'))
    """
    return (*tags_for(config.app_name), *config.tags.items())


def marker(app_name: str) -> str:
    """Returns the line that identifies the owner of an alarm, a saved query or a dashboard.

    It is the last line of an alarm's description, a comment in a query, and a text widget on a
    dashboard. List calls return those, while reading tags would take a call per resource.
    """
    return f"managed-by={MANAGER} app={app_name}"


# What WAF refuses in a description (AWS WAF API Reference, EntityDescription).
_NOT_IN_DESCRIPTIONS = re.compile(r"[^A-Za-z0-9_+=:#@/,. -]")


def ip_set_description(app_name: str) -> str:
    """Returns the description of an IP set, which is the marker with characters that WAF allows.

    Example:
        >>> ip_set_description("shop (eu)")
        'managed-by=flask-errwatch app=shop _eu_'
    """
    return _NOT_IN_DESCRIPTIONS.sub("_", marker(app_name))


def is_own_ip_set(description: str, app_name: str) -> bool:
    """Whether the description of an IP set is that of the app's own."""
    return description == ip_set_description(app_name)


def is_marked(description: str, app_name: str) -> bool:
    """Whether the last line of an alarm's description is the marker of the app."""
    return description.rsplit("\n", 1)[-1] == marker(app_name)

"""By what a resource is known to be an app's own, and the text forms that make it comparable."""

from __future__ import annotations

import re

from flask_errwatch.provision.resources.named import Pairs

#: The value of the tag `managed-by`, and the first words of a marker line.
MANAGER = "flask-errwatch"


# What AWS refuses in a tag's value (CloudWatch Logs API Reference, CreateLogGroup, tags).
_NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]")


def tags_for(app_name: str) -> Pairs:
    """The tags of every resource that takes some; they also tell whose a group or topic is.

    Example:
        >>> tags_for("shop (eu)")
        (('managed-by', 'flask-errwatch'), ('app', 'shop _eu_'))
    """
    return (("managed-by", MANAGER), ("app", _NOT_IN_TAGS.sub("_", app_name)))


def marker(app_name: str) -> str:
    """The line that tells whose an alarm, a saved query or a dashboard is.

    It is the last one of an alarm's description, a comment in a query, and a text on a
    dashboard: listings show those, while tags would cost a call per resource.
    """
    return f"managed-by={MANAGER} app={app_name}"


def is_marked(description: str, app_name: str) -> bool:
    """Whether the marker line of the app ends an alarm's description."""
    return description.rsplit("\n", 1)[-1] == marker(app_name)

"""Recognises the app's own lines among other JSON."""

from __future__ import annotations

from flask_errwatch.detectors import OPERATIONAL_EVENTS
from flask_errwatch.patterns import JsonEvent, read_event


def is_own(event: JsonEvent) -> bool:
    """Whether a JSON object is a line of flask-errwatch: it has `schema`, and `detector`.

    Operational lines, such as the heartbeat's, have no detector. They are known by their event.

    Example:
        >>> is_own({"event": "Not Found Error", "detector": "not-found-error", "schema": 1})
        True
        >>> is_own({"event": "Heartbeat", "schema": 1}), is_own({"event": "login", "status": 404})
        (True, False)
    """
    if "schema" not in event:
        return False
    name = event.get("event")
    return "detector" in event or (isinstance(name, str) and name in OPERATIONAL_EVENTS)


def own_event(text: str) -> JsonEvent | None:
    """The fields of a line of flask-errwatch. None for any other text.

    Example:
        >>> own_event('{"event": "Heartbeat", "schema": 1}')
        {'event': 'Heartbeat', 'schema': 1}
        >>> own_event('{"status": 404}')
    """
    if '"schema"' not in text:
        return None
    event = read_event(text)
    return event if event is not None and is_own(event) else None

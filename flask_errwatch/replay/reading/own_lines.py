"""Recognises the app's own lines among other JSON."""

from __future__ import annotations

from flask_errwatch.detectors import OPERATIONAL_EVENTS
from flask_errwatch.patterns import JsonEvent, read_event
from flask_errwatch.simulation import PEER_MARK


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


def name_of(value: object) -> str | None:
    """The source or path that a field holds. A log may have any value there.

    Example:
        >>> name_of("/a"), name_of(["/a"])
        ('/a', None)
    """
    return value if isinstance(value, str) else None


def source_of(event: JsonEvent) -> str | None:
    """The client of a line, else its peer, marked as such.

    Example:
        >>> source_of({"client_ip": "203.0.113.9", "peer_ip": "10.0.3.114"})
        '203.0.113.9'
        >>> source_of({"peer_ip": "10.0.3.114"})
        'peer 10.0.3.114'
    """
    source = name_of(event.get("client_ip"))
    peer = name_of(event.get("peer_ip"))
    return source if source is not None or peer is None else PEER_MARK + peer

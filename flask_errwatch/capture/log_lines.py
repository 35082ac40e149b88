"""Reads a rendered line back: the inverse of `rendering`, for messages from CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from flask_errwatch._text import text_of
from flask_errwatch.capture.rendering import LINE_LENGTH


def read_line(message: str) -> dict[str, object] | None:
    """Parses the message of a log event, which may come from any program.

    It never raises. orjson refuses nesting deeper than 1,024 levels, NaN and lone surrogates,
    which no line of this library contains. Messages longer than `LINE_LENGTH` are refused, since
    the longest ones that CloudWatch accepts would take some thirty times the memory.

    Args:
        message: As FilterLogEvents returns it.

    Returns:
        The event, or None where the message is too long, or is not a JSON object with a string as
        `event`. The other values are whatever the message contains: check their types.

    Example:
        >>> read_line('{"event": "Not Found Error", "status": 404}')
        {'event': 'Not Found Error', 'status': 404}
        >>> read_line("GET / 200") is None
        True
    """
    if len(message) > LINE_LENGTH:
        return None
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def source_of(event: Mapping[str, object]) -> str:
    """The address that a line names: that of the client, else of the peer, else an empty string."""
    return text_of(event.get("client_ip")) or text_of(event.get("peer_ip"))


def fingerprint_of(event: Mapping[str, object]) -> str:
    """The fingerprint of the exception in a line, or an empty string."""
    exception = event.get("exception")
    return text_of(exception.get("fingerprint")) if isinstance(exception, Mapping) else ""

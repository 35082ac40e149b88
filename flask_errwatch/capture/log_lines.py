"""Reads a rendered line back: the inverse of `rendering`, for messages from CloudWatch Logs."""

from __future__ import annotations

import orjson


def read_line(message: str) -> dict[str, object] | None:
    """Parses the message of a log event, which may come from any program.

    It never raises. orjson refuses nesting deeper than 1,024 levels, NaN and lone surrogates,
    which no line of this library contains.

    Args:
        message: As FilterLogEvents returns it.

    Returns:
        The event, or None where the message is not a JSON object with a string as `event`. The
        other values are whatever the message contains: check their types.

    Example:
        >>> read_line('{"event": "Not Found Error", "status": 404}')
        {'event': 'Not Found Error', 'status': 404}
        >>> read_line("GET / 200") is None
        True
    """
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None

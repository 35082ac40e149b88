"""Values of a JSON line's fields, as Logs Insights and Contributor Insights read them."""

from __future__ import annotations

import math

from flask_errwatch.patterns import JsonEvent


def value_at(event: JsonEvent, path: tuple[str, ...]) -> object:
    """The value of a field, None where the line has none.

    Args:
        event: The line as `patterns.read_event` gives it.
        path: The names from the top level down: `("data", "user")` for `data.user`. In an array
            a name is the number of an element.

    Example:
        >>> value_at({"data": {"user": "ann"}}, ("data", "user"))
        'ann'
    """
    value: object = event
    for name in path:
        if isinstance(value, list) and name.isdecimal():
            value = value[int(name)] if int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value


def number_of(value: object) -> float | None:
    """The value where it is a finite number. Integers keep every digit.

    Example:
        >>> number_of(2), number_of(True), number_of("2")
        (2, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def text_of(value: object) -> str | None:
    """The text of a string or a number, None for other values.

    Example:
        >>> text_of("ann"), text_of(404), text_of(None)
        ('ann', '404', None)
    """
    if isinstance(value, str):
        return value
    return None if number_of(value) is None else str(value)

"""Parses a line that is a JSON object into its values, by their names."""

from __future__ import annotations

from collections.abc import Callable

import orjson

# Access logs nest less, and have shorter names: other values have none. The names of the values in
# an object repeat its own, so a hostile line could fill the memory.
_DEEPEST = 6
_LONGEST_NAME = 100


def object_of(line: str) -> dict[str, object] | None:
    """The JSON object of a line of another program. None for another line, and for one of our own.

    Example:
        >>> object_of('{"status": 404}'), object_of('{"detector": "scan", "schema": 1}')
        ({'status': 404}, None)
    """
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    is_ours = "detector" in value and "schema" in value
    return None if is_ours else value


def values_of(value: dict[str, object], rename: Callable[[str], str] = str) -> dict[str, object]:
    """All values of an object by their names, of nested objects joined with a point.

    Args:
        value: The object.
        rename: Returns the name for a key.

    Example:
        >>> values_of({"res": {"status": 404}})
        {'res': {'status': 404}, 'res.status': 404}
    """
    values: dict[str, object] = {}
    _add(values, "", value, rename, _DEEPEST)
    return values


def _add(
    values: dict[str, object],
    prefix: str,
    value: dict[str, object],
    rename: Callable[[str], str],
    levels: int,
) -> None:
    for key, inner in value.items():
        name = prefix + rename(key)
        values[name] = inner
        if isinstance(inner, dict) and levels > 1 and len(name) <= _LONGEST_NAME:
            _add(values, f"{name}.", inner, rename, levels - 1)

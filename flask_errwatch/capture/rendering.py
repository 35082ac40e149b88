"""From the event to the line: structlog processors that make it plain, safe and short enough.

Each takes structlog's three arguments and returns the event dict; the last returns what the
outlet is called with. They belong to this library: nothing is configured globally.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import orjson

from flask_errwatch._text import name_of, plain_text
from flask_errwatch.capture.redaction import Redactor

#: Longest line in bytes, as rendered.
LINE_LENGTH = 32 * 1024

# structlog's own alias; its values are what a caller put there.
EventDict = MutableMapping[str, Any]

# Besides what JSON itself escapes: DEL, C1, the two line separators that some readers split
# at, and the marks that reorder text on a terminal (Unicode TR9; CVE-2021-42574).
_HIDDEN = "[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"  # compiled at its first use
#: Of them, the one that is ASCII. A number: bytes are asked for a number at once, and for bytes
#: only after an exception of their own.
_DELETE = 0x7F
_DEPTH = 8
_NODES = 4000
#: Characters that one walk keeps: more could not stay in a line anyway, and it costs time.
_ROOM = 4 * LINE_LENGTH
_TEXT = LINE_LENGTH
#: What can make a line too long; every other field has a bound of its own in `events`.
_GROWING = ("exception", "data")
#: Stages of shortening: the longest text and the longest list or mapping that stay.
_STAGES = ((8192, 200), (2048, 100), (512, 50), (128, 20), (64, 8))


class Redact:
    """Makes values from outside plain, and masks secrets in them.

    Args:
        redactor: Masks them.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """Cleans `data` and the exception's message, the two parts that we did not build."""
        if "data" in event:
            event["data"] = self._redactor(plain_fields(event["data"]))
        if "exception" in event:
            message = event["exception"]["message"]
            if type(message) is not str or not message.isascii():
                message = str(plain(message))
            event["exception"]["message"] = self._redactor.text(message)
        return event


def render(_logger: object, _method: str, event: EventDict) -> bytes:
    """Renders the event as JSON on one line of at most `LINE_LENGTH` bytes.

    An event that must be shortened for that is changed to what stands in the line.
    """
    try:
        text = orjson.dumps(event)
        if not text.isascii() or _DELETE in text:
            text = _escaped(text)
    except TypeError:  # JSONEncodeError is one
        # A lone surrogate or a number that is none: rare, so only then all is cleaned.
        event.update({key: plain(value) for key, value in event.items()})
        text = _json(event)
    return text if len(text) <= LINE_LENGTH else _shortened(event, text)


def _shortened(event: EventDict, text: bytes) -> bytes:
    for length, entries in _STAGES:
        event.update({key: _cut(event[key], length, entries) for key in _GROWING if key in event})
        text = _json(event)
        if len(text) <= LINE_LENGTH:
            return text
    event["data"] = {"cut": f"[{len(text)} bytes]"}
    return _json(event)


def _json(event: Mapping[str, Any]) -> bytes:
    return _escaped(orjson.dumps(event))


def _escaped(text: bytes) -> bytes:
    """The JSON with every hidden character as an escape; they stand only inside strings."""
    return re.sub(_HIDDEN, lambda found: f"\\u{ord(found[0]):04x}", text.decode()).encode()


def plain_fields(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """The mapping with only what JSON has; a key without a value is left out.

    Example:
        >>> plain_fields({"ratio": float("nan"), 1: {2, 1}, "nothing": None, "big": 2**70})
        {'ratio': 'nan', '1': [1, 2], 'big': '1180591620717411303424'}
    """
    return _Cleaner().fields(fields, _DEPTH)


def plain(value: object) -> object:
    """The value with only what JSON has: text, numbers, booleans, lists and mappings."""
    return _Cleaner().value(value, _DEPTH)


class _Cleaner:
    """One walk over a value, bounded in depth, in the number of parts and in characters."""

    def __init__(self) -> None:
        self._left = _NODES
        self._room = _ROOM

    def fields(self, fields: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        for key, value in _entries(fields):
            if value is None:
                continue
            if self._is_full():
                cleaned["…"] = "[more]"
                break
            cleaned[self._text(key)] = self.value(value, depth - 1)
        return cleaned

    def value(self, value: object, depth: int) -> object:
        self._left -= 1
        try:
            return self._plain(value, depth)
        except Exception:  # noqa: BLE001 - a foreign number, list or proxy that misbehaves
            return self._text(value)

    def _plain(self, value: object, depth: int) -> object:
        if isinstance(value, bool):
            return bool(value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            whole = int(value)
            return whole if -(2**63) <= whole < 2**64 else self._text(value)
        if isinstance(value, float):
            number = float(value)
            return number if math.isfinite(number) else self._text(number)
        if depth > 0 and isinstance(value, Mapping):
            return self.fields(value, depth)
        if depth > 0 and isinstance(value, list | tuple | set | frozenset):
            return self._list(value, depth)
        return self._text(value)

    def _is_full(self) -> bool:
        return self._left <= 0 or self._room <= 0

    def _text(self, value: object) -> str:
        text = _text(value, min(_TEXT, max(self._room, 0)))
        self._room -= len(text)
        return text

    def _list(self, values: Iterable[object], depth: int) -> list[object]:
        kept: list[object] = []
        for value in values:
            if self._is_full():
                kept.append("[more]")
                break
            kept.append(self.value(value, depth - 1))
        return kept


def _entries(fields: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    try:
        return list(fields.items())
    except Exception as error:  # noqa: BLE001 - a foreign mapping; its failure becomes the value
        return [("unreadable", name_of(error))]


def _text(value: object, limit: int) -> str:
    """The value as text that UTF-8 can carry, whatever it is and does."""
    try:
        if issubclass(type(value), bytes | bytearray):
            text = bytes(value[:limit]).decode("utf-8", "backslashreplace")  # type: ignore[index]
        else:
            text = plain_text(value)
    except Exception:  # noqa: BLE001 - a foreign __str__, or an int of too many digits
        text = f"<{name_of(value)} that cannot be shown>"
    if len(text) > limit:
        text = _marked(text, limit)
    return text.encode("utf-8", "backslashreplace").decode()


def _marked(text: str, length: int) -> str:
    return f"{text[:length]}…[{len(text) - length} more]"


def _cut(value: Any, length: int, entries: int) -> Any:
    """The value with long texts, lists and mappings cut, each cut marked."""
    if isinstance(value, str):
        return value if len(value) <= length + 24 else _marked(value, length)
    if isinstance(value, dict):
        kept = {
            _cut(key, length, 0): _cut(value[key], length, entries) for key in [*value][:entries]
        }
        return kept if len(value) <= entries else {**kept, "…": f"[{len(value) - entries} more]"}
    if isinstance(value, list):
        items = [_cut(item, length, entries) for item in value[:entries]]
        return items if len(value) <= entries else [*items, f"[{len(value) - entries} more]"]
    return value

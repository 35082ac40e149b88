"""Renders events as lines: structlog processors that redact, bound and serialise them.

Each takes structlog's three arguments and returns the event dict. The last one returns the bytes
that are handed to delivery. They belong to this library: nothing is configured globally.
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

# structlog's alias.
EventDict = MutableMapping[str, Any]

# Escaped besides what JSON itself escapes: DEL, C1, the two line separators at which some readers
# split, and the marks that reorder text on a terminal (Unicode TR9; CVE-2021-42574).
_HIDDEN = "[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"  # compiled at its first use
#: The only ASCII character of these, as a number: `int in bytes` is faster than `bytes in bytes`.
_DELETE = 0x7F
_DEPTH = 8
_NODES = 4000
#: Characters kept of one value: more would not fit into a line, and would cost time.
_CHARACTERS = 4 * LINE_LENGTH
_TEXT_LENGTH = LINE_LENGTH
#: The fields that can make a line too long. Every other field has its bound in `events`.
_UNBOUNDED = ("exception", "data")
#: Stages of shortening: the longest string and the longest list or mapping that are kept.
_STAGES = ((8192, 200), (2048, 100), (512, 50), (128, 20), (64, 8))


class RedactProcessor:
    """Converts foreign values to JSON types and masks secrets in them.

    Args:
        redactor: Masks the secrets.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """Cleans `data` and the exceptions' messages, the only foreign values of an event."""
        if "data" in event:
            event["data"] = self._redactor(plain_fields(event["data"]))
        if "exception" in event:
            exception = event["exception"]
            self._clean_message(exception)
            for entry in exception.get("chain", ()):
                if isinstance(entry, dict):
                    self._clean_message(entry)
        return event

    def _clean_message(self, exception: dict[str, Any]) -> None:
        message = exception["message"]
        if type(message) is not str or not message.isascii():
            message = str(plain(message))
        exception["message"] = self._redactor.text(message)


def render(_logger: object, _method: str, event: EventDict) -> bytes:
    """Renders the event as JSON on one line of at most `LINE_LENGTH` bytes.

    If the event has to be shortened for that, it is changed in place, to equal the line.
    """
    try:
        text = orjson.dumps(event)
        if not text.isascii() or _DELETE in text:
            text = _escaped(text)
    except TypeError:  # JSONEncodeError is one
        # A lone surrogate, NaN or infinity: rare, so everything is cleaned only then.
        event.update({key: plain(value) for key, value in event.items()})
        text = _json(event)
    return text if len(text) <= LINE_LENGTH else _shortened(event, text)


def _shortened(event: EventDict, text: bytes) -> bytes:
    for length, entries in _STAGES:
        event.update({key: _cut(event[key], length, entries) for key in _UNBOUNDED if key in event})
        text = _json(event)
        if len(text) <= LINE_LENGTH:
            return text
    event["data"] = {"cut": f"[{len(text)} bytes]"}
    return _json(event)


def _json(event: Mapping[str, Any]) -> bytes:
    return _escaped(orjson.dumps(event))


def _escaped(text: bytes) -> bytes:
    """The JSON with every hidden character escaped. They occur only inside strings."""
    return re.sub(_HIDDEN, lambda match: f"\\u{ord(match[0]):04x}", text.decode()).encode()


def plain_fields(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """The mapping with JSON types only. Keys whose value is None are left out.

    Example:
        >>> plain_fields({"ratio": float("nan"), 1: {2, 1}, "nothing": None, "big": 2**70})
        {'ratio': 'nan', '1': [1, 2], 'big': '1180591620717411303424'}
    """
    return _Cleaner().fields(fields, _DEPTH)


def plain(value: object) -> object:
    """The value with JSON types only: strings, numbers, booleans, lists and mappings."""
    return _Cleaner().value(value, _DEPTH)


class _Cleaner:
    """Cleans one value, bounded in depth, number of parts and characters."""

    def __init__(self) -> None:
        self._nodes_left = _NODES
        self._characters_left = _CHARACTERS

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
        self._nodes_left -= 1
        try:
            return self._plain(value, depth)
        except Exception:  # noqa: BLE001 - a foreign number, list or proxy that raises
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
        return self._nodes_left <= 0 or self._characters_left <= 0

    def _text(self, value: object) -> str:
        text = _text(value, min(_TEXT_LENGTH, max(self._characters_left, 0)))
        self._characters_left -= len(text)
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
    except Exception as error:  # noqa: BLE001 - a foreign mapping; the value names its error
        return [("unreadable", name_of(error))]


def _text(value: object, limit: int) -> str:
    """The value as a string that UTF-8 can encode. Never raises, whatever the value does."""
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
    """The value with long strings, lists and mappings truncated and marked."""
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

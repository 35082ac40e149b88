"""Renders events as lines: structlog processors that redact, bound and serialise them.

Each takes structlog's three arguments and returns the event dict. The last one returns the bytes
that are handed to delivery. They belong to this library: nothing is configured globally.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson

from flask_errwatch._text import HIDDEN, cut
from flask_errwatch.capture.plain_values import FOREIGN, OWN, PlainValues, encodable_text
from flask_errwatch.capture.redaction import MARGIN, Effort, Redactor

#: Longest line in bytes, as rendered.
LINE_LENGTH = 32 * 1024

# structlog's alias.
EventDict = MutableMapping[str, Any]

#: The only ASCII character of `HIDDEN`. A number: `int in bytes` is faster than `bytes in bytes`.
_DELETE = 0x7F
#: The fields that can make a line too long. Every other field has its bound in `events`.
_UNBOUNDED = ("exception", "data")
#: Stages of shortening: the longest string and the longest list or mapping that are kept.
_STAGES = ((2048, 100), (512, 50), (128, 20), (64, 8))
#: Characters of the messages of an exception, and of those of its chain, and the places in all of
#: them at which a secret may begin.
_MESSAGE_LENGTH, _LINK_LENGTH, _PLACES = 1024, 256, 10


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
            bounds = FOREIGN if "detector" in event else OWN
            event["data"] = PlainValues(self._redactor, bounds).fields(event["data"])
        if "exception" in event:
            exception = event["exception"]
            effort = Effort(characters=_MESSAGE_LENGTH, places=_PLACES)
            self._clean_message(exception, _MESSAGE_LENGTH, effort)
            for entry in exception.get("chain", ()):
                if isinstance(entry, dict):
                    self._clean_message(entry, _LINK_LENGTH, effort)
        return event

    def _clean_message(self, exception: dict[str, Any], length: int, effort: Effort) -> None:
        message = exception["message"]
        if type(message) is not str or not message.isascii():
            message = encodable_text(message, length + 2 * MARGIN)
        exception["message"] = self._redactor.bounded(message, length, effort)


def render(_logger: object, _method: str, event: EventDict) -> bytes:
    """Renders the event as JSON on one line of at most `LINE_LENGTH` bytes.

    If the event has to be shortened for that, it is changed in place, to equal the line.
    """
    try:
        text = orjson.dumps(event)
        if not text.isascii() or _DELETE in text:
            text = _escaped(event, text)
    except TypeError:  # JSONEncodeError is one
        # A lone surrogate, NaN or infinity: rare, so everything is cleaned only then.
        values = PlainValues(Redactor(), OWN)
        event.update({key: values.value(value) for key, value in event.items()})
        text = _json(event)
    return text if len(text) <= LINE_LENGTH else _shortened(event, text)


def _shortened(event: EventDict, text: bytes) -> bytes:
    for length, entries in _STAGES:
        event.update(
            {key: _short(event[key], length, entries) for key in _UNBOUNDED if key in event}
        )
        text = _json(event)
        if len(text) <= LINE_LENGTH:
            return text
    event["data"] = {"cut": f"[{len(text)} bytes]"}
    return _json(event)


def _json(event: Mapping[str, Any]) -> bytes:
    return _escaped(event, orjson.dumps(event))


def _escaped(event: Mapping[str, Any], text: bytes) -> bytes:
    """The JSON of the event, in ASCII if a hidden character is in it.

    So every hidden character is escaped in one pass that is as fast as rendering, however many
    there are. A line without any keeps its letters of all scripts.
    """
    if re.search(HIDDEN, text.decode()) is None:
        return text
    return _ascii.encode(event).encode()


_ascii = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


def _short(value: Any, length: int, entries: int) -> Any:
    """The value with long strings, lists and mappings truncated and marked."""
    if isinstance(value, str):
        return value if len(value) <= length + 24 else cut(value, length)
    if isinstance(value, dict):
        kept = {
            _short(key, length, 0): _short(value[key], length, entries)
            for key in [*value][:entries]
        }
        return kept if len(value) <= entries else {**kept, "…": f"[{len(value) - entries} more]"}
    if isinstance(value, list):
        items = [_short(item, length, entries) for item in value[:entries]]
        return items if len(value) <= entries else [*items, f"[{len(value) - entries} more]"]
    return value

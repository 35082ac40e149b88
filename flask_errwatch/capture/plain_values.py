"""Converts foreign values to JSON types, bounded, and masks the secrets in them on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from flask_errwatch._text import cut, name_of, plain_text
from flask_errwatch.capture.redaction import MARGIN, MASK, Effort, Redactor, size_of

_DEPTH = 8
#: Characters of a key, and of a text.
_KEY_LENGTH = 128
#: A key of fewer characters is too short for a secret that is recognised by its shape.
_WORD = 20
_TEXT_LENGTH = 1024
#: A number of fewer digits is not that of a card.
_LONG_NUMBER = 10**11
#: A longer number is described.
_BITS = 1024


class Bounds(NamedTuple):
    """How much of one event's values is kept.

    Attributes:
        values: Values at any depth.
        characters: Characters of all keys and texts.
        places: Places in them at which a secret may begin.
    """

    values: int
    characters: int
    places: int


#: Of values that anybody may have sent: with more, one request could make its line dear.
FOREIGN = Bounds(values=32, characters=2048, places=8)
#: Of values that this package made.
OWN = Bounds(values=3200, characters=65_536, places=4000)


class PlainValues:
    """Converts one mapping or value, bounded in depth, number of parts and characters.

    Args:
        redactor: Masks secrets.
        bounds: How much is kept.
    """

    def __init__(self, redactor: Redactor, bounds: Bounds = FOREIGN) -> None:
        self._redactor = redactor
        self._effort = Effort(places=bounds.places, characters=bounds.characters)
        self._left = bounds.values

    def fields(self, fields: Mapping[Any, Any], depth: int = _DEPTH) -> dict[str, Any]:
        """The mapping with JSON types only. Keys whose value is None are left out.

        Example:
            >>> PlainValues(Redactor()).fields({"ratio": float("nan"), 1: {2, 1}, "big": 2**70})
            {'ratio': 'nan', '1': [1, 2], 'big': '1180591620717411303424'}
        """
        cleaned: dict[str, Any] = {}
        for key, value in _entries(fields, max(self._left, 0) + 1):
            if value is None:
                continue
            if self._is_full():
                cleaned["…"] = "[more]"
                break
            name = key if type(key) is str and key.isascii() else encodable_text(key, _KEY_LENGTH)
            shown = self._key(name)
            if self._redactor.is_secret(name):
                self._left -= 1
                cleaned[shown] = MASK
            else:
                cleaned[shown] = self.value(value, depth - 1)
        return cleaned

    def value(self, value: object, depth: int = _DEPTH) -> object:
        """The value with JSON types only: strings, numbers, booleans, lists and mappings."""
        self._left -= 1
        if type(value) is str:
            return self._text(value)
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
            return self._whole(int(value))
        if isinstance(value, float):
            number = float(value)
            return self._number(number) if math.isfinite(number) else self._text(number)
        if isinstance(value, Mapping):
            return self.fields(value, depth) if depth > 0 else "[more]"
        if isinstance(value, list | tuple | set | frozenset):
            return self._list(value, depth) if depth > 0 else "[more]"
        return self._text(value)

    def _whole(self, number: int) -> object:
        if -(2**63) <= number < 2**64:
            return self._number(number)
        bits = number.bit_length()
        # The time to write the digits of a number grows with the square of their count.
        return self._text(number if bits <= _BITS else f"[a number of {bits} bits]")

    def _number(self, number: float) -> object:
        """The number, unless it is that of a card."""
        if -_LONG_NUMBER < number < _LONG_NUMBER:
            return number
        digits = repr(number)
        shown = self._text(digits)
        return number if shown == digits else shown

    def _is_full(self) -> bool:
        effort = self._effort
        return self._left <= 0 or effort.characters <= 0 or effort.places <= 0

    def _key(self, name: str) -> str:
        """The name. A client may have chosen it too: anything but a plain word is a text."""
        if len(name) < _WORD and name.replace("-", "_").isidentifier():
            self._effort.characters -= size_of(name)
            return name
        self._effort.places -= 1 + len(name) // _WORD
        return self._redactor.bounded(name, _KEY_LENGTH, self._effort)

    def _text(self, value: object) -> str:
        if type(value) is str and value.isascii():
            return self._redactor.bounded(value, _TEXT_LENGTH, self._effort)
        text = encodable_text(value, _TEXT_LENGTH + MARGIN)
        return self._redactor.bounded(text, _TEXT_LENGTH, self._effort)

    def _list(self, values: Iterable[object], depth: int) -> list[object]:
        kept: list[object] = []
        for value in values:
            if self._is_full():
                kept.append("[more]")
                break
            kept.append(self.value(value, depth - 1))
        return kept


def _entries(fields: Mapping[Any, Any], most: int) -> Iterable[tuple[Any, Any]]:
    try:
        return [*islice(fields.items(), most)]
    except Exception as error:  # noqa: BLE001 - a foreign mapping; the value names its error
        return [("unreadable", name_of(error))]


def _decoded(value: bytes) -> str:
    r"""The bytes as text, in which `\xff` is a byte that is not of UTF-8.

    Decoding to surrogates first takes a hundredth of the time of `backslashreplace` alone.
    """
    text = value.decode("utf-8", "surrogateescape")
    if text.isascii() or text.isprintable():
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace(r"\udc", r"\x")


def encodable_text(value: object, limit: int) -> str:
    """The value as a string that UTF-8 can encode, truncated and marked. Never raises."""
    try:
        if issubclass(type(value), bytes | bytearray):
            text = _decoded(bytes(value[:limit]))  # type: ignore[index]
        else:
            text = plain_text(value)
    except Exception:  # noqa: BLE001 - a foreign __str__, or an int of too many digits
        text = f"<{name_of(value)} that cannot be shown>"
    text = cut(text, limit)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()

"""Reads JSON of any length value by value, so that only one value is in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from flask_errwatch.replay.documents.pieces import (
    LONGEST,
    SHOWN,
    TooLongError,
    UnreadableError,
    decoded,
)

_DECODE: Final = json.JSONDecoder().raw_decode
_NOT_BLANK: Final = re.compile(r"[^ \t\r\n]")


class BrokenJsonError(UnreadableError):
    """The text is not JSON, or it ends within a value."""

    def __init__(self) -> None:
        super().__init__("from here on it is not valid JSON, as when it was cut")


class Value(NamedTuple):
    """A JSON value.

    Attributes:
        parsed: The value. A text in it may hold lone surrogates.
        text: How it is written.
    """

    parsed: object
    text: str


class JsonText:
    """A text of JSON values, one after the other, with or without anything between them.

    Args:
        pieces: Its bytes.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._texts = decoded(pieces)
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is not blank. Empty at the end."""
        self.skip_blanks()
        return self._text[self._at : self._at + 1]

    def skip_blanks(self) -> bool:
        """Skips blanks. Returns whether there was a line break among them."""
        has_break = False
        while True:
            match = _NOT_BLANK.search(self._text, self._at)
            end = len(self._text) if match is None else match.start()
            has_break = has_break or self._text.find("\n", self._at, end) >= 0
            self._at = end
            if match is not None or not self._read_more():
                return has_break

    def value(self) -> Value:
        """The value that begins here.

        Raises:
            UnreadableError: The text ends before it, or it is too long.
        """
        self.skip_blanks()
        while True:
            try:
                parsed, end = _DECODE(self._text, self._at)
            except RecursionError:
                raise UnreadableError("it has JSON that is nested too deeply") from None
            except ValueError:
                if not self._read_more():
                    raise BrokenJsonError from None
                continue
            # Only a container ends where it seems to: a number may go on.
            if end == len(self._text) and self._text[end - 1] not in "]}" and self._read_more():
                continue
            start, self._at = self._at, end
            return Value(parsed, self._text[start:end])

    def elements(self) -> Iterator[Value]:
        """The elements of the array that begins here.

        Raises:
            UnreadableError: As of `value`.
        """
        self._skip("[")
        if self._skips("]"):
            return
        while True:
            yield self.value()
            if self._skips("]"):
                return
            self._skip(",")

    def keys(self) -> Iterator[str]:
        """The keys of the object that begins here. The caller reads the value behind each.

        Raises:
            UnreadableError: As of `value`.
        """
        self._skip("{")
        if self._skips("}"):
            return
        while True:
            key = self.value().parsed
            if not isinstance(key, str):
                raise BrokenJsonError
            self._skip(":")
            yield key
            if self._skips("}"):
                return
            self._skip(",")

    def rest(self) -> str:
        """The beginning of what was not read, to show it."""
        return self._text[self._at : self._at + SHOWN]

    def _skips(self, char: str) -> bool:
        is_next = self.peek() == char
        self._at += is_next
        return is_next

    def _skip(self, char: str) -> None:
        if not self._skips(char):
            raise BrokenJsonError

    def _read_more(self) -> bool:
        """Reads as much again as there is, so that a long value is not tried too often."""
        begun = [self._text[self._at :]]
        wanted = length = len(begun[0])
        if length > LONGEST:
            raise TooLongError
        for text in self._texts:
            begun.append(text)
            length += len(text)
            if length > min(wanted * 2, LONGEST):
                break
        self._text, self._at = "".join(begun), 0
        return length > wanted

"""Checks that a log of JSON has the keys that `--fields` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from flask_errwatch._text import did_you_mean, listed, one_line
from flask_errwatch.errors import Problem
from flask_errwatch.replay.formats.json_format import FieldsError
from flask_errwatch.replay.formats.json_objects import object_of, values_of
from flask_errwatch.replay.reading.shapes import Shape, texts_of

#: Lines that are looked at.
_LINES: Final = 1_000
_NAMED: Final = 8


def check_keys(keys: Mapping[str, str], name: str, head: bytes, shape: Shape | None) -> None:
    """Refuses a key that no line at the beginning of a log has.

    Args:
        keys: The keys, by the part of a request that they have.
        name: The log's name.
        head: Its first bytes.
        shape: How it is built. None where no line of it was understood.

    Raises:
        FieldsError: A key is in none of its objects.
    """
    absent = set(keys.values())
    known: dict[str, None] = {}
    for text in _messages(head, shape):
        values = values_of(object_of(text) or {})
        if values:
            known.update(dict.fromkeys(values))
            absent.difference_update(values)
    if known and absent:
        key = min(absent, key=list(keys.values()).index)
        there = f"It has {listed([*map(one_line, known)], _NAMED)}."
        remedy = f"No line of {one_line(name)} has this key. {did_you_mean(key, known) or there}"
        raise FieldsError(Problem(key="--fields", value=key, remedy=remedy))


def _messages(head: bytes, shape: Shape | None) -> Iterator[str]:
    """The messages that begin a log, without what is around them."""
    for text in texts_of(head, None if shape is None else shape.document)[:_LINES]:
        message: str | None = text
        for wrapper in () if shape is None else shape.readings[0].wrappers:
            wrapped = None if message is None else wrapper.unwrap(message)
            message = None if wrapped is None else wrapped.message
        if message is not None:
            yield message

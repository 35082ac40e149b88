r"""The journal's format, version 2: how a line is written to a file and read back.

A record is one `write` of `\n<checksum> <line>\n`: the Adler-32 of the line (RFC 1950, section 9)
in decimal, and the JSON line, which contains no line break. Both line breaks matter: a record that
was torn, by a full disk or a kill, ends where the next one begins, so only its own checksum fails.
Everything else that delivery needs to know of a line is in the line.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from flask_errwatch._lambda import CRITICAL


class Line(NamedTuple):
    """A rendered event.

    Attributes:
        timestamp: Milliseconds since the epoch.
        text: The JSON object, UTF-8, without a line break.
        critical: Whether it must be sent at once.
    """

    timestamp: int
    text: bytes
    critical: bool


class Position(NamedTuple):
    """A position in a journal.

    Attributes:
        segment: Number of the segment.
        offset: Bytes from its start.
    """

    segment: int
    offset: int


class Record(NamedTuple):
    """A line that was read back.

    Attributes:
        line: The line.
        end: The position after it. Acknowledging this commits the line.
    """

    line: Line
    end: Position


def pack(text: bytes) -> bytes:
    r"""The line as a record.

    Example:
        >>> pack(b'{"event":"x"}')
        b'\n530515029 {"event":"x"}\n'
    """
    # Not crc32: nothing else in a request reads its tables, and loading them costs too much.
    return b"\n" + str(zlib.adler32(text)).encode() + b" " + text + b"\n"


def unpack(raw: bytes) -> Line | None:
    """The line of a record without its line breaks, or None when the record is torn."""
    checksum, _, text = raw.partition(b" ")
    try:
        return line_of(text) if int(checksum) == zlib.adler32(text) else None
    except ValueError:
        return None


def line_of(text: bytes) -> Line:
    """The line, with the timestamp and the level that it contains.

    Raises:
        ValueError: When it is not a line of schema 1.

    Example:
        >>> line_of(b'{"level":"error","id":"018bcfe5-6800-7000-8000-000000000000"}').timestamp
        1700000000000
    """
    try:
        event = orjson.loads(text)
        moment = event["id"]  # a UUID of version 7 begins with it: line and log event agree
        return Line(int(moment[:8] + moment[9:13], 16), text, event["level"] in CRITICAL)
    except (KeyError, TypeError) as error:
        raise ValueError("not a line of schema 1") from error


def split(chunk: bytes) -> Iterator[tuple[bytes, int]]:
    """The records of a chunk that ends with a line break, each with its end in the chunk."""
    start = 0
    while start < len(chunk):
        end = chunk.find(b"\n", start)
        if end > start:
            yield chunk[start:end], end + 1
        start = end + 1

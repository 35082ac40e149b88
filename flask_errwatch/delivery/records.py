r"""The journal's format, version 1: how a line lies in a file, and how it is read back.

A record is one `write` of `\n<crc> <timestamp> <flag> <line>\n`: a CRC-32 in eight hex digits
over everything after it, milliseconds since the epoch, `!` for a critical line or `.`, and the
JSON line, which has no line break of its own. Both line breaks matter: a record that was torn,
by a full disk or a kill, ends where the next one begins, and fails its checksum alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from flask_errwatch.rendering import Line

_CRITICAL = b"!"
_HEADER = 9


class Position(NamedTuple):
    """A place in a journal.

    Attributes:
        segment: Number of the segment.
        offset: Bytes from its start.
    """

    segment: int
    offset: int


class Record(NamedTuple):
    """A line as it was read back.

    Attributes:
        line: The line.
        end: The place right after it; what is acknowledged with it.
    """

    line: Line
    end: Position


def pack(line: Line) -> bytes:
    r"""The line as a record.

    Example:
        >>> pack(Line(1700000000000, b'{"event":"x"}', True))
        b'\nef2a52db 1700000000000 ! {"event":"x"}\n'
    """
    timestamp, text, critical = line
    body = (b"%d ! %b" if critical else b"%d . %b") % (timestamp, text)
    return b"\n%08x %b\n" % (crc32(body), body)


def unpack(raw: bytes) -> Line | None:
    """The line of a record without its line breaks, or None when it is torn."""
    body = raw[_HEADER:]
    try:
        if int(raw[: _HEADER - 1], 16) != crc32(body):
            return None
        timestamp, flag, text = body.split(b" ", 2)
        return Line(int(timestamp), text, flag == _CRITICAL)
    except ValueError:
        return None


def split(chunk: bytes) -> Iterator[tuple[bytes, int]]:
    """Each record of a chunk that ends with a line break, and where in the chunk it ends."""
    start = 0
    while start < len(chunk):
        end = chunk.find(b"\n", start)
        if end > start:
            yield chunk[start:end], end + 1
        start = end + 1

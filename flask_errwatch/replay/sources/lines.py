"""Cuts pieces of bytes into blocks of whole lines. A line is bounded, and so is the memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

#: Longest line that is read. CloudWatch Logs takes events of up to 1 MiB (PutLogEvents).
LONGEST = 1 << 20
_SHOWN = 400


class TooLong(bytes):
    """The beginning of a line that is longer than `LONGEST`."""

    __slots__ = ()


def line_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yields blocks that end with a line break, and `TooLong` for a line longer than `LONGEST`.

    Args:
        pieces: The bytes, in pieces shorter than `LONGEST`, so that a longer line never begins and
            ends in one piece.

    Example:
        >>> [*line_blocks([b"a\nb", b"c\nd"])]
        [b'a\n', b'bc\n', b'd\n']
    """
    open_line: bytes | None = b""  # None while the rest of a too long line is skipped
    for piece in pieces:
        end, begin = piece.find(b"\n"), 0
        if open_line is not None and len(open_line) + (len(piece) if end < 0 else end) > LONGEST:
            yield TooLong((open_line + piece)[:_SHOWN])
            open_line = None
        if open_line is None:
            if end < 0:
                continue
            begin, open_line = end + 1, b""
        cut = piece.rfind(b"\n") + 1
        if cut > begin:
            yield b"".join((open_line, memoryview(piece)[begin:cut]))
            open_line = piece[cut:]
        else:
            open_line += piece[begin:]
    if open_line:
        yield open_line + b"\n"

"""Finds out how the text of a log is encoded, and gives it in UTF-8."""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, iterdecode, iterencode
from collections.abc import Iterator
from itertools import chain

from flask_errwatch.replay.sources.unreadable import NotTextError

#: Bytes from which the shape of a log is recognised: longer than the output of an app that starts.
HEAD = 1 << 18
#: Bytes in which text has no NUL.
_CHECKED = 1 << 13
#: Where the header of a tar archive has its mark (POSIX.1-1988, ustar).
_USTAR = slice(257, 262)
_BINARY = "It is binary: give a text log, plain or compressed with gzip or zstd."
_TAR = "It is a tar archive: unpack it."


def text_pieces(pieces: Iterator[bytes]) -> Iterator[bytes]:
    r"""Yields the bytes in UTF-8, without a byte order mark. The first piece is the head.

    It is at least `HEAD` bytes long, unless the log ends before, also where the pieces are short.
    UTF-16 is read if it has a byte order mark, as files have that PowerShell writes.

    Args:
        pieces: The bytes of the log.

    Raises:
        NotTextError: They are binary.

    Example:
        >>> [*text_pieces(iter([b"\xff\xfea\x00", b"b\x00"]))]
        [b'ab']
    """
    head = _first(pieces)
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        text = iterdecode(chain((head,), pieces), "utf-16", "replace")
        pieces = iterencode(text, "utf-8", "replace")
        head = _first(pieces)
    if b"\0" in head[:_CHECKED]:
        raise NotTextError(_TAR if head[_USTAR] == b"ustar" else _BINARY)
    yield head.removeprefix(BOM_UTF8)
    yield from pieces


def _first(pieces: Iterator[bytes]) -> bytes:
    head = bytearray()
    for piece in pieces:
        head += piece
        if len(head) >= HEAD:
            break
    return bytes(head)

"""Text of a document, from its bytes in pieces."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

#: The longest part of a document that is held in memory, a line or a JSON value, in characters: 32
#: times the longest event of CloudWatch Logs. Parsed, it takes some eight times as much.
LONGEST: Final = 1 << 25
#: Characters of what cannot be read that are kept, to show them.
SHOWN: Final = 1024


class UnreadableError(Exception):
    """The rest of a document cannot be read. The message says why, without a capital letter."""


class TooLongError(UnreadableError):
    """A part of a document is longer than `LONGEST`."""

    def __init__(self) -> None:
        super().__init__(f"it has a line or a JSON value of more than {LONGEST:,} characters")


def decoded(pieces: Iterator[bytes]) -> Iterator[str]:
    r"""The text of the pieces, without a byte order mark. Wrong bytes become U+FFFD.

    Example:
        >>> "".join(decoded(iter([b"\xef\xbb\xbfa\xe2", b"\x82\xac"])))
        'a€'
    """
    decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
    for piece in pieces:
        yield decode(piece)
    yield decode(b"", final=True)


def decoded_lines(pieces: Iterator[bytes], end: str = "\n") -> Iterator[str]:
    r"""The lines of a document, each with its end. The last one may have none.

    Args:
        pieces: The document's bytes.
        end: The character that ends a line.

    Raises:
        TooLongError: A line is too long.

    Example:
        >>> [*decoded_lines(iter([b"a\nb", b"c"]))]
        ['a\n', 'bc']
    """
    begun: list[str] = []
    length = 0
    for text in decoded(pieces):
        first, *others = text.split(end)
        begun.append(first)
        length += len(first)
        if length > LONGEST:
            raise TooLongError
        if others:
            *whole, last = others
            yield "".join(begun) + end
            yield from (line + end for line in whole)
            begun, length = [last], len(last)
    if length:
        yield "".join(begun)

"""What a document is: a file whose records are found only by parsing it as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Message(NamedTuple):
    """A record of a document.

    Attributes:
        number: Its number in the document, from 1.
        at: The time that the document states for it, in seconds since the epoch. None where it
            states none.
        text: Its text, without a line break at its end.
    """

    number: int
    at: float | None
    text: str


class BadMessage(NamedTuple):
    """A record that has no time or no text, or the rest of a document that is broken.

    Attributes:
        number: Its number in the document, from 1.
        text: Its beginning.
        defect: Why nothing that follows is read, as a sentence that begins with a small letter.
            None where only this record is bad.
    """

    number: int
    text: str
    defect: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentFormat:
    """A kind of document.

    Attributes:
        name: Its name, in messages, as `the answer of filter-log-events`.
        begins: Whether a log that begins with these bytes (up to 256 KiB) is such a document.
        messages: Its records, from the log's bytes in pieces of any size. It holds no more of
            them in memory than one record, or one page, has, and never raises.
        is_of_cloudwatch: As of `Wrapper`.
    """

    name: str
    begins: Callable[[bytes], bool]
    messages: Callable[[Iterator[bytes]], Iterator[Message | BadMessage]]
    is_of_cloudwatch: bool = False

"""Reads documents for the tests: what the first document format that takes a log makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flask_errwatch.replay.documents.document import BadMessage, Message
from flask_errwatch.replay.documents.known import DOCUMENTS

#: Bytes of the beginning of a log by which it is known.
HEAD = 1 << 18
#: An access line, and the time of most events in these tests: milliseconds since the epoch.
LINE = '203.0.113.9 - - [25/Nov/2026:01:17:00 +0000] "GET /.env HTTP/1.1" 404 9 "-" "curl"'
TIME = 1_795_569_420_500
#: The same, in seconds.
AT = 1_795_569_420.5


class Document(NamedTuple):
    """What was read of a document.

    Attributes:
        name: The name of its format.
        messages: The records that have a text.
        bad: The records that have none, and the rest that cannot be read.
    """

    name: str
    messages: list[Message]
    bad: list[BadMessage]


def pieces_of(data: bytes, size: int) -> Iterator[bytes]:
    """The data in pieces of so many bytes."""
    return (data[at : at + size] for at in range(0, len(data), size))


def document_of(data: bytes | str, size: int = 1 << 16) -> Document | None:
    """Reads a document in pieces of so many bytes. None for a log of lines."""
    data = data if isinstance(data, bytes) else data.encode()
    form = next((one for one in DOCUMENTS if one.begins(data[:HEAD])), None)
    if form is None:
        return None
    records = [*form.messages(pieces_of(data, size))]
    return Document(
        form.name,
        [record for record in records if isinstance(record, Message)],
        [record for record in records if isinstance(record, BadMessage)],
    )

"""Exports of CloudWatch's console as CSV: of a log group's events, and of a query's results."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Final

from flask_errwatch._text import one_line
from flask_errwatch.replay.documents.document import BadMessage, DocumentFormat, Message
from flask_errwatch.replay.documents.pieces import SHOWN, UnreadableError, decoded_lines
from flask_errwatch.replay.documents.records import (
    MESSAGES,
    TIMES,
    MissingColumnError,
    has_event,
    message_of,
)

# The longest cell, in characters: the longest event of CloudWatch Logs (API Reference,
# PutLogEvents: 1 MiB).
_LONGEST_CELL: Final = 1 << 20
_COLUMN: Final = re.compile(r"[\w@*.,() /-]{1,256}", re.ASCII)


def _messages(pieces: Iterator[bytes]) -> Iterator[Message | BadMessage]:
    before = csv.field_size_limit(_LONGEST_CELL)
    number = 0
    try:
        for record in _records(pieces):
            number = record.number
            yield record
    except UnreadableError as error:
        yield BadMessage(number + 1, "", str(error))
    except csv.Error as error:
        defect = f"from here on it is not valid CSV ({one_line(str(error))})"
        yield BadMessage(number + 1, "", defect)
    finally:
        csv.field_size_limit(before)


def _records(pieces: Iterator[bytes]) -> Iterator[Message | BadMessage]:
    rows = csv.reader(decoded_lines(pieces), strict=True)
    columns = [name.strip() for name in next(rows, [])]
    if not has_event(columns):
        raise MissingColumnError(columns)
    number = 0
    for row in rows:
        if not row:
            continue
        number += 1
        if len(row) != len(columns):
            yield BadMessage(number, ",".join(row)[:SHOWN])
        else:
            yield message_of(number, dict(zip(columns, row, strict=True)))


def _begins(head: bytes) -> bool:
    """Whether the first line names columns, of which one is the time or the message."""
    first, _, _ = head[:SHOWN].partition(b"\n")
    columns = _columns(first.decode("utf-8-sig", "replace").rstrip("\r"))
    return not {*columns}.isdisjoint({*TIMES, *MESSAGES, "@ptr"}) and all(
        _COLUMN.fullmatch(name) for name in columns
    )


def _columns(line: str) -> Sequence[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], strict=True), [])]
    except csv.Error:
        return []


#: The console's "Download search results (CSV)" of a log group, `timestamp,message`, and of Logs
#: Insights, `@timestamp,@message`, in any order and among other columns.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AnalyzingLogData.html
CSV_EXPORT: Final = DocumentFormat(
    name="a CSV export of CloudWatch Logs",
    begins=_begins,
    messages=_messages,
    is_of_cloudwatch=True,
)

"""CSV of CloudWatch's console is read row by row, whatever the order of its columns."""

from __future__ import annotations

import csv
import io

import pytest

from flask_errwatch.replay.documents.csv_documents import CSV_EXPORT
from flask_errwatch.replay.documents.document import BadMessage, Message
from tests.replay.documents_read import AT, LINE, TIME, Document, document_of

NAME = "a CSV export of CloudWatch Logs"
INSIGHTS_TIME = "2026-11-25 01:17:00.500"


def csv_of(*rows: list[object]) -> str:
    """The rows as CSV, with CRLF, as RFC 4180 has it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("size", [1, 1 << 16])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (["timestamp", "message"], [TIME, LINE]),
        (["timestamp", "message"], [TIME, f"{LINE}\n"]),
        (["@timestamp", "@message"], [INSIGHTS_TIME, LINE]),
        (["@message", "@logStream", "@timestamp"], [LINE, "web/0a", INSIGHTS_TIME]),
        (["@timestamp", "count(*)", "@message"], [INSIGHTS_TIME, "", LINE]),
        ([" timestamp ", "logStreamName", "message"], [TIME, "web/0a", LINE]),
    ],
)
def test_each_row_is_an_event(
    columns: list[object], row: list[object], mark: str, end: str, size: int
) -> None:
    """Times are milliseconds since the epoch, or those of Logs Insights, in UTC."""
    text = mark + csv_of(columns, row, row).replace("\r\n", end)
    messages = [Message(1, AT, LINE), Message(2, AT, LINE)]
    assert document_of(text, size) == Document(NAME, messages, [])


def test_a_message_may_have_several_lines_and_quotes() -> None:
    """They stay one message."""
    message = 'Traceback:\n  "a", line 1\n\u2028x'
    found = document_of(csv_of(["timestamp", "message"], [TIME, message], [TIME, LINE]))
    assert found == Document(NAME, [Message(1, AT, message), Message(2, AT, LINE)], [])


def test_a_message_may_be_long() -> None:
    """The longest event of CloudWatch Logs has a MiB."""
    message = "x" * 1_000_000
    found = document_of(csv_of(["timestamp", "message"], [TIME, message]))
    assert found == Document(NAME, [Message(1, AT, message)], [])
    assert csv.field_size_limit() == 131_072


def test_a_bad_row_does_not_affect_the_others() -> None:
    """A row with another number of cells, or without a time, is bad. An empty line is none."""
    text = csv_of(["timestamp", "message"], [TIME, "a"], ["soon", "b"], [TIME], [], [TIME, "c"])
    found = document_of(text)
    assert found is not None
    assert found.messages == [Message(1, AT, "a"), Message(4, AT, "c")]
    assert [(bad.number, bad.defect) for bad in found.bad] == [(2, None), (3, None)]


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ("@timestamp,status", "@timestamp, status"),
        ("@message,@logStream", "@message, @logStream"),
        ("timestamp,elapsed,label", "timestamp, elapsed, label"),
    ],
)
def test_an_export_without_time_or_message_is_refused(columns: str, shown: str) -> None:
    """One sentence names the columns that it needs."""
    defect = (
        f"it has the columns {shown}, but needs the time and the message of each event: begin the "
        "query with 'fields @timestamp, @message'"
    )
    assert document_of(f"{columns}\n1,2,3\n") == Document(NAME, [], [BadMessage(1, "", defect)])


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ('1795569420500,"x', "unexpected end of data"),
        ('1795569420500,"x"y\n', "',' expected after '\"'"),
        (f"1795569420500,{'x' * 1_100_000}\n", "field larger than field limit (1048576)"),
    ],
)
def test_what_is_broken_ends_the_document(rest: str, reason: str) -> None:
    """The rows before it count."""
    found = document_of(csv_of(["timestamp", "message"], [TIME, "a"]) + rest)
    assert found is not None
    assert found.messages == [Message(1, AT, "a")]
    assert found.bad == [BadMessage(2, "", f"from here on it is not valid CSV ({reason})")]


def test_a_quote_that_never_ends_is_refused() -> None:
    """No more than a MiB of it is held."""
    pieces = iter([b"timestamp,message\n", b'1,"', *[b"x\n" * (1 << 19)] * 40])
    (bad,) = CSV_EXPORT.messages(pieces)
    assert isinstance(bad, BadMessage)
    assert bad.defect == (
        "from here on it is not valid CSV (field larger than field limit (1048576))"
    )
    assert sum(1 for _ in pieces) > 0  # the rest was not even read


@pytest.mark.parametrize(
    "text",
    [
        f"{LINE}\n",
        "minute,status,lines\n",
        "a message\n",
        '"message\n',
        "message: hello, timestamp: now\n",
        "\n",
    ],
)
def test_other_lines_are_no_export(text: str) -> None:
    """The first line must name a time or a message, and nothing that is no column."""
    assert document_of(text) is None

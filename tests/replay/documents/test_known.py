"""What holds for every document: some are refused with one sentence, and no bytes harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.replay.documents.document import BadMessage, DocumentFormat
from flask_errwatch.replay.documents.known import DOCUMENTS
from tests.replay.documents_read import LINE, document_of, pieces_of

NAMES = [form.name for form in DOCUMENTS]
OURS = '{"event": "Not Found Error", "detector": "not-found-error"}'
AS_JSON = "Print them with --output json"
ROWS = "Print one event per line: --query 'events[].[timestamp,message]' --output text"
#: Pieces of which documents consist.
PIECES = (
    *(b'{"events":[', b'{"timestamp":1795569420500,"message":"', b'"}', b"]}", b"[", b"]", b"{"),
    *(b"}", b",", b'"', b"\\", b"\n", b"\r", b"\t", b"timestamp,message\n", b"1795569420500,"),
    *(b"2026-11-25T01:17:00+00:00 web \n{\n", b"RESULTS\t", b"\xef\xbb\xbf", b"\xff", b"\\ud800"),
    *(b'"messageType":"DATA_MESSAGE"', b'"logEvents":', b"1e999", b"NaN", b"9" * 30, b" ", b"-"),
)


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        # https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-output-format.html
        (
            f"{LINE}\t{LINE}\t{LINE}\n",
            f"it has several messages on one line, with tabs between them. {ROWS}",
        ),
        (
            f"{LINE}\t{OURS}\n",
            f"it has several messages on one line, with tabs between them. {ROWS}",
        ),
        (
            "CWLI\tComplete\nRESULTS\t@timestamp\t2026-11-25 01:17:00.500\n",
            f"it has each field of a query's results on a line of its own. {AS_JSON}",
        ),
        (
            "-----------------\n|  FilterLogEvents  |\n+---------------+\n",
            "it is a table, in which messages are cut into lines. Print it with --output json",
        ),
        (
            "events:\n- eventId: '37'\n  ingestionTime: 1\n",
            "it is YAML, which is not read. Print it with --output json",
        ),
        (
            "- events:\n  - eventId: '37'\n",
            "it is YAML, which is not read. Print it with --output json",
        ),
    ],
)
def test_what_the_command_line_prints_for_people_is_refused(text: str, defect: str) -> None:
    """One sentence says what it is and how to print it. Nothing of it is counted."""
    found = document_of(text)
    assert found is not None
    assert found.messages == []
    assert found.bad == [BadMessage(1, text.partition("\n")[0], defect)]


@pytest.mark.parametrize(
    "text",
    [
        f"{LINE}\n{LINE}\n",
        f"{LINE}\tsuffix\n",
        f"{OURS}\n{OURS}\n",
        "EVENTS\t37\t1795569421000\tweb/0a\thello\t1795569420500\n",
        "#Version: 1.0\n#Fields: date time c-ip\n2026-11-25\t01:17:00\t203.0.113.9\n",
        "events: hello\n",
        "---\n",
    ],
)
def test_a_log_of_lines_is_no_document(text: str) -> None:
    """No line of a log is taken for the beginning of one."""
    assert document_of(text) is None


def test_names_differ() -> None:
    """A message can name each document."""
    assert len({*NAMES}) == len(NAMES) == 9


@pytest.mark.parametrize("form", DOCUMENTS, ids=NAMES)
@given(
    parts=st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=20),
    size=st.integers(1, 40),
)
def test_no_bytes_raise(form: DocumentFormat, parts: list[bytes], size: int) -> None:
    """Records are numbered, and only the last one says why nothing follows."""
    data = b"".join(parts)
    form.begins(data)
    records = [*form.messages(pieces_of(data, size))]
    assert [record.number for record in records] == [*range(1, len(records) + 1)]
    defects = [isinstance(record, BadMessage) and record.defect for record in records]
    assert not any(defects[:-1])
    for record in records:
        record.text.encode()  # no half character


@pytest.mark.parametrize("form", DOCUMENTS, ids=NAMES)
@pytest.mark.parametrize("piece", [b"[", b"{", b'{"a":', b"a\t", b"1.1.1.1 - ", b"\r", b'"', b" "])
def test_the_beginning_is_looked_at_once(form: DocumentFormat, piece: bytes) -> None:
    """A hostile head of 256 KiB is no document: a pattern that looks back would not end."""
    assert form.begins(piece * ((1 << 18) // len(piece))) in (True, False)

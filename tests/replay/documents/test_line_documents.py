"""Documents of lines: the pretty output of `aws logs tail`, and lines with carriage returns."""

from __future__ import annotations

import json

import pytest

from flask_errwatch.replay.documents.document import BadMessage, Message
from flask_errwatch.replay.documents.line_documents import CARRIAGE_RETURNS, TAIL_JSON
from tests.replay.documents_read import AT, LINE, Document, document_of

TAIL = "aws logs tail --format json"
RETURNS = "lines that end with a carriage return"
HEADING = "2026-11-25T01:17:00.500000+00:00 web/0a "
COLOURED = "\x1b[32m2026-11-25T01:17:00.500000+00:00\x1b[0m \x1b[36mweb/0a\x1b[0m "
OBJECT = {"event": "Not Found Error", "data": {"a": ["b"]}}


@pytest.mark.parametrize("size", [1, 1 << 16])
@pytest.mark.parametrize("heading", [HEADING, COLOURED])
def test_a_message_that_is_json_stands_below_its_heading(heading: str, size: int) -> None:
    """Other messages stand beside it.

    https://github.com/aws/aws-cli/blob/v2/awscli/customizations/logs/tail.py
    """
    pretty = json.dumps(OBJECT, indent=4)
    text = f"{heading}{LINE}\n{heading}\n{pretty}\n{heading}\n{pretty}\n"
    found = document_of(text, size)
    assert found == Document(
        TAIL, [Message(1, AT, LINE), Message(2, AT, pretty), Message(3, AT, pretty)], []
    )


def test_a_message_of_several_lines_is_one() -> None:
    """What stands before the first heading has no time."""
    pretty = json.dumps(OBJECT, indent=4)
    text = f"noise\n{HEADING}Traceback\n  line 1\n{HEADING}\n{pretty}\n"
    assert document_of(text) == Document(
        TAIL,
        [Message(2, AT, "Traceback\n  line 1"), Message(3, AT, pretty)],
        [BadMessage(1, "noise", None)],
    )


def test_a_time_that_is_not_valid_is_bad() -> None:
    """The other messages count."""
    broken = HEADING.replace("-25T", "-31T")
    text = f"{HEADING}\n{{\n}}\n{broken}\n{{\n}}\n"
    found = document_of(text)
    assert found == Document(TAIL, [Message(1, AT, "{\n}")], [BadMessage(2, "{\n}", None)])


def test_a_message_that_never_ends_is_bad() -> None:
    """Of what is longer than any event only the beginning is kept."""
    pieces = [HEADING.encode(), *[b"x" * 1023 + b"\n"] * 6_000, f"{HEADING}y\n".encode()]
    bad, message = TAIL_JSON.messages(iter(pieces))
    assert message == Message(2, AT, "y")
    assert isinstance(bad, BadMessage)
    assert (bad.number, len(bad.text), bad.defect) == (1, 1024, None)


def test_the_plain_output_of_tail_is_no_document() -> None:
    """Its lines stand for themselves."""
    assert document_of(f"{HEADING}{LINE}\n" * 3) is None


@pytest.mark.parametrize("size", [1, 1 << 16])
@pytest.mark.parametrize("end", ["", "\r", "\r\r", "\n", "\r\n"])
def test_lines_that_end_with_a_carriage_return(end: str, size: int) -> None:
    """They are lines, and never one. A line break may stand at the end of the file."""
    found = document_of(f"{LINE}\r{LINE}{end}", size)
    assert found == Document(RETURNS, [Message(1, None, LINE), Message(2, None, LINE)], [])


@pytest.mark.parametrize("text", [f"{LINE}\r\n{LINE}\r\n", f"{LINE}\r", LINE])
def test_other_lines_have_a_line_break(text: str) -> None:
    """A carriage return before the break, or behind the only line, decides nothing."""
    assert document_of(text) is None


def test_a_line_that_never_ends_is_refused() -> None:
    """The lines before it count, and the rest is not even read."""
    pieces = iter([b"a\rb", *[b"x" * (1 << 20)] * 40])
    first, bad = CARRIAGE_RETURNS.messages(pieces)
    assert first == Message(1, None, "a")
    assert isinstance(bad, BadMessage)
    assert bad.defect == "it has a line or a JSON value of more than 33,554,432 characters"
    assert sum(1 for _ in pieces) > 0

"""Documents of lines: messages that have several lines, and lines with another end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flask_errwatch.replay.documents.document import BadMessage, DocumentFormat, Message
from flask_errwatch.replay.documents.pieces import SHOWN, UnreadableError, decoded_lines
from flask_errwatch.replay.formats.times import iso_second
from flask_errwatch.replay.wrappers.wrapper import COLOURS, LOCAL_TIME

# The longest message, in characters: an event of 1 MiB, with the indent of its JSON.
_LONGEST: Final = 1 << 22
# Time, stream, and the message, or the line break before it.
_HEADING = (
    rf"{COLOURS}({LOCAL_TIME}(?:\.\d{{6}})?\+00:00){COLOURS} [^\s:*]{{1,512}}(?: (?!- )|(?=\r?\n))"
)
_EVENT = re.compile(_HEADING, re.ASCII)
_OBJECT_BELOW = re.compile(rf"^{_HEADING}\r?\n\{{\r?\n", re.ASCII | re.MULTILINE)
_HEAD: Final = 1 << 14


def _tailed(pieces: Iterator[bytes]) -> Iterator[Message | BadMessage]:
    number = 0
    try:
        for at, text in _events(pieces):
            number += 1
            yield BadMessage(number, text[:SHOWN]) if at is None else Message(number, at, text)
    except UnreadableError as error:
        yield BadMessage(number + 1, "", str(error))


def _events(pieces: Iterator[bytes]) -> Iterator[tuple[float | None, str]]:
    """Time and text of each event. What comes before the first, or is too long, has no time."""
    at: float | None = None
    lines: list[str] = []
    length = 0
    for line in decoded_lines(pieces):
        match = _EVENT.match(line)
        if match is not None:
            yield from _ended(at, lines)
            at, lines, length = iso_second(match[1]), [], 0
        if length <= _LONGEST:
            lines.append(line if match is None else line[match.end() :])
            length += len(lines[-1])
    yield from _ended(at, lines)


def _ended(at: float | None, lines: list[str]) -> Iterator[tuple[float | None, str]]:
    text = "".join(lines)
    if text.strip("\r\n"):
        yield None if len(text) > _LONGEST else at, text.strip("\r\n")


def _with_carriage_returns(pieces: Iterator[bytes]) -> Iterator[Message | BadMessage]:
    number = 0
    try:
        for line in decoded_lines(pieces, "\r"):
            text = line.strip("\r\n")
            if text:
                number += 1
                yield Message(number, None, text)
    except UnreadableError as error:
        yield BadMessage(number + 1, "", str(error))


#: `aws logs tail --format json`: a message that is JSON is printed below its time and stream, over
#: several lines. https://github.com/aws/aws-cli/blob/v2/awscli/customizations/logs/tail.py
TAIL_JSON: Final = DocumentFormat(
    name="aws logs tail --format json",
    begins=lambda head: bool(_OBJECT_BELOW.search(head[:_HEAD].decode("utf-8", "replace"))),
    messages=_tailed,
    is_of_cloudwatch=True,
)
#: Lines that end with a carriage return alone.
CARRIAGE_RETURNS: Final = DocumentFormat(
    name="lines that end with a carriage return",
    begins=lambda head: b"\r" in head.rstrip() and b"\n" not in head.rstrip(),
    messages=_with_carriage_returns,
)

"""Reads logs of any shape, one message after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask_errwatch.replay.documents.document import BadMessage, DocumentFormat
from flask_errwatch.replay.formats.minutes import whole_minute
from flask_errwatch.replay.formats.record import Aside
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.gathering.line_reader import LineReader
from flask_errwatch.replay.gathering.request_counter import RequestCounter
from flask_errwatch.replay.reading.contents import (
    Content,
    Interpreter,
    OwnLine,
    TimedRequest,
    lines_of,
)
from flask_errwatch.replay.reading.own_lines import name_of, source_of
from flask_errwatch.replay.reading.shapes import Shape
from flask_errwatch.replay.sources import Log

#: Messages of a document after which what was gathered is counted.
_SETTLED: Final = 10_000


class MessageReader(LineReader):
    """A log of lines, of any shape.

    Args:
        gathered: Where the lines are counted.
        log: The log's name.
        shape: How it is built.
    """

    def __init__(self, gathered: Gathered, log: str, shape: Shape) -> None:
        self.shows_requests = shape.shows_requests
        super().__init__(gathered, log)
        self._interpreter = Interpreter(shape)
        self._requests = RequestCounter(gathered)
        # The app wrote a line for each of these requests that failed.
        self._counts_requests = not shape.has_own_lines

    def _read(self, block: bytes) -> int:
        lines = lines_of(block)
        for index, line in enumerate(lines):
            self._take(index, line, self._interpreter.read(line))
        self._requests.settle()
        return len(lines)

    def _take(self, index: int, text: str, content: Content) -> None:
        if isinstance(content, Aside):
            return
        minute = None if content is None else whole_minute(content.at)
        if content is None or minute is None:
            self._bad(index, text)
            return
        self._tick(minute, index)
        if isinstance(content, OwnLine):
            self._take_own(minute, content)
        elif self._counts_requests:
            self._take_request(minute, content)
        else:
            self._gathered.repeated_requests += 1
            self._gathered.count_other(minute, 1)

    def _take_own(self, minute: int, line: OwnLine) -> None:
        gathered = self._gathered
        if not line.is_visible:
            gathered.hidden_lines += 1
            gathered.count_other(minute, 1)
            return
        kind = gathered.kind_of_line(line.event, line.text)
        gathered.count(minute, kind, [source_of(line.event)], [name_of(line.event.get("path"))])

    def _take_request(self, minute: int, timed: TimedRequest) -> None:
        client = timed.client(self._gathered.clients)
        self._requests.add(minute, client, timed.record.request)


class DocumentReader(MessageReader):
    """A log that is a document, such as what the AWS command line prints.

    Args:
        gathered: Where the messages are counted.
        log: The log's name.
        shape: How it is built.
        document: What it is as a whole.
    """

    def __init__(
        self, gathered: Gathered, log: str, shape: Shape, document: DocumentFormat
    ) -> None:
        super().__init__(gathered, log, shape)
        self._document = document

    def consume(self, log: Log) -> Iterator[None]:
        """Reads the whole document, and yields now and then. Its messages have numbers."""
        number = 0
        for message in self._document.messages(log.pieces()):
            number = message.number
            if isinstance(message, BadMessage):
                self._note_bad(number - 1, message.text)
                self.defect = self.defect or message.defect
            else:
                content = self._interpreter.read(message.text, message.at)
                self._take(number - 1, message.text, content)
            if number % _SETTLED == 0:
                self._requests.settle()
                yield
        self._requests.settle()
        self._before = number

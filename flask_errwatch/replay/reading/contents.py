"""What the messages of a log are: requests, the app's own lines, or nothing that is understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flask_errwatch.patterns import JsonEvent
from flask_errwatch.replay.documents.document import Message
from flask_errwatch.replay.formats.minutes import minute_of
from flask_errwatch.replay.formats.record import HEADER, AccessRecord, Aside, LogFormat, Parse
from flask_errwatch.replay.formats.times import iso_second
from flask_errwatch.replay.gathering.client_rule import ClientRule
from flask_errwatch.replay.reading.own_lines import own_event
from flask_errwatch.replay.reading.shapes import Shape
from flask_errwatch.replay.sources import Log, TooLong
from flask_errwatch.replay.wrappers.wrapper import Join, Wrapper


class OwnLine(NamedTuple):
    """A line of flask-errwatch.

    Attributes:
        at: The time at which it counts, in seconds since the epoch.
        event: Its fields.
        text: The line.
        is_visible: Whether a metric filter sees it. False inside something else in a log group.
    """

    at: float
    event: JsonEvent
    text: str
    is_visible: bool = True


class TimedRequest(NamedTuple):
    """A request of a log.

    Attributes:
        at: Its time, in seconds since the epoch.
        record: What the log shows of it.
        is_of_proxy: As of `LogFormat`.
    """

    at: float
    record: AccessRecord
    is_of_proxy: bool

    def client(self, rule: ClientRule) -> str | None:
        """Whose it is by a rule. None where that is unknown."""
        record = self.record
        return rule.client(record.request.source, record.forwarded, is_of_proxy=self.is_of_proxy)


#: A header is neither bad nor counted. None is a message that is not understood.
Content = OwnLine | TimedRequest | Aside | None


class _Reader(NamedTuple):
    """A way of reading messages, with the parser of this log."""

    wrappers: tuple[Wrapper, ...]
    content: LogFormat | None
    parse: Parse | None


class Interpreter:
    """Reads the messages of one log.

    Args:
        shape: How it is built.
    """

    def __init__(self, shape: Shape) -> None:
        parsers = {
            reading.content: reading.content.parser()
            for reading in shape.readings
            if reading.content is not None
        }
        self._readers = [
            _Reader(wrappers, content, None if content is None else parsers[content])
            for wrappers, content in shape.readings
        ]
        self._takes_own_lines = any(reading.content is None for reading in shape.readings)
        self._join = _joiner(shape.readings[0].wrappers)
        document = shape.document
        self._is_of_cloudwatch = document is not None and document.is_of_cloudwatch

    def read(self, text: str, at: float | None = None) -> Content:
        """What a message is.

        Args:
            text: The message, without its line break.
            at: The time that a document states for it, in seconds since the epoch.
        """
        if self._join is not None:
            joined = self._join(text)
            if joined is None:
                return HEADER  # a part of a line, which counts as a whole
            text = joined
        for reader in self._readers:
            content = self._read_as(reader, text, at)
            if content is not None:
                return content
        return None

    def _read_as(self, reader: _Reader, text: str, at: float | None) -> Content:
        event_at = at if self._is_of_cloudwatch else None
        is_visible = True
        for wrapper in reader.wrappers:
            wrapped = wrapper.unwrap(text)
            if wrapped is None:
                return None
            if not wrapped.message:
                return HEADER  # it announces something, or ends a page
            text, at = wrapped.message, at if wrapped.at is None else wrapped.at
            if wrapper.is_of_cloudwatch and event_at is None:
                event_at = at
            elif event_at is not None:
                is_visible = False
        own = own_event(text) if self._takes_own_lines else None
        if own is not None:
            counted_at = _stamp_of(own) if event_at is None else event_at
            return None if counted_at is None else OwnLine(counted_at, own, text, is_visible)
        return None if reader.content is None else _requested(reader, reader.content, text, at)


def _requested(reader: _Reader, content: LogFormat, text: str, at: float | None) -> Content:
    """A message as a request, at its own time, or at that of what is around it."""
    parsed = None if reader.parse is None else reader.parse(text)
    if not isinstance(parsed, AccessRecord):
        return parsed
    at = at if parsed.at is None else parsed.at
    return None if at is None else TimedRequest(at, parsed, content.is_of_proxy)


def _stamp_of(event: JsonEvent) -> float | None:
    """The time that one of the app's lines states."""
    stamp = event.get("timestamp")
    return iso_second(stamp) if isinstance(stamp, str) and minute_of(stamp) is not None else None


def _joiner(wrappers: tuple[Wrapper, ...]) -> Join | None:
    """Joins the parts of lines, if the outermost wrapper cuts them."""
    if not wrappers or wrappers[0].joiner is None:
        return None
    return wrappers[0].joiner()


def lines_of(block: bytes) -> list[str]:
    r"""The lines of a block that ends with a line break.

    Example:
        >>> lines_of(b"a\r\nb\n")
        ['a', 'b']
    """
    text = block.decode("utf-8", "replace")
    lines = (text.replace("\r\n", "\n") if "\r" in text else text).split("\n")
    lines.pop()
    return lines


def contents(log: Log, shape: Shape) -> Iterator[Content]:
    """What each message of a log is. Lines that are too long are left out.

    Args:
        log: The log.
        shape: How it is built.
    """
    interpreter = Interpreter(shape)
    if shape.document is not None:
        for message in shape.document.messages(log.pieces()):
            if isinstance(message, Message):
                yield interpreter.read(message.text, message.at)
        return
    for block in log.blocks():
        if not isinstance(block, TooLong):
            yield from map(interpreter.read, lines_of(block))

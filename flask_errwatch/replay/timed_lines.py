"""Reads logs once more, each line with its time: for the minutes that are asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import orjson

from flask_errwatch.patterns import read_event
from flask_errwatch.replay.access_logs import AccessLogReader, minute_of_stamp
from flask_errwatch.replay.files import Log, TooLong
from flask_errwatch.replay.formats import guess_format
from flask_errwatch.replay.json_logs import DOCUMENT, LARGEST_DOCUMENT, ODD, OwnLineReader, stored
from flask_errwatch.replay.readers import Gathered, LineReader, minute_of
from flask_errwatch.replay.request_kinds import RequestKinds
from flask_errwatch.replay.requests import REQUEST, Request, request_of
from flask_errwatch.respond.ranking.lines import Line

#: A line with its time, in seconds since the epoch.
TimedLine = tuple[float, Line]

# Stamps and requests that are remembered: they come again.
_REMEMBERED = 4_096
# Where the seconds of a time are, in RFC 3339.
_SECONDS = slice(17, 19)


class TimedLineReader:
    """Reads the lines of logs that were judged.

    Args:
        gathered: What the first reading gathered: the site and the detectors.
        is_wanted: Whether the lines of a minute are asked for.
    """

    def __init__(self, gathered: Gathered, is_wanted: Callable[[int], bool]) -> None:
        self._is_wanted = is_wanted
        self._requests = RequestKinds(gathered)
        self._line_of = lru_cache(_REMEMBERED)(self._requested)
        self._minute_of_stamp = lru_cache(_REMEMBERED)(minute_of_stamp)

    def read(self, log: Log, form: type[LineReader] | None) -> Iterator[TimedLine]:
        """Yields the lines of a log. What cannot be read was reported before.

        Args:
            log: The log, at its beginning.
            form: The reader of its format. None to guess it.
        """
        document: bytearray | None = None
        lines: Callable[[bytes], Iterator[TimedLine]] | None = None
        for block in log.blocks():
            if isinstance(block, TooLong):
                continue
            if lines is None:
                lines = self._lines_of(form or guess_format(log.head))
                if lines == self._of_messages and DOCUMENT.match(block):
                    document = bytearray()
            if document is None:
                yield from lines(block)
            elif len(document) <= LARGEST_DOCUMENT:
                document += block
        if document is not None and len(document) <= LARGEST_DOCUMENT:
            yield from self._of_document(document)

    def _lines_of(self, form: type[LineReader]) -> Callable[[bytes], Iterator[TimedLine]]:
        """What reads a block of a format."""
        if form is AccessLogReader:
            return self._of_requests
        return self._of_own_lines if form is OwnLineReader else self._of_messages

    def _of_requests(self, block: bytes) -> Iterator[TimedLine]:
        for match in REQUEST.finditer(block.decode("utf-8", "backslashreplace")):
            source, stamp, zone, line, status, rest = match.groups()
            minute = self._minute_of_stamp(stamp, zone)
            if minute is not None and self._is_wanted(minute):
                second = int(match.string[match.end(2) + 1 : match.end(2) + 3])
                request = Request.of(source, status, line, rest)
                yield minute + second, self._line_of(request)

    def _of_own_lines(self, block: bytes) -> Iterator[TimedLine]:
        for line in block.split(b"\n"):
            event = _event(line)
            if event is not None:
                yield from self._timed(event.get("timestamp"), event)

    def _of_messages(self, block: bytes) -> Iterator[TimedLine]:
        for line in block.split(b"\n"):
            timestamp, _, message = line.partition(b" ")
            event = self._of_message(message)
            if event is not None:
                yield from self._timed(timestamp.decode("utf-8", "replace"), event)

    def _of_document(self, document: bytes | bytearray) -> Iterator[TimedLine]:
        try:
            parsed = orjson.loads(document)
        except ValueError:
            return
        events = parsed.get("events") if isinstance(parsed, dict) else parsed
        for one in events if isinstance(events, list) else ():
            try:
                minute, message = stored(one)
            except ODD:
                continue
            if self._is_wanted(minute):
                event = self._of_message(message.encode("utf-8", "replace"))
                if event is not None:
                    yield one["timestamp"] / 1000, Line.of(event)

    def _requested(self, request: Request) -> Line:
        return Line.of(self._requests.event_of(request))

    def _of_message(self, message: bytes) -> dict[str, object] | None:
        """The event of a message: an app's line, or an access line."""
        event = _event(message)
        if event is not None:
            return event
        request = request_of(message.decode("utf-8", "backslashreplace"))
        return None if request is None else self._requests.event_of(request)

    def _timed(self, timestamp: object, event: dict[str, object]) -> Iterator[TimedLine]:
        minute = minute_of(timestamp)
        if minute is not None and self._is_wanted(minute):
            seconds = str(timestamp)[_SECONDS]
            second = int(seconds) if seconds.isascii() and seconds.isdigit() else 0
            yield minute + second, Line.of(event)


def _event(line: bytes) -> dict[str, object] | None:
    """The JSON object of a line, or None."""
    try:
        event = orjson.loads(line)
    except ValueError:
        event = read_event(line.decode("utf-8", "replace")) if line.lstrip()[:1] == b"{" else None
    return event if isinstance(event, dict) else None

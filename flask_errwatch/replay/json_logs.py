"""The formats that hold our own lines: as they are, and as CloudWatch Logs exports them."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any

import orjson

from flask_errwatch.patterns import JsonEvent, read_event
from flask_errwatch.replay.access_logs import request_of
from flask_errwatch.replay.readers import Gathered, LineReader, minute_of, whole_minute

#: The beginning of a JSON document; no exported line begins so.
DOCUMENT = re.compile(rb"\s*(\{|\[\s*[{\]])")
#: The longest document that is read, in bytes: parsed, its events take some eight times as much. A
#: compressed file of a megabyte may hold a gigabyte.
LARGEST_DOCUMENT = 1 << 27
#: Bytes of a refused document that are kept, to show them.
_BEGINNING = 1024
#: Event name, time, source and path. A log may have any type there.
Row = tuple[str, str, str | None, str | None]
# The lengths of 2026-11-25T01:17:12.687Z, of its date and of its minute, and the characters that
# may follow the minute, one string for each position.
_TIMESTAMP = 24
_DATE = 10
_MINUTE = 16
_DIGITS = b"0123456789"
_BEHIND = (b":", b"012345", _DIGITS, b".,", _DIGITS, _DIGITS, _DIGITS, b"Z")
_COLUMNS = itemgetter("event", "timestamp", "client_ip", "path")
_UNTIMED = itemgetter("event", "client_ip", "path")

# The errors of the fast reader on a line that is not in the form that we write for a request.
_ODD = (ValueError, KeyError, TypeError, IndexError, AttributeError)
# The sources and the paths of the lines of one event name.
_Columns = tuple[list[str | None], list[str | None]]
_NO_DOCUMENT = (
    "it begins like a JSON document with events, but is not one. For lines of JSON use "
    "--format json. Put each document into a file of its own."
)
_TOO_LARGE = (
    "it is a JSON document of more than {size:,} bytes, which is not read. Export fewer hours at a "
    "time, or to S3, which writes one event per line."
)
# The row of a line on which the fast reader failed.
_NO_ROW: Row = ("", "", None, None)


class _JsonReader(LineReader):
    """Reads a block in a few sweeps in C; lines that are not regular are read one by one.

    Only minute, event name, source and path of a line are kept, per minute.
    """

    def _sweep(self, lines: list[bytes], waiting: Iterator[Row]) -> None:
        """Counts the lines of a block.

        Args:
            lines: The lines.
            waiting: The row of each line, parsed lazily.
        """
        rows: list[Row] = []
        while len(rows) < len(lines):
            with suppress(*_ODD):
                rows.extend(waiting)
                break
            rows.append(_NO_ROW)  # `extend` keeps what came before the odd one
        end = 0
        for text, run in groupby(_minutes(rows)):
            start, end = end, end + len(list(run))
            minute = minute_of(f"{text}Z")
            if minute is None:
                for index in range(start, end):
                    self._slow(index, lines[index])
            else:
                self._tick(minute, start)
                self._settle(minute, rows[start:end])

    def _settle(self, minute: int, rows: list[Row]) -> None:
        gathered = self._gathered
        by_event: defaultdict[str, _Columns] = defaultdict(lambda: ([], []))
        for name, _, source, path in rows:
            sources, paths = by_event[name]
            sources.append(source)
            paths.append(path)
        for name, (sources, paths) in by_event.items():
            column = gathered.column_of_event(name)
            if column is None:
                gathered.tally.add_others(minute, len(sources))
            elif not gathered.has_names[column]:
                gathered.tally.add_unnamed(minute, column, len(sources))
            else:
                gathered.tally.add(minute, column, sources, paths)

    @abstractmethod
    def _slow(self, index: int, line: bytes) -> None:
        """Reads one line of any kind."""

    def _event(self, event: JsonEvent, text: str, minute: int) -> None:
        """Counts an event that the sweep did not take."""
        column = self._gathered.column_of_line(event, text)
        self._gathered.count(minute, column, event.get("client_ip"), event.get("path"))


class OwnLineReader(_JsonReader):
    """One JSON object a line, its time in `timestamp`."""

    def _read(self, block: bytes) -> int:
        lines = block.split(b"\n")
        lines.pop()
        self._sweep(lines, map(_COLUMNS, map(orjson.loads, lines)))
        return len(lines)

    def _slow(self, index: int, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        event = read_event(text)
        minute = None if event is None else minute_of(event.get("timestamp"))
        if event is None or minute is None:
            self._bad(index, line)
            return
        self._tick(minute, index)
        self._event(event, text, minute)


class ExportReader(_JsonReader):
    """An export of CloudWatch Logs: `2026-11-25T01:17:12.687Z`, a blank, the message.

    Also what `aws logs filter-log-events` and `get-log-events` print: one JSON object with
    `events`, or with `--query events` that list alone. It is held in memory as a whole, up to
    `LARGEST_DOCUMENT`.
    """

    def __init__(self, gathered: Gathered, log: str) -> None:
        super().__init__(gathered, log)
        self._document: bytearray | None = None

    def _read(self, block: bytes) -> int:
        if self._before == 0 and self._document is None and DOCUMENT.match(block):
            self._document = bytearray()
        if self._document is not None:
            if len(self._document) <= LARGEST_DOCUMENT:
                self._document += block
            return block.count(b"\n")
        lines = block.split(b"\n")
        lines.pop()
        self._sweep(lines, map(_exported, lines))
        return len(lines)

    def finish(self) -> None:
        """Reads the document, where the log is one."""
        if self._document is None:
            return
        read, self._before = self._before, 0  # events have numbers, not lines
        if len(self._document) > LARGEST_DOCUMENT:
            self._refuse_document(_TOO_LARGE.format(size=LARGEST_DOCUMENT))
            return
        try:
            document = orjson.loads(self._document)
            events = document if isinstance(document, list) else [*document["events"]]
        except _ODD:
            self._refuse_document(_NO_DOCUMENT)
            return
        for index, event in enumerate(events):
            try:
                minute, message = _stored(event)
            except _ODD:
                self._bad(index, _event_text(event))
                continue
            self._tick(minute, index)
            self._message(minute, message)
        self._before = read

    def _refuse_document(self, defect: str) -> None:
        """Counts the document as one bad line."""
        self._bad(0, bytes((self._document or b"")[:_BEGINNING]))
        self.defect = defect

    def _slow(self, index: int, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        timestamp, _, message = text.partition(" ")
        minute = minute_of(timestamp)
        if minute is None:
            self._bad(index, line)
            return
        self._tick(minute, index)
        self._message(minute, message)

    def _message(self, minute: int, message: str) -> None:
        """Counts a message of any kind: an event, an access line, or an unknown text."""
        event = read_event(message)
        if event is not None:
            self._event(event, message, minute)
            return
        request = request_of(message)
        if request is None:
            self._gathered.count(minute, None, None, None)
        else:
            column = self._gathered.column_of_status(request.status)
            self._gathered.count(minute, column, request.source, request.path)


def _minutes(rows: list[Row]) -> list[str]:
    """The minute of each row, as text. An empty string for a row that is not regular."""
    names, timestamps, _, _ = zip(*rows, strict=True) if rows else ((), (), (), ())
    if _are_regular(names, timestamps):
        return [timestamp[:_MINUTE] for timestamp in timestamps]
    return [row[1][:_MINUTE] if _are_regular(row[:1], row[1:2]) else "" for row in rows]


def _are_regular(names: Sequence[str], timestamps: Sequence[str]) -> bool:
    """Whether every event name is a string and every time has the form that we write.

    All times are checked at once, one character position after the other: to check each time
    alone would cost more than parsing its JSON.
    """
    try:
        if set(map(len, timestamps)) != {_TIMESTAMP} or set(map(type, names)) != {str}:
            return False
        text = "".join(timestamps).encode("ascii")
    except _ODD:
        return False
    behind = (text[place::_TIMESTAMP] for place in range(_MINUTE, _TIMESTAMP))
    return not any(map(bytes.translate, behind, repeat(None), _BEHIND))


def _event_text(event: object) -> str:
    """The event as text, for a bad line."""
    try:
        return str(event)
    except RecursionError:  # orjson follows deeper nesting than Python does
        return "an event that is nested too deeply"


def _stored(event: Any) -> tuple[int, str]:  # any type: see `_ODD`
    """Minute and message of an event as the AWS command prints it.

    Raises:
        ValueError: It is not a valid event. Any error of `_ODD` means the same.
    """
    milliseconds, message = event["timestamp"], event["message"]
    if type(milliseconds) is not int or not isinstance(message, str):
        raise ValueError
    return whole_minute(milliseconds // 1000), message


def _exported(line: bytes) -> Row:
    """The row of an exported line.

    Raises:
        ValueError: When it is not in this form. The other errors of `_ODD` mean the same.
    """
    if line[_DATE : _DATE + 1] != b"T" or line[_TIMESTAMP - 1 : _TIMESTAMP + 1] != b"Z ":
        raise ValueError
    name, source, path = _UNTIMED(orjson.loads(line[_TIMESTAMP + 1 :]))
    return name, line[:_TIMESTAMP].decode("ascii"), source, path

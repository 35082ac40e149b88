"""The formats that hold our own lines: as they are, and as CloudWatch Logs exports them."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any, ClassVar

import orjson

from flask_errwatch.patterns import JsonEvent, read_event
from flask_errwatch.replay.readers import (
    MISSING,
    Gathered,
    LineReader,
    Values,
    minute_of,
    name_of,
    whole_minute,
)
from flask_errwatch.replay.request_kinds import RequestKinds
from flask_errwatch.replay.requests import request_of
from flask_errwatch.simulation import PEER_MARK

#: The beginning of a JSON document; no exported line begins so.
DOCUMENT = re.compile(rb"\s*(\{|\[\s*[{\]])")
#: The longest document that is read, in bytes: parsed, its events take some eight times as much. A
#: compressed file of a megabyte may hold a gigabyte.
LARGEST_DOCUMENT = 1 << 27
#: Bytes of a refused document that are kept, to show them.
_BEGINNING = 1024
#: Time, source and path, then the fields that decide the kind, the event name first. A log may have
#: any type there.
Row = tuple[Any, ...]
# The lengths of 2026-11-25T01:17:12.687Z, of its date and of its minute, and the characters that
# may follow the minute, one string for each position.
_TIMESTAMP = 24
_DATE = 10
_MINUTE = 16
_DIGITS = b"0123456789"
_BEHIND = (b":", b"012345", _DIGITS, b".,", _DIGITS, _DIGITS, _DIGITS, b"Z")
# Where source, path and kind begin in a row.
_SOURCE, _PATH, _KIND = range(1, 4)

# The errors of the fast reader on a line that is not in the form that we write for a request.
ODD = (ValueError, KeyError, TypeError, IndexError, AttributeError)
# The sources and the paths of lines with equal values.
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
_NO_ROW: Row = ("", None, None, "")


class _JsonReader(LineReader):
    """Reads a block in a few sweeps in C; lines that are not regular are read one by one.

    Only minute, kind, source and path of a line are kept, per minute.
    """

    #: The fields of a regular line besides those that filters read.
    _needed: ClassVar[tuple[str, ...]] = ("client_ip", "path")

    def __init__(self, gathered: Gathered, log: str) -> None:
        super().__init__(gathered, log)
        fields = gathered.kinds.fields
        self._get = itemgetter(*self._needed, *fields)
        self._get_needed, self._fields = itemgetter(*self._needed), fields

    def _sweep(self, lines: list[bytes], waiting: Iterator[Row]) -> None:
        """Counts the lines of a block.

        Args:
            lines: The lines.
            waiting: The row of each line, parsed lazily.
        """
        rows: list[Row] = []
        while len(rows) < len(lines):
            with suppress(*ODD):
                rows.extend(waiting)
                break
            # `extend` keeps what came before the odd one.
            rows.append(self._row_of_odd(lines[len(rows)]))
        end = 0
        for text, run in groupby(_minutes(rows)):
            start, end = end, end + len(list(run))
            minute = minute_of(f"{text}Z")
            if minute is None:
                for index in range(start, end):
                    self._slow(index, lines[index])
            else:
                self._tick(minute, start)
                self._settle(minute, rows[start:end], lines[start:end], start)

    def _settle(self, minute: int, rows: list[Row], lines: list[bytes], start: int) -> None:
        by_values: defaultdict[Values, _Columns] = defaultdict(lambda: ([], []))
        try:
            for row in rows:
                sources, paths = by_values[row[_KIND:]]
                sources.append(row[_SOURCE])
                paths.append(row[_PATH])
            groups = [
                (self._gathered.kind_of(values), columns) for values, columns in by_values.items()
            ]
        except TypeError:
            groups = []  # a list or an object is where a filter reads
        if not groups or {type(row[_SOURCE]) for row in rows} != {str}:
            for index, line in enumerate(lines, start):
                self._slow(index, line)
            return
        for kind, (sources, paths) in groups:
            self._gathered.count(minute, kind, sources, paths)

    def _row_of_odd(self, line: bytes) -> Row:
        """The row of a line that lacks a field which a filter reads, as a report lacks a status."""
        with suppress(*ODD):
            return self._parsed(line, self._lenient)
        return _NO_ROW

    def _lenient(self, event: JsonEvent) -> Row:
        values = [event.get(field, MISSING) for field in self._fields]
        return *self._get_needed(event), *values

    @abstractmethod
    def _parsed(self, line: bytes, get: Callable[[JsonEvent], Row]) -> Row:
        """The row of a line, with what a function gets from its JSON.

        Raises:
            ValueError: When it is not regular. The other errors of `ODD` mean the same.
        """

    @abstractmethod
    def _slow(self, index: int, line: bytes) -> None:
        """Reads one line of any kind."""

    def _event(self, event: JsonEvent, text: str, minute: int) -> None:
        """Counts an event that the sweep did not take."""
        kind = self._gathered.kind_of_line(event, text)
        self._gathered.count(minute, kind, [source_of(event)], [name_of(event.get("path"))])


class OwnLineReader(_JsonReader):
    """One JSON object a line, its time in `timestamp`."""

    _needed = ("timestamp", "client_ip", "path")

    def _read(self, block: bytes) -> int:
        lines = block.split(b"\n")
        lines.pop()
        self._sweep(lines, map(self._get, map(orjson.loads, lines)))
        return len(lines)

    def _parsed(self, line: bytes, get: Callable[[JsonEvent], Row]) -> Row:
        return get(orjson.loads(line))

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
        self._requests = RequestKinds(gathered)

    def _read(self, block: bytes) -> int:
        if self._before == 0 and self._document is None and DOCUMENT.match(block):
            self._document = bytearray()
        if self._document is not None:
            if len(self._document) <= LARGEST_DOCUMENT:
                self._document += block
            return block.count(b"\n")
        lines = block.split(b"\n")
        lines.pop()
        self._sweep(lines, map(self._parsed, lines, repeat(self._get)))
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
        except ODD:
            self._refuse_document(_NO_DOCUMENT)
            return
        for index, event in enumerate(events):
            try:
                minute, message = stored(event)
            except ODD:
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
            self._gathered.count_other(minute, 1)
        else:
            kind = self._requests.kind_of(request)
            self._gathered.count(minute, kind, [request.source], [request.path])

    def _parsed(self, line: bytes, get: Callable[[JsonEvent], Row]) -> Row:
        if line[_DATE : _DATE + 1] != b"T" or line[_TIMESTAMP - 1 : _TIMESTAMP + 1] != b"Z ":
            raise ValueError
        row = get(orjson.loads(line[_TIMESTAMP + 1 :]))
        return line[:_TIMESTAMP].decode("ascii"), *row


def _minutes(rows: list[Row]) -> list[str]:
    """The minute of each row, as text. An empty string for a row that is not regular."""
    timestamps, names = [row[0] for row in rows], [row[_KIND] for row in rows]
    if _are_regular(names, timestamps):
        return [timestamp[:_MINUTE] for timestamp in timestamps]
    return [
        row[0][:_MINUTE] if _are_regular(row[_KIND : _KIND + 1], row[:1]) else "" for row in rows
    ]


def _are_regular(names: Sequence[str], timestamps: Sequence[str]) -> bool:
    """Whether every event name is a string and every time has the form that we write.

    All times are checked at once, one character position after the other: to check each time
    alone would cost more than parsing its JSON.
    """
    try:
        if set(map(len, timestamps)) != {_TIMESTAMP} or set(map(type, names)) != {str}:
            return False
        text = "".join(timestamps).encode("ascii")
    except ODD:
        return False
    behind = (text[place::_TIMESTAMP] for place in range(_MINUTE, _TIMESTAMP))
    return not any(map(bytes.translate, behind, repeat(None), _BEHIND))


def source_of(event: JsonEvent) -> str | None:
    """The client of a line, else its peer, marked as such."""
    source = name_of(event.get("client_ip"))
    peer = name_of(event.get("peer_ip"))
    return source if source is not None or peer is None else PEER_MARK + peer


def _event_text(event: object) -> str:
    """The event as text, for a bad line."""
    try:
        return str(event)
    except RecursionError:  # orjson follows deeper nesting than Python does
        return "an event that is nested too deeply"


def stored(event: Any) -> tuple[int, str]:  # any type: see `ODD`
    """Minute and message of an event as the AWS command prints it.

    Raises:
        ValueError: It is not a valid event. Any error of `ODD` means the same.
    """
    milliseconds, message = event["timestamp"], event["message"]
    if type(milliseconds) is not int or not isinstance(message, str):
        raise ValueError
    return whole_minute(milliseconds // 1000), message

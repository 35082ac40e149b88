"""Our own lines: as they are, and as CloudWatch Logs exports them."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby, repeat
from operator import itemgetter
from typing import Any, ClassVar, Final

import orjson

from flask_errwatch.patterns import JsonEvent
from flask_errwatch.replay.formats.minutes import minute_of
from flask_errwatch.replay.gathering.gathered import MISSING, Gathered, SourcesAndPaths, Values
from flask_errwatch.replay.reading.messages import MessageReader
from flask_errwatch.replay.reading.shapes import Reading, Shape
from flask_errwatch.replay.wrappers.cloudwatch import EXPORT

#: The app's own lines, with nothing around them.
PLAIN_OWN_LINES: Final = Shape(readings=(Reading((), None),), has_own_lines=True)
#: The app's own lines, as CloudWatch Logs exports them to S3.
EXPORTED_OWN_LINES: Final = Shape(readings=(Reading((EXPORT,), None),), has_own_lines=True)
#: Time, source and path, then what only our lines have, then the fields that decide the kind, the
#: event name first. A log may have any type there.
Row = tuple[Any, ...]
# The lengths of 2026-11-25T01:17:12.687Z, of its date and of its minute, and the characters that
# may follow the minute, one string for each position.
_TIMESTAMP = 24
_DATE = 10
_MINUTE = 16
_DIGITS = b"0123456789"
_BEHIND = (b":", b"012345", _DIGITS, b".,", _DIGITS, _DIGITS, _DIGITS, b"Z")
# Fields by which a line is known as ours. An operational line, which has no detector, is odd.
_OURS = ("detector", "schema")
# Where source, path and kind begin in a row.
_SOURCE, _PATH = 1, 2
_KIND = 3 + len(_OURS)

# The errors of the fast reader on a line that is not in the form that we write for a request.
ODD = (ValueError, KeyError, TypeError, IndexError, AttributeError)
# The row of a line on which the fast reader failed.
_NO_ROW: Row = ("", *[None] * (_KIND - 1), "")


class _JsonReader(MessageReader):
    """Reads a block in a few sweeps in C, and lines that are not regular one by one.

    Only minute, kind, source and path of a line are kept, per minute.
    """

    #: The fields of a regular line besides those that filters read.
    _needed: ClassVar[tuple[str, ...]] = ("client_ip", "path", *_OURS)

    def __init__(self, gathered: Gathered, log: str, shape: Shape) -> None:
        super().__init__(gathered, log, shape)
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
        by_values: defaultdict[Values, SourcesAndPaths] = defaultdict(lambda: ([], []))
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

    def _slow(self, index: int, line: bytes) -> None:
        """Reads one line of any kind."""
        text = line.decode("utf-8", "replace")
        self._take(index, text, self._interpreter.read(text))


class OwnLineReader(_JsonReader):
    """One JSON object a line, its time in `timestamp`.

    Args:
        gathered: Where the lines are counted.
        log: The log's name.
    """

    _needed = ("timestamp", "client_ip", "path", *_OURS)

    def __init__(self, gathered: Gathered, log: str) -> None:
        super().__init__(gathered, log, PLAIN_OWN_LINES)

    def _read(self, block: bytes) -> int:
        lines = block.split(b"\n")
        lines.pop()
        self._sweep(lines, map(self._get, map(orjson.loads, lines)))
        return len(lines)

    def _parsed(self, line: bytes, get: Callable[[JsonEvent], Row]) -> Row:
        return get(orjson.loads(line))


class ExportReader(_JsonReader):
    """Our lines as CloudWatch Logs exports them: `2026-11-25T01:17:12.687Z`, a blank, the message.

    Args:
        gathered: Where the lines are counted.
        log: The log's name.
    """

    def __init__(self, gathered: Gathered, log: str) -> None:
        super().__init__(gathered, log, EXPORTED_OWN_LINES)

    def _read(self, block: bytes) -> int:
        lines = block.split(b"\n")
        lines.pop()
        self._sweep(lines, map(self._parsed, lines, repeat(self._get)))
        return len(lines)

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

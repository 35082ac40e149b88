"""The formats that hold our own lines: as they are, and as CloudWatch Logs exports them."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from operator import itemgetter, length_hint
from typing import Any

import orjson

from flask_errwatch.patterns import Event, read_event
from flask_errwatch.replay.combined import request_of
from flask_errwatch.replay.reading import Lines, Reading, minute_of, whole_minute

#: How such a document begins, which no exported line does.
DOCUMENT = re.compile(rb"\s*(\{|\[\s*[{\]])")
# A line beyond it is read with care for what its names may hold.
_LONG = 8192
#: Phrase, time, source and path; anything may stand there.
Row = tuple[str, str, str | None, str | None]
_STAMP = 24  # characters of 2026-11-25T01:17:12.687Z
# What stands behind the minute there, as `minute_of` reads it: of seconds there are 60, of
# milliseconds 1,000.
_REST = re.compile(r"(:\d\d([.,]\d{1,9})?)?Z", re.ASCII)
_KEPT = 2_000
_COLUMNS = itemgetter("event", "timestamp", "client_ip", "path")
_UNTIMED = itemgetter("event", "client_ip", "path")

# What is wrong with a line that is not as we write requests, while it is read the fast way.
_ODD = (ValueError, KeyError, TypeError, IndexError, AttributeError)


class _Phrases(dict[str, "tuple[list[str | None], list[str | None]]"]):
    """The events of one minute by their phrase, in columns: the sources and the paths."""

    def __missing__(self, phrase: object) -> tuple[list[str | None], list[str | None]]:
        if not isinstance(phrase, str):
            raise TypeError  # the patterns must say what it matches
        made = self[phrase] = ([], [])
        return made


class _JsonLines(Lines):
    """Reads a block in one sweep of C, and what stops the sweep line by line.

    Of every line only its minute, phrase, source and path are kept, per minute.
    """

    def __init__(self, reading: Reading, log: str) -> None:
        super().__init__(reading, log)
        self._seconds: set[str] = set()
        self._fractions: set[str] = set()

    def _sweep(self, lines: list[bytes], rows: Iterator[Row], waiting: Iterator[object]) -> None:
        """Counts the rows.

        Args:
            lines: The lines of the block.
            rows: Phrase, time, source and path of each, read as it is asked for.
            waiting: What the rows are made from: it knows how many lines are left.
        """
        minutes: dict[int, _Phrases] = {}
        phrases = _Phrases()
        seconds, fractions = self._seconds, self._fractions
        second = minute_text = ""
        while True:
            try:
                for phrase, stamp, source, path in rows:
                    if stamp[:19] != second or stamp[19:] not in fractions:
                        second = ""
                        if stamp[16:19] not in seconds or stamp[19:] not in fractions:
                            self._learn(stamp[16:])
                        if stamp[:16] != minute_text:
                            minute_text = ""
                            minute = self._turn(stamp, len(lines) - length_hint(waiting) - 1)
                            phrases = minutes.setdefault(minute, _Phrases())
                            minute_text = stamp[:16]
                        second = stamp[:19]
                    sources, paths = phrases[phrase]
                    sources.append(source)
                    paths.append(path)
                break
            except _ODD:
                index = len(lines) - length_hint(waiting) - 1
                self._slow(index, lines[index])
        for minute, found in minutes.items():
            self._settle(minute, found)

    def _learn(self, rest: str) -> None:
        """Checks what follows the minute in a time, and keeps its two halves, which are few.

        Raises:
            ValueError: The time is none, or not in UTC.
        """
        if not _REST.fullmatch(rest):
            raise ValueError
        if len(rest) > 3 and len(self._fractions) < _KEPT:  # without seconds it has no halves
            self._seconds.add(rest[:3])
            self._fractions.add(rest[3:])

    def _turn(self, stamp: str, index: int) -> int:
        """The minute of a line, the first of it.

        Raises:
            ValueError: The time is none, or not in UTC.
        """
        minute = minute_of(f"{stamp[:16]}{stamp[-1]}")
        if minute is None:
            raise ValueError
        self._tick(minute, index)
        return minute

    def _settle(self, minute: int, phrases: _Phrases) -> None:
        reading = self._reading
        for phrase, (sources, paths) in phrases.items():
            detector = reading.of_phrase(phrase)
            if detector is None:
                reading.note_phrase(phrase)
                reading.tally.add_others(minute, len(sources))
            elif not reading.is_named[detector]:
                reading.tally.add_unnamed(minute, detector, len(sources))
            elif sources:
                reading.tally.add(minute, detector, sources, paths)

    def _set_aside(self, lines: list[bytes]) -> None:
        """Reads very long lines at once, and leaves blank ones in their places."""
        if max(map(len, lines)) > _LONG:
            for index, line in enumerate(lines):
                if len(line) > _LONG:
                    self._slow(index, line)
                    lines[index] = b""

    @abstractmethod
    def _slow(self, index: int, line: bytes) -> None:
        """Reads one line of any kind."""

    def _event(self, event: Event, text: str, minute: int) -> None:
        """Counts an event that the sweep did not take."""
        detector = self._reading.of_event(event, text)
        self._reading.count(minute, detector, event.get("client_ip"), event.get("path"))


class OurLines(_JsonLines):
    """One JSON object a line, its time in `timestamp`."""

    def _take(self, block: bytes) -> int:
        lines = block.split(b"\n")
        lines.pop()
        self._set_aside(lines)
        waiting = iter(lines)
        self._sweep(lines, map(_COLUMNS, map(orjson.loads, waiting)), waiting)
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


class ExportedLines(_JsonLines):
    """An export of CloudWatch Logs: `2026-11-25T01:17:12.687Z`, a blank, the message.

    Also what `aws logs filter-log-events` and `get-log-events` print: one JSON object with
    `events`, or with `--query events` that list alone. It is held in memory as a whole.
    """

    def __init__(self, reading: Reading, log: str) -> None:
        super().__init__(reading, log)
        self._document: list[bytes] | None = None

    def _take(self, block: bytes) -> int:
        if self._before == 0 and self._document is None and DOCUMENT.match(block):
            self._document = []
        if self._document is not None:
            self._document.append(block)
            return block.count(b"\n")
        lines = block.split(b"\n")
        lines.pop()
        self._set_aside(lines)
        waiting = iter(lines)
        self._sweep(lines, map(_exported, waiting), waiting)
        return len(lines)

    def finish(self) -> None:
        """Reads the document, where the log is one."""
        if self._document is None:
            return
        whole = b"".join(self._document)
        read, self._before = self._before, 0  # events have numbers, not lines
        try:
            found = orjson.loads(whole)
            events = found if isinstance(found, list) else [*found["events"]]
        except _ODD:
            self._bad(0, whole)
            return
        for index, event in enumerate(events):
            try:
                minute, message = _stored(event)
            except _ODD:
                self._bad(index, str(event))
                continue
            self._tick(minute, index)
            self._message(minute, message)
        self._before = read

    def _slow(self, index: int, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        stamp, _, message = text.partition(" ")
        minute = minute_of(stamp)
        if minute is None:
            self._bad(index, line)
            return
        self._tick(minute, index)
        self._message(minute, message)

    def _message(self, minute: int, message: str) -> None:
        """Counts a message of any kind: an event, an access line, or what nobody knows."""
        event = read_event(message)
        if event is not None:
            self._event(event, message, minute)
            return
        request = request_of(message)
        detector = None if request is None else self._reading.of_status(request.status)
        if request is None:
            self._reading.count(minute, None, None, None)
        else:
            self._reading.count(minute, detector, request.source, request.path)


def _stored(event: Any) -> tuple[int, str]:  # it may be anything; `_ODD` says so
    """Minute and message of an event as the AWS command prints it.

    Raises:
        ValueError: It is none, as is any error of `_ODD`.
    """
    milliseconds, message = event["timestamp"], event["message"]
    if type(milliseconds) is not int or not isinstance(message, str):
        raise ValueError
    return whole_minute(milliseconds // 1000), message


def _exported(line: bytes) -> Row:
    """The row of an exported line.

    Raises:
        ValueError: The line is odd, as the sweep calls it.
    """
    if line[_STAMP - 1 : _STAMP + 1] != b"Z ":
        raise ValueError
    phrase, source, path = _UNTIMED(orjson.loads(line[_STAMP + 1 :]))
    return phrase, line[:_STAMP].decode("ascii"), source, path

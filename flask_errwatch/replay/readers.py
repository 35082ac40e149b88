"""The base of the readers of all formats, and what they gather: the tally and the bad lines."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar, NamedTuple

from flask_errwatch.detectors import HEARTBEAT, OPERATIONAL_EVENTS
from flask_errwatch.patterns import JsonEvent, PatternSet, parse
from flask_errwatch.replay.detector_set import DetectorSet
from flask_errwatch.simulation import MINUTE, Tally

_SHOWN_BAD = 3
_KEPT_OF_BAD = 400
# How far a server's lines may be out of order: a line carries the time its request began.
_TOLERANCE = 60
# In April 2262 nanoseconds since the epoch exceed 64 bits. A later time, or a negative one, is
# damaged: calendars end in the year 9999, and periods reach beyond any minute.
_LAST = 9_223_372_036
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d(?:[.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII
)


class BadLine(NamedTuple):
    """A line that could not be read.

    Attributes:
        log: Name of its log.
        number: Number of the line, from 1.
        text: Its beginning.
    """

    log: str
    number: int
    text: str


class JumpBack(NamedTuple):
    """The first place at which a log's clock jumped back.

    Attributes:
        log: Name of the log.
        number: Number of the line, from 1.
        seconds: How far, in whole minutes.
        times: How often it jumped in that log.
    """

    log: str
    number: int
    seconds: int
    times: int


class Gathered:
    """Everything that is gathered from all logs.

    Args:
        detectors: The detectors that judge.

    Attributes:
        tally: The lines that were read.
        bad_lines: How many lines could not be read.
        bad: The first of those.
        jumps: The first jump back of the clock, for each log whose clock jumped back.
        has_names: For each column of the tally, whether an alarm names its sources and paths.
        has_heartbeats: Whether a log holds a Heartbeat line: then it shows when an app ran.
        has_operational: Whether a log holds an operational line, such as that: then it would hold
            those of processes that died.
        shows_requests: Whether every log so far shows all requests, as an access log does.
    """

    def __init__(self, detectors: DetectorSet) -> None:
        catalogue, by_source = detectors.catalogue, detectors.columns_by_source
        self.tally = Tally(len(detectors.desired.filters), by_source=by_source)
        self.bad_lines = 0
        self.bad: list[BadLine] = []
        self.jumps: dict[str, JumpBack] = {}
        self.has_heartbeats = self.has_operational = False
        self.shows_requests = True
        self.has_names = [
            detector.alarm is not None or column in by_source
            for column, detector in enumerate(catalogue)
        ]
        filters = detectors.desired.filters
        self._patterns = PatternSet(parse(line_filter.pattern) for line_filter in filters)
        self._by_event = {detector.event: column for column, detector in enumerate(catalogue)}
        for event in detectors.desired.operational_events:
            self._by_event[event] = len(self.has_names)
            self.has_names.append(False)
        columns = {detector.name: column for column, detector in enumerate(catalogue)}
        claims = {status: catalogue.for_status(status) for status in range(100, 1000)}
        self._by_status = {
            str(status): columns[detector.name]
            for status, detector in claims.items()
            if detector is not None
        }

    def column_of_status(self, status: str) -> int | None:
        """The column of the detector that claims the status, None when none does."""
        return self._by_status.get(status)

    def column_of_event(self, name: str) -> int | None:
        """The column of the metric filter whose pattern matches a line with that event name.

        Every such pattern compares `event` with exactly one name (`Detector.pattern`), so the
        look-up gives the result of the pattern.
        """
        if name in OPERATIONAL_EVENTS:
            self._note_operational(name)
        return self._by_event.get(name)

    def column_of_line(self, event: JsonEvent, text: str) -> int | None:
        """The column of the metric filter that matches the line, whatever its `event` is."""
        name = event.get("event")
        if isinstance(name, str) and name in OPERATIONAL_EVENTS:
            self._note_operational(name)
        hits = self._patterns.matching_event(event, text)
        return hits.index(True) if True in hits else None

    def _note_operational(self, name: str) -> None:
        self.has_operational = True
        self.has_heartbeats = self.has_heartbeats or name == HEARTBEAT

    def count(self, minute: int, column: int | None, source: object, path: object) -> None:
        """Counts one line."""
        if column is None:
            self.tally.add_others(minute, 1)
        elif not self.has_names[column]:
            self.tally.add_unnamed(minute, column, 1)
        else:
            self.tally.add(minute, column, [_name(source)], [_name(path)])


class LineReader(ABC):
    """Reads the lines of one log in one format.

    Args:
        gathered: Where the lines are counted.
        log: The log's name.

    Attributes:
        defect: Why the log as a whole cannot be read, as a sentence, or None when it can.
        shows_requests: Whether a log of this format holds one line for every request.
    """

    shows_requests: ClassVar[bool] = False

    def __init__(self, gathered: Gathered, log: str) -> None:
        self.defect: str | None = None
        self._gathered = gathered
        gathered.shows_requests = gathered.shows_requests and self.shows_requests
        self._log = log
        self._before = 0  # lines of the blocks before this one
        self._latest: int | None = None

    @property
    def lines(self) -> int:
        """How many lines of the log were read, bad and blank ones too."""
        return self._before

    def read_block(self, block: bytes) -> None:
        """Reads a block of whole lines."""
        self._before += self._read(block)

    def refuse(self, beginning: bytes) -> None:
        """Counts a line that is too long, of which only the beginning is known, as bad."""
        self._note_bad(0, _text(beginning))
        self._before += 1

    @abstractmethod
    def _read(self, block: bytes) -> int:
        """Reads a block and returns its number of lines."""

    def finish(self) -> None:  # noqa: B027 - most formats have nothing that waits
        """Reads what can be read only at the end of the log."""

    def _bad(self, index: int, line: str | bytes) -> None:
        """Counts a line that cannot be read. Blank lines are ignored."""
        text = _text(line).strip()
        if text:
            self._note_bad(index, text)

    def _note_bad(self, index: int, text: str) -> None:
        self._gathered.bad_lines += 1
        if len(self._gathered.bad) < _SHOWN_BAD:
            text = text[:_KEPT_OF_BAD]
            self._gathered.bad += [BadLine(self._log, self._before + index + 1, text)]

    def _tick(self, minute: int, index: int) -> None:
        """Notes where the log's clock jumps back."""
        if self._latest is None or minute >= self._latest - _TOLERANCE:
            self._latest = minute if self._latest is None else max(minute, self._latest)
            return
        back = self._latest - minute
        first = JumpBack(self._log, self._before + index + 1, back, 0)
        known = self._gathered.jumps.get(self._log, first)
        self._gathered.jumps[self._log] = known._replace(times=known.times + 1)
        self._latest = minute  # the clock goes on from there


def minute_of(timestamp: object) -> int | None:
    """The first second of the minute of an RFC 3339 time, or None for any other value.

    The seconds decide nothing: metric filters count per minute.

    Example:
        >>> minute_of("1970-01-01T00:01:59.999Z"), minute_of("1970-01-01T01:01:59+01:00")
        (60, 60)
    """
    match = _TIMESTAMP.fullmatch(timestamp) if isinstance(timestamp, str) else None
    if match is None:
        return None
    try:
        moment = datetime.strptime(f"{match[1]}{match[2]}{match[3]}", "%Y-%m-%d%H:%M%z")
        return whole_minute(int(moment.timestamp()))
    except (ValueError, OverflowError):
        return None


def whole_minute(seconds: int) -> int:
    """The first second of the minute, since the epoch.

    Raises:
        ValueError: When the time is before 1970 or after April 2262.
    """
    if not 0 <= seconds <= _LAST:
        raise ValueError
    return seconds // MINUTE * MINUTE


def _name(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _text(line: str | bytes) -> str:
    return line.decode("utf-8", "backslashreplace") if isinstance(line, bytes) else line

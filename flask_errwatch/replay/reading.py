"""What every format shares: which detector takes a line, and what is kept of bad ones."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import datetime
from typing import NamedTuple

from flask_errwatch.detectors import HEARTBEAT, Catalogue
from flask_errwatch.patterns import Event, PatternSet, parse
from flask_errwatch.simulation import Tally

MINUTE = 60

_SHOWN_BAD = 3
_KEPT_OF_BAD = 400
# How far a server's lines may be out of order: a line carries the time its request began.
_TOLERANCE = 60
# In April 2262 nanoseconds since the epoch leave 64 bits; what is later, or before the epoch, is
# damaged: calendars end in the year 9999, and periods reach beyond any minute.
_LAST = 9_223_372_036
_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d(?:[.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII
)


class BadLine(NamedTuple):
    """A line that could not be read.

    Attributes:
        log: Name of its log.
        number: Its place there, from 1.
        text: Its beginning.
    """

    log: str
    number: int
    text: str


class JumpBack(NamedTuple):
    """Where a log's clock first jumped back.

    Attributes:
        log: Name of the log.
        number: AwsScope of the line, from 1.
        seconds: How far, in whole minutes.
        times: How often it jumped in that log.
    """

    log: str
    number: int
    seconds: int
    times: int


class Reading:
    """What is gathered from all logs.

    Args:
        catalogue: The detectors.

    Attributes:
        tally: The lines that were read.
        bad_lines: How many could not be.
        bad: The first of those.
        jumps: For each log whose clock jumped back, where.
        is_named: For each detector, whether it has an alarm, which names who raised it.
        is_beating: Whether a log holds a Heartbeat line: then it says itself when an app ran.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.tally = Tally(len(catalogue))
        self.bad_lines = 0
        self.bad: list[BadLine] = []
        self.jumps: dict[str, JumpBack] = {}
        self.is_beating = False
        self.is_named = [each.alarm is not None for each in catalogue]
        self._patterns = PatternSet(parse(detector.pattern) for detector in catalogue)
        self._by_phrase = {each.event: index for index, each in enumerate(catalogue)}
        places = {each.name: index for index, each in enumerate(catalogue)}
        claims = {status: catalogue.for_status(status) for status in range(100, 1000)}
        self._by_status = {
            str(status): places[each.name] for status, each in claims.items() if each is not None
        }

    def of_status(self, status: str) -> int | None:
        """The detector that takes a request answered with the status, None when none does."""
        return self._by_status.get(status)

    def of_phrase(self, phrase: str) -> int | None:
        """The detector whose pattern matches a line with that text in `event`.

        Every detector's pattern asks for exactly its phrase there (`Detector.pattern`), so the
        look-up says what the pattern would.
        """
        return self._by_phrase.get(phrase)

    def note_phrase(self, phrase: object) -> None:
        """Notes a phrase that no detector has."""
        self.is_beating = self.is_beating or phrase == HEARTBEAT

    def of_event(self, event: Event, text: str) -> int | None:
        """The detector whose pattern matches the line, whatever stands in `event`."""
        self.note_phrase(event.get("event"))
        hits = self._patterns.matching_event(event, text)
        return hits.index(True) if True in hits else None

    def count(self, minute: int, detector: int | None, source: object, path: object) -> None:
        """Counts one line."""
        if detector is None:
            self.tally.add_others(minute, 1)
        else:
            self.tally.add(minute, detector, [_name(source)], [_name(path)])


class Lines(ABC):
    """Reads the lines of one log in one format.

    Args:
        reading: Where they go.
        log: The log's name.

    Attributes:
        defect: Why the log as a whole cannot be read, as a sentence; None when it can.
    """

    def __init__(self, reading: Reading, log: str) -> None:
        self.defect: str | None = None
        self._reading = reading
        self._log = log
        self._before = 0  # lines of the blocks before this one
        self._latest: int | None = None

    @property
    def lines(self) -> int:
        """How many lines of the log were read, bad and blank ones too."""
        return self._before

    def take(self, block: bytes) -> None:
        """Reads a block of whole lines."""
        self._before += self._take(block)

    def refuse(self, beginning: bytes) -> None:
        """Counts a line that is too long, of which only the beginning is known, as bad."""
        self._note_bad(0, _text(beginning))
        self._before += 1

    @abstractmethod
    def _take(self, block: bytes) -> int:
        """Reads a block; how many lines it has."""

    def finish(self) -> None:  # noqa: B027 - most formats have nothing that waits
        """Reads what waited for the end of the log."""

    def _bad(self, index: int, line: str | bytes) -> None:
        """Counts a line that cannot be read; a blank one is no line."""
        text = _text(line).strip()
        if text:
            self._note_bad(index, text)

    def _note_bad(self, index: int, text: str) -> None:
        self._reading.bad_lines += 1
        if len(self._reading.bad) < _SHOWN_BAD:
            text = text[:_KEPT_OF_BAD]
            self._reading.bad += [BadLine(self._log, self._before + index + 1, text)]

    def _tick(self, minute: int, index: int) -> None:
        """Notes where the log's clock jumps back."""
        if self._latest is None or minute >= self._latest - _TOLERANCE:
            self._latest = minute if self._latest is None else max(minute, self._latest)
            return
        back = self._latest - minute
        first = JumpBack(self._log, self._before + index + 1, back, 0)
        known = self._reading.jumps.get(self._log, first)
        self._reading.jumps[self._log] = known._replace(times=known.times + 1)
        self._latest = minute  # the clock goes on from there


def minute_of(stamp: object) -> int | None:
    """The first second of the minute of an RFC 3339 time; None when it is none.

    The seconds decide nothing: metric filters count per minute.

    Example:
        >>> minute_of("1970-01-01T00:01:59.999Z"), minute_of("1970-01-01T01:01:59+01:00")
        (60, 60)
    """
    found = _STAMP.fullmatch(stamp) if isinstance(stamp, str) else None
    if found is None:
        return None
    try:
        moment = datetime.strptime(f"{found[1]}{found[2]}{found[3]}", "%Y-%m-%d%H:%M%z")
        return whole_minute(int(moment.timestamp()))
    except (ValueError, OverflowError):
        return None


def whole_minute(seconds: int) -> int:
    """The first second of the minute, since the epoch.

    Raises:
        ValueError: No log is of that time.
    """
    if not 0 <= seconds <= _LAST:
        raise ValueError
    return seconds // MINUTE * MINUTE


def _name(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _text(line: str | bytes) -> str:
    return line.decode("utf-8", "backslashreplace") if isinstance(line, bytes) else line

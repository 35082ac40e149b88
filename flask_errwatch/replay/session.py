"""Reads all logs of a replay, each in its format, into one tally."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple

from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.gathering.line_reader import LineReader
from flask_errwatch.replay.gathering.sites import Survey
from flask_errwatch.replay.reading.access_logs import PLAIN_ACCESS_LOG, AccessLogReader
from flask_errwatch.replay.reading.known_formats import EVERYTHING
from flask_errwatch.replay.reading.log_engine import LogEngine
from flask_errwatch.replay.reading.log_readers import reader_of
from flask_errwatch.replay.reading.look_alikes import look_alike
from flask_errwatch.replay.reading.named_keys import check_keys
from flask_errwatch.replay.reading.shapes import KnownFormats, Shape
from flask_errwatch.replay.reading.surveys import answered
from flask_errwatch.replay.reading.timed_lines import TimedLine, TimedLineReader
from flask_errwatch.replay.sources import ALWAYS, LONGEST, Log, Logs, TimeRange

#: Blocks by which a log is recognised whose beginning says nothing: a server may start verbosely.
_BLOCKS: Final = 4


class ReadProgress(NamedTuple):
    """How much was read so far.

    Attributes:
        read: Bytes read, of the logs as they are stored.
        size: Bytes of all logs, twice where they are read twice, or None where it is not known, as
            of standard input.
        lines: Lines read.
    """

    read: int
    size: int | None
    lines: int


class LogRead(NamedTuple):
    """What was read of one log.

    Attributes:
        name: The log's name.
        form: What it is, as `combined in docker json-file`. None where it is not recognised.
        lines: Lines that were read, with blank ones, headers, and those that could not be read.
        judged: Lines that were judged.
        bad: How many lines could not be read.
        outside: How many lines are not within the time that is judged.
        first: The beginning of its first bad line, or of its first line. Empty without a bad one.
        defect: Why it ended early or cannot be read as a whole, as a sentence.
        looks_like: What it seems to be instead, and what to do, as a sentence. None where most of
            it was understood.
        is_log_group: Whether it is of a log group that has the app's own lines. Other programs may
            write there as much as they like.
    """

    name: str
    form: str | None
    lines: int
    judged: int
    bad: int
    outside: int
    first: str
    defect: str | None
    looks_like: str | None
    is_log_group: bool

    @property
    def is_mostly_bad(self) -> bool:
        """Whether more than half of it could not be read."""
        return self.bad > self.judged + self.outside and not self.is_log_group


class Session:
    """Reads logs for a set of detectors.

    Args:
        logs: The logs. They are closed by whoever opened them.
        detectors: The detectors that judge.
        known: What the logs may be.
        within: The time whose lines are judged.
        engine: What reads access logs in place of their reader. None for that reader.

    Attributes:
        gathered: What was read.
        without_engine: The logs that the engine left to their readers.
        known: What the logs may be.
        defects: Why a log ended early or cannot be read as a whole, by its name.
        read_logs: What was read of each log.
    """

    def __init__(
        self,
        logs: Logs,
        detectors: DetectorSet,
        known: KnownFormats = EVERYTHING,
        within: TimeRange = ALWAYS,
        engine: LogEngine | None = None,
    ) -> None:
        self._engine = engine
        self.without_engine: list[str] = []
        self.gathered = Gathered(detectors, within=within)
        self.defects: dict[str, str] = {}
        self.read_logs: list[LogRead] = []
        self._logs = logs
        self.known = known
        self._shapes: dict[str, Shape | None] = {}

    def read(self) -> Iterator[ReadProgress]:
        """Reads everything, and yields the progress after each block.

        Where filters read what the sensor derives of a request, access logs are read twice: first
        what their site is like, then their lines. A pipe is copied to a temporary file.

        Raises:
            UnreadableLogError: One of the logs is binary.
            FieldsError: A log has none of a key that was named.
        """
        for log in self._logs:
            log.keep()  # it may be read again, to see what its alarms look like
        size = self._logs.size
        before = ReadProgress(0, size, 0)
        if self.gathered.reads_classes:
            size = None if size is None else 2 * size
            for before in self._survey(size):
                yield before
        yield from self._read(before)

    def lines(self, is_wanted: Callable[[int], bool]) -> Iterator[TimedLine]:
        """Reads the logs again, and yields the lines of some minutes with their times.

        Args:
            is_wanted: Whether a minute is wanted, by its first second since the epoch.
        """
        reader = TimedLineReader(self.gathered, is_wanted)
        for log in self._logs:
            shape = self._shape_of(log)
            if shape is not None:
                yield from reader.read(log, shape)

    def _survey(self, size: int | None) -> Iterator[ReadProgress]:
        """Reads what access logs show of their site."""
        survey = Survey()
        is_of_requests = False
        read = 0
        for log in self._logs:
            shape = self._shape_of(log)
            by_engine = self._engine if shape == PLAIN_ACCESS_LOG else None
            is_worth = by_engine is not None and by_engine.is_worth(log)
            if by_engine is not None and is_worth and by_engine.survey(log, survey):
                yield ReadProgress(read + (log.size or 0), size, 0)
            elif shape is not None and shape.shows_requests:
                for requests in answered(log, shape):
                    survey.add(requests)
                    yield ReadProgress(read + log.position, size, 0)
            is_of_requests |= shape is not None and shape.shows_requests
            read += log.size or 0
        if is_of_requests:  # counts and the app's own lines show nothing of their site
            self.gathered.site = survey.site()
        yield ReadProgress(read, size, 0)

    def _read(self, before: ReadProgress) -> Iterator[ReadProgress]:
        """Reads and counts all lines."""
        (read, size, lines) = before
        for log in self._logs:
            shape = self._shape_of(log)
            reader = reader_of(shape or self.known.fallback, self.gathered, log.name)
            before_log = self._counts()
            parts = iter(()) if self._is_read_by_engine(log, reader) else reader.consume(log)
            for _ in parts:
                yield ReadProgress(read + log.position, size, lines + reader.lines)
            lines += reader.lines
            self._note_read(log, shape, reader, before_log)
            read += log.size or 0

    def _is_read_by_engine(self, log: Log, reader: LineReader) -> bool:
        if self._engine is None or not self._engine.is_worth(log):
            return False
        if isinstance(reader, AccessLogReader) and self._engine.read(log, self.gathered, reader):
            return True
        self.without_engine += [log.name]
        return False

    def _note_read(
        self, log: Log, shape: Shape | None, reader: LineReader, before: _Counts
    ) -> None:
        defect = log.defect or reader.defect
        judged, bad, outside = self._counts().since(before)
        if defect:
            rest = " What comes before that is judged." if log.defect and judged else ""
            self.defects[log.name] = f"{defect}{rest}"
        read = LogRead(
            name=log.name,
            form=None if shape is None else shape.name,
            lines=reader.lines,
            judged=judged,
            bad=bad,
            outside=outside,
            first=self._first_bad(log) if bad else "",
            defect=defect,
            looks_like=None,
            is_log_group=shape is not None and shape.is_of_cloudwatch and shape.has_own_lines,
        )
        is_cut_line = log.defect and b"\n" not in log.head  # a part of a line shows nothing
        if read.is_mostly_bad and not is_cut_line:
            read = read._replace(looks_like=self._looks_like(log, reader))
        self.read_logs.append(read)

    def _looks_like(self, log: Log, reader: LineReader) -> str:
        """What a log seems to be. A document that was refused says it itself."""
        if reader.too_long and reader.too_long == reader.lines:
            return (
                f"Its lines are longer than {LONGEST >> 20} MiB: put each record on one of its own."
            )
        remedy = (reader.defect or "").partition(". ")[2]
        return f"{remedy.removesuffix('.')}." if remedy else look_alike(log.head, self.known)

    def _first_bad(self, log: Log) -> str:
        """The first bad line, if it is still known, or else the first line."""
        bad = (line.text for line in self.gathered.bad if line.log == log.name)
        return next(bad, "") or _first_line(log.head)

    def _counts(self) -> _Counts:
        gathered = self.gathered
        return _Counts(gathered.tally.lines, gathered.bad_lines, gathered.outside)

    def _shape_of(self, log: Log) -> Shape | None:
        """How a log is built. It is the same at each reading."""
        if log.name not in self._shapes:
            shape = self._shapes[log.name] = self._guessed(log)
            if self.known.keys:
                check_keys(self.known.keys, log.name, log.head, shape)
        return self._shapes[log.name]

    def _guessed(self, log: Log) -> Shape | None:
        """How a log is built, by its beginning, or by what follows where that says nothing."""
        shape = self.known.guess(log.head)
        if shape is not None:
            return shape
        of_lines = replace(self.known, documents=())
        blocks = (of_lines.guess(block) for block in islice(log.blocks(), _BLOCKS))
        return next(filter(None, blocks), None)


class _Counts(NamedTuple):
    """How many lines were judged, were bad, and are not within the time that is judged."""

    judged: int
    bad: int
    outside: int

    def since(self, before: _Counts) -> _Counts:
        """What came since."""
        return _Counts(*(now - then for now, then in zip(self, before, strict=True)))


def _first_line(head: bytes) -> str:
    lines = (line.strip() for line in head.decode("utf-8", "backslashreplace").splitlines())
    return next(filter(None, lines), "")

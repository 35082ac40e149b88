"""Reads all logs of a replay, each in its format, into one tally."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from flask_errwatch.replay.access_logs import AccessLogReader
from flask_errwatch.replay.detector_set import DetectorSet
from flask_errwatch.replay.files import STDIN, Log, TooLong, UnreadableLogError
from flask_errwatch.replay.formats import FORMATS, guess_format
from flask_errwatch.replay.readers import Gathered, LineReader
from flask_errwatch.replay.requests import ANSWERED
from flask_errwatch.replay.sites import Survey
from flask_errwatch.replay.timed_lines import TimedLine, TimedLineReader

# The formats that may turn out to be that of an access log.
_SURVEYED = frozenset({"auto", "combined"})


class ReadProgress(NamedTuple):
    """How much was read so far.

    Attributes:
        read: Bytes read, of the files as they are stored.
        size: Bytes of all files, twice where they are read twice, or None where standard input is
            among them.
        lines: Lines read.
    """

    read: int
    size: int | None
    lines: int


class LogRead(NamedTuple):
    """What was read of one log.

    Attributes:
        name: The log's name.
        form: The name of its format in `FORMATS`. None where it has no line.
        lines: Lines that were read, with blank ones and those that could not be read.
        judged: Lines that were judged.
        bad: How many lines could not be read.
        first: The beginning of the first line of the log.
        defect: Why it ended early or cannot be read as a whole, as a sentence.
    """

    name: str
    form: str | None
    lines: int
    judged: int
    bad: int
    first: str
    defect: str | None

    @property
    def is_unread(self) -> bool:
        """Whether there is something, of which nothing could be read."""
        return self.bad > 0 and not self.judged


class Session:
    """Reads logs for a set of detectors.

    Args:
        names: Paths, or `-` for standard input.
        detectors: The detectors that judge.
        form: A name of `FORMATS`, or `auto`.

    Attributes:
        gathered: What was read.
        defects: Why a log ended early or cannot be read as a whole, by its name.
        read_logs: What was read of each log.

    Raises:
        UnreadableLogError: When one of the logs cannot be opened, or standard input is named
            twice. Nothing is read then.
    """

    def __init__(self, names: Sequence[str], detectors: DetectorSet, form: str = "auto") -> None:
        self.gathered = Gathered(detectors)
        self.defects: dict[str, str] = {}
        self.read_logs: list[LogRead] = []
        self._form = form
        if names.count(STDIN) > 1:
            raise UnreadableLogError(STDIN, "Standard input can be read only once.")
        with ExitStack() as opened:
            self._logs: list[Log] = []
            for name in names:
                self._logs += [Log(name)]
                opened.callback(self._logs[-1].close)
            self._opened = opened.pop_all()

    def read(self) -> Iterator[ReadProgress]:
        """Reads everything, closes the logs, and yields the progress after each block.

        Where filters read what the sensor derives of a request, access logs are read twice: first
        what their site is like, then their lines.

        Raises:
            UnreadableLogError: One of the logs is binary.
        """
        with self._opened:
            yield from self.read_open()

    def read_open(self) -> Iterator[ReadProgress]:
        """Like `read`, but leaves the logs open, so that `lines` can read them again."""
        sizes = [log.size for log in self._logs]
        size = None if None in sizes else sum(filter(None, sizes))
        if not self.gathered.reads_classes or self._form not in _SURVEYED:
            yield from self._read(ReadProgress(0, size, 0))
            return
        size = None if size is None else 2 * size
        before = ReadProgress(0, size, 0)
        for before in self._survey(size):
            yield before
        yield from self._read(before)

    @property
    def can_be_read_again(self) -> bool:
        """Whether no log is a pipe of which no copy was made."""
        return all(log.can_rewind for log in self._logs)

    def lines(self, is_wanted: Callable[[int], bool]) -> Iterator[TimedLine]:
        """Reads the logs again, and yields the lines of some minutes with their times.

        Args:
            is_wanted: Whether a minute is wanted, by its first second since the epoch.
        """
        reader = TimedLineReader(self.gathered, is_wanted)
        for log in self._logs:
            log.rewind()
            yield from reader.read(log, FORMATS.get(self._form))

    def close(self) -> None:
        """Closes the logs."""
        self._opened.close()

    def _survey(self, size: int | None) -> Iterator[ReadProgress]:
        """Reads what access logs show of their site."""
        survey = Survey()
        read = 0
        for log in self._logs:
            log.keep()
            is_access_log: bool | None = None
            for block in log.blocks():
                if is_access_log is None:
                    is_access_log = self._kind(log) is AccessLogReader
                if not is_access_log:
                    break
                if not isinstance(block, TooLong):
                    survey.add(ANSWERED.findall(block.decode("utf-8", "backslashreplace")))
                yield ReadProgress(read + log.position, size, 0)
            log.rewind()
            read += log.size or 0
        self.gathered.site = survey.site()
        yield ReadProgress(read, size, 0)

    def _read(self, before: ReadProgress) -> Iterator[ReadProgress]:
        """Reads and counts all lines."""
        (read, size, lines) = before
        gathered = self.gathered
        for log in self._logs:
            reader: LineReader | None = None
            judged, bad = gathered.tally.lines, gathered.bad_lines
            for block in log.blocks():
                if reader is None:
                    reader = self._kind(log)(self.gathered, log.name)
                if isinstance(block, TooLong):
                    reader.refuse(block)
                else:
                    reader.read_block(block)
                yield ReadProgress(read + log.position, size, lines + reader.lines)
            if reader is not None:
                reader.finish()
                lines += reader.lines
            defect = log.defect or (reader and reader.defect)
            if defect:
                self.defects[log.name] = defect
            self.read_logs.append(
                LogRead(
                    name=log.name,
                    form=None if reader is None else _name_of(type(reader)),
                    lines=0 if reader is None else reader.lines,
                    judged=gathered.tally.lines - judged,
                    bad=gathered.bad_lines - bad,
                    first=_first_line(log.head),
                    defect=defect or None,
                )
            )
            read += log.size or 0

    def _kind(self, log: Log) -> type[LineReader]:
        return FORMATS.get(self._form) or guess_format(log.head)


def _name_of(kind: type[LineReader]) -> str:
    """The name of a format."""
    return next(name for name, reader in FORMATS.items() if reader is kind)


def _first_line(head: bytes) -> str:
    lines = (line.strip() for line in head.decode("utf-8", "backslashreplace").splitlines())
    return next(filter(None, lines), "")

"""The base of the readers of all formats: they count the lines of one log."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from flask_errwatch.replay.gathering.gathered import BadLine, Gathered, JumpBack
from flask_errwatch.replay.sources import Log, TooLong

_SHOWN_BAD = 3
_KEPT_OF_BAD = 400
# How far a server's lines may be out of order: a line carries the time its request began.
_TOLERANCE = 60


class LineReader(ABC):
    """Reads the lines of one log in one format.

    Args:
        gathered: Where the lines are counted.
        log: The log's name.

    Attributes:
        defect: Why the log as a whole cannot be read, as a sentence, or None when it can.
        too_long: How many lines were longer than a line may be.
        shows_requests: Whether a log of this format holds one line for every request.
    """

    shows_requests = False

    def __init__(self, gathered: Gathered, log: str) -> None:
        self.defect: str | None = None
        self.too_long = 0
        self._gathered = gathered
        gathered.shows_requests = gathered.shows_requests and self.shows_requests
        self._log = log
        self._before = 0  # lines of the blocks before this one
        self._latest: int | None = None

    @property
    def lines(self) -> int:
        """How many lines of the log were read, bad and blank ones too."""
        return self._before

    def consume(self, log: Log) -> Iterator[None]:
        """Reads the whole log, and yields after each part of it."""
        for block in log.blocks():
            if isinstance(block, TooLong):
                self.refuse(block)
            else:
                self.read_block(block)
            yield
        self.finish()

    def read_block(self, block: bytes) -> None:
        """Reads a block of whole lines."""
        self._before += self._read(block)

    def pass_over(self, lines: int) -> None:
        """Goes on behind lines that an engine counted."""
        self._before += lines

    def refuse(self, beginning: bytes) -> None:
        """Counts a line that is too long, of which only the beginning is known, as bad."""
        self.too_long += 1
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


def _text(line: str | bytes) -> str:
    return line.decode("utf-8", "backslashreplace") if isinstance(line, bytes) else line

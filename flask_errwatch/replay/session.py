"""Reads all logs of a replay, each in its format, into one tally."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from flask_errwatch.replay.detector_set import DetectorSet
from flask_errwatch.replay.files import STDIN, Log, TooLong, UnreadableLogError
from flask_errwatch.replay.formats import FORMATS, guess_format
from flask_errwatch.replay.readers import Gathered, LineReader


class ReadProgress(NamedTuple):
    """How much was read so far.

    Attributes:
        read: Bytes read, of the files as they are stored.
        size: Bytes of all files, or None where standard input is among them.
        lines: Lines read.
    """

    read: int
    size: int | None
    lines: int


class Session:
    """Reads logs for a set of detectors.

    Args:
        names: Paths, or `-` for standard input.
        detectors: The detectors that judge.
        form: A name of `FORMATS`, or `auto`.

    Attributes:
        gathered: What was read.
        defects: Why a log ended early or cannot be read as a whole, by its name.

    Raises:
        UnreadableLogError: When one of the logs cannot be opened, or standard input is named
            twice. Nothing is read then.
    """

    def __init__(self, names: Sequence[str], detectors: DetectorSet, form: str = "auto") -> None:
        self.gathered = Gathered(detectors)
        self.defects: dict[str, str] = {}
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
        """Reads everything, and yields the progress after each block.

        Raises:
            UnreadableLogError: One of the logs is binary.
        """
        sizes = [log.size for log in self._logs]
        size = None if None in sizes else sum(filter(None, sizes))
        read = lines = 0
        with self._opened:
            for log in self._logs:
                reader: LineReader | None = None
                for block in log.blocks():
                    if reader is None:
                        kind = FORMATS.get(self._form) or guess_format(log.head)
                        reader = kind(self.gathered, log.name)
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
                read += log.size or 0

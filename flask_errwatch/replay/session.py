"""One run over all logs: opened, read in their formats, gathered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from flask_errwatch.detectors import Catalogue
from flask_errwatch.replay.files import STDIN, Log, TooLong, UnreadableLogError
from flask_errwatch.replay.formats import FORMATS, guessed
from flask_errwatch.replay.reading import Lines, Reading


class Progress(NamedTuple):
    """How far the reading is.

    Attributes:
        read: Bytes read, as the files lie there.
        size: Bytes of all files; None where standard input is among them.
        lines: Lines read.
    """

    read: int
    size: int | None
    lines: int


class Session:
    """Reads logs for a catalogue.

    Args:
        names: Paths, or `-` for standard input.
        catalogue: The detectors.
        form: A name of `FORMATS`, or `auto`.

    Attributes:
        reading: What was gathered.
        defects: For each log that ended early, or is no such log as a whole, why.

    Raises:
        UnreadableLogError: One of the logs cannot be opened, or standard input is named twice:
            nothing is read then.
    """

    def __init__(self, names: Sequence[str], catalogue: Catalogue, form: str = "auto") -> None:
        self.reading = Reading(catalogue)
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

    def read(self) -> Iterator[Progress]:
        """Reads everything, and tells after each block how far it is.

        Raises:
            UnreadableLogError: One of the logs is binary.
        """
        sizes = [log.size for log in self._logs]
        size = None if None in sizes else sum(filter(None, sizes))
        read = lines = 0
        with self._opened:
            for log in self._logs:
                reader: Lines | None = None
                for block in log.blocks():
                    if reader is None:
                        kind = FORMATS.get(self._form) or guessed(block)
                        reader = kind(self.reading, log.name)
                    if isinstance(block, TooLong):
                        reader.refuse(block)
                    else:
                        reader.take(block)
                    yield Progress(read + log.position, size, lines + reader.lines)
                if reader is not None:
                    reader.finish()
                    lines += reader.lines
                defect = log.defect or (reader and reader.defect)
                if defect:
                    self.defects[log.name] = defect
                read += log.size or 0

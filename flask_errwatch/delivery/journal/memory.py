"""The journal of a process that has no folder for one: its lines wait in memory."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from flask_errwatch.delivery.journal.losses import Losses
from flask_errwatch.delivery.journal.records import Position, Record, line_of
from flask_errwatch.delivery.journal.writer import FULL

if TYPE_CHECKING:
    from flask_errwatch.delivery.journal.reader import Journal


class MemoryJournal:
    """What `DiskJournal` does, where there is no folder: bounded, and gone with the process.

    Args:
        bound: Bytes of lines that it may hold.
    """

    lasts = False

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._lines: deque[bytes] = deque()
        self._refused: deque[int] = deque()
        self._first = 0
        self._read = 0
        self._bytes = 0
        self.is_pressed = False
        self.doubtful = 0
        self.appended = 0
        self.losses = Losses()

    def append(self, text: bytes) -> bool:
        """Takes the line, or counts it as refused; `deque.append` is atomic."""
        size = len(text)
        if self._bytes + size > self._bound:
            self._refused.append(int(time.time() * 1000))
            return False
        self._lines.append(text)
        # No call inside a `+=`: a thread switch there would lose the other thread's sum.
        self._bytes += size
        self.appended += 1
        return True

    def read(self) -> list[Record]:
        """The next lines, about a batch of them."""
        records = []
        size = 0
        start = self._read - self._first
        for index in range(start, min(len(self._lines), start + 1000)):
            text = self._lines[index]
            self._read += 1
            records.append(Record(line_of(text), Position(1, self._read)))
            size += len(text)
            if size >= 256 * 1024:
                break
        return records

    def rewind(self) -> None:
        """Goes back to what is settled."""
        self._read = self._first

    def acknowledge(self, end: Position) -> None:
        """Lets go of the lines before the end."""
        while self._first < end.offset:
            size = len(self._lines.popleft())
            self._bytes -= size
            self._first += 1

    def save(self) -> None:
        """Nothing survives the process."""

    def count_refused(self) -> None:
        """Counts the lines that found no room."""
        while self._refused:
            self.losses.add(FULL, self._refused.popleft())

    def heal(self) -> int | None:
        """Nobody else can reach it."""
        return None

    def keep_within_bound(self) -> int:
        """Gives up the oldest lines near the bound, so that there is room for new ones."""
        lost = 0
        self.is_pressed = self._bytes > self._bound // 2
        while self._lines and self._bytes > self._bound * 3 // 4:
            text = self._lines.popleft()
            size = len(text)
            self._first += 1
            self._bytes -= size
            self.losses.add(FULL, line_of(text).timestamp)
            lost += 1
        if lost:
            self.rewind()
        return lost

    def adopt(self) -> Journal | None:
        """There is never one."""
        return None

    def finish(self, adopted: Journal) -> None:
        """There is never one."""

    def set_aside(self, adopted: Journal) -> None:
        """There is never one."""

    def keep(self) -> None:
        """It has no files."""

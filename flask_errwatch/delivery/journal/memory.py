"""The journal of a process that has no usable folder: its lines wait in memory."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from flask_errwatch.delivery.journal.losses import Losses
from flask_errwatch.delivery.journal.records import Position, Record, line_of
from flask_errwatch.delivery.journal.writer import FULL

if TYPE_CHECKING:
    from flask_errwatch.delivery.journal.reader import JournalReader
    from flask_errwatch.delivery.journal.requests import RequestSlots


class MemoryJournal:
    """A journal like `DiskJournal` without files: bounded, and lost when the process ends.

    Args:
        bound: Bytes of lines that it may hold.
    """

    is_durable = False

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._lines: deque[bytes] = deque()
        self._refused: deque[int] = deque()
        self._first = 0
        self._read = 0
        self._bytes = 0
        self.is_nearly_full = False
        self.in_doubt = 0
        self.appended = 0
        self.losses = Losses()

    def append(self, text: bytes) -> bool:
        """Appends the line, or counts it as refused. `deque.append` is atomic."""
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

    def reset_to_committed(self) -> None:
        """Makes the next `read` start at the committed position again."""
        self._read = self._first

    def acknowledge(self, end: Position) -> None:
        """Removes the lines before the end."""
        while self._first < end.offset:
            size = len(self._lines.popleft())
            self._bytes -= size
            self._first += 1

    def save(self) -> None:
        """Does nothing: no line survives the process."""

    def count_refused(self) -> None:
        """Counts the lines that had no room as losses."""
        while self._refused:
            self.losses.add(FULL, self._refused.popleft())

    def recover(self) -> int | None:
        """Returns None: memory cannot be removed from outside."""
        return None

    def keep_within_bound(self) -> int:
        """Drops the oldest lines near the bound, so that there is room for new ones."""
        lost = 0
        self.is_nearly_full = self._bytes > self._bound // 2
        while self._lines and self._bytes > self._bound * 3 // 4:
            text = self._lines.popleft()
            size = len(text)
            self._first += 1
            self._bytes -= size
            self.losses.add(FULL, line_of(text).timestamp)
            lost += 1
        if lost:
            self.reset_to_committed()
        return lost

    def adopt(self) -> JournalReader | None:
        """Returns None: without a folder nothing can be adopted."""
        return None

    def finish(self, adopted: JournalReader) -> None:
        """Is never called: nothing was adopted."""

    def abandon(self, adopted: JournalReader) -> None:
        """Is never called: nothing was adopted."""

    def track_requests(self) -> RequestSlots | None:
        """Returns None: nothing survives the process."""
        return None

    def mark_ended(self) -> None:
        """Does nothing: nothing survives the process."""

    def touch(self) -> None:
        """Does nothing: it has no files."""

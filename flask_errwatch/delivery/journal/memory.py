"""The journal of a process that has no usable folder: its lines wait in memory."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from flask_errwatch.delivery.journal.losses import Losses
from flask_errwatch.delivery.journal.records import Position, Record, line_of
from flask_errwatch.delivery.journal.writer import FULL

if TYPE_CHECKING:
    from flask_errwatch.delivery.journal.adoption import Belongs
    from flask_errwatch.delivery.journal.destination import Destination
    from flask_errwatch.delivery.journal.flood import Flood, Tally
    from flask_errwatch.delivery.journal.protocols import Fingerprints
    from flask_errwatch.delivery.journal.reader import JournalReader
    from flask_errwatch.delivery.journal.requests import RequestSlots

#: The newest lines, which show what a flood is made of.
_NEWEST = 1000


class MemoryJournal:
    """A journal like `DiskJournal` without files: bounded, and lost when the process ends.

    Args:
        bound: Bytes of lines that it may hold.
    """

    is_durable = False
    is_own = True
    reserve: JournalReader | None = None
    fingerprints: Fingerprints | None = None

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
        self._left: Tally | None = None

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
        if not self._lines:
            self._left = None  # all arrived: the next outage is another one

    def save(self) -> None:
        """Does nothing: no line survives the process."""

    def count_refused(self) -> None:
        """Counts the lines that had no room as losses."""
        while self._refused:
            self.losses.add(FULL, self._refused.popleft())

    def recover(self) -> int | None:
        """Returns None: memory cannot be removed from outside."""
        return None

    def keep_within_bound(self) -> int | None:
        """Drops the oldest lines of the majority near the bound.

        Returns:
            How many lines were lost, or None when there was room.
        """
        self.is_nearly_full = self._bytes > self._bound // 2
        if self._bytes <= self._bound * 7 // 8:
            return None
        from flask_errwatch.delivery.journal.flood import Flood, Tally

        self._left = self._left or Tally()
        flood = Flood(self._newest(), self._left)
        before = self.losses.count
        kept: list[bytes] = []
        kept_bytes = 0
        while self._lines and self._bytes > self._bound * 3 // 4:
            text = self._lines.popleft()
            if flood.leave(text) is None:
                self._lose(text)
                continue
            kept.append(text)
            kept_bytes += len(text)
            if kept_bytes > self._bound // 4:
                kept = self._first_of(kept, flood)
                kept_bytes = sum(map(len, kept))
        for text in kept:
            flood.take_back(text)
        self._lines.extendleft(reversed(kept))
        lost = self.losses.count - before
        self._first += lost
        self.reset_to_committed()
        return lost

    def _newest(self) -> list[bytes]:
        lines = self._lines
        length = len(lines)
        return [lines[index] for index in range(max(0, length - _NEWEST), length)]

    def _first_of(self, kept: list[bytes], flood: Flood) -> list[bytes]:
        """The lines that matter most, in three quarters of what is reserved. Others are lost."""
        from flask_errwatch.delivery.journal.flood import Selection

        ranks = [flood.rank(text) for text in kept]
        sizes: Counter[int] = Counter()
        for rank, text in zip(ranks, kept, strict=True):
            if rank is not None:
                sizes[rank] += len(text)
        selection = Selection(sizes, self._bound * 3 // 16)
        chosen = []
        for rank, text in zip(ranks, kept, strict=True):
            if selection.keeps(rank, len(text)):
                chosen.append(text)
            else:
                self._lose(text)
        return chosen

    def _lose(self, text: bytes) -> None:
        size = len(text)  # no call inside a `-=`: see `append`
        self._bytes -= size
        self.losses.add(FULL, line_of(text).timestamp)

    def in_memory(self) -> tuple[MemoryJournal, int]:
        """Itself: its lines are where they were."""
        return self, len(self._lines)

    def note_destination(self, destination: Destination) -> None:
        """Does nothing: no other process sees the lines."""

    def adopt(self, belongs: Belongs) -> JournalReader | None:  # noqa: ARG002 - the protocol's
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

"""The reserve: lines that are not the flood's, of segments that had to go."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from flask_errwatch.delivery.journal.directory import (
    RESERVE_SUFFIX,
    create_file,
    lock_path,
    segment_path,
    unfinished_path,
)
from flask_errwatch.delivery.journal.flood import Flood, Selection
from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.delivery.journal.losses import Losses
from flask_errwatch.delivery.journal.reader import JournalReader
from flask_errwatch.delivery.journal.records import Position, Record, pack
from flask_errwatch.delivery.journal.writer import FULL


class Reserve(JournalReader):
    """A further journal of this process, which only its shipper writes, by whole segments.

    A segment gets its name when it is complete, so no record in it is torn. Another process adopts
    the reserve of a dead one like any journal.

    Args:
        folder: The app's folder.
        owner: This process's journal. Its losses are those of the reserve, too.

    Attributes:
        waiting: Lines in it that are not committed.
    """

    is_own = True

    def __init__(self, folder: Path, owner: JournalReader) -> None:
        name = f"{owner.name}{RESERVE_SUFFIX}"
        lock = Lock(lock_path(folder, name))
        note = owner.destination
        lock.create(b"" if note is None else note.as_note())
        super().__init__(folder, name, lock)
        self.losses = owner.losses
        self._owner = owner
        self.waiting = 0
        self._unconfirmed: deque[Position] = deque()

    def add(self, records: Iterable[Record]) -> int:
        """Appends a segment with the lines, and returns how many there are.

        Raises:
            OSError: When it cannot be written. Then nothing is added.
        """
        number = max(self._segments(), default=self._committed.segment - 1) + 1
        path = segment_path(self._folder, self.name, number)
        temporary = unfinished_path(self._folder, self.name)
        temporary.unlink(missing_ok=True)
        descriptor = create_file(temporary)
        count = 0
        try:
            with os.fdopen(descriptor, "wb") as file:
                for record in records:
                    file.write(pack(record.line.text))
                    count += 1
            if count:
                temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)
        self.waiting += count
        return count

    def shrink(self, room: int, flood: Flood) -> int:
        """Keeps what fits into the room, and counts the rest as lost, if it is larger now.

        Args:
            room: Bytes.
            flood: Tells what goes first.

        Returns:
            How many lines were lost.
        """
        if self.size() <= room:
            return 0
        sizes: Counter[int] = Counter()
        for record in self._all():
            rank = flood.rank(record.line.text)
            if rank is not None:
                sizes[rank] += len(record.line.text)
        # Less than the room, so that not every segment that is added leads to this.
        selection = Selection(sizes, room * 3 // 4)
        lost = Losses()
        kept = self.add(self._chosen(selection, flood, lost))
        self.waiting -= kept + lost.count
        self.losses.merge_all(lost)
        with suppress(OSError):  # a full disk: there is room when the segments are removed
            self._owner.save()
        last = self._segments()[-1]
        self.acknowledge(Position(last if kept else last + 1, 0))
        self.reset_to_committed()
        return lost.count

    def read(self) -> list[Record]:
        """The next records after those that were read, or an empty list."""
        records = super().read()
        self._unconfirmed.extend(record.end for record in records)
        return records

    def reset_to_committed(self) -> None:
        """Makes the next `read` start at the committed position again."""
        super().reset_to_committed()
        self._unconfirmed.clear()

    def acknowledge(self, end: Position) -> None:
        """Commits everything before a record's end, and removes the segments before it."""
        while self._unconfirmed and self._unconfirmed[0] <= end:
            self._unconfirmed.popleft()
            self.waiting -= 1
        super().acknowledge(end)

    def recover(self) -> None:
        """Creates the lock again if it was removed."""
        self._lock.recreate()

    def save(self) -> None:
        """Writes the checkpoint, and that of the process, which has the losses."""
        super().save()
        self._owner.save()

    def _saved_losses(self) -> Losses:
        return Losses()

    def _chosen(self, selection: Selection, flood: Flood, lost: Losses) -> Iterator[Record]:
        for record in self._all():
            text = record.line.text
            if selection.keeps(flood.rank(text), len(text)):
                yield record
            else:
                lost.add(FULL, record.line.timestamp)

    def _all(self) -> Iterator[Record]:
        """All records that are not committed."""
        self.reset_to_committed()
        for number in self._segments():
            yield from self.records_of(number)


def divide(records: Iterable[Record], flood: Flood, lost: Losses) -> Iterator[Record]:
    """The records that are not the flood's. All others are counted as lost."""
    for record in records:
        if flood.leave(record.line.text) is None:
            lost.add(FULL, record.line.timestamp)
        else:
            yield record

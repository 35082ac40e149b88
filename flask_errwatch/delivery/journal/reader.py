"""Reads a journal in order, from the last committed position."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from flask_errwatch._parsers import parse_json
from flask_errwatch.delivery.journal.directory import (
    checkpoint_path,
    parse_segment,
    requests_path,
    segment_path,
    unfinished_path,
)
from flask_errwatch.delivery.journal.inspection import CHUNK, last_lines
from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.delivery.journal.losses import Losses
from flask_errwatch.delivery.journal.marks import REPORTED
from flask_errwatch.delivery.journal.records import Line, Position, Record, split, unpack

if TYPE_CHECKING:
    from flask_errwatch.delivery.journal.deaths import Death
    from flask_errwatch.delivery.journal.destination import Destination

TORN = "torn in the journal"


class Checkpoint(NamedTuple):
    """What a journal's checkpoint file contains.

    Attributes:
        position: Everything before it is committed: accepted, refused for good, or lost.
        losses: Lines that were lost and are not reported yet.
    """

    position: Position
    losses: Losses


class JournalReader:
    """Reads a journal that has no writer any more. `DiskJournal` reads one that has.

    Only one thread reads. What was read is not committed before `acknowledge`, and
    `reset_to_committed` makes the reader read it again. The committed position is in the
    checkpoint file, so that it survives the process.

    Args:
        folder: The app's folder.
        name: The journal's name in it.
        lock: Its lock, held.

    Attributes:
        losses: Lines that were lost in it and are not reported yet.
        in_doubt: Lines after the committed position that CloudWatch may have accepted already.
        death: How its process died, until that is reported. None when it ended.
        is_own: Whether its lines count as lines of this process.
    """

    death: Death | None = None
    is_own = False

    def __init__(self, folder: Path, name: str, lock: Lock) -> None:
        self._folder = folder
        self.in_doubt = 0
        self._open(name, lock)

    def _open(self, name: str, lock: Lock) -> None:
        """Starts to read the journal of that name in the folder."""
        self.name = name
        self._lock = lock
        self._checkpoint_path = checkpoint_path(self._folder, name)
        checkpoint = load_checkpoint(self._checkpoint_path, self._segments() or [1])
        self.losses = checkpoint.losses
        self._committed = checkpoint.position
        self._read = checkpoint.position
        self._ended: Position | None = None
        self._torn = checkpoint.position

    def read(self) -> list[Record]:
        """The next records after those that were read, or an empty list."""
        # Before the data: a segment that is left meanwhile may have got more records first.
        active = self._active_segment()
        while True:
            records = self._next()
            if records:
                return records
            if records is not None:
                continue  # all of it was torn: there may be more behind it
            if active is not None and self._read.segment >= active:
                return []
            # No whole record is left in a segment that the writer has left. It may still be
            # inside a write that it began before, so the reader must see the same end twice,
            # a poll apart, before it leaves the segment too.
            if self._read.segment + 1 == active and self._ended != self._read:
                self._ended = self._read
                return []
            if self._chunk():
                self._count_torn(self._read)
            following = [number for number in self._segments() if number > self._read.segment]
            if not following:
                return []
            self._leave_for(min(following))

    def _active_segment(self) -> int | None:
        """The segment that is still written to, or None when the writer is dead."""
        return None

    def _leave_for(self, segment: int) -> None:
        """Continues in the next segment, and removes this one if all of it is committed."""
        is_committed = self._committed == self._read
        left = self._read.segment
        self._read = Position(segment, 0)
        if is_committed:
            self._committed = self._read
            segment_path(self._folder, self.name, left).unlink(missing_ok=True)

    def reset_to_committed(self) -> None:
        """Makes the next `read` start at the committed position again."""
        self._read = self._committed

    def acknowledge(self, end: Position) -> None:
        """Commits everything before a record's end, and removes the segments before it."""
        self._committed = end
        for number in self._segments():
            if number < end.segment:
                segment_path(self._folder, self.name, number).unlink(missing_ok=True)
        # Last: on a full disk, the removed segments have made room for it.
        self.save()

    def oldest_left(self) -> int | None:
        """The oldest segment that the writer has left, or None when it has left none."""
        oldest = min(self._segments(), default=None)
        active = self._active_segment()
        return None if active is not None and oldest == active else oldest

    def records_of(self, segment: int) -> Iterator[Record]:
        """The records of one segment that are not committed."""
        self._read = max(self._committed, Position(segment, 0))
        while self._read.segment == segment and (records := self._next()) is not None:
            yield from records

    def leave(self, segment: int) -> None:
        """Commits the segment, whatever became of its lines, and removes it."""
        self.acknowledge(Position(segment + 1, 0))
        self.reset_to_committed()

    def save(self) -> None:
        """Writes the checkpoint, whole or not at all."""
        content = {"position": self._committed, "losses": self._saved_losses().as_json()}
        temporary = self._checkpoint_path.with_suffix(".state.new")
        temporary.write_text(json.dumps(content), "utf-8")
        temporary.chmod(0o600)
        temporary.replace(self._checkpoint_path)

    def _saved_losses(self) -> Losses:
        return self.losses

    def size(self) -> int:
        """Bytes on disk that are not committed, approximately."""
        total = 0
        for number in self._segments():
            with contextlib.suppress(FileNotFoundError):
                total += segment_path(self._folder, self.name, number).stat().st_size
        return total - self._committed.offset

    def touch(self) -> None:
        """Sets the time of its files to now, for cleaners that remove old files."""
        self._lock.touch()
        with contextlib.suppress(FileNotFoundError):  # before the first commit
            os.utime(self._checkpoint_path)

    def last_line(self) -> Line | None:
        """The newest line that its files still contain, committed or not."""
        for number in reversed(self._segments()):
            lines = last_lines(segment_path(self._folder, self.name, number))
            if lines:
                return lines[-1]
        return None

    def note_reported(self) -> None:
        """Marks the death as reported, so that no other process reports it again."""
        self._lock.add_mark(REPORTED)

    @property
    def destination(self) -> Destination | None:
        """Where its lines go, by the note in its lock."""
        return self._lock.destination()

    def note_destination(self, destination: Destination) -> None:
        """Notes in its lock where its lines go."""
        self._lock.add_note(destination)

    def remove(self) -> None:
        """Removes the journal, once it was read to its end and its losses were taken over."""
        for number in self._segments():
            segment_path(self._folder, self.name, number).unlink(missing_ok=True)
        self._checkpoint_path.unlink(missing_ok=True)
        unfinished_path(self._folder, self.name).unlink(missing_ok=True)
        requests_path(self._folder, self.name).unlink(missing_ok=True)
        self._lock.remove()

    def _next(self) -> list[Record] | None:
        """The next whole records of this segment, or None when no record is complete.

        The list is empty when all that was read is torn.
        """
        chunk = self._chunk()
        end = chunk.rfind(b"\n") + 1
        if end:
            return self._records(chunk[:end])
        if len(chunk) < CHUNK:
            return None
        # Not written by this package: no record is as long.
        self._read = self._read._replace(offset=self._read.offset + CHUNK)
        self._count_torn(self._read)
        return []

    def _chunk(self) -> bytes:
        """The bytes after what was read, from the current segment."""
        try:
            descriptor = os.open(
                segment_path(self._folder, self.name, self._read.segment),
                os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC,
            )
        except FileNotFoundError:
            return b""
        try:
            return os.pread(descriptor, CHUNK, self._read.offset)
        finally:
            os.close(descriptor)

    def _records(self, chunk: bytes) -> list[Record]:
        segment, start = self._read
        records = []
        for raw, end in split(chunk):
            line = unpack(raw)
            if line is None:
                self._count_torn(Position(segment, start + end))
            else:
                records.append(Record(line, Position(segment, start + end)))
        self._read = Position(segment, start + len(chunk))
        return records

    def _count_torn(self, end: Position) -> None:
        # Once, however often it is read again.
        if end > self._torn:
            self._torn = end
            self.losses.add(TORN, 0)

    def _segments(self) -> list[int]:
        with os.scandir(self._folder) as entries:
            segments = [parse_segment(entry.name) for entry in entries]
        return sorted(segment[1] for segment in segments if segment and segment[0] == self.name)


def load_checkpoint(path: Path, segments: list[int]) -> Checkpoint:
    """The checkpoint, or the beginning: a damaged file costs duplicates, never a line."""
    beginning = Checkpoint(Position(segments[0], 0), Losses())
    try:
        content: Any = parse_json(path.read_text(encoding="utf-8"))
        segment, offset = content["position"]
        position = Position(int(segment), int(offset))
        known = {str(reason): _counted(loss) for reason, loss in content["losses"].items()}
    except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError):
        return beginning
    # After its last segment was dropped, a journal's position is in the segment after that.
    if position.offset < 0 or position.segment > segments[-1] + 1:
        position = beginning.position
    return Checkpoint(position, Losses(known))


def _counted(loss: object) -> tuple[int, int, int]:
    count, first, last = map(int, loss)  # type: ignore[call-overload]  # a file may hold anything
    if count < 0:
        raise ValueError("the count of a loss is negative")
    return count, first, last

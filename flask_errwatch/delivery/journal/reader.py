"""Reading a journal back: in order, from where CloudWatch's acceptance ended."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.delivery.journal.losses import Losses
from flask_errwatch.delivery.journal.records import Position, Record, split, unpack

#: Bytes read at a time: a few hundred lines, so that no read and no batch is ever large.
CHUNK = 256 * 1024

TORN = "torn in the journal"

_SEGMENT = re.compile(r"(?P<name>.+)\.(?P<number>\d{8})\.log")


def segment_path(folder: Path, name: str, number: int) -> Path:
    """The file of a segment."""
    return folder / f"{name}.{number:08d}.log"


def lock_path(folder: Path, name: str) -> Path:
    """The lock file of a journal."""
    return folder / f"{name}.lock"


class State(NamedTuple):
    """What a journal's state file says.

    Attributes:
        position: Everything before it is settled: accepted, refused for good, or lost.
        losses: What was lost and is not reported yet.
    """

    position: Position
    losses: Losses


class Journal:
    """One journal on disk as its owner reads it: its own, or one whose process died.

    Only one thread reads. What is read is not settled before `acknowledge`; `rewind` reads it
    again. The place is kept in a state file, so that it survives the process.

    Args:
        folder: The app's folder.
        name: The journal's name in it.
        lock: Its lock, held.

    Attributes:
        losses: What was lost in it and is not reported yet.
        doubtful: Lines after what is settled that CloudWatch may have accepted all the same.
        last_segment: The segment that is still written to, or None when its writer is gone.
    """

    def __init__(self, folder: Path, name: str, lock: Lock, last_segment: int | None) -> None:
        self.name = name
        self.last_segment = last_segment
        self._folder = folder
        self._lock = lock
        state = _load_state(self._state_path, self._segments() or [1])
        self.losses = state.losses
        self.doubtful = 0
        self._settled = state.position
        self._read = state.position
        self._ended: Position | None = None
        self._torn = state.position

    @property
    def _state_path(self) -> Path:
        return self._folder / f"{self.name}.state"

    def read(self) -> list[Record]:
        """The next records after what was read; empty when there are none for now."""
        while True:
            found = self._next()
            if found:
                return found
            if found is not None:
                continue  # all of it was torn: there may be more behind it
            if self.last_segment is not None and self._read.segment >= self.last_segment:
                return []
            # Nothing whole is left in a segment that nobody writes to any more. A writer may
            # still be inside the write that it began before the segment was changed, so the
            # same end is to be seen twice, a poll apart, before the segment is left.
            if self._read.segment + 1 == self.last_segment and self._ended != self._read:
                self._ended = self._read
                return []
            if self._chunk():
                self._count_torn(self._read)
            following = [number for number in self._segments() if number > self._read.segment]
            if not following:
                return []
            self._leave_for(min(following))

    def _leave_for(self, segment: int) -> None:
        """Goes on in the next segment; one that is settled to its end makes room at once."""
        is_settled = self._settled == self._read
        left = self._read.segment
        self._read = Position(segment, 0)
        if is_settled:
            self._settled = self._read
            segment_path(self._folder, self.name, left).unlink(missing_ok=True)

    def rewind(self) -> None:
        """Goes back to what is settled: the next `read` gives the rest again."""
        self._read = self._settled

    def acknowledge(self, end: Position) -> None:
        """Settles everything before a record's end, and removes the segments that are done."""
        self._settled = end
        for number in self._segments():
            if number < end.segment:
                segment_path(self._folder, self.name, number).unlink(missing_ok=True)
        # Last: on a full disk, what was removed has made room for it.
        self.save()

    def settled_in(self, segment: int) -> int:
        """Bytes of a segment that are settled."""
        return self._settled.offset if self._settled.segment == segment else 0

    def skip_oldest_segment(self, reason: str) -> int:
        """Gives up what is unsettled in the oldest segment that is not written to any more.

        Returns:
            How many lines were lost by it; 0 when there is no such segment.
        """
        self.rewind()
        oldest = min(self._segments(), default=self._settled.segment)
        if self.last_segment is not None and oldest >= self.last_segment:
            return 0
        count = 0
        while self._read.segment <= oldest and (found := self._next()) is not None:
            for record in found:
                self.losses.add(reason, record.line.timestamp)
            count += len(found)
        self.acknowledge(Position(oldest + 1, 0))
        self.rewind()
        return count

    def _next(self) -> list[Record] | None:
        """What comes next in this segment, without what is torn; None when nothing whole does."""
        chunk = self._chunk()
        end = chunk.rfind(b"\n") + 1
        if end:
            return self._records(chunk[:end])
        if len(chunk) < CHUNK:
            return None
        # Of somebody else: no record is as long.
        self._read = self._read._replace(offset=self._read.offset + CHUNK)
        self._count_torn(self._read)
        return []

    def save(self) -> None:
        """Writes the state, whole or not at all."""
        content = {"position": self._settled, "losses": self.losses.as_json()}
        new = self._state_path.with_suffix(".state.new")
        new.write_text(json.dumps(content), "utf-8")
        new.chmod(0o600)
        new.replace(self._state_path)

    def size(self) -> int:
        """Bytes on disk that are not settled, about."""
        total = 0
        for number in self._segments():
            total += _size(segment_path(self._folder, self.name, number))
        return total - self._settled.offset

    def keep(self) -> None:
        """Keeps its files young, for cleaners that go by age."""
        self._lock.keep_young()
        with contextlib.suppress(FileNotFoundError):  # before the first line is settled
            os.utime(self._state_path)

    def mend_lock(self) -> None:
        """Makes its lock again where somebody removed it: the owner lives."""
        self._lock.mend()

    def remove(self) -> None:
        """Removes the journal, when it is read to its end and its losses are reported."""
        for number in self._segments():
            segment_path(self._folder, self.name, number).unlink(missing_ok=True)
        self._state_path.unlink(missing_ok=True)
        self._lock.remove()

    def _chunk(self) -> bytes:
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
        return sorted(
            int(found["number"])
            for entry in os.scandir(self._folder)
            if (found := _SEGMENT.fullmatch(entry.name)) and found["name"] == self.name
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _load_state(path: Path, segments: list[int]) -> State:
    """The state, or a beginning: a state that cannot be right costs duplicates, never a line."""
    beginning = State(Position(segments[0], 0), Losses())
    try:
        content = json.loads(path.read_bytes())
        segment, offset = content["position"]
        position = Position(int(segment), int(offset))
        known = {str(reason): _counted(loss) for reason, loss in content["losses"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return beginning
    # One after the last is where a journal stands whose last segment was given up.
    if position.offset < 0 or position.segment > segments[-1] + 1:
        position = beginning.position
    return State(position, Losses(known))


def _counted(loss: object) -> tuple[int, int, int]:
    count, first, last = map(int, loss)  # type: ignore[call-overload]  # a file may hold anything
    if count < 0:
        raise ValueError("a loss is a number of lines")
    return count, first, last

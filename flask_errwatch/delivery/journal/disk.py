"""The journal of this process on disk: written by its requests, read by its shipper."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.delivery.journal.adoption import Belongs, Orphan, Search
from flask_errwatch.delivery.journal.destination import Destination, configured_destination
from flask_errwatch.delivery.journal.directory import (
    UnusableFolderError,
    create_app_folder,
    create_private_folder,
    lock_path,
    other_folders,
)
from flask_errwatch.delivery.journal.inspection import inspect_folder, newest_lines
from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.delivery.journal.losses import Losses
from flask_errwatch.delivery.journal.memory import MemoryJournal
from flask_errwatch.delivery.journal.process_marks import marks_in
from flask_errwatch.delivery.journal.protocols import Journal
from flask_errwatch.delivery.journal.reader import JournalReader
from flask_errwatch.delivery.journal.writer import FULL, JournalWriter

if TYPE_CHECKING:
    from flask_errwatch.delivery.journal.flood import Flood, Tally
    from flask_errwatch.delivery.journal.requests import RequestSlots
    from flask_errwatch.delivery.journal.reserve import Reserve

_MIN_SEGMENT_BYTES = 64 * 1024
#: Segments in the whole bound: lines are dropped by segments, which must be small against it.
_SEGMENTS = 32
#: Journals of dead processes that are open at a time: each takes a descriptor.
_MAX_ADOPTED = 4
#: The newest segments, which show what a flood is made of.
_NEWEST = 8
#: The part of the bound that is reserved for what is not a flood's: one in so many.
RESERVED = 4
REMOVED = "the journal was removed"
#: What a system call fails with when a folder is removed, moved, replaced or another user's.
_GONE = {
    *(errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ESTALE),
    *(errno.EACCES, errno.EPERM, errno.EROFS),
}
#: Bytes of lines that may wait in memory without a usable folder.
MEMORY_BYTES = 8 * 1024 * 1024


def open_journal(config: Config, parent: Journal | None) -> tuple[Journal, str | None]:
    """This process's journal, and a warning when it cannot be kept on disk.

    Args:
        config: Where it is and how large it may grow.
        parent: The journal of the process that this one was forked from, if there was one.
    """
    bound = min(config.journal_max_bytes, MEMORY_BYTES)
    try:
        journal = DiskJournal(
            create_app_folder(config),
            config.journal_max_bytes,
            parent,
            destination=_destination_of(parent) or configured_destination(config),
            beside=lambda: other_folders(config),
        )
    except UnusableFolderError as unusable:
        text = f"{unusable}; until then lines wait in memory, at most {bound} bytes of them"
        return MemoryJournal(bound), text
    except OSError as error:
        return MemoryJournal(bound), f"no journal can be opened ({error}); lines wait in memory"
    else:
        return journal, None


def _destination_of(parent: Journal | None) -> Destination | None:
    """What a parent knew when this process was forked from it."""
    return parent.destination if isinstance(parent, DiskJournal) else None


class DiskJournal(JournalReader):
    """A journal in the app's folder, whose bound applies to all processes of the app together.

    Args:
        folder: The app's folder.
        bound: Bytes that all segments in the folder may have.
        parent: The journal of the process that this one was forked from, if there was one.
        destination: What is known of the place that its lines are for.
        beside: Returns the folders beside the app's, in which lines for that place may wait.
    """

    is_durable = True
    is_own = True

    def __init__(
        self,
        folder: Path,
        bound: int,
        parent: Journal | None = None,
        *,
        destination: Destination | None = None,
        beside: Callable[[], Iterable[Path]] = tuple,
    ) -> None:
        from flask_errwatch.delivery.journal.fingerprints import FolderFingerprints

        name = _new_name()
        self._marks = marks_in(folder, name)
        super().__init__(folder, name, self._create_lock(folder, name, name, destination))
        self._marks.join(name, self._lock)
        self._bound = bound
        self._segment_bytes = max(_MIN_SEGMENT_BYTES, bound // _SEGMENTS)
        self._adopted: list[JournalReader] = []
        self._search = Search(folder, beside)
        self.reserve: Reserve | None = None
        self._taken_over = 0  # lines of adopted journals that are in the reserve
        self._left: Tally | None = None  # the lines that had to go in this outage
        self._vanished = 0  # lines that were in a reserve and cannot be read any more
        self.is_nearly_full = False
        try:
            self.writer: JournalWriter = JournalWriter(
                folder,
                self.name,
                segment_bytes=self._segment_bytes,
                limit=self._segment_bytes,
                parent=parent.writer if isinstance(parent, DiskJournal) else None,
            )
        except OSError:
            self.mark_ended()  # the process goes on without this journal
            raise
        self.append = self.writer.append
        self.fingerprints = FolderFingerprints(folder)
        self._set_limit()

    def _active_segment(self) -> int:
        return self.writer.segment

    @property
    def appended(self) -> int:
        """Lines appended so far, with those that were taken over from adopted journals."""
        return self.writer.appended + self._taken_over

    def count_refused(self) -> None:
        """Counts the lines that could not be appended as losses, and saves the count."""
        if self.writer.refused:
            if any(reason != FULL for _, reason in list(self.writer.refused)):
                # The disk is full: once the segment is left, what is committed of it can go.
                self.writer.rotate(early=True)
            while self.writer.refused:
                timestamp, reason = self.writer.refused.popleft()
                self.losses.add(reason, timestamp)
            self.save()

    def recover(self) -> int | None:
        """Opens a closed descriptor, and begins another journal if this one was removed.

        Cleaners of temp folders remove journals, and daemons close descriptors.

        Returns:
            How many waiting lines were saved from the removed journal, or None if it was not.

        Raises:
            UnusableFolderError: When the folder is another user's, or cannot be created again.
        """
        try:
            return self._recover()
        except OSError as error:
            if error.errno not in _GONE:
                raise
            raise UnusableFolderError(
                f"the journal folder {self._folder} cannot be used any more ({error.strerror})"
            ) from error

    def _recover(self) -> int | None:
        if not self.writer.owns_descriptor():
            self.writer.reopen()
        if self.reserve is not None:
            self.reserve.recover()
        if self.writer.is_in_place():
            self._lock.recreate()
            self._marks.recover()
            if not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return None
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_private_folder(self._folder)
        removed, name = self.name, _new_name()
        lock = self._create_lock(self._folder, name, removed, self.destination)
        active = self.writer.segment
        committed = self._committed.offset if self._committed.segment == active else 0
        saved = self.writer.switch_to(self._folder, name, committed)
        losses = self.losses
        self._open(name, lock)
        self.losses = losses
        self._marks.rename(removed, name, lock)
        return saved + (self.reserve.waiting if self.reserve is not None else 0)

    def keep_within_bound(self) -> int | None:
        """Drops the oldest lines of the majority while the folder is near its bound.

        Each process drops only its own lines, and only those above its share. So no line that
        another process is sending is counted as lost, and the count is exact.

        Returns:
            How many lines of this process were lost, without those of adopted journals. None
            when no line was dropped or moved.
        """
        lost: int | None = None
        flood: Flood | None = None
        while self._is_over_share():
            source, segment = self._oldest()
            if segment is None:
                break
            flood = flood or self._flood()
            lost = (lost or 0) + self._leave_oldest(source, segment, flood)
        self._set_limit()
        if self._vanished:
            lost = (lost or 0) + self._vanished
            self._vanished = 0
        return lost

    def _oldest(self) -> tuple[JournalReader, int | None]:
        """The segment to drop next, of the journal that has it."""
        for source in (*self._adopted[:1], self):
            segment = source.oldest_left()
            if segment is not None:
                return source, segment
        return self, None

    def _flood(self) -> Flood:
        from flask_errwatch.delivery.journal.flood import Flood, Tally

        self._left = self._left or Tally()
        return Flood((line.text for line in newest_lines(self._folder, _NEWEST)), self._left)

    def _leave_oldest(self, source: JournalReader, segment: int, flood: Flood) -> int:
        """Drops a segment except for the lines that are kept in the reserve.

        Returns:
            How many lines of this process were lost.
        """
        from flask_errwatch.delivery.journal.reserve import Reserve, divide

        lost = Losses()
        evicted = 0
        try:
            if self.reserve is None:
                self.reserve = Reserve(self._folder, self)
            kept = self.reserve.add(divide(source.records_of(segment), flood, lost))
            if not source.is_own:
                self._taken_over += kept
            room = self._bound // RESERVED // inspect_folder(self._folder).processes
            evicted = self.reserve.shrink(room, flood)
        except OSError:  # the disk is full: all of it has to go
            lost = Losses()
            for record in source.records_of(segment):
                lost.add(FULL, record.line.timestamp)
        source.losses.merge_all(lost)
        source.leave(segment)
        return evicted + (lost.count if source.is_own else 0)

    def _is_over_share(self) -> bool:
        contents = inspect_folder(self._folder)
        headroom = self._segment_bytes * contents.processes
        headroom = min(max(headroom, self._bound // 8), self._bound // 4)
        if contents.used <= self._bound - headroom:
            return False
        own = self.size() + sum(adopted.size() for adopted in self._adopted)
        own += self.reserve.size() if self.reserve is not None else 0
        return own > self._bound // contents.processes - headroom

    def _set_limit(self) -> None:
        """Lets the writer append this process's share of the room that is left."""
        contents = inspect_folder(self._folder)
        self.is_nearly_full = contents.used > self._bound // 2
        room = max(0, self._bound - contents.used)
        self.writer.limit = self.writer.written + room // contents.processes

    def in_memory(self) -> tuple[MemoryJournal, int]:
        """The journal that takes its place, with the lines of the current segment that wait."""
        memory = MemoryJournal(min(self._bound, MEMORY_BYTES))
        memory.losses = self.losses
        active = self.writer.segment
        committed = self._committed.offset if self._committed.segment == active else 0
        return memory, self.writer.hand_over(memory.append, committed)

    def note_destination(self, destination: Destination) -> None:
        """Notes with the lines where they go, also with those of the reserve."""
        if destination != self.destination:
            super().note_destination(destination)
            if self.reserve is not None:
                self.reserve.note_destination(destination)

    def adopt(self, belongs: Belongs) -> JournalReader | None:
        """Takes over the journal of a dead process. Two processes never get the same one."""
        if len(self._adopted) >= _MAX_ADOPTED:
            return None
        orphan = self._search.next(belongs)
        return None if orphan is None else self._adopt(orphan)

    def _adopt(self, orphan: Orphan) -> JournalReader:
        from flask_errwatch.delivery.journal.deaths import find_death

        folder, name, lock, _ = orphan
        try:
            adopted = JournalReader(folder, name, lock)
            adopted.death = find_death(folder, name, lock, adopted.last_line())
            # About what its process can have sent and not committed when it died.
            adopted.in_doubt = len(adopted.read())
        except OSError:
            lock.release()
            raise
        adopted.reset_to_committed()
        self._adopted.append(adopted)
        return adopted

    def finish(self, adopted: JournalReader) -> None:
        """Removes an adopted journal that was read to its end, and takes over its losses."""
        if adopted is self.reserve:
            self._close_reserve(self.reserve)
        else:
            self.losses.merge_all(adopted.losses)
            self._adopted.remove(adopted)
        try:
            self.save()
        finally:
            # Also when the disk is too full for the checkpoint: this makes room.
            adopted.remove()

    def abandon(self, adopted: JournalReader) -> None:
        """Leaves an adopted journal that cannot be read as it is."""
        if adopted is self.reserve:
            self._close_reserve(self.reserve)
        else:
            self._adopted.remove(adopted)

    def _close_reserve(self, reserve: Reserve) -> None:
        self.reserve = None
        self._left = None  # what was reserved arrived: the next outage is another one
        self._vanished += reserve.waiting
        if reserve.waiting:
            self.losses.add(REMOVED, 0, reserve.waiting)

    def track_requests(self) -> RequestSlots:
        """The file of the requests that this process serves.

        Raises:
            OSError: When it cannot be created.
        """
        return self._marks.track()

    def mark_ended(self) -> None:
        """Writes the end mark: the process ends, or this journal's app does."""
        self._marks.end(self.name)

    def _create_lock(
        self, folder: Path, name: str, marked: str, destination: Destination | None
    ) -> Lock:
        """The lock of a new journal of this process, created and held.

        Args:
            folder: The app's folder.
            name: The journal's name.
            marked: The journal whose marks it has.
            destination: What it notes.
        """
        lock = Lock(lock_path(folder, name))
        note = b"" if destination is None else destination.as_note()
        lock.create(self._marks.first_marks(marked) + note)
        return lock

    def touch(self) -> None:
        """Sets the time of its files, and of those that it adopted, to now."""
        os.utime(self.writer.descriptor)
        super().touch()
        self._marks.touch(self.name)
        self.fingerprints.keep(int(time.time()))
        for adopted in self._adopted:
            adopted.touch()
        if self.reserve is not None:
            self.reserve.touch()


def _new_name() -> str:
    """A name for a new journal of this process."""
    return f"{os.getpid()}-{os.urandom(6).hex()}"

"""The journal of one process: written by its requests, read by its shipper."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from flask_errwatch.config import Config
from flask_errwatch.delivery.journal import directory as folders
from flask_errwatch.delivery.journal.directory import UnusableFolderError, app_folder
from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.delivery.journal.losses import Losses
from flask_errwatch.delivery.journal.memory import MemoryJournal
from flask_errwatch.delivery.journal.reader import Journal, lock_path
from flask_errwatch.delivery.journal.records import Position, Record
from flask_errwatch.delivery.journal.writer import FULL, Writer

_SMALLEST_SEGMENT = 64 * 1024
#: The bound is watched in steps of a segment: small against the whole.
_SEGMENTS = 32
#: Journals of dead processes that are open at a time: each takes a descriptor.
_MOST_ADOPTED = 4
#: Memory that lines may take where there is no folder for a journal.
MEMORY_BYTES = 8 * 1024 * 1024


class Reading(Protocol):
    """What a shipper reads from: a journal of this process, or of one that died."""

    #: Lines after what is settled that CloudWatch may have accepted all the same.
    doubtful: int

    @property
    def losses(self) -> Losses:
        """What was lost and is not reported yet."""

    def read(self) -> list[Record]:
        """The next records after what was read; empty when there are none for now."""

    def rewind(self) -> None:
        """Goes back to what is settled."""

    def acknowledge(self, end: Position) -> None:
        """Settles everything before a record's end."""

    def save(self) -> None:
        """Keeps the losses, so that they survive the process."""


class OwnJournal(Reading, Protocol):
    """A journal that this process also writes to."""

    #: Whether lines that are left in it are found after the process has ended.
    lasts: bool
    #: Whether it is more than half full, so that its bound is to be watched closely.
    is_pressed: bool

    @property
    def appended(self) -> int:
        """Lines appended so far."""

    def append(self, text: bytes) -> bool:
        """Takes a line, and whether it could; never waits and never raises."""

    def count_refused(self) -> None:
        """Counts the lines that could not be appended as losses."""

    def heal(self) -> int | None:
        """Mends what somebody else did to it; how many waiting lines are left, if it had to."""

    def keep_within_bound(self) -> int:
        """Gives up the oldest lines where the bound is reached; says how many of its own."""

    def adopt(self) -> Journal | None:
        """A journal whose process died, if there is one."""

    def finish(self, adopted: Journal) -> None:
        """Removes an adopted journal that is read to its end; its losses become our own."""

    def set_aside(self, adopted: Journal) -> None:
        """Leaves an adopted journal that cannot be read as it is."""

    def keep(self) -> None:
        """Keeps its files young, for cleaners that go by age."""


def open_journal(config: Config, before: OwnJournal | None) -> tuple[OwnJournal, str | None]:
    """This process's journal, and what to tell when it cannot be kept on disk.

    Args:
        config: Where it lies and how large it may grow.
        before: The journal of the process that this one was forked from, if there was one.
    """
    try:
        return DiskJournal(app_folder(config), config.journal_max_bytes, before), None
    except UnusableFolderError as unusable:
        bound = min(config.journal_max_bytes, MEMORY_BYTES)
        text = f"{unusable}; until then lines wait in memory, at most {bound} bytes of them"
        return MemoryJournal(bound), text
    except OSError as error:
        bound = min(config.journal_max_bytes, MEMORY_BYTES)
        return MemoryJournal(bound), f"no journal can be opened ({error}); lines wait in memory"


class DiskJournal:
    """A journal in the app's folder, whose bound holds for all processes of the app together.

    Args:
        folder: The app's folder.
        bound: Bytes that the whole folder may hold.
        before: The journal that a parent process wrote to.
    """

    lasts = True

    def __init__(self, folder: Path, bound: int, before: OwnJournal | None = None) -> None:
        self._folder = folder
        self._bound = bound
        self._segment_bytes = max(_SMALLEST_SEGMENT, bound // _SEGMENTS)
        self._adopted: list[Journal] = []
        self._seen_lockless: set[str] = set()
        self.doubtful = 0
        self.is_pressed = False
        name, lock = _named(folder)
        inherited = before.writer if isinstance(before, DiskJournal) else None
        self.writer: Writer = Writer(
            folder,
            name,
            segment_bytes=self._segment_bytes,
            limit=self._segment_bytes,
            inherited=inherited,
        )
        self._journal = Journal(folder, name, lock, last_segment=1)
        self.append = self.writer.append
        self._set_limit()

    @property
    def appended(self) -> int:
        """Lines appended so far."""
        return self.writer.appended

    @property
    def losses(self) -> Losses:
        """What was lost and is not reported yet."""
        return self._journal.losses

    def read(self) -> list[Record]:
        """The next records; see `Journal.read`."""
        self._journal.last_segment = self.writer.segment
        return self._journal.read()

    def rewind(self) -> None:
        """See `Journal.rewind`."""
        self._journal.rewind()

    def acknowledge(self, end: Position) -> None:
        """See `Journal.acknowledge`."""
        self._journal.acknowledge(end)

    def save(self) -> None:
        """See `Journal.save`."""
        self._journal.save()

    def count_refused(self) -> None:
        """Counts the lines that could not be appended as losses, and keeps the count."""
        if self.writer.refused:
            if any(reason != FULL for _, reason in list(self.writer.refused)):
                # The disk is full: what is settled of this segment can go when it is left.
                self.writer.rotate(early=True)
            while self.writer.refused:
                timestamp, reason = self.writer.refused.popleft()
                self.losses.add(reason, timestamp)
            self._journal.save()

    def heal(self) -> int | None:
        """Begins another journal when somebody removed this one, as cleaners of temp folders do.

        Returns:
            How many waiting lines could be saved; None when nothing was removed.
        """
        if not self.writer.is_sound():
            self.writer.go_on()
        if self.writer.has_a_name():
            self._journal.mend_lock()
            return None
        folders.make_private(self._folder.parent)
        folders.make_private(self._folder)
        name, lock = _named(self._folder)
        before = self._journal
        saved = self.writer.begin_again(self._folder, name, before.settled_in(self.writer.segment))
        self._journal = Journal(self._folder, name, lock, last_segment=1)
        self._journal.losses = before.losses
        return saved

    def keep_within_bound(self) -> int:
        """Gives up the oldest lines of this process while the folder is near its bound.

        Each process gives up its own only, and only what is over its share: so no line that
        another process is sending just now is counted as lost, and the count is exact.
        """
        self._journal.last_segment = self.writer.segment
        own = 0
        while self._is_over_share():
            adopted = next(iter(self._adopted), None)
            if adopted is not None and adopted.skip_oldest_segment(FULL):
                continue
            lost = self._journal.skip_oldest_segment(FULL)
            if not lost:
                break
            own += lost
        self._set_limit()
        return own

    def adopt(self) -> Journal | None:
        """Takes over a journal whose process died; two processes never get the same one."""
        if len(self._adopted) >= _MOST_ADOPTED:
            return None
        for entry in sorted(self._folder.glob("*.lock")):
            lock = Lock(entry)
            if lock.take():
                return self._adopt(entry.stem, lock)
        for name in self._without_lock():
            lock = Lock(lock_path(self._folder, name))
            lock.make()
            return self._adopt(name, lock)
        return None

    def _adopt(self, name: str, lock: Lock) -> Journal:
        try:
            adopted = Journal(self._folder, name, lock, last_segment=None)
            # What its process had sent when it died, but not noted, is at most one read.
            adopted.doubtful = len(adopted.read())
        except OSError:
            lock.let_go()
            raise
        adopted.rewind()
        self._adopted.append(adopted)
        return adopted

    def _without_lock(self) -> list[str]:
        """Journals whose lock somebody removed, and whose process does not make it again."""
        locks = {entry.stem for entry in self._folder.glob("*.lock")}
        logs = {entry.name.rpartition(".log")[0][:-9] for entry in self._folder.glob("*.log")}
        found = logs - locks
        # Seen before, some seconds ago: a living process would have mended it by now.
        known = found & self._seen_lockless
        self._seen_lockless = found
        return sorted(known)

    def keep(self) -> None:
        """Keeps the files of this process young, for cleaners that go by age."""
        os.utime(self.writer.descriptor)
        self._journal.keep()
        for adopted in self._adopted:
            adopted.keep()

    def finish(self, adopted: Journal) -> None:
        """Removes an adopted journal that is read to its end; its losses become our own."""
        for reason, loss in adopted.losses.by_reason.items():
            self.losses.merge(reason, loss)
        self._adopted.remove(adopted)
        try:
            self.save()
        finally:
            # Also where there is no room for the state: this makes some.
            adopted.remove()

    def set_aside(self, adopted: Journal) -> None:
        """Leaves an adopted journal that cannot be read as it is."""
        self._adopted.remove(adopted)

    def _is_over_share(self) -> bool:
        total, processes = self._used()
        headroom = min(max(self._segment_bytes * processes, self._bound // 8), self._bound // 4)
        own = self._journal.size() + sum(adopted.size() for adopted in self._adopted)
        return total > self._bound - headroom and own > self._bound // processes - headroom

    def _set_limit(self) -> None:
        total, processes = self._used()
        self.is_pressed = total > self._bound // 2
        self.writer.limit = self.writer.written + max(0, self._bound - total) // processes

    def _used(self) -> tuple[int, int]:
        """Bytes of all segments in the folder, and how many processes write there."""
        total, processes = 0, 0
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(".log"):
                    try:
                        total += entry.stat(follow_symlinks=False).st_size
                    except FileNotFoundError:
                        continue
                elif entry.name.endswith(".lock"):
                    processes += 1
        return total, max(1, processes)


def _named(folder: Path) -> tuple[str, Lock]:
    """The name of a new journal of this process, and its lock, taken."""
    name = f"{os.getpid()}-{os.urandom(6).hex()}"
    lock = Lock(lock_path(folder, name))
    lock.make()
    return name, lock

"""Appends lines to a journal: all that a request thread does for the delivery of a line."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from flask_errwatch.delivery.journal.directory import create_file, segment_path
from flask_errwatch.delivery.journal.records import pack, split, unpack

FULL = "the journal is full"


class JournalWriter:
    """Appends records to one process's journal, from any thread, greenlet or signal handler.

    An append waits for no lock, so it cannot deadlock. It is one `write` to a
    descriptor opened with O_APPEND, which the system makes whole and puts in order.

    Args:
        folder: The app's folder.
        name: The journal's name in it.
        segment_bytes: Size at which the next segment is begun.
        limit: Bytes at which lines are refused, at first.
        parent: The parent process's writer, if there was one. Its descriptor number is used
            again, so that code which still holds the number writes into this journal and never
            into a file or socket that was opened under it since.

    Attributes:
        segment: The segment that is written to.
        appended: Whole lines appended. Exact: CPython does not switch threads inside `+=` on
            an attribute that is an int.
        written: Bytes appended.
        limit: Bytes at which lines are refused. The shipper raises it as it frees space.
        refused: Time and reason of each line that could not be appended, until the shipper
            has counted it.
        successor: Takes the lines once the folder cannot be used any more.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        segment_bytes: int,
        limit: int,
        parent: JournalWriter | None = None,
    ) -> None:
        self._folder = folder
        self._name = name
        self._segment_bytes = segment_bytes
        self._rotating = threading.Lock()
        self.segment = 1
        self.appended = 0
        self.written = 0
        self.limit = limit
        self.refused: deque[tuple[int, str]] = deque()
        self.successor: Callable[[bytes], bool] | None = None
        self._rotate_at = segment_bytes
        self.descriptor = create_file(segment_path(folder, name, 1))
        if parent is not None and parent.owns_descriptor():
            os.dup2(self.descriptor, parent.descriptor, inheritable=False)
            os.close(self.descriptor)
            self.descriptor = parent.descriptor
        self._identity = _identity(self.descriptor)

    def append(self, text: bytes) -> bool:
        """Appends the line, or counts it as refused. Never waits and never raises.

        Returns:
            Whether it is in the journal.
        """
        record = pack(text)
        length = len(record)
        if self.written + length > self.limit:
            return self._refuse(text, FULL)
        try:
            written = os.write(self.descriptor, record)
        except OSError as error:
            return self._refuse(text, f"cannot write ({error.strerror})")
        self.written += written
        is_whole = written == length
        if is_whole:
            self.appended += 1  # the reader counts a short one as torn
        # Never waits: another thread, or a frame that this one interrupted, may be rotating.
        if self.written >= self._rotate_at:
            self.rotate()
        return is_whole

    def _refuse(self, text: bytes, reason: str) -> bool:
        if self.successor is not None:
            return self.successor(text)
        self.refused.append((int(time.time() * 1000), reason))
        return False

    def rotate(self, *, early: bool = False) -> None:
        """Begins the next segment if this one is full, unless another thread is doing so.

        Args:
            early: Begin it although this one is not full.
        """
        if self._rotating.acquire(blocking=False):
            try:
                if (early or self.written >= self._rotate_at) and self.owns_descriptor():
                    self._rotate()
            finally:
                self._rotating.release()

    def _rotate(self) -> None:
        self._rotate_at = self.written + self._segment_bytes
        try:
            created = create_file(segment_path(self._folder, self._name, self.segment + 1))
        except OSError:
            # No room or no descriptor left: this segment grows by as much again before a retry.
            return
        os.dup2(created, self.descriptor, inheritable=False)
        os.close(created)
        self._identity = _identity(self.descriptor)
        self.segment += 1

    def reopen(self) -> None:
        """Begins the next segment under a new descriptor, since the old one was closed."""
        self.descriptor = create_file(segment_path(self._folder, self._name, self.segment + 1))
        self._identity = _identity(self.descriptor)
        self.segment += 1

    def switch_to(self, folder: Path, name: str, committed: int) -> int:
        """Continues in another journal, since the files of this one were removed.

        Args:
            folder: The folder of the other journal.
            name: Its name.
            committed: Bytes of the current segment that are committed.

        Returns:
            How many lines were saved from the current segment: a removed file can be read as
            long as it is open.
        """
        created = create_file(segment_path(folder, name, 1))
        removed = os.dup(self.descriptor)
        waiting = _read_from(removed, committed)
        os.write(created, waiting)
        os.dup2(created, self.descriptor, inheritable=False)
        # What was written between the two.
        later = _read_from(removed, committed + len(waiting))
        os.write(self.descriptor, later)
        os.close(removed)
        os.close(created)
        self._folder, self._name, self.segment = folder, name, 1
        self._rotate_at = self.written + self._segment_bytes
        self._identity = _identity(self.descriptor)
        return sum(unpack(raw) is not None for raw, _ in split(waiting + later))

    def hand_over(self, take: Callable[[bytes], bool], committed: int) -> int:
        """Gives the lines that wait in the current segment, and all later ones, to another taker.

        Args:
            take: Takes a line.
            committed: Bytes of the segment that are committed.

        Returns:
            How many lines it gave.
        """
        waiting = self._read_from(committed)
        given = _give(waiting, take)
        self.successor, self.limit = take, 0
        # What was written meanwhile.
        return given + _give(self._read_from(committed + len(waiting)), take)

    def _read_from(self, start: int) -> bytes:
        return _read_from(self.descriptor, start) if self.owns_descriptor() else b""

    def is_in_place(self) -> bool:
        """Whether the current segment is still in its folder: it may be removed, or be moved."""
        if not self._rotating.acquire(blocking=False):
            return True  # to be seen at the next poll
        try:
            status = segment_path(self._folder, self._name, self.segment).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        else:
            return (status.st_dev, status.st_ino) == self._identity
        finally:
            self._rotating.release()

    def owns_descriptor(self) -> bool:
        """Whether the descriptor still is the segment: daemons close every descriptor."""
        return _identity(self.descriptor) == self._identity


def _read_from(descriptor: int, start: int) -> bytes:
    parts = []
    while part := os.pread(descriptor, 1 << 20, start):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _give(records: bytes, take: Callable[[bytes], bool]) -> int:
    lines = [line for line in (unpack(raw) for raw, _ in split(records)) if line is not None]
    return sum(take(line.text) for line in lines)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino

"""Writing a journal: the one thing that a request thread does with a line."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from pathlib import Path

from flask_errwatch.delivery.journal.directory import open_new
from flask_errwatch.delivery.journal.reader import segment_path
from flask_errwatch.delivery.journal.records import pack, split, unpack

FULL = "the journal is full"


class Writer:
    """Appends records to one process's journal, from any thread, greenlet or signal handler.

    There is no lock to wait for, so nothing can deadlock on one: an append is one `write` to a
    descriptor opened with O_APPEND, which the system makes whole and puts in order.

    Args:
        folder: The app's folder.
        name: The journal's name in it.
        segment_bytes: Size at which a segment is changed for the next.
        limit: Bytes at which lines are refused, at first.
        inherited: The parent process's writer, if there was one. The number of its descriptor
            is used again, so that whoever still holds it writes into this journal and never
            into a file or socket that the number was given to since.

    Attributes:
        segment: The segment that is written to.
        appended: Whole lines appended. Exact: CPython does not switch threads inside `+=` on
            an attribute that is an int.
        written: Bytes appended.
        limit: Bytes at which lines are refused; the shipper raises it as it frees space.
        refused: Time and reason of each line that could not be appended, until the shipper
            has counted it.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        segment_bytes: int,
        limit: int,
        inherited: Writer | None = None,
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
        self._rotate_at = segment_bytes
        self.descriptor = open_new(segment_path(folder, name, 1))
        if inherited is not None and inherited.is_sound():
            os.dup2(self.descriptor, inherited.descriptor, inheritable=False)
            os.close(self.descriptor)
            self.descriptor = inherited.descriptor
        self._inode = _identity(self.descriptor)

    def append(self, text: bytes) -> bool:
        """Appends the line, or counts it as refused; never waits and never raises.

        Returns:
            Whether it lies in the journal.
        """
        record = pack(text)
        length = len(record)
        if self.written + length > self.limit:
            return self._refuse(FULL)
        try:
            written = os.write(self.descriptor, record)
        except OSError as error:
            return self._refuse(f"cannot write ({error.strerror})")
        self.written += written
        is_whole = written == length
        if is_whole:
            self.appended += 1  # a short one is torn, and counted by who reads it
        # Never waits: who finds the lock taken, even by the frame that it interrupted, goes on.
        if self.written >= self._rotate_at:
            self.rotate()
        return is_whole

    def _refuse(self, reason: str) -> bool:
        self.refused.append((int(time.time() * 1000), reason))
        return False

    def rotate(self, *, early: bool = False) -> None:
        """Changes the segment when it is full, or before; somebody else may be at it."""
        if self._rotating.acquire(blocking=False):
            try:
                if (early or self.written >= self._rotate_at) and self.is_sound():
                    self._rotate()
            finally:
                self._rotating.release()

    def _rotate(self) -> None:
        self._rotate_at = self.written + self._segment_bytes
        try:
            opened = open_new(segment_path(self._folder, self._name, self.segment + 1))
        except OSError:
            # No room or no descriptor left: this segment grows, and it is tried again.
            return
        os.dup2(opened, self.descriptor, inheritable=False)
        os.close(opened)
        self._inode = _identity(self.descriptor)
        self.segment += 1

    def go_on(self) -> None:
        """Goes on in the next segment, under another number: somebody closed the descriptor."""
        self.descriptor = open_new(segment_path(self._folder, self._name, self.segment + 1))
        self._inode = _identity(self.descriptor)
        self.segment += 1

    def begin_again(self, folder: Path, name: str, settled: int) -> int:
        """Goes on in another journal, since somebody removed this one.

        Args:
            folder: The folder of the other journal.
            name: Its name.
            settled: Bytes of the current segment that need no more work.

        Returns:
            How many lines were saved from the current segment: a removed file can be read as
            long as it is open.
        """
        opened = open_new(segment_path(folder, name, 1))
        old = os.dup(self.descriptor)
        rest = _rest(old, settled)
        os.write(opened, rest)
        os.dup2(opened, self.descriptor, inheritable=False)
        # What was written between the two.
        later = _rest(old, settled + len(rest))
        os.write(self.descriptor, later)
        os.close(old)
        os.close(opened)
        self._folder, self._name, self.segment = folder, name, 1
        self._rotate_at = self.written + self._segment_bytes
        self._inode = _identity(self.descriptor)
        return sum(unpack(raw) is not None for raw, _ in split(rest + later))

    def has_a_name(self) -> bool:
        """Whether the file that is written to was not removed."""
        return os.fstat(self.descriptor).st_nlink > 0

    def is_sound(self) -> bool:
        """Whether the descriptor is still ours; something may close all, as daemons do."""
        return _identity(self.descriptor) == self._inode


def _rest(descriptor: int, start: int) -> bytes:
    parts = []
    while part := os.pread(descriptor, 1 << 20, start):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino

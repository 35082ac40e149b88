"""The lock file of a journal. The process that writes the journal holds it for its whole life."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import sys
from pathlib import Path

from flask_errwatch._fork import PerProcess
from flask_errwatch.delivery.journal.destination import Destination, read_note
from flask_errwatch.delivery.journal.directory import create_file, identity
from flask_errwatch.delivery.journal.marks import ProcessState, mark, read_marks

with contextlib.suppress(ImportError):  # on Windows, where nothing here is used
    import fcntl

#: Lock files that this process holds, by device and inode, since a file may have two paths. POSIX
#: releases a lock when its process closes *any* descriptor of the file, so a file that is held
#: must never be opened a second time.
_held: PerProcess[set[tuple[int, int]]] = PerProcess(set)

#: `struct flock` of fcntl(2): type, whence, start, length and pid on Linux; start, length, pid,
#: type and whence on macOS and the BSDs. The padding is at least what the system may add.
_FLOCK, _TYPE = ("hhqqi8x", 0) if sys.platform == "linux" else ("qqihh8x", 3)

#: Bytes of the marks: more than a process writes.
_MARKS_LENGTH = 64 * 1024


class Lock:
    """Shows other processes that the journal's writer is alive, and by marks how it ended.

    It is a POSIX record lock, which ends with its process. A lock of `flock` would stay held by
    every child that inherited the descriptor.

    Args:
        path: The lock file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marks = b""
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None

    def create(self, marks: bytes = b"") -> None:
        """Creates the file, locked before another process can see it.

        Args:
            marks: Its content.

        Raises:
            OSError: When it exists already or cannot be created.
        """
        temporary = self.path.with_name(f"{self.path.name}.{os.urandom(4).hex()}")
        descriptor = create_file(temporary)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._marks = marks
            with contextlib.suppress(OSError):  # a full disk: then the file has no marks
                os.write(descriptor, marks)
            os.link(temporary, self.path)
        except OSError:
            os.close(descriptor)
            raise
        finally:
            temporary.unlink()
        self._set_held(descriptor)

    def add_mark(self, state: str) -> None:
        """Appends a mark to the file that is held.

        Raises:
            OSError: When it cannot be written.
        """
        self._add(mark(state))

    def add_note(self, destination: Destination) -> None:
        """Notes in the file that is held where the journal's lines go.

        Raises:
            OSError: When it cannot be written.
        """
        self._add(destination.as_note())

    def _add(self, added: bytes) -> None:
        self._marks += added
        if not self._is_intact():
            self.recreate()  # with the mark
        elif self._descriptor is not None:
            os.write(self._descriptor, added)

    def process_state(self) -> ProcessState | None:
        """The state of the process, by the marks in the file that is held."""
        return read_marks(self._marks)

    def destination(self) -> Destination | None:
        """Where the journal's lines go, by the note in the file that is held."""
        return read_note(self._marks)

    def try_acquire(self) -> bool:
        """Acquires the file of a dead process, or returns False at once."""
        try:
            status = self.path.lstat()
            if not stat.S_ISREG(status.st_mode) or identity(status) in _held.get():
                return False
            flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self.path, flags)
        except FileNotFoundError:
            return False
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        if os.fstat(descriptor).st_nlink == 0:
            # Its last holder removed it between our `open` and our lock.
            os.close(descriptor)
            return False
        self._marks = os.pread(descriptor, _MARKS_LENGTH, 0)
        self._set_held(descriptor)
        return True

    def recreate(self) -> None:
        """Creates the file again if it was removed or its descriptor was closed."""
        if not self._is_intact():
            _held.get().discard(self._identity or (0, 0))
            self.path.unlink(missing_ok=True)
            self.create(self._marks)

    def last_touched(self) -> int:
        """The file's time, in milliseconds since the epoch."""
        return self.path.stat().st_mtime_ns // 1_000_000

    def touch(self) -> None:
        """Sets the file's time to now, for cleaners that remove old files."""
        os.utime(self.path)

    def remove(self) -> None:
        """Removes the file and releases it."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leaves the file to the next process that acquires it."""
        _held.get().discard(self._identity or (0, 0))
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _set_held(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._identity = identity(os.fstat(descriptor))
        _held.get().add(self._identity)

    def _is_intact(self) -> bool:
        """Whether descriptor and path still are the file that was locked."""
        try:
            files = [os.fstat(self._descriptor or -1), self.path.lstat()]
        except OSError:
            return False
        return all(identity(status) == self._identity for status in files)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock file. Asks the system (F_GETLK) and takes no lock.

    A path that does not exist any more or is not a regular file counts as locked: it cannot be
    acquired.
    """
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or identity(status) in _held.get():
            return True
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        wanted = [0] * 5
        wanted[_TYPE] = fcntl.F_WRLCK
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(_FLOCK, *wanted))
    finally:
        os.close(descriptor)
    return bool(struct.unpack(_FLOCK, answer)[_TYPE] != fcntl.F_UNLCK)

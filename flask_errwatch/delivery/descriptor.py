"""A descriptor that other processes write to as well: writes that never wait, and turns."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat

from flask_errwatch._fork import HAS_POSIX

with contextlib.suppress(ImportError):  # Windows
    import fcntl

# Linux can refuse to wait for one write, whatever the mode of the descriptor, which all processes
# share and which therefore stays as it is: pwritev2(2), on pipes and sockets since Linux 6.4.
_NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)
_SET_PIPE_SIZE: int | None = getattr(fcntl, "F_SETPIPE_SZ", None) if HAS_POSIX else None
#: What every user may set (pipe(7), `pipe-max-size`). A pipe has 64 KiB at first.
_PIPE_SIZE = 1_048_576
#: The system has no memory for the write at this moment.
_NO_MEMORY = {errno.ENOBUFS, errno.ENOMEM}


class SharedDescriptor:
    """Writes to a descriptor whose other writers may be processes of the same program.

    The system keeps a write to a pipe together only up to `PIPE_BUF` bytes (pipe(7)), and one to
    a socket not at all. So writers take turns there: a POSIX record lock on the descriptor itself,
    which ends with its process and is not inherited by a fork. Where the system has no such lock
    (macOS, Windows), writers do not take turns.

    Args:
        number: The descriptor.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._file = (0, 0)
        self._has_turns = self._is_on_disk = False
        self._is_enlarged = False

    def note_file(self) -> bool:
        """Looks at the descriptor, and returns whether it is another file than the last time.

        Raises:
            OSError: When it is closed.
        """
        status = os.fstat(self._number)
        file = status.st_dev, status.st_ino
        if file == self._file:
            return False
        self._file, self._is_enlarged = file, False
        self._is_on_disk = stat.S_ISREG(status.st_mode)
        is_shared = stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode)
        self._has_turns = is_shared and HAS_POSIX
        return True

    def try_acquire(self) -> bool:
        """Takes the turn, also a second time, unless another process has it."""
        if not self._has_turns:
            return True
        try:
            fcntl.lockf(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in {errno.EAGAIN, errno.EACCES}
        return True

    def release(self) -> None:
        """Leaves the turn to the next process."""
        if not self._has_turns:
            return
        try:
            fcntl.lockf(self._number, fcntl.LOCK_UN)
        except OSError:
            return  # closed, which has left the turn already

    def write(self, data: bytes) -> int:
        """Writes as much as is possible without waiting, and returns the number of bytes.

        Raises:
            BlockingIOError: When nothing can be written now.
            OSError: When nothing can be written at all.
        """
        try:
            return self._write(data)
        except OSError as error:
            if error.errno in _NO_MEMORY:
                raise BlockingIOError(*error.args) from None
            raise

    def _write(self, data: bytes) -> int:
        if self._is_on_disk or not HAS_POSIX:
            # A disk may be slow, but it has no reader. Windows does not show a pipe's room.
            return os.write(self._number, data)
        if _NO_WAIT is not None:
            try:
                return os.pwritev(self._number, (data,), -1, _NO_WAIT)
            except BlockingIOError:
                raise
            except OSError:
                pass  # not for this kind of file, or an error that the next write meets too
        _, writable, _ = select.select((), (self._number,), (), 0)
        if not writable:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return os.write(self._number, data[: select.PIPE_BUF])  # for these there is room

    def enlarge(self) -> None:
        """Lets the system hold more of a full pipe. What is there survives the process."""
        if not self._is_enlarged and self._has_turns and _SET_PIPE_SIZE is not None:
            self._is_enlarged = True
            with contextlib.suppress(OSError):  # a socket, or more than this user may have
                fcntl.fcntl(self._number, _SET_PIPE_SIZE, _PIPE_SIZE)

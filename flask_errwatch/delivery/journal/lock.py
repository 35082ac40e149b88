"""The lock file of a journal: held for as long as the process that writes the journal lives."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

from flask_errwatch._fork import PerProcess
from flask_errwatch.delivery.journal.directory import open_new

#: Lock files that this process holds, by device and inode, since a file may have two paths. POSIX
#: forgets a lock when its process closes *any* descriptor of the file, so a file that is held must
#: never be opened a second time.
_held: PerProcess[set[tuple[int, int]]] = PerProcess(set)


class Lock:
    """The sign that a journal's owner lives: a POSIX lock, which ends with its process.

    A lock of `flock` would live on in every child that inherited the descriptor.

    Args:
        path: The lock file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None

    def make(self) -> None:
        """Makes the file, held from the first moment that anybody can see it.

        Raises:
            OSError: When it stands already, or cannot be made.
        """
        new = self.path.with_name(f"{self.path.name}.{os.urandom(4).hex()}")
        descriptor = open_new(new)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.link(new, self.path)
        except OSError:
            os.close(descriptor)
            raise
        finally:
            new.unlink()
        self._hold(descriptor)

    def take(self) -> bool:
        """Whether the file of a dead process is ours now; never waits."""
        try:
            found = self.path.lstat()
            if not stat.S_ISREG(found.st_mode) or (found.st_dev, found.st_ino) in _held.get():
                return False
            descriptor = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        if os.fstat(descriptor).st_nlink == 0:
            # Whoever held it has just finished with it and removed it.
            os.close(descriptor)
            return False
        self._hold(descriptor)
        return True

    def mend(self) -> None:
        """Makes the file again, where somebody removed it or closed its descriptor."""
        if not self._stands():
            _held.get().discard(self._identity or (0, 0))
            self.path.unlink(missing_ok=True)
            self.make()

    def keep_young(self) -> None:
        """Touches the file, for cleaners that go by age."""
        os.utime(self.path)

    def remove(self) -> None:
        """Removes the file and lets go of it."""
        self.path.unlink(missing_ok=True)
        self.let_go()

    def let_go(self) -> None:
        """Leaves the file to whoever takes it next."""
        _held.get().discard(self._identity or (0, 0))
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _hold(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        self._descriptor = descriptor
        self._identity = found.st_dev, found.st_ino
        _held.get().add(self._identity)

    def _stands(self) -> bool:
        """Whether descriptor and path still are the file that was locked."""
        try:
            found = [os.fstat(self._descriptor or -1), self.path.lstat()]
        except OSError:
            return False
        return all((each.st_dev, each.st_ino) == self._identity for each in found)

"""The journal's folder: private, one for each app, safe in a temp folder that all may write to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import tempfile
from hashlib import blake2s
from pathlib import Path

from flask_errwatch._process import PerProcess
from flask_errwatch.config import Config

#: The format of what lies in a folder; another format gets another folder.
FORMAT = "v2"

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600
_OTHERS = 0o077

#: Lock files that this process holds, by device and inode, since a file may have two paths. POSIX
#: forgets a lock when its process closes *any* descriptor of the file, so a file that is held must
#: never be opened a second time.
_held: PerProcess[set[tuple[int, int]]] = PerProcess(set)


class UnusableFolderError(Exception):
    """The journal cannot be kept on disk; the text says why and what to do."""


def app_folder(config: Config) -> Path:
    """The app's folder, made if need be; everything in it was written by the same user.

    Raises:
        UnusableFolderError: When it cannot be made, or is not safely ours.
    """
    # geteuid is not on Windows, where nothing here runs: POSIX only, as the classifiers say.
    base = (
        Path(config.journal_dir).absolute()
        if config.journal_dir is not None
        else Path(tempfile.gettempdir()) / f"flask-errwatch-{os.geteuid()}"
    )
    try:
        if config.journal_dir is None:
            make_private(base)
        else:
            base.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        folder = base / folder_name(config)
        make_private(folder)
        probe = folder / f"probe-{os.getpid()}-{os.urandom(4).hex()}"
        os.close(open_new(probe))
        probe.unlink()
    except OSError as error:
        raise UnusableFolderError(
            f"the journal folder {base} cannot be used ({error.strerror or error}): "
            "set ERRWATCH_JOURNAL_DIR to a folder that this process can write to"
        ) from error
    return folder


def folder_name(config: Config) -> str:
    """One folder for an app and its log group: lines of different groups must not mix."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", config.app_name)[:60]
    key = f"{config.app_name}\0{config.log_group}".encode("utf-8", "backslashreplace")
    return f"{plain}-{blake2s(key, digest_size=6).hexdigest()}.{FORMAT}"


def make_private(folder: Path) -> None:
    """Makes the folder, or takes it when it is a real folder that is ours alone."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=_PRIVATE_FOLDER)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise UnusableFolderError(
            f"{folder} is a link, a file or somebody else's: remove it, or set "
            "ERRWATCH_JOURNAL_DIR to a folder of this user"
        )
    if found.st_mode & _OTHERS:
        folder.chmod(_PRIVATE_FOLDER)


def open_new(path: Path) -> int:
    """A descriptor of a file that did not exist before, for appending."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, _PRIVATE_FILE)


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

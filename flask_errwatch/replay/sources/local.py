"""Finds the logs of this machine: files, folders, globs and standard input."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from glob import glob, has_magic
from pathlib import Path
from typing import IO

from flask_errwatch.replay.sources.log import Log
from flask_errwatch.replay.sources.unreadable import NothingFoundError, UnreadableLogError

STDIN = "-"


class StoredFile:
    """The bytes of a file.

    Args:
        path: The file.
        size: How many there are, or None for a named pipe or another thing that has no size.
    """

    __slots__ = ("_path", "size")

    def __init__(self, path: str, size: int | None) -> None:
        self._path = path
        self.size = size

    def open(self) -> IO[bytes]:
        """Opens the file."""
        return Path(self._path).open("rb")


class _StandardInput:
    """Standard input, which stays open."""

    size = None

    def open(self) -> AbstractContextManager[IO[bytes]]:
        return nullcontext(sys.stdin.buffer)


def local_logs(name: str) -> Iterator[Log]:
    """Yields the logs of a name, in the order of their names. None of them is opened.

    Args:
        name: A file, a folder, whose files are read with those in its folders, a glob such as
            `logs/**/*.gz`, or `-` for standard input. Hidden files are found only by their names.

    Raises:
        NothingFoundError: A folder has no file.
        UnreadableLogError: It does not exist, or may not be read.
    """
    if name == STDIN:
        if sys.stdin is None:
            raise UnreadableLogError(name, "Standard input is closed.")
        yield Log(name, _StandardInput())
        return
    try:
        status = os.stat(name)  # noqa: PTH116 - the name is shown as it was given
    except FileNotFoundError:
        yield from _matching(name)
        return
    except (OSError, ValueError) as error:
        raise _cannot_be_opened(name, error) from error
    if stat.S_ISDIR(status.st_mode):
        paths = [*_files_in(name)]
        if not paths:
            raise NothingFoundError(name, "There is no file in it, apart from hidden ones.")
        yield from map(_found, paths)
    elif os.access(name, os.R_OK):
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        yield Log(name, StoredFile(name, size))
    else:
        raise UnreadableLogError(name, "It cannot be opened (Permission denied).")


def _matching(pattern: str) -> Iterator[Log]:
    """The files of a glob, and those in the folders that match it."""
    if not has_magic(pattern):
        raise UnreadableLogError(pattern, "There is no such file.")
    paths: set[str] = set()
    for path in glob(pattern, recursive=True):  # noqa: PTH207 - of the whole name
        paths.update(_files_in(path) if Path(path).is_dir() else filter(_is_file, (path,)))
    if not paths:
        raise UnreadableLogError(pattern, "No file matches.")
    yield from map(_found, sorted(paths))


def _files_in(folder: str) -> Iterator[str]:
    """The regular files in a folder and in those below it, in the order of their names."""

    def refuse(error: OSError) -> None:
        raise _cannot_be_opened(str(error.filename), error) from error

    for path, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        visible = sorted(name for name in files if not name.startswith("."))
        yield from filter(_is_file, (os.path.join(path, name) for name in visible))  # noqa: PTH118


def _is_file(path: str) -> bool:
    return Path(path).is_file()


def _found(path: str) -> Log:
    return Log(path, StoredFile(path, Path(path).stat().st_size), is_named=False)


def _cannot_be_opened(name: str, error: Exception) -> UnreadableLogError:
    reason = getattr(error, "strerror", None) or error
    return UnreadableLogError(name, f"It cannot be opened ({reason}).")

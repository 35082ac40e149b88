"""The requests that a process is serving, in a file that survives it.

The file has slots of a fixed size. A request fills one when it begins, and empties it when it ends,
by one `pwrite` each. Not through mapped memory: when its disk is full, that ends the process.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections import deque
from pathlib import Path
from typing import Final, NamedTuple

from flask_errwatch._fork import process_flag
from flask_errwatch.delivery.journal.directory import create_file, identity

with contextlib.suppress(ImportError):  # on Windows, where nothing here is used
    import fcntl

#: Bytes of a slot.
SLOT: Final = 1024
#: Slots with a request. Each request beyond has one byte after them: it is counted, not named.
SLOTS: Final = 1024
#: Bytes of these that are read.
_COUNTED = 1024 * 1024

_FREE, _TAKEN = b"\n", b"+"
#: Whatever closes all descriptors of a process opens others under their numbers, from the lowest
#: on: a high number keeps a slot from being written into another file until that is noticed.
_HIGH_DESCRIPTOR = 512


class UnderWay(NamedTuple):
    """A request that had begun and not ended.

    Attributes:
        began: Its time, in milliseconds since the epoch.
        method: Its method.
        path: Its path, percent-encoded and redacted.
        mount: Length of the part of the path at which the app is mounted.
    """

    began: int
    method: str
    path: str
    mount: int


class RequestSlots:
    """Takes the requests of this process, from any thread, greenlet or signal handler.

    Neither `begin` nor `end` waits for a lock, and neither raises.

    Args:
        path: The file, which is created.

    Raises:
        OSError: When it cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._free: deque[int] = deque()
        self._next = itertools.count().__next__
        # A child that was forked inside a request ends it too, and that is not its parent's end.
        self._is_mine = process_flag()
        self._open()
        self._is_mine[0] = 1

    def _open(self) -> None:
        created = create_file(self.path)
        try:
            # Linux writes to the end of a file that is opened for appending, also by `pwrite`.
            fcntl.fcntl(created, fcntl.F_SETFL, 0)
            self._descriptor = _high(created)
        except OSError:
            os.close(created)
            raise
        self._identity = identity(os.fstat(self._descriptor))

    def begin(self, method: str, path: str, mount: int) -> int:
        """Fills a slot and returns its number, for `end`.

        Args:
            method: The request's method.
            path: Its path, percent-encoded and redacted.
            mount: Length of the part of the path at which the app is mounted.
        """
        try:
            slot = self._free.pop()
        except IndexError:
            slot = self._next()
        if slot < SLOTS:
            text = f"{int(time.time() * 1000)}\t{mount}\t{method}\t{path}\n".encode()
            self._write(slot, text if len(text) <= SLOT else text[: SLOT - 1] + b"\n")
        else:
            self._write(slot, _TAKEN)
        return slot

    def end(self, slot: int) -> None:
        """Empties a slot."""
        self._write(slot, _FREE)
        self._free.append(slot)

    def _write(self, slot: int, text: bytes) -> None:
        if not self._is_mine[0]:
            return
        offset = slot * SLOT if slot < SLOTS else SLOTS * SLOT + slot - SLOTS
        try:  # noqa: SIM105 - contextlib.suppress would cost as much as the call
            os.pwrite(self._descriptor, text, offset)
        except OSError:
            pass  # a full disk, or it was closed, and that was not noticed yet

    def recover(self) -> None:
        """Creates the file again if it was removed, or its descriptor closed."""
        if not self._is_intact():
            self.path.unlink(missing_ok=True)
            self._open()

    def move(self, path: Path) -> None:
        """Continues in another file, since the journal has another name."""
        self.path.unlink(missing_ok=True)
        self.path = path
        self._open()

    def touch(self) -> None:
        """Sets the file's time to now, for cleaners that remove old files."""
        with contextlib.suppress(FileNotFoundError):  # until it is created again
            os.utime(self.path)

    def _is_intact(self) -> bool:
        try:
            files = [os.fstat(self._descriptor), self.path.lstat()]
        except OSError:
            return False
        return all(identity(status) == self._identity for status in files)


def read_requests(path: Path) -> tuple[list[UnderWay], int] | None:
    """The requests in a dead process's file, from the oldest on, and how many more there were.

    Returns:
        None when it has no such file: it did not track its requests.
    """
    try:
        with path.open("rb") as file:
            slots = file.read(SLOTS * SLOT)
            more = file.read(_COUNTED).count(_TAKEN)
    except OSError:
        return None
    requests = []
    for start in range(0, len(slots), SLOT):
        with contextlib.suppress(ValueError):  # an empty slot, or one that was torn
            requests.append(_parsed(slots[start : start + SLOT]))
    return sorted(requests), more


def _parsed(slot: bytes) -> UnderWay:
    text, ending, _ = slot.partition(b"\n")
    if not ending:
        raise ValueError("the slot is torn")
    began, mount, method, path = text.decode("utf-8", "replace").split("\t")
    return UnderWay(int(began), method, path, int(mount))


def _high(descriptor: int) -> int:
    """The same file under a high number, if the process may have one."""
    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH_DESCRIPTOR)
    except OSError:
        return descriptor
    os.close(descriptor)
    return high

"""Shows in an app's folder that this process runs, what it serves, and that it ended."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flask_errwatch._fork import PerProcess
from flask_errwatch.delivery.journal.directory import requests_path
from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.delivery.journal.marks import ENDED, RUNNING, mark

if TYPE_CHECKING:
    from flask_errwatch.delivery.journal.requests import RequestSlots

#: Seconds after its end mark from which on a process that still runs counts as running again.
RUNNING_AGAIN_AFTER = 60.0


class ProcessMarks:
    """This process in one app's folder: one mark, and one file of requests.

    Several apps of one name may run in a process, each with its own journal. The lock of the
    first one has the marks, and those of the others have none: a process dies once.

    Args:
        folder: The app's folder.
        name: The journal whose lock has the marks.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.name = name
        self.requests: RequestSlots | None = None
        self._lock: Lock | None = None
        self._journals: set[str] = set()
        self._ended_at: float | None = None

    def first_marks(self, name: str) -> bytes:
        """The content of the lock file of a journal of this process."""
        return mark(RUNNING) if name == self.name else b""

    def join(self, name: str, lock: Lock) -> None:
        """Notes a journal of this process and its lock, which is held."""
        self._journals.add(name)
        if name == self.name:
            self._lock = lock
        self._take_back()

    def rename(self, old: str, new: str, lock: Lock) -> None:
        """Notes that a journal was removed, and continues under another name."""
        self._journals.discard(old)
        if old == self.name:
            # What is left of it must not look like a process that died.
            if self._lock is not None and self._lock.path.exists():
                self._lock.add_mark(ENDED)
            self.name = new
            if self.requests is not None:
                self.requests.move(requests_path(self._folder, new))
        self.join(new, lock)

    def recover(self) -> None:
        """Repairs removed files and closed descriptors."""
        if self.requests is not None:
            self.requests.recover()

    def touch(self, name: str) -> None:
        """Sets the files' times to now, and takes the end mark back if the journal goes on."""
        if self._ended_at is not None and time.monotonic() - self._ended_at > RUNNING_AGAIN_AFTER:
            self._journals.add(name)
            self._take_back()
        if self._lock is not None:
            with suppress(FileNotFoundError):  # until it is created again
                self._lock.touch()
        if self.requests is not None:
            self.requests.touch()

    def end(self, name: str) -> None:
        """Writes the end mark, once all journals of this process in the folder have ended."""
        self._journals.discard(name)
        if not self._journals and self._lock is not None and self._ended_at is None:
            self._ended_at = time.monotonic()
            with suppress(FileNotFoundError):  # its folder was removed, with the mark that it runs
                self._lock.add_mark(ENDED)

    def _take_back(self) -> None:
        if self._ended_at is not None and self._lock is not None:
            self._ended_at = None
            self._lock.add_mark(RUNNING)

    def track(self) -> RequestSlots:
        """The file of this process's requests, created at the first call.

        Raises:
            OSError: When it cannot be created.
        """
        if self.requests is None:
            from flask_errwatch.delivery.journal.requests import RequestSlots

            self.requests = RequestSlots(requests_path(self._folder, self.name))
        return self.requests


_process_marks: PerProcess[dict[Path, ProcessMarks]] = PerProcess(dict)


def marks_in(folder: Path, name: str) -> ProcessMarks:
    """The marks of this process in the folder. The first journal there has the marks."""
    return _process_marks.get().setdefault(folder, ProcessMarks(folder, name))

"""The search for journals whose process is dead, and whose lines are for this process's place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flask_errwatch.delivery.journal.destination import Destination
from flask_errwatch.delivery.journal.directory import UnusableFolderError, lock_path
from flask_errwatch.delivery.journal.inspection import inspect_folder
from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.delivery.journal.marks import RUNNING
from flask_errwatch.delivery.journal.reader import JournalReader
from flask_errwatch.delivery.journal.records import Line


class Orphan(NamedTuple):
    """A journal whose process is dead.

    Attributes:
        folder: The app's folder that it is in.
        name: Its name.
        lock: Its lock, held.
        is_beside: Whether it is in another folder than this process's journal.
    """

    folder: Path
    name: str
    lock: Lock
    is_beside: bool

    @property
    def destination(self) -> Destination | None:
        """The note of its process, if it wrote one."""
        return self.lock.destination()

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it is left to report: no line, no loss and no death."""
        state = self.lock.process_state()
        if state is not None and state.state == RUNNING:
            return False
        journal = JournalReader(self.folder, self.name, self.lock)
        return not journal.losses.count and not journal.read()

    @property
    def has_earlier_name(self) -> bool:
        """Whether its folder has the name of version 0.1, which does not show the endpoint."""
        return self.folder.name.count(".") == 1

    def last_line(self) -> Line | None:
        """The newest line that its files contain."""
        return JournalReader(self.folder, self.name, self.lock).last_line()


#: Whether a journal's lines are for the place to which this process delivers.
Belongs = Callable[[Orphan], bool]


class Search:
    """Finds journals of dead processes. Two processes never get the same one.

    Args:
        folder: The app's folder.
        beside: Returns the folders beside it, in which lines for the same place may wait.
    """

    def __init__(self, folder: Path, beside: Callable[[], Iterable[Path]]) -> None:
        self._folder = folder
        self._beside = beside
        self._without_lock: set[str] = set()

    def next(self, belongs: Belongs) -> Orphan | None:
        """The next journal that belongs to this process's place, or None.

        Args:
            belongs: Decides. A journal of which it returns False is left as it is.
        """
        for orphan in self._orphans():
            if belongs(orphan):
                return orphan
            orphan.lock.release()
        return None

    def _orphans(self) -> Iterator[Orphan]:
        contents = inspect_folder(self._folder)
        yield from _acquired(self._folder, contents.locks, is_beside=False)
        without_lock = contents.segment_bytes.keys() - contents.locks
        # Without a lock at the last search too, seconds ago: a living process recreates its own.
        abandoned = without_lock & self._without_lock
        self._without_lock = without_lock
        for name in sorted(abandoned):
            lock = Lock(lock_path(self._folder, name))
            lock.create()
            yield Orphan(self._folder, name, lock, is_beside=False)
        for folder in self._folders_beside():
            with suppress(OSError):  # it was removed, or is another user's
                locks = inspect_folder(folder).locks
                yield from _acquired(folder, locks, is_beside=True)

    def _folders_beside(self) -> list[Path]:
        try:
            return [*self._beside()]
        except (OSError, UnusableFolderError):
            return []


def _acquired(folder: Path, names: Iterable[str], *, is_beside: bool) -> Iterator[Orphan]:
    for name in names:
        lock = Lock(lock_path(folder, name))
        if lock.try_acquire():
            yield Orphan(folder, name, lock, is_beside)

"""Reads what a journal folder contains. Takes no lock and changes no file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flask_errwatch.delivery.journal.directory import LOCK_SUFFIX, lock_path, parse_segment
from flask_errwatch.delivery.journal.lock import is_locked


class FolderContents(NamedTuple):
    """The journals in an app's folder, at the moment of the inspection.

    Attributes:
        folder: The app's folder.
        segment_bytes: Bytes of each journal's segments, by the journal's name.
        locks: Names of the journals that have a lock file, sorted.
    """

    folder: Path
    segment_bytes: Mapping[str, int]
    locks: tuple[str, ...]

    @property
    def used(self) -> int:
        """Bytes of all segments, to which the bound of the journal applies."""
        return sum(self.segment_bytes.values())

    @property
    def processes(self) -> int:
        """Processes that share the bound: one for each lock, at least one."""
        return max(1, len(self.locks))

    def orphans(self) -> dict[str, int]:
        """Journals whose process has ended, with the bytes of their segments.

        Those without a lock file are not among them: a living process recreates its own.
        """
        return {
            name: self.segment_bytes.get(name, 0)
            for name in self.locks
            if not is_locked(lock_path(self.folder, name))
        }


def inspect_folder(folder: Path) -> FolderContents:
    """What the folder contains.

    Raises:
        OSError: When it cannot be read.
    """
    segment_bytes: dict[str, int] = {}
    locks = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(LOCK_SUFFIX):
                locks.append(entry.name.removesuffix(LOCK_SUFFIX))
            elif segment := parse_segment(entry.name):
                try:
                    size = entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:  # delivered and removed meanwhile
                    continue
                segment_bytes[segment[0]] = segment_bytes.get(segment[0], 0) + size
    return FolderContents(folder, segment_bytes, tuple(sorted(locks)))

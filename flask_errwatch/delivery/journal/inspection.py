"""Reads what a journal folder contains. Takes no lock and changes no file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flask_errwatch.delivery.journal.directory import (
    LOCK_SUFFIX,
    RESERVE_SUFFIX,
    lock_path,
    parse_segment,
)
from flask_errwatch.delivery.journal.lock import is_locked
from flask_errwatch.delivery.journal.records import Line, split, unpack

#: Bytes read at a time: a few hundred lines, so that no read and no batch is ever large.
CHUNK = 256 * 1024


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
        """Processes that share the bound: one for each lock but a reserve's, at least one."""
        return max(1, sum(not name.endswith(RESERVE_SUFFIX) for name in self.locks))

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


def last_lines(segment: Path) -> list[Line]:
    """The whole lines in the last chunk of a segment.

    Raises:
        OSError: When it cannot be read.
    """
    with segment.open("rb") as file:
        file.seek(max(0, segment.stat().st_size - CHUNK))
        chunk = file.read()
    lines = [unpack(raw) for raw, _ in split(chunk[: chunk.rfind(b"\n") + 1])]
    return [line for line in lines if line is not None]


def newest_lines(folder: Path, segments: int) -> Iterator[Line]:
    """The last lines of the newest segments, of all journals but the reserves."""
    times = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            segment = parse_segment(entry.name)
            if segment and not segment[0].endswith(RESERVE_SUFFIX):
                with suppress(FileNotFoundError):  # delivered and removed meanwhile
                    times[entry.path] = entry.stat(follow_symlinks=False).st_mtime_ns
    for path in sorted(times, key=times.__getitem__)[-segments:]:
        with suppress(FileNotFoundError):
            yield from last_lines(Path(path))

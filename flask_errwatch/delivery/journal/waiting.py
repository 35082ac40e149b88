"""The lines that dead processes left in a folder, by the place that they are for. Takes no lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flask_errwatch.delivery.journal.destination import Destination, read_note
from flask_errwatch.delivery.journal.directory import checkpoint_path, lock_path, parse_segment
from flask_errwatch.delivery.journal.inspection import inspect_folder
from flask_errwatch.delivery.journal.reader import load_checkpoint


class Waiting(NamedTuple):
    """What waits in a folder for one destination.

    Attributes:
        folder: The folder.
        destination: What is noted with the lines. None if nothing is.
        journals: How many journals have such lines.
        size: Their bytes.
    """

    folder: Path
    destination: Destination | None
    journals: int
    size: int


def waiting_in(folder: Path) -> list[Waiting]:
    """The lines of dead processes that are not committed.

    Raises:
        OSError: When the folder cannot be read.
    """
    sizes: dict[Destination | None, list[int]] = {}
    for name in inspect_folder(folder).orphans():
        with suppress(FileNotFoundError):  # delivered and removed meanwhile
            size = _uncommitted(folder, name)
            if size:
                note = read_note(lock_path(folder, name).read_bytes())
                sizes.setdefault(note, []).append(size)
    return [Waiting(folder, note, len(each), sum(each)) for note, each in sizes.items()]


def _uncommitted(folder: Path, name: str) -> int:
    segments = dict(_segments(folder, name))
    if not segments:
        return 0
    position = load_checkpoint(checkpoint_path(folder, name), sorted(segments)).position
    left = sum(size for number, size in segments.items() if number >= position.segment)
    return max(0, left - position.offset)


def _segments(folder: Path, name: str) -> Iterator[tuple[int, int]]:
    for path in folder.iterdir():
        segment = parse_segment(path.name)
        if segment and segment[0] == name:
            yield segment[1], path.lstat().st_size

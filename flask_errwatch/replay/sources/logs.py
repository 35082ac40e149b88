"""Opens the logs of a replay, wherever they lie: one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Self

from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch._text import listed, one_line
from flask_errwatch.replay.sources.bucket import SCHEME, Listing
from flask_errwatch.replay.sources.downloads import Downloads
from flask_errwatch.replay.sources.local import STDIN, local_logs
from flask_errwatch.replay.sources.log import Log
from flask_errwatch.replay.sources.time_range import ALWAYS, TimeRange
from flask_errwatch.replay.sources.unreadable import UnreadableLogError

#: What a name begins with that is meant to be of S3.
_S3 = "s3:/"
#: Logs that are named in a note.
_NAMED = 3


class Logs:
    """The logs of a replay. Iterate as often as needed: each time the logs are read from the start.

    At most one log is open: the next one closes it, and what it showed of itself (`head`) is
    forgotten. Its `defect` stays.

    Args:
        logs: The logs.
        notes: What was left out, in sentences.
        downloads: Where those of S3 come from, which `close` ends.
    """

    def __init__(self, logs: Sequence[Log], notes: Sequence[str], downloads: Downloads) -> None:
        self._logs = tuple(logs)
        self.notes = tuple(notes)
        self._downloads = downloads

    def __len__(self) -> int:
        return len(self._logs)

    def __iter__(self) -> Iterator[Log]:
        for log in self._logs:
            try:
                yield log
            finally:
                log.close()

    @property
    def size(self) -> int | None:
        """The bytes of all logs as they are stored, or None where a pipe is among them."""
        sizes = [log.size for log in self._logs]
        return None if None in sizes else sum(filter(None, sizes))

    def close(self) -> None:
        """Closes them, and deletes what was downloaded."""
        for log in self._logs:
            log.discard()
        self._downloads.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_logs(names: Sequence[str], *, within: TimeRange = ALWAYS, aws: Aws | None = None) -> Logs:
    """Finds the logs of these names. None of them is opened before it is its turn.

    A file or an object that is named or found more than once, as in overlapping folders, is read
    once, and a note names it.

    Args:
        names: Files, folders, globs, `s3://bucket/prefix`, and `-` for standard input.
        within: Objects of S3 that have no line in this range are not downloaded. Other logs, and
            the other lines of these objects, are read as a whole.
        aws: The account of the buckets. None for that of the environment.

    Raises:
        NothingFoundError: A folder or a prefix has nothing to read.
        UnreadableLogError: A name does not exist, may not be read, or is standard input twice.
    """
    if names.count(STDIN) > 1:
        raise UnreadableLogError(STDIN, "Standard input can be read only once.")
    aws = aws or Aws(patience=PROVISIONING)
    downloads = Downloads(aws)
    logs: list[Log] = []
    notes: list[str] = []
    for name in names:
        if name[: len(_S3)].lower() == _S3:
            listing = Listing(aws, name, within)
            logs += [
                Log(found.name, downloads.add(found), is_named=found.name == name)
                for found in listing.objects
            ]
            if listing.left_out:
                notes.append(f"{name}: {listing.left_out_phrase} not of this time: left out.")
        else:
            logs += local_logs(name)
    once = {place: log for log in reversed(logs) for place in (_place_of(log),)}
    again = [log.name for log in logs if once[_place_of(log)] is not log]
    if again:
        names_again = listed([one_line(name) for name in dict.fromkeys(again)], _NAMED)
        notes.append(f"Named or found more than once, and read once: {names_again}.")
    return Logs([log for log in logs if once[_place_of(log)] is log], notes, downloads)


def _place_of(log: Log) -> tuple[int, int] | str:
    """What is the same for all names of a file or an object."""
    if log.name.startswith(SCHEME):
        return log.name
    try:
        status = os.stat(0 if log.name == STDIN else log.name)  # noqa: PTH116 - may be a descriptor
    except OSError:
        return log.name  # it is reported when it is its turn
    return status.st_dev, status.st_ino

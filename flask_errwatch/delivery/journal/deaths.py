"""A process that died, as its journal shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from flask_errwatch.delivery.journal.directory import requests_path
from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.delivery.journal.marks import RUNNING
from flask_errwatch.delivery.journal.records import Line
from flask_errwatch.delivery.journal.requests import UnderWay, read_requests


@dataclass(frozen=True, kw_only=True, slots=True)
class Death:
    """A process that ended without its end mark. Times are in milliseconds since the epoch.

    Attributes:
        pid: Its process id.
        host: The host that it ran on.
        process: Its random id, as in its lines. None if no line is left.
        began: When its journal was created, by its first request or report.
        last_seen: When it last was alive, a few seconds early at most.
        last_line: The time of its last line, or None.
        requests: Those that it served when it died, the oldest first. None if it did not track
            them.
        more: How many more it served.
    """

    pid: int
    host: str
    process: str | None
    began: int
    last_seen: int
    last_line: int | None
    requests: tuple[UnderWay, ...] | None
    more: int


def find_death(folder: Path, name: str, lock: Lock, last_line: Line | None) -> Death | None:
    """The death of a journal's process, or None if it ended, or was reported.

    Args:
        folder: The app's folder.
        name: The journal.
        lock: Its lock, held.
        last_line: Its last line.
    """
    state = lock.process_state()
    if state is None or state.state != RUNNING:
        return None
    under_way, more = read_requests(requests_path(folder, name)) or (None, 0)
    last_line_at = None if last_line is None else last_line.timestamp
    begins = [request.began for request in under_way or ()]
    return Death(
        pid=int(name.partition("-")[0]),
        host=state.host,
        process=None if last_line is None else orjson.loads(last_line.text).get("process"),
        began=state.began,
        last_seen=max(lock.last_touched(), last_line_at or 0, *begins),
        last_line=last_line_at,
        requests=None if under_way is None else tuple(under_way),
        more=more,
    )

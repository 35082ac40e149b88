"""The marks in a lock file: whether the process runs, has ended, or was reported as dead.

Each mark is a JSON object on a line of its own, and the notes of `destination` are further lines. A
lock file may have no marks: version 0.1 wrote none.
"""

from __future__ import annotations

import socket
import time
from typing import NamedTuple

import orjson

#: The process runs, or has died. It ends in a way that we see. Its death was reported.
RUNNING, ENDED, REPORTED = "running", "ended", "reported"


class ProcessState(NamedTuple):
    """The state of a process, by its marks.

    Attributes:
        state: The last mark.
        began: Time of the first mark, in milliseconds since the epoch.
        host: The host that it ran on.
    """

    state: str
    began: int
    host: str


def mark(state: str) -> bytes:
    """A mark, with the time and the host of this process."""
    moment = int(time.time() * 1000)
    return orjson.dumps({"state": state, "at": moment, "host": socket.gethostname()}) + b"\n"


def read_marks(content: bytes) -> ProcessState | None:
    """The state of a lock file's process, or None if the file has no marks.

    Example:
        >>> read_marks(b'{"state":"running","at":1,"host":"web-1"}')
        ProcessState(state='running', began=1, host='web-1')
        >>> read_marks(b"")
    """
    try:
        lines = map(orjson.loads, content.splitlines())
        first, *later = (line for line in lines if "state" in line)
        return ProcessState(str([first, *later][-1]["state"]), int(first["at"]), str(first["host"]))
    except (ValueError, KeyError, TypeError):
        return None  # of version 0.1, or torn on a full disk

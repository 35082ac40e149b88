"""The identity of a process: what all its lines have in common, and the counter of its lines."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable, Mapping

from flask_errwatch.capture.ids import Stamps


class Process:
    """Who writes the lines.

    Args:
        tags: What else every line says.

    Attributes:
        fields: Its part of every line: the tags, the machine's name, the process id, and a
            random token that tells a process id used again apart; from the system, since a
            fork copies the state of `random`.
        number: Counts its lines, from 1; atomic.
        stamps: Makes their times and ids.
    """

    def __init__(self, tags: Mapping[str, object]) -> None:
        self.fields: Mapping[str, object] = {
            **tags,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": os.urandom(4).hex(),
        }
        self.number: Callable[[], int] = itertools.count(1).__next__
        self.stamps = Stamps()

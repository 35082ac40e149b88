"""The identity of a process: the fields that all its lines share, and its line counter."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable, Mapping

from flask_errwatch.capture.ids import IdClock
from flask_errwatch.config import Config


class Process:
    """The process that writes the lines.

    Args:
        tags: Further fields of every line.

    Attributes:
        fields: The process's part of every line: the tags, the host name, the process id, and
            a random token that distinguishes processes with a reused id. The token comes from
            the system, because a fork copies the state of `random`.
        next_seq: Returns the number of the next line, counted from 1; atomic.
        clock: Creates timestamps and ids.
    """

    def __init__(self, tags: Mapping[str, object]) -> None:
        self.fields: Mapping[str, object] = {
            **tags,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": os.urandom(4).hex(),
        }
        self.next_seq: Callable[[], int] = itertools.count(1).__next__
        self.clock = IdClock()


def tags_of(config: Config) -> dict[str, str]:
    """The fields of every line that name the app, as far as they are configured."""
    tags = {"app": config.app_name, "environment": config.environment, "release": config.release}
    return {key: value for key, value in tags.items() if value is not None}

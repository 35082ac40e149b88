"""The sinks `stdout` and `memory`."""

from __future__ import annotations

import os
from collections import deque

_STDOUT = 1
#: Lines that the memory sink keeps: more than tests read, and a bound for a forgotten sink.
_MAX_LINES = 10_000


class StdoutSink:
    """Writes each line to the standard output, for an agent to collect (Docker, ECS, Lambda).

    It writes to the descriptor, because `sys.stdout` belongs to the application, which may buffer
    or replace it.
    """

    def write(self, line: bytes) -> None:
        """Writes the whole line, in one call unless the system splits it."""
        remaining = line + b"\n"
        while remaining:
            remaining = remaining[os.write(_STDOUT, remaining) :]


class MemorySink:
    """Keeps the newest lines in memory, for tests."""

    def __init__(self) -> None:
        self.lines: deque[bytes] = deque(maxlen=_MAX_LINES)

    def write(self, line: bytes) -> None:
        """Keeps the line."""
        self.lines.append(line)

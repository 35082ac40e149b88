"""Where lines go: the standard output, a list in memory, or the journal on its way to AWS."""

from __future__ import annotations

import os
from collections import deque

_STDOUT = 1
#: Lines that the memory sink keeps; tests look at fewer, and a forgotten one must stay small.
_MOST_KEPT = 10_000


class StdoutSink:
    """Writes each line to the standard output, for an agent to collect (Docker, ECS, Lambda).

    Straight to the descriptor: the application's buffer, and what it replaced `sys.stdout`
    with, are its own.
    """

    def write(self, line: bytes) -> None:
        """Writes the line, whole if the system lets it."""
        rest = line + b"\n"
        while rest:
            rest = rest[os.write(_STDOUT, rest) :]


class MemorySink:
    """Keeps the newest lines in memory, for tests."""

    def __init__(self) -> None:
        self.lines: deque[bytes] = deque(maxlen=_MOST_KEPT)

    def write(self, line: bytes) -> None:
        """Keeps the line."""
        self.lines.append(line)

"""What a sink is, and the sink `memory`."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from flask_errwatch.delivery.stats import SinkFigures

#: Lines that the memory sink keeps: more than tests read, and a bound for a forgotten sink.
_MAX_LINES = 10_000


class Sink(Protocol):
    """Where the lines of one app go, in one process."""

    def write(self, line: bytes) -> bool:
        """Takes the line. Never raises.

        Returns:
            False if the line was refused, so that a report of losses is written again later.
        """

    def flush(self, deadline: float) -> bool:
        """Waits until no line is pending, or until the deadline of the monotonic clock.

        Returns:
            Whether no line is pending.
        """

    def stop(self, deadline: float) -> None:
        """Flushes as the process ends, and logs how many lines are left."""

    def flush_before_os_exit(self, deadline: float) -> None:
        """Flushes, because the process may end by `os._exit` without `stop`. It may also go on."""

    def figures(self) -> SinkFigures:
        """The sink's figures at this moment."""


class UnavailableSink:
    """Loses and counts every line: this system cannot have the configured sink.

    Args:
        reason: Why, for the statistics.
    """

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self._lost = 0

    def write(self, _line: bytes) -> bool:
        """Counts the line as lost."""
        self._lost += 1
        return True

    def flush(self, _deadline: float) -> bool:
        """No line is ever pending."""
        return True

    def stop(self, deadline: float) -> None:
        """Has nothing to flush."""

    def flush_before_os_exit(self, deadline: float) -> None:
        """Has nothing to flush."""

    def figures(self) -> SinkFigures:
        """The lines that are lost, and why."""
        return SinkFigures(lost=self._lost, last_error=self._reason)


class MemorySink:
    """Keeps the newest lines in memory, for tests."""

    def __init__(self) -> None:
        self.lines: deque[bytes] = deque(maxlen=_MAX_LINES)

    def write(self, line: bytes) -> bool:
        """Keeps the line."""
        self.lines.append(line)
        return True

    def flush(self, _deadline: float) -> bool:
        """No line is ever pending."""
        return True

    def stop(self, deadline: float) -> None:
        """Keeps the lines."""

    def flush_before_os_exit(self, deadline: float) -> None:
        """Keeps the lines."""

    def figures(self) -> SinkFigures:
        """Nothing waits and nothing is lost."""
        return SinkFigures()

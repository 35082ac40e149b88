"""The way in: all that a line's own thread does of delivery, besides writing to a sink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask_errwatch._process import mark
from flask_errwatch.delivery.diversion import takers

#: Writes a line to a sink, and whether the sink took it; never raises.
Write = Callable[[bytes], bool]

# Bound here: compiled code finds it so without a search.
_takers: Final = takers


class Intake:
    """Hands lines over, in a process whose sinks are open.

    Args:
        meanwhile: Takes a line in any other, and while lines are diverted.

    Attributes:
        is_open: Its number is 1 in the process that opened the sinks.
        hand_over: Writes a line to every sink; whether all of them took it.
        emitted: Lines handed over.
    """

    def __init__(self, meanwhile: Write) -> None:
        self._meanwhile = meanwhile
        self.is_open = mark()
        self.hand_over = meanwhile
        self.emitted = 0

    def write(self, line: bytes) -> bool:
        """Hands the line to every sink; a sink that fails takes nothing from the others.

        Returns:
            Whether no sink refused it.
        """
        if self.is_open[0] and not _takers:
            self.emitted += 1
            return self.hand_over(line)
        return self._meanwhile(line)

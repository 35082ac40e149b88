"""`Window`: the time that a question is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Seconds before a window that show what is usual.
BASELINE: Final = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A span of time.

    Attributes:
        start: Its first second, in seconds since the epoch.
        end: Its end, which does not belong to it.

    Example:
        >>> Window(start=7200, end=7500).baseline
        Window(start=3600, end=7200)
    """

    start: float
    end: float

    @property
    def baseline(self) -> Window:
        """The hour before it."""
        return Window(start=self.start - BASELINE, end=self.start)

    def __contains__(self, moment: float) -> bool:
        return self.start <= moment < self.end

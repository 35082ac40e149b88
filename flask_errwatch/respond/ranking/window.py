"""`Window`: the time that a question is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Seconds before a window that show what is usual.
BASELINE: Final = 3600
#: The first second of the year in which CloudWatch Logs began: no line is older.
EARLIEST: Final = 1_388_534_400
_DAY: Final = 86_400


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

    @property
    def is_of_one_day(self) -> bool:
        """Whether it has moments of one day (UTC) only."""
        return self.start // _DAY == max(self.start, self.end - 1) // _DAY

    def __contains__(self, moment: float) -> bool:
        return self.start <= moment < self.end

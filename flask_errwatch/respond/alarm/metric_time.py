"""The time of metrics, which in the lab is not that of lines: its clock may run faster."""

from __future__ import annotations

import math
from typing import Final, Protocol

from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.simulation.metrics import MINUTE

#: Seconds by which a conversion may miss a whole minute.
_TOLERANCE: Final = 1e-3


class MetricClock(Protocol):
    """Converts between the time of lines and that of metrics and of what evaluates them."""

    def lab_time(self, real: float) -> float:
        """The time of metrics at a time of lines, both in seconds since the epoch."""

    def real_time(self, lab: float) -> float:
        """The time of lines at a time of metrics, both in seconds since the epoch."""


class SameTime:
    """The clock of AWS: metrics have the time of their lines."""

    def lab_time(self, real: float) -> float:
        """The same time."""
        return real

    def real_time(self, lab: float) -> float:
        """The same time."""
        return lab


def window_of_lines(clock: MetricClock, start: float, end: float) -> Window:
    """The window of lines for a window of metrics."""
    return Window(start=clock.real_time(start), end=clock.real_time(end))


def whole_minutes(clock: MetricClock, window: Window) -> tuple[int, int] | None:
    """The minutes of metrics that a window of lines is, None where it is not one of whole minutes.

    Example:
        >>> whole_minutes(SameTime(), Window(start=60, end=360))
        (60, 360)
        >>> whole_minutes(SameTime(), Window(start=61, end=360)) is None
        True
    """
    start, end = clock.lab_time(window.start), clock.lab_time(window.end)
    minutes = round(start / MINUTE) * MINUTE, round(end / MINUTE) * MINUTE
    is_whole = math.dist(minutes, (start, end)) < _TOLERANCE
    return minutes if is_whole and minutes[0] < minutes[1] else None

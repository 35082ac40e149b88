"""The lab's time, which may run faster than real time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Maps real time to the lab's: `origin + (real - start) * speed`.

    Attributes:
        start: Real time at which the lab began, in seconds since the epoch.
        origin: The lab's time at that moment, in seconds since the epoch.
        speed: Seconds that pass in the lab per real second.

    Example:
        >>> Clock(start=1_000, origin=600, speed=60.0).lab_time(1_010)
        1200.0
    """

    start: float
    origin: float
    speed: float

    def lab_time(self, real: float) -> float:
        """Converts a real time to the lab's, both in seconds since the epoch."""
        return self.origin + (real - self.start) * self.speed

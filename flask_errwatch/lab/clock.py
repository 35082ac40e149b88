"""The lab's time, which may run faster than real time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: The environment variable that has the clock of a running lab, for processes that ask about it.
CLOCK_VARIABLE: Final = "ERRWATCH_LAB_CLOCK"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Maps real time to the lab's: `origin + (real - start) * speed`.

    Attributes:
        start: Real time at which the lab began, in seconds since the epoch.
        origin: The lab's time at that moment, in seconds since the epoch.
        speed: Seconds that pass in the lab per real second.

    Example:
        >>> clock = Clock(start=1_000, origin=600, speed=60.0)
        >>> clock.lab_time(1_010), clock.real_time(1_200)
        (1200.0, 1010.0)
        >>> Clock.read(str(clock)) == clock
        True
    """

    start: float
    origin: float
    speed: float

    def lab_time(self, real: float) -> float:
        """Converts a real time to the lab's, both in seconds since the epoch."""
        return self.origin + (real - self.start) * self.speed

    def real_time(self, lab: float) -> float:
        """Converts a time of the lab to the real one, both in seconds since the epoch."""
        return self.start + (lab - self.origin) / self.speed

    def __str__(self) -> str:
        return f"{self.start!r}:{self.origin!r}:{self.speed!r}"

    @classmethod
    def read(cls, text: str) -> Clock:
        """Reads what `str` of a clock returns.

        Raises:
            ValueError: The text has another form.
        """
        start, origin, speed = map(float, text.split(":"))
        return cls(start=start, origin=origin, speed=speed)

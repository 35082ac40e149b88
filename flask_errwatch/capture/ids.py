"""Timestamps and ids of events, both from one reading of the clock."""

from __future__ import annotations

import os
import time
from itertools import count
from typing import Any, Final

from flask_errwatch._time import with_milliseconds, without_zone

#: Clock ticks per second: an id holds the time in 4096ths of a millisecond.
_TICKS: Final = 4_096_000
#: The bit above those that an id has for the time. It keeps their leading zeros.
_TOP_BIT: Final = 1 << 60


class IdClock:
    """Creates the timestamps and ids of one process's events, from any thread.

    An id is a UUID of version 7 (RFC 9562, section 5.7), so ids sort by time. It ends with a
    counter that starts at a random number (section 6.2): the part that distinguishes processes
    is read from the system once, not for every event.

    Example:
        >>> timestamp, identifier = IdClock().at(1_700_000_000_123 * 4096)
        >>> timestamp, identifier[:18]
        ('2023-11-14T22:13:20.123Z', '018bcfe5-687b-7000')
    """

    def __init__(self) -> None:
        entropy = int.from_bytes(os.urandom(8), "big")
        # The two bits of a UUID's variant, and fourteen random ones.
        self._clock_seq = f"{0x8000 | entropy & 0x3FFF:x}"
        # The counter is decimal: twelve decimal digits are also valid hex digits.
        self._counter = count(10**11 + (entropy >> 14) % (8 * 10**11)).__next__
        self._formatted: tuple[int, str] = (-1, "")

    def stamp(self, event: dict[str, Any]) -> dict[str, Any]:
        """Sets the event's timestamp to now and its id to a new one, and returns the event."""
        event["timestamp"], event["id"] = self.next()
        return event

    def next(self) -> tuple[str, str]:
        """Returns the current time (RFC 3339, UTC) and a new id."""
        # An id cannot hold a time before 1970, which a clock that was never set may show.
        return self.at(max(int(time.time() * _TICKS), 0))

    def at(self, ticks: int) -> tuple[str, str]:
        """Like `next`, for a time since the epoch in 4096ths of a millisecond."""
        milliseconds = ticks >> 12
        second = milliseconds // 1000
        formatted_second, text = self._formatted
        if formatted_second != second:
            # Formatted once per second: it costs more than everything else here.
            text = without_zone(second)
            self._formatted = (second, text)
        # "0x1", then the fifteen hex digits of the time.
        digits = hex(_TOP_BIT | ticks & (_TOP_BIT - 1))
        return (
            with_milliseconds(text, milliseconds),
            f"{digits[3:11]}-{digits[11:15]}-7{digits[15:]}-{self._clock_seq}-{self._counter()}",
        )

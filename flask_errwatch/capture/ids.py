"""When an event happened, and its id: both from one look at the clock."""

from __future__ import annotations

import os
import time
from itertools import count
from typing import Any, Final

from flask_errwatch._time import second_text, with_fraction

# Bound here: compiled code finds it so without a search.
_hex: Final = hex

#: Ticks of a second: what an id keeps of the time is 4096ths of a millisecond.
_TICKS: Final = 4_096_000
#: The bit in front of those that an id has room for; it keeps their zeros.
_FIRST: Final = 1 << 60


class Stamps:
    """Makes the times and ids of one process's events, from any thread.

    An id is a UUID of version 7 (RFC 9562, section 5.7): it sorts by time. It ends with a counter
    that begins somewhere at random (section 6.2): what no two processes share is drawn once, from
    the system, and not for every event.

    Example:
        >>> moment, identifier = Stamps().at(1_700_000_000_123 * 4096)
        >>> moment, identifier[:18]
        ('2023-11-14T22:13:20.123Z', '018bcfe5-687b-7000')
    """

    def __init__(self) -> None:
        chance = int.from_bytes(os.urandom(8), "big")
        # Two bits of a UUID's variant, and fourteen at random.
        self._own = f"{0x8000 | chance & 0x3FFF:x}"
        # Twelve decimal digits are hexadecimal ones too, and stay twelve.
        self._number = count(10**11 + (chance >> 14) % (8 * 10**11)).__next__
        self._second: tuple[int, str] = (-1, "")

    def stamped(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event itself, with the present time and a new id."""
        event["timestamp"], event["id"] = self.next()
        return event

    def next(self) -> tuple[str, str]:
        """The present time as RFC 3339 has it, in UTC, and a new id."""
        # An id has no time before 1970, where a clock stands that was never set.
        return self.at(max(int(time.time() * _TICKS), 0))

    def at(self, ticks: int) -> tuple[str, str]:
        """The same for a time since the epoch, in 4096ths of a millisecond."""
        milliseconds = ticks >> 12
        second = milliseconds // 1000
        known, text = self._second
        if known != second:
            # Formatted once a second: it is the dearest part of both.
            text = second_text(second)
            self._second = (second, text)
        # "0x1", and as many digits more as an id has of the time.
        digits = _hex(_FIRST | ticks & (_FIRST - 1))
        return (
            with_fraction(text, milliseconds),
            f"{digits[3:11]}-{digits[11:15]}-7{digits[15:]}-{self._own}-{self._number()}",
        )

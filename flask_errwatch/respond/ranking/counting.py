"""Counts values within a fixed amount of memory, whatever the lines hold."""

from __future__ import annotations

import math
from collections import Counter
from heapq import nsmallest
from statistics import median
from typing import Final, NamedTuple


class Room(NamedTuple):
    """The memory of a counter.

    Attributes:
        exact: Different values that are counted exactly, some 100 bytes each.
        bits: Bits of a counter of more values.
    """

    exact: int
    bits: int


#: At most 100 KB. Beyond a thousand values it errs by less than 1 % up to some 300,000 of them.
PRECISE: Final = Room(exact=1_000, bits=1 << 17)
#: At most 4 KB. Beyond 32 values it errs by some 1 % up to 50,000 of them.
ROUGH: Final = Room(exact=32, bits=1 << 15)
#: Values that compete for being frequent.
_ROOM: Final = 1_000


class Distinct:
    """How many different values there are: of few exact, an estimate beyond (linear counting).

    Args:
        room: Its memory.

    Example:
        >>> distinct = Distinct()
        >>> for value in ("/a", "/b", "/a"):
        ...     distinct.add(value)
        >>> distinct.count, distinct.is_exact
        (2, True)
    """

    __slots__ = ("_bits", "_room", "_seen")

    def __init__(self, room: Room = PRECISE) -> None:
        self._room = room
        self._seen: set[int] = set()
        self._bits: bytearray | None = None

    def add(self, value: str) -> None:
        """Adds a value."""
        number = hash(value)
        if self._bits is None:
            self._seen.add(number)
            if len(self._seen) <= self._room.exact:
                return
            self._bits = bytearray(self._room.bits // 8)
            for known in self._seen:
                self._set(self._bits, known)
            self._seen.clear()
        self._set(self._bits, number)

    def _set(self, bits: bytearray, number: int) -> None:
        place = number % self._room.bits
        bits[place >> 3] |= 1 << (place & 7)

    @property
    def is_exact(self) -> bool:
        """Whether the count is exact."""
        return self._bits is None

    @property
    def count(self) -> int:
        """The number of different values."""
        if self._bits is None:
            return len(self._seen)
        bits = self._room.bits
        unset = bits - int.from_bytes(self._bits).bit_count()
        return round(-bits * math.log(max(unset, 1) / bits))


class Frequent:
    """The candidates for the most frequent values, whose exact counts take a second reading.

    A value that has more than one in 300 of all counts is among them, whenever it comes
    (the algorithm of Misra and Gries, with the median as the step).

    Example:
        >>> frequent = Frequent()
        >>> frequent.add("/a", 2)
        >>> frequent.add("/b", 1)
        >>> frequent.candidates(1)
        ['/a']
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, value: str, times: int) -> None:
        """Counts a value."""
        counts = self._counts
        counts[value] = counts.get(value, 0) + times
        if len(counts) > _ROOM:
            step = int(median(counts.values())) or 1
            self._counts = {key: count - step for key, count in counts.items() if count > step}

    def candidates(self, most: int) -> list[str]:
        """The most frequent ones, by all that is known."""
        return [value for value, _ in top(Counter(self._counts), most)]


def top(counts: Counter[str], most: int) -> list[tuple[str, int]]:
    """The most frequent values with their counts. Equal ones in the order of their names."""
    ranked = nsmallest(most, ((-count, value) for value, count in counts.items() if count > 0))
    return [(value, -count) for count, value in ranked]

"""Tells which lines are of the majority, and which of the others must be kept first.

When a journal is full, a flood has filled it. What the newest lines are made of is the flood, and a
line that is unlike them is evidence of something else. Only a sample of the newest lines is
counted, so that memory and time are bounded whatever they contain.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import orjson

from flask_errwatch._lambda import CRITICAL
from flask_errwatch.capture.log_lines import fingerprint_of, source_of

#: The rank of what is kept before everything else.
_FIRST: Final = 0
#: Groups that the majority may consist of.
_MOST_GROUPS: Final = 128


class Flood:
    """What the newest lines are made of.

    A group is the lines of one detector and one client address.

    Args:
        newest: The newest lines, or a sample of them.

    Example:
        >>> def line(detector, client, level="error"):
        ...     return orjson.dumps({"detector": detector, "client_ip": client, "level": level})
        >>> flood = Flood([line("not-found", "192.0.2.1")] * 100)
        >>> flood.rank(line("not-found", "192.0.2.1")), flood.rank(line("gone", "192.0.2.7"))
        (None, 128)
    """

    def __init__(self, newest: Iterable[bytes]) -> None:
        self._groups: Counter[tuple[str, str]] = Counter()
        self._detectors: Counter[str] = Counter()
        self._fingerprints: Counter[str] = Counter()
        for text in newest:
            event = orjson.loads(text)
            detector = _detector(event)
            self._groups[detector, source_of(event)] += 1
            self._detectors[detector] += 1
            self._fingerprints[fingerprint_of(event)] += 1
        self._least = _least_of_majority(self._groups)

    def rank(self, text: bytes) -> int | None:
        """Where the line stands among those to keep: a lower number is kept first.

        Returns:
            None when it is of the majority.
        """
        event = orjson.loads(text)
        fingerprint = fingerprint_of(event)
        if fingerprint and not self._fingerprints[fingerprint]:
            return _FIRST
        detector = _detector(event)
        size = self._groups[detector, source_of(event)]
        if size >= self._least:
            return None
        # By magnitudes: among lines of about the same weight, the oldest are kept.
        weights = size.bit_length(), self._detectors[detector].bit_length()
        is_critical = event.get("level") in CRITICAL
        return (max(weights) << 8) + (_FIRST if is_critical else 1 << 7) + sum(weights)


class Selection:
    """Chooses lines for limited room: the lowest ranks, and of the last one the first ones.

    Args:
        sizes: Bytes by rank.
        room: Bytes that may be kept.
    """

    def __init__(self, sizes: Counter[int], room: int) -> None:
        self._last = -1
        self._room = room
        for rank in sorted(sizes):
            self._last = rank
            if sizes[rank] >= self._room:
                return
            self._room -= sizes[rank]
        self._last += 1

    def keeps(self, rank: int | None, size: int) -> bool:
        """Whether a line is kept. Lines are asked for in their order, each once."""
        if rank is None or rank > self._last:
            return False
        if rank == self._last:
            self._room -= size
            return self._room >= 0
        return True


def _least_of_majority(groups: Counter[tuple[str, str]]) -> float:
    """The size from which on a group is of the majority: the largest groups, half of all lines.

    Where it takes more than `_MOST_GROUPS`, no group stands out: the ranks decide alone.
    """
    covered, half = 0, groups.total() / 2
    for _, size in groups.most_common(_MOST_GROUPS):
        covered += size
        if covered >= half:
            return max(2, size / 2)  # half of the smallest: they vary by chance
    return math.inf


def _detector(event: dict[str, Any]) -> str:
    return str(event.get("detector") or event.get("event"))  # operational lines have no detector

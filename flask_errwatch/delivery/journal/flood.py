"""Tells which lines are of the majority, and which of the others must be kept first.

When a journal is full, a flood has filled it. What the newest lines are made of is the flood, and a
line that is unlike them is evidence of something else. It may also be of an earlier flood: so the
lines that had to go are counted by what they were. Only a sample of the newest lines is counted,
and the others by hashes, so that memory and time are bounded whatever they contain.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import orjson

from flask_errwatch._lambda import CRITICAL
from flask_errwatch.capture.log_lines import fingerprint_of, source_of

#: The rank of what is kept before everything else.
_FIRST: Final = 0
#: Groups that the majority may consist of.
_MOST_GROUPS: Final = 128
#: Lines of one fingerprint, source or detector that are few. With more they may be a flood.
_FEW: Final = 64
#: Counts of a tally.
_BUCKETS: Final = 1 << 16


class _Kind(NamedTuple):
    """What lines are counted by."""

    detector: str
    source: str
    fingerprint: str
    is_critical: bool


class Tally:
    """Counts of the lines that had to leave a journal, which may be kept in what is reserved.

    Counts share buckets by their hash, so that a million addresses take no more memory than one.
    """

    def __init__(self) -> None:
        self._counts = array("I", bytes(4 * _BUCKETS))

    def of(self, *key: str) -> int:
        """About the number of lines: of a detector, of one with a source, or of a fingerprint."""
        return self._counts[hash(key) % _BUCKETS]

    def add(self, kind: _Kind, by: int) -> None:
        """Counts so many lines more."""
        for key in ((kind.detector,), kind[:2], ("", "", kind.fingerprint)):
            self._counts[hash(key) % _BUCKETS] += by


class Flood:
    """What the newest lines are made of.

    A group is the lines of one detector and one client address.

    Args:
        newest: The newest lines, or a sample of them.
        left: Those that had to leave the journal before.

    Example:
        >>> def line(detector, client, level="error"):
        ...     return orjson.dumps({"detector": detector, "client_ip": client, "level": level})
        >>> flood = Flood([line("not-found", "192.0.2.1")] * 100, Tally())
        >>> flood.rank(line("not-found", "192.0.2.1")) is None
        True
        >>> flood.rank(line("not-found", "192.0.2.7")) < flood.rank(line("gone", "192.0.2.7"))
        False
    """

    def __init__(self, newest: Iterable[bytes], left: Tally) -> None:
        self._left = left
        self._groups: Counter[tuple[str, str]] = Counter()
        self._detectors: Counter[str] = Counter()
        self._fingerprints: Counter[str] = Counter()
        for text in newest:
            kind = _kind(text)
            self._groups[kind[:2]] += 1
            self._detectors[kind.detector] += 1
            self._fingerprints[kind.fingerprint] += 1
        self._least = _least_of_majority(self._groups)

    def rank(self, text: bytes) -> int | None:
        """The rank of the line among those to keep: a lower number is kept first.

        Returns:
            None when it is of the majority.
        """
        return self._rank(_kind(text))

    def leave(self, text: bytes) -> int | None:
        """Counts a line that leaves the journal, and returns its rank."""
        kind = _kind(text)
        self._left.add(kind, 1)
        return self._rank(kind)

    def take_back(self, text: bytes) -> None:
        """Counts a line that left no longer: it is in the journal again."""
        self._left.add(_kind(text), -1)

    def _rank(self, kind: _Kind) -> int | None:
        if self._is_new(kind.fingerprint):
            return _FIRST
        size = self._groups[kind[:2]]
        if size >= self._least:
            return None
        size += self._left.of(*kind[:2])
        of_detector = self._detectors[kind.detector] + self._left.of(kind.detector)
        # By magnitudes: among lines of about the same weight, the oldest are kept.
        weights = max(size, _FEW).bit_length(), max(of_detector, _FEW).bit_length()
        return (max(weights) << 8) + (_FIRST if kind.is_critical else 1 << 7) + sum(weights)

    def _is_new(self, fingerprint: str) -> bool:
        is_known = not fingerprint or self._fingerprints[fingerprint] > 0
        return not is_known and self._left.of("", "", fingerprint) <= _FEW


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

    Where it takes more than `_MOST_GROUPS`, no group is exempt: the ranks decide alone.
    """
    covered, half = 0, groups.total() / 2
    for _, size in groups.most_common(_MOST_GROUPS):
        covered += size
        if covered >= half:
            return max(2, size / 2)  # half of the smallest: they vary by chance
    return math.inf


def _kind(text: bytes) -> _Kind:
    event: dict[str, Any] = orjson.loads(text)
    return _Kind(
        str(event.get("detector") or event.get("event")),  # operational lines have no detector
        source_of(event),
        fingerprint_of(event),
        event.get("level") in CRITICAL,
    )

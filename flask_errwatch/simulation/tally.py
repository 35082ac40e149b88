"""The tally of a whole log: lines per kind and minute, with their sources and paths."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import accumulate, chain, groupby, pairwise, repeat
from operator import itemgetter
from sys import intern
from typing import NamedTuple

from flask_errwatch.simulation.kinds import LineKind
from flask_errwatch.simulation.metrics import MINUTE
from flask_errwatch.simulation.names import LONGEST, NameCount, NamesOfKind, known_names, top_names

# Names that are kept of all minutes of one kind: about 2 MB. With names of the greatest length it
# is 50 MB, and 200 MB if each contains an emoji, for which Python takes 4 bytes a character.
_ROOM = 24_000
# Names that are kept of all kinds.
_WHOLE_ROOM = 7 * _ROOM
_NONE: dict[int, int] = {}


class _Ordered(NamedTuple):
    """The lines of a tally in order.

    Attributes:
        minutes: The minutes that have lines, in order of time.
        kinds: The kinds that have lines, in the order in which these came.
        by_kind: The lines of each kind by minute, in order of time.
    """

    minutes: list[int]
    kinds: tuple[LineKind, ...]
    by_kind: dict[LineKind, dict[int, int]]

    @classmethod
    def of(cls, lines: Mapping[LineKind, Mapping[int, int]]) -> _Ordered:
        by_kind = {
            kind: {minute: by_minute[minute] for minute in sorted(by_minute)}
            for kind, by_minute in lines.items()
        }
        return cls(sorted({*chain.from_iterable(lines.values())}), tuple(by_kind), by_kind)


class Tally:
    """Lines per kind and minute, the same counts in whatever order they come.

    The memory follows the minutes that have lines, not the lines. Names are kept within a fixed
    room: when it is full, the quietest minutes lose theirs, and a minute with many names its rarest
    ones. No count changes by that. Which names are lost may depend on the order of lines. Kinds
    that an alarm on one source counts are counted by source and minute, exactly: their memory
    follows the sources of each minute.

    Example:
        >>> probe, other = LineKind(event={"suspicion": 2}), LineKind(event={})
        >>> tally = Tally()
        >>> tally.add(60, probe, ["198.51.100.7"] * 2, ["/wp-login.php", "/.env"])
        >>> tally.add_unnamed(60, other, 5)
        >>> tally.total([probe]), tally.lines
        (2, 7)
        >>> tally.sources([probe], 0, 120)
        (NameCount(name='198.51.100.7', lines=2),)
    """

    def __init__(self) -> None:
        # The garbage collector need not visit a plain dict of numbers.
        self._lines_of: dict[LineKind, dict[int, int]] = {}
        self._all_lines = 0
        # Made when it is asked for: most lines come before the first question.
        self._ordered: _Ordered | None = None
        self._names: dict[LineKind, NamesOfKind] = {}
        self._all_kept = 0
        self._by_source: dict[LineKind, dict[int, dict[str, int]]] = {}

    def add(
        self,
        minute: int,
        kind: LineKind,
        sources: Sequence[str | None],
        paths: Sequence[str | None],
    ) -> None:
        """Counts lines of one kind in one minute.

        Args:
            minute: First second of the minute, since the epoch.
            kind: Their kind.
            sources: The client of each line, None where it is unknown.
            paths: The path of each line, in the same order.
        """
        self.add_unnamed(minute, kind, len(sources))
        names = self._names_of(kind)
        names.add(minute, sources, paths)
        if kind.is_by_source:
            # The same few sources are in many minutes, so each is kept once.
            counts = self._sources_of(minute, kind)
            for source in map(intern, known_names(sources)):
                counts[source] = counts.get(source, 0) + 1
        self._all_kept += len(sources) + len(paths)
        self._limit(names)

    def add_equal(
        self, minute: int, kind: LineKind, lines: int, *, source: str | None, path: str | None
    ) -> None:
        """Counts lines of one kind in one minute that have the same source and path.

        Args:
            minute: First second of the minute, since the epoch.
            kind: Their kind.
            lines: How many there are.
            source: Their client. None where it is unknown.
            path: Their path. None where it is unknown.
        """
        self.add_unnamed(minute, kind, lines)
        names = self._names_of(kind)
        names.add_equal(minute, source, path, lines)
        if kind.is_by_source and source is not None:
            counts = self._sources_of(minute, kind)
            counts[source[:LONGEST]] = counts.get(source[:LONGEST], 0) + lines
        self._all_kept += 2
        self._limit(names)

    def add_unnamed(self, minute: int, kind: LineKind, lines: int) -> None:
        """Counts lines of one kind without their sources and paths."""
        by_minute = self._lines_of.get(kind)
        if by_minute is None:
            by_minute = self._lines_of[kind] = {}
        by_minute[minute] = by_minute.get(minute, 0) + lines
        self._all_lines += lines
        self._ordered = None

    def by_source(self, kind: LineKind, minute: int) -> Mapping[str, int]:
        """The exact lines of each source in one minute. Empty where they are not counted."""
        return self._by_source.get(kind, {}).get(minute, {})

    @property
    def kinds(self) -> tuple[LineKind, ...]:
        """The kinds that have lines, in the order in which these came."""
        return self._in_order.kinds

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return self._all_lines

    @property
    def minutes(self) -> list[int]:
        """The minutes that have lines, in order of time."""
        return self._in_order.minutes

    def gaps(self, longest: int) -> list[tuple[int, int]]:
        """The gaps without a line that are longer than so many seconds: start and end of each."""
        return [
            (before + MINUTE, after)
            for before, after in pairwise(self.minutes)
            if after - before - MINUTE > longest
        ]

    def rows(self) -> Iterator[tuple[int, list[tuple[LineKind, int]]]]:
        """Each minute that has lines, in order of time, and its lines of each kind."""
        by_kind = self._in_order.by_kind
        # In a minute the kinds are in their order. No two of them are compared.
        merged = merge(
            *(
                zip(by_minute, repeat(number), repeat(kind), by_minute.values())
                for number, (kind, by_minute) in enumerate(by_kind.items())
            )
        )
        for minute, row in groupby(merged, itemgetter(0)):
            yield minute, [(kind, lines) for _, _, kind, lines in row]

    def total(self, kinds: Collection[LineKind]) -> int:
        """The lines of some kinds."""
        return sum(sum(self._lines_of.get(kind, _NONE).values()) for kind in {*kinds})

    def periods(self, kinds: Collection[LineKind], period: int) -> dict[int, int]:
        """The lines of some kinds per period on the clock. Those without any are left out.

        Args:
            kinds: The kinds.
            period: Seconds, a multiple of 60.
        """
        by_period: dict[int, int] = {}
        for minute, lines in self._lines(kinds):
            start = minute - minute % period
            by_period[start] = by_period.get(start, 0) + lines
        return by_period

    def sliding(self, kinds: Collection[LineKind], period: int) -> Iterator[tuple[int, int]]:
        """End and lines of every period, sliding by a minute, whose last minute has lines."""
        recent: deque[tuple[int, int]] = deque()
        total = 0
        for minute, lines in self._lines(kinds):
            recent.append((minute, lines))
            total += lines
            while recent[0][0] <= minute - period:
                total -= recent.popleft()[1]
            yield minute + MINUTE, total

    def sources(
        self, kinds: Iterable[LineKind], start: int, end: int, most: int = 5
    ) -> tuple[NameCount, ...]:
        """The clients with the most lines of some kinds in [start, end)."""
        known = (self._names[kind].sources for kind in kinds if kind in self._names)
        return top_names(known, start, end, most)

    def paths(
        self, kinds: Iterable[LineKind], start: int, end: int, most: int = 5
    ) -> tuple[NameCount, ...]:
        """The paths with the most lines of some kinds in [start, end)."""
        known = (self._names[kind].paths for kind in kinds if kind in self._names)
        return top_names(known, start, end, most)

    @property
    def _in_order(self) -> _Ordered:
        if self._ordered is None:
            self._ordered = _Ordered.of(self._lines_of)
        return self._ordered

    def _lines(self, kinds: Collection[LineKind]) -> Iterator[tuple[int, int]]:
        """The minutes that have lines of some kinds, in order of time, and how many."""
        by_kind = self._in_order.by_kind
        chosen = [by_kind[kind] for kind in {*kinds} if kind in by_kind]
        if len(chosen) == 1:
            (found,) = chosen
            pairs: Iterable[tuple[int, int]] = found.items()
        else:
            total: Counter[int] = Counter()
            for minutes in chosen:
                total.update(minutes)
            pairs = ((minute, total[minute]) for minute in sorted(total))
        return ((minute, lines) for minute, lines in pairs if lines)

    def _names_of(self, kind: LineKind) -> NamesOfKind:
        names = self._names.get(kind)
        if names is None:
            names = self._names[kind] = NamesOfKind()
        return names

    def _sources_of(self, minute: int, kind: LineKind) -> dict[str, int]:
        return self._by_source.setdefault(kind, {}).setdefault(minute, {})

    def _limit(self, names: NamesOfKind) -> None:
        """Makes room where the names of a kind, to which some were added, are too many."""
        if names.kept > _ROOM or self._all_kept > _WHOLE_ROOM:
            self._make_room()

    def _make_room(self) -> None:
        """Drops the names of the quietest minutes: an alarm is about the busiest ones."""
        kind, names = max(self._names.items(), key=lambda one: one[1].kept)
        before, room = names.kept, min(_ROOM, names.kept) // 2
        lines = self._lines_of[kind]
        busiest = sorted(names.sources, key=lambda minute: lines[minute], reverse=True)
        sizes = accumulate(map(names.size, busiest))
        names.keep(minute for minute, size in zip(busiest, sizes, strict=True) if size <= room)
        self._all_kept += names.kept - before

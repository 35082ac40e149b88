"""The tally of a whole log: lines per kind and minute, with their sources and paths."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest, nsmallest
from itertools import accumulate, pairwise
from typing import NamedTuple

from flask_errwatch.simulation.kinds import LineKind
from flask_errwatch.simulation.metrics import MINUTE

# Lines of one minute of one kind whose names wait to be counted, and the most frequent names that
# are kept of them then.
_WAITING = 64
_FREQUENT = 32
# Separates names that wait.
_BREAK = "\n"
# Names that are kept of all minutes of one kind: about 2 MB. With names of the greatest length it
# is 50 MB, and 200 MB if each contains an emoji, for which Python takes 4 bytes a character.
_ROOM = 24_000
# Names that are kept of all kinds.
_WHOLE_ROOM = 7 * _ROOM
# Characters of a name, as many as a path has in the app's own lines: a longer one is of no use in
# a table, and would fill the memory.
_LONGEST = 2048


class NameCount(NamedTuple):
    """A source or a path, and how many lines have it.

    Attributes:
        name: The client's address, or the path.
        lines: How many lines have it. A lower bound where very many names were seen.
    """

    name: str
    lines: int


class _Names:
    """The sources, or the paths, of one minute of one kind.

    Most minutes are never asked for their names: these wait in one text, and are counted late.
    """

    __slots__ = ("counted", "waiting", "waits")

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.waits = 0
        self.counted: dict[str, int] = {}

    def __len__(self) -> int:
        return self.waits + len(self.counted)

    def add(self, names: Sequence[str | None]) -> None:
        self.waiting += [_joined(names)]
        self.waits += len(names)
        if self.waits > _WAITING:
            self.counted = dict(_counted([self]).most_common(_FREQUENT))
            self.waiting, self.waits = [], 0


def _joined(names: Sequence[str | None]) -> str:
    try:
        joined = _BREAK.join(names)  # type: ignore[arg-type]  # or it raises
        is_short = len(joined) <= _LONGEST or max(map(len, names)) <= _LONGEST  # type: ignore[arg-type]
        if is_short and joined.count(_BREAK) == len(names) - 1:
            return joined
    except TypeError:
        pass  # a log may hold anything where a name belongs
    texts = [name[:_LONGEST] if isinstance(name, str) else "" for name in names]
    return _BREAK.join(name.replace(_BREAK, "\N{REPLACEMENT CHARACTER}") for name in texts)


def _known(names: Sequence[str | None]) -> Sequence[str]:
    """The names that are known, none too long. Most often that is all of them."""
    if {*map(type, names)} == {str} and max(map(len, names)) <= _LONGEST:  # type: ignore[arg-type]  # all are texts
        return names  # type: ignore[return-value]  # as above
    return [name[:_LONGEST] for name in names if isinstance(name, str)]


def _counted(names: Iterable[_Names]) -> Counter[str]:
    """How often each name occurs."""
    total: Counter[str] = Counter()
    for minute_names in names:
        for joined in minute_names.waiting:
            total.update(joined.split(_BREAK))
        total.update(minute_names.counted)
    total.pop("", None)  # lines without a name
    return total


class _MinuteNames(NamedTuple):
    """The sources and the paths of one minute of one kind."""

    sources: _Names
    paths: _Names

    @property
    def size(self) -> int:
        return len(self.sources) + len(self.paths)


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
        self._rows: dict[int, dict[LineKind, int]] = {}
        self._names: dict[LineKind, dict[int, _MinuteNames]] = {}
        self._kept: Counter[LineKind] = Counter()
        self._all_kept = 0
        self._by_source: dict[LineKind, dict[int, Counter[str]]] = {}

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
        by_minute = self._names.setdefault(kind, {})
        names = by_minute.get(minute)
        if names is None:
            names = by_minute[minute] = _MinuteNames(_Names(), _Names())
        names.sources.add(sources)
        names.paths.add(paths)
        if kind.is_by_source:
            counter = self._by_source.setdefault(kind, {}).setdefault(minute, Counter())
            counter.update(_known(sources))
        added = len(sources) + len(paths)
        self._kept[kind] += added
        self._all_kept += added
        if self._kept[kind] > _ROOM:
            self._make_room(kind)
        elif self._all_kept > _WHOLE_ROOM:
            self._make_room(self._kept.most_common(1)[0][0])

    def add_unnamed(self, minute: int, kind: LineKind, lines: int) -> None:
        """Counts lines of one kind without their sources and paths."""
        row = self._rows.get(minute)
        if row is None:
            row = self._rows[minute] = {}
        row[kind] = row.get(kind, 0) + lines

    def by_source(self, kind: LineKind, minute: int) -> Mapping[str, int]:
        """The exact lines of each source in one minute. Empty where they are not counted."""
        return self._by_source.get(kind, {}).get(minute, {})

    @property
    def kinds(self) -> tuple[LineKind, ...]:
        """The kinds that have lines, in the order in which these came."""
        return tuple(dict.fromkeys(kind for row in self._rows.values() for kind in row))

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return sum(sum(row.values()) for row in self._rows.values())

    @property
    def minutes(self) -> list[int]:
        """The minutes that have lines, in order of time."""
        return sorted(self._rows)

    def gaps(self, longest: int) -> list[tuple[int, int]]:
        """The gaps without a line that are longer than so many seconds: start and end of each."""
        return [
            (before + MINUTE, after)
            for before, after in pairwise(self.minutes)
            if after - before - MINUTE > longest
        ]

    def row(self, minute: int) -> Mapping[LineKind, int]:
        """The lines of a minute."""
        return self._rows[minute]

    def total(self, kinds: Collection[LineKind]) -> int:
        """The lines of some kinds."""
        return sum(lines for _, lines in self._lines(kinds))

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
        return _top([names.sources for names in self._within(kinds, start, end)], most)

    def paths(
        self, kinds: Iterable[LineKind], start: int, end: int, most: int = 5
    ) -> tuple[NameCount, ...]:
        """The paths with the most lines of some kinds in [start, end)."""
        return _top([names.paths for names in self._within(kinds, start, end)], most)

    def _lines(self, kinds: Collection[LineKind]) -> Iterator[tuple[int, int]]:
        """The minutes that have lines of some kinds, in order of time, and how many."""
        chosen = {*kinds}
        for minute in self.minutes:
            row = self._rows[minute]
            lines = sum(lines for kind, lines in row.items() if kind in chosen)
            if lines:
                yield minute, lines

    def _within(self, kinds: Iterable[LineKind], start: int, end: int) -> Iterator[_MinuteNames]:
        for kind in kinds:
            names = self._names.get(kind, {})
            minutes: Iterable[int] = range(start - start % MINUTE, end, MINUTE)
            if len(names) * MINUTE < end - start:
                minutes = [minute for minute in names if minute in minutes]
            yield from (names[minute] for minute in minutes if minute in names)

    def _make_room(self, kind: LineKind) -> None:
        """Drops the names of the quietest minutes: an alarm is about the busiest ones."""
        names, room = self._names[kind], min(_ROOM, self._kept[kind]) // 2
        busiest = sorted(names, key=lambda minute: self._rows[minute][kind], reverse=True)
        sizes = accumulate(names[minute].size for minute in busiest)
        fitting = [minute for minute, size in zip(busiest, sizes, strict=True) if size <= room]
        self._names[kind] = {minute: names[minute] for minute in fitting}
        kept = sum(names[minute].size for minute in fitting)
        self._all_kept += kept - self._kept[kind]
        self._kept[kind] = kept


def _top(names: Sequence[_Names], most: int) -> tuple[NameCount, ...]:
    total = _counted(names)
    least = min(nlargest(most, total.values()), default=0)
    # Equal ones in the order of their names, not in that in which the log has them.
    known = ((-lines, name) for name, lines in total.items() if lines >= least)
    return tuple(NameCount(name, -lines) for lines, name in nsmallest(most, known))

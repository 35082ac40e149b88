"""The tally of a whole log: lines per metric filter and minute, with their sources and paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest, nsmallest
from itertools import accumulate, pairwise
from typing import NamedTuple

from flask_errwatch.simulation.metrics import MINUTE

# Lines of one minute of one detector whose names wait to be counted, and the most frequent
# names that are kept of them then.
_WAITING = 64
_FREQUENT = 32
# Separates names that wait.
_BREAK = "\n"
# Names that are kept of all minutes of one detector: about 2 MB. With names of the greatest length
# it is 50 MB, and 200 MB if each contains an emoji, for which Python takes 4 bytes a character.
_ROOM = 24_000
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
    """The sources, or the paths, of one minute of one detector.

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
    """The sources and the paths of one minute of one detector."""

    sources: _Names
    paths: _Names

    @property
    def size(self) -> int:
        return len(self.sources) + len(self.paths)


class Tally:
    """Lines per column and minute, the same counts in whatever order they come.

    A column holds the lines of one metric filter: a detector's, or that of the heartbeats. The
    memory follows the minutes that have lines, not the lines. Names are kept within a fixed room:
    when it is full, the quietest minutes lose theirs, and a minute with many names its rarest
    ones. No count changes by that. Which names are lost may depend on the order of lines.

    Args:
        columns: How many metric filters there are. A column is the index of one.
        by_source: The columns whose lines are also counted exactly by source and minute, for
            alarms on the busiest source. Their memory follows the sources of each minute.

    Attributes:
        width: Length of a row: the columns, and the lines that no filter matches.

    Example:
        >>> tally = Tally(2)
        >>> tally.add(60, 1, ["198.51.100.7"] * 2, ["/wp-login.php", "/.env"])
        >>> tally.add_others(60, 5)
        >>> tally.row(60), tally.lines
        ((0, 2, 5), 7)
        >>> tally.sources(1, 0, 120)
        (NameCount(name='198.51.100.7', lines=2),)
    """

    def __init__(self, columns: int, *, by_source: Container[int] = ()) -> None:
        self.width = columns + 1
        self._rows: dict[int, list[int]] = {}
        self._names: list[dict[int, _MinuteNames]] = [{} for _ in range(columns)]
        self._kept = [0] * columns
        self._by_source: dict[int, dict[int, Counter[str]]] = {
            column: {} for column in range(columns) if column in by_source
        }

    def add(
        self, minute: int, column: int, sources: Sequence[str | None], paths: Sequence[str | None]
    ) -> None:
        """Counts lines of one detector in one minute.

        Args:
            minute: First second of the minute, since the epoch.
            column: Its index.
            sources: The client of each line, None where it is unknown.
            paths: The path of each line, in the same order.
        """
        self._row(minute)[column] += len(sources)
        names = self._names[column].get(minute)
        if names is None:
            names = self._names[column][minute] = _MinuteNames(_Names(), _Names())
        names.sources.add(sources)
        names.paths.add(paths)
        self._kept[column] += len(sources) + len(paths)
        if column in self._by_source:
            counter = self._by_source[column].setdefault(minute, Counter())
            counter.update(source[:_LONGEST] for source in sources if isinstance(source, str))
        if self._kept[column] > _ROOM:
            self._make_room(column)

    def add_unnamed(self, minute: int, column: int, lines: int) -> None:
        """Counts lines of one detector without their sources and paths."""
        self._row(minute)[column] += lines

    def add_others(self, minute: int, lines: int) -> None:
        """Counts lines of one minute that no metric filter matches."""
        self._row(minute)[-1] += lines

    def by_source(self, column: int, minute: int) -> Mapping[str, int]:
        """The exact lines of each source in one minute. Empty where they are not counted."""
        return self._by_source.get(column, {}).get(minute, {})

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return sum(map(sum, self._rows.values()))

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

    def row(self, minute: int) -> tuple[int, ...]:
        """The lines of a minute: per column, then those that no metric filter matches."""
        return tuple(self._rows[minute])

    def total(self, column: int) -> int:
        """The lines of a detector."""
        return sum(row[column] for row in self._rows.values())

    def periods(self, column: int, period: int) -> dict[int, int]:
        """The lines of a detector per period on the clock. Those without any are left out.

        Args:
            column: Its index.
            period: Seconds, a multiple of 60.
        """
        by_period: dict[int, int] = {}
        for minute in self.minutes:
            lines = self._rows[minute][column]
            if lines:
                start = minute - minute % period
                by_period[start] = by_period.get(start, 0) + lines
        return by_period

    def sliding(self, column: int, period: int) -> Iterator[tuple[int, int]]:
        """End and lines of every period, sliding by a minute, whose last minute has lines."""
        recent: list[tuple[int, int]] = []
        total = 0
        for minute in self.minutes:
            lines = self._rows[minute][column]
            if lines:
                recent.append((minute, lines))
                total += lines
                while recent[0][0] <= minute - period:
                    total -= recent.pop(0)[1]
                yield minute + MINUTE, total

    def sources(self, column: int, start: int, end: int, most: int = 5) -> tuple[NameCount, ...]:
        """The clients with the most lines of a detector in [start, end)."""
        return _top([names.sources for names in self._within(column, start, end)], most)

    def paths(self, column: int, start: int, end: int, most: int = 5) -> tuple[NameCount, ...]:
        """The paths with the most lines of a detector in [start, end)."""
        return _top([names.paths for names in self._within(column, start, end)], most)

    def _within(self, column: int, start: int, end: int) -> Iterator[_MinuteNames]:
        names = self._names[column]
        minutes: Iterable[int] = range(start - start % MINUTE, end, MINUTE)
        if len(names) * MINUTE < end - start:
            minutes = [minute for minute in names if minute in minutes]
        yield from (names[minute] for minute in minutes if minute in names)

    def _row(self, minute: int) -> list[int]:
        row = self._rows.get(minute)
        if row is None:
            row = self._rows[minute] = [0] * self.width
        return row

    def _make_room(self, column: int) -> None:
        """Drops the names of the quietest minutes: an alarm is about the busiest ones."""
        names = self._names[column]
        busiest = sorted(names, key=lambda minute: self._rows[minute][column], reverse=True)
        sizes = accumulate(names[minute].size for minute in busiest)
        fitting = [
            minute for minute, size in zip(busiest, sizes, strict=True) if size <= _ROOM // 2
        ]
        self._names[column] = {minute: names[minute] for minute in fitting}
        self._kept[column] = sum(names[minute].size for minute in fitting)


def _top(names: Sequence[_Names], most: int) -> tuple[NameCount, ...]:
    total = _counted(names)
    least = min(nlargest(most, total.values()), default=0)
    known = (NameCount(name, lines) for name, lines in total.items() if lines >= least)
    # Equal ones in the order of their names, not in that in which the log has them.
    return tuple(nsmallest(most, known, key=lambda named: (-named.lines, named.name)))

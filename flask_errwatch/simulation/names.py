"""The sources and the paths of lines, by minute: as many as an alarm may name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest, nsmallest
from itertools import chain
from typing import NamedTuple

from flask_errwatch.simulation.metrics import MINUTE

# Lines of one minute of one kind whose names wait to be counted, and the most frequent names that
# are kept of them then.
_WAITING = 64
_FREQUENT = 32
# Separates names that wait.
_BREAK = "\n"
_NONE: dict[str, int] = {}
# Stands for it within a name.
_NO_BREAK = "\N{REPLACEMENT CHARACTER}"
#: Characters of a name, as many as a path has in the app's own lines: a longer one is of no use in
# a table, and would fill the memory.
LONGEST = 2048


class NameCount(NamedTuple):
    """A source or a path, and how many lines have it.

    Attributes:
        name: The client's address, or the path.
        lines: How many lines have it. A lower bound where very many names were seen.
    """

    name: str
    lines: int


class _Names:
    """The sources, or the paths, of one minute of one kind with very many lines.

    Args:
        waiting: Those of the lines that came before, one a line of text. None without any.
    """

    __slots__ = ("counted", "waiting", "waits")

    def __init__(self, waiting: str | None = None) -> None:
        self.waiting = waiting or ""
        self.waits = 0 if waiting is None else _size(waiting)
        self.counted: dict[str, int] = _NONE

    def __len__(self) -> int:
        return self.waits + len(self.counted)

    def add(self, joined: str, number: int) -> None:
        self.waiting = f"{self.waiting}{_BREAK}{joined}" if self.waits else joined
        self.waits += number
        if self.waits > _WAITING:
            self._count()

    def add_equal(self, name: str | None, times: int) -> None:
        """Adds a name that many lines have."""
        name = name[:LONGEST].replace(_BREAK, _NO_BREAK) if name else ""
        self.counted = self.counted or {}
        self.counted[name] = self.counted.get(name, 0) + times
        if len(self.counted) > _WAITING:
            self._count()

    def _count(self) -> None:
        self.counted = dict(_counted([self]).most_common(_FREQUENT))
        self.waiting, self.waits = "", 0


#: The names of one minute of one kind. Most minutes have few lines and are never asked for them:
#: these are one text, which takes least memory.
MinuteNames = str | _Names


def _joined(names: Sequence[str | None]) -> str:
    try:
        joined = _BREAK.join(names)  # type: ignore[arg-type]  # or it raises
        is_short = len(joined) <= LONGEST or max(map(len, names)) <= LONGEST  # type: ignore[arg-type]
        if is_short and joined.count(_BREAK) == len(names) - 1:
            return joined
    except TypeError:
        pass  # a log may hold anything where a name belongs
    texts = [name[:LONGEST] if isinstance(name, str) else "" for name in names]
    return _BREAK.join(name.replace(_BREAK, _NO_BREAK) for name in texts)


def known_names(names: Sequence[str | None]) -> Sequence[str]:
    """The names that are known, none too long. Most often that is all of them."""
    if {*map(type, names)} == {str} and max(map(len, names)) <= LONGEST:  # type: ignore[arg-type]  # all are texts
        return names  # type: ignore[return-value]  # as above
    return [name[:LONGEST] for name in names if isinstance(name, str)]


def _size(names: MinuteNames) -> int:
    return names.count(_BREAK) + 1 if isinstance(names, str) else len(names)


def _counted(all_names: Iterable[MinuteNames]) -> Counter[str]:
    """How often each name occurs."""
    total: Counter[str] = Counter()
    for names in all_names:
        if isinstance(names, str):
            total.update(names.split(_BREAK))
        else:
            total.update(names.waiting.split(_BREAK))
            total.update(names.counted)
    total.pop("", None)  # lines without a name
    return total


class NamesOfKind:
    """The sources and the paths of the lines of one kind, by minute.

    Attributes:
        kept: How many names were added, of sources and of paths, and not dropped.
    """

    __slots__ = ("kept", "paths", "sources")

    def __init__(self) -> None:
        self.sources: dict[int, MinuteNames] = {}
        self.paths: dict[int, MinuteNames] = {}
        self.kept = 0

    def add(self, minute: int, sources: Sequence[str | None], paths: Sequence[str | None]) -> None:
        """Adds those of some lines."""
        _add(self.sources, minute, sources)
        _add(self.paths, minute, paths)
        self.kept += len(sources) + len(paths)

    def add_equal(self, minute: int, source: str | None, path: str | None, lines: int) -> None:
        """Adds those of lines that have the same."""
        _many(self.sources, minute).add_equal(source, lines)
        _many(self.paths, minute).add_equal(path, lines)
        self.kept += 2

    def size(self, minute: int) -> int:
        """How many names a minute has."""
        return _size(self.sources[minute]) + _size(self.paths[minute])

    def keep(self, minutes: Iterable[int]) -> None:
        """Drops those of all other minutes."""
        kept = [*minutes]
        self.sources = {minute: self.sources[minute] for minute in kept}
        self.paths = {minute: self.paths[minute] for minute in kept}
        self.kept = sum(map(self.size, kept))


def _add(by_minute: dict[int, MinuteNames], minute: int, added: Sequence[str | None]) -> None:
    if minute not in by_minute and len(added) <= _WAITING:
        by_minute[minute] = _joined(added)
    else:
        _many(by_minute, minute).add(_joined(added), len(added))


def _many(by_minute: dict[int, MinuteNames], minute: int) -> _Names:
    """The names of a minute, to add many."""
    names = by_minute.get(minute)
    if not isinstance(names, _Names):
        names = by_minute[minute] = _Names(names)
    return names


def top_names(
    known: Iterable[Mapping[int, MinuteNames]], start: int, end: int, most: int
) -> tuple[NameCount, ...]:
    """The most frequent names in [start, end).

    Args:
        known: The names of some kinds by minute.
        start: First second.
        end: The second after the last.
        most: How many there are at most.
    """
    total = _counted(chain.from_iterable(_within(by_minute, start, end) for by_minute in known))
    least = min(nlargest(most, total.values()), default=0)
    # Equal ones in the order of their names, not in that in which the log has them.
    frequent = ((-lines, name) for name, lines in total.items() if lines >= least)
    return tuple(NameCount(name, -lines) for lines, name in nsmallest(most, frequent))


def _within(by_minute: Mapping[int, MinuteNames], start: int, end: int) -> Iterator[MinuteNames]:
    minutes: Iterable[int] = range(start - start % MINUTE, end, MINUTE)
    if len(by_minute) * MINUTE < end - start:
        minutes = [minute for minute in by_minute if minute in minutes]
    return (by_minute[minute] for minute in minutes if minute in by_minute)

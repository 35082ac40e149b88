"""What each source adds up to: the first reading, for any number of sources."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from heapq import nsmallest
from typing import Final

from flask_errwatch.respond.ranking.counting import Distinct
from flask_errwatch.respond.ranking.lines import NO_SOURCE
from flask_errwatch.respond.ranking.order import Least

#: Sources that are summed. One more drops the quieter half of them.
MOST: Final = 250_000


class SourceSums:
    """The sums of each source, in columns: a source takes some 200 bytes.

    Example:
        >>> sums = SourceSums()
        >>> sums.add("192.0.2.7", lines=1, suspicion=2, guesses=0)
        >>> sums.add("192.0.2.8", lines=3, suspicion=0, guesses=3)
        >>> sums.highest(1, Least()), sums.count, list(sums.guessing())
        ({'192.0.2.8'}, 2, [('192.0.2.8', 3)])
    """

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._lines = array("d")
        self._suspicion = array("d")
        self._guesses = array("d")
        self._suspected = array("d")
        self._guessed = array("d")
        self._dropped: Distinct | None = None  # all sources, since some were dropped

    def add(self, source: str, *, lines: int, suspicion: float, guesses: int) -> None:
        """Adds a line."""
        row = self._row(source)
        self._lines[row] += lines
        self._suspicion[row] += suspicion
        self._guesses[row] += guesses

    def note(self, source: str, at: float, *, is_guess: bool) -> None:
        """Notes when the source did something suspicious, or guessed a password."""
        times, row = self._guessed if is_guess else self._suspected, self._row(source)
        times[row] = min(times[row], at)

    def row(self, source: str) -> int | None:
        """The number of a source, None for one that was dropped."""
        return self._rows.get(source)

    def since(self, source: str) -> float:
        """The time of its first guess, else of its first suspicious line. Infinite without one."""
        row = self._rows.get(source)
        if row is None:
            return math.inf
        guessed = self._guessed[row]
        return self._suspected[row] if guessed == math.inf else guessed

    def guessed_at(self, source: str) -> float:
        """The time of its first guess. Infinite without one."""
        row = self._rows.get(source)
        return math.inf if row is None else self._guessed[row]

    def guesses(self, source: str) -> int:
        """Its guesses in the window."""
        row = self._rows.get(source)
        return 0 if row is None else int(self._guesses[row])

    def guessing(self) -> Iterator[tuple[str, int]]:
        """The sources that guessed a password in the window, with how often they did."""
        for source, row in self._rows.items():
            if self._guesses[row]:
                yield source, int(self._guesses[row])

    def of(self, source: str) -> tuple[int, float, int]:
        """Lines, suspicion and guesses of a source."""
        row = self._rows[source]
        return int(self._lines[row]), self._suspicion[row], int(self._guesses[row])

    def reaching(self, least: Least) -> list[str]:
        """The sources that have at least as much, as far as the sums show.

        A source has at most as many paths as lines.
        """
        lines = max(least.lines, least.paths, 1)
        return [
            source
            for source, row in self._rows.items()
            if self._lines[row] >= lines and self._suspicion[row] >= least.suspicion
        ]

    def highest(self, most: int, least: Least) -> set[str]:
        """Of these sources the most suspicious, and those that guess most or have most lines."""
        known = self.reaching(least)
        orders = (self._rank, self._guess_rank, self._line_rank)
        return {source for order in orders for source in nsmallest(most, known, key=order)}

    @property
    def count(self) -> int:
        """How many sources have lines."""
        if self._dropped is not None:
            return self._dropped.count
        return sum(map(bool, self._lines)) - (self._lines_without_source > 0)

    @property
    def is_exact(self) -> bool:
        """Whether no source was dropped."""
        return self._dropped is None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def _lines_without_source(self) -> float:
        row = self._rows.get(NO_SOURCE)
        return 0 if row is None else self._lines[row]

    def _rank(self, source: str) -> tuple[float, float, str]:
        row = self._rows[source]
        return -(self._suspicion[row] + self._guesses[row]), -self._lines[row], source

    def _guess_rank(self, source: str) -> tuple[float, str]:
        return -self._guesses[self._rows[source]], source

    def _line_rank(self, source: str) -> tuple[float, str]:
        return -self._lines[self._rows[source]], source

    def _row(self, source: str) -> int:
        row = self._rows.get(source)
        if row is not None:
            return row
        if len(self._rows) >= MOST:
            self._drop()
        if self._dropped is not None:
            self._dropped.add(source)
        row = self._rows[source] = len(self._rows)
        for column, first in self._columns():
            column.append(first)
        return row

    def _columns(self) -> Iterator[tuple[array[float], float]]:
        """Each column, with the value that a new source has there."""
        yield self._lines, 0
        yield self._suspicion, 0
        yield self._guesses, 0
        yield self._suspected, math.inf
        yield self._guessed, math.inf

    def _drop(self) -> None:
        """Drops the quieter half: a source that comes late has room, and time, to be louder."""
        if self._dropped is None:
            self._dropped = Distinct()
            for source in self._rows:
                self._dropped.add(source)
        kept = nsmallest(MOST // 2, self._rows, key=self._rank)
        rows = [self._rows[source] for source in kept]
        for column, _ in self._columns():
            column[:] = array("d", [column[row] for row in rows])
        self._rows = {source: row for row, source in enumerate(kept)}

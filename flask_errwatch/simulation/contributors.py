"""What each contributor of an insight rule or of a log alarm's query added, and who added most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from flask_errwatch.simulation.metrics import MINUTE, Heartbeats

#: The one metric of a rule that the judge evaluates.
MAX_CONTRIBUTOR_VALUE = "MaxContributorValue"


class ContributorMetric(NamedTuple):
    """The value of the busiest contributor of one rule or of several: `MaxContributorValue`.

    Attributes:
        rules: The names of the rules.
        empty: The value of a period without contributors. None where it has no datapoint.
    """

    rules: tuple[str, ...]
    empty: float | None = None

    def __str__(self) -> str:
        rules = "rule" if len(self.rules) == 1 else "rules"
        return f"{MAX_CONTRIBUTOR_VALUE} of insight {rules} {', '.join(self.rules)}"


class _Window(NamedTuple):
    """The sums of the contributors of one period. It may lack those that are zero."""

    start: int
    end: int
    sums: dict[str, float]


class ContributorFeed:
    """The lines of each contributor of a rule or query, per minute or in shorter steps.

    Args:
        step: Seconds that are summed together. A minute is a multiple of it.
        empty: The value of a period without lines.

    Attributes:
        has_negative: Whether something that was added is below zero.

    Example:
        >>> feed = ContributorFeed()
        >>> feed.add(0, "192.0.2.7", 3)
        >>> feed.add(60, "192.0.2.7", 2)
        >>> feed.add(60, "198.51.100.1", 4)
        >>> feed.value(MAX_CONTRIBUTOR_VALUE, 0, 120)
        5.0
    """

    __slots__ = ("_empty", "_is_whole", "_steps", "_window", "has_negative", "step")

    def __init__(self, step: int = MINUTE, empty: float | None = None) -> None:
        self.step = step
        self.has_negative = False
        self._empty = empty
        self._steps: dict[int, dict[str, float]] = {}
        # Whether everything that was added is an integer, whose sums are exact in any order.
        self._is_whole = True
        # The period of the last value: the next one has most minutes in common with it.
        self._window: _Window | None = None

    def minutes(self) -> Iterator[int]:
        """The minutes that have lines, by their first second, in no order."""
        return iter({start - start % MINUTE for start in self._steps})

    def add(self, second: int, contributor: str, lines: float) -> None:
        """Adds lines, or what they contribute, of one contributor in one second."""
        self.add_all(second, [(contributor, lines)])

    def add_all(self, second: int, added: Iterable[tuple[str, float]]) -> None:
        """Adds lines, or what they contribute, of many contributors in one second."""
        if self._window is not None and self._window.start <= second < self._window.end:
            self._window = None
        contributors = self._steps.setdefault(second - second % self.step, {})
        for contributor, lines in added:
            contributors[contributor] = contributors.get(contributor, 0) + lines
            if lines < 0:
                self.has_negative = True
            if not isinstance(lines, int):
                self._is_whole = False

    def has(self, minute: int) -> bool:
        """Whether a minute has lines, by its first second."""
        return any(second in self._steps for second in range(minute, minute + MINUTE, self.step))

    def fill(self, heartbeats: Heartbeats | None, samples: Sequence[object]) -> None:
        """Does nothing: a heartbeat has no contributor."""

    def value(self, _statistic: str, start: int, end: int) -> float | None:
        """The lines of the busiest contributor in a period, or `empty` without any."""
        if not any(map(self._steps.get, range(start, end, self.step))):
            return self._empty
        if self.has_negative or not self._is_whole:
            return float(max(self.contributors(start, end).values()))
        return float(max(self._sums(start, end).values(), default=0))

    def lines(self, start: int, end: int) -> int:
        """How many lines of the period counted, of all contributors."""
        return int(sum(self.contributors(start, end).values()))

    def prune(self, before: int) -> None:
        """Drops what ended at or before that second."""
        if self._window is not None and self._window.start < before:
            self._window = None
        for start in [start for start in self._steps if start + self.step <= before]:
            del self._steps[start]

    def contributors(self, start: int, end: int) -> dict[str, float]:
        """The lines of each contributor in a period, or what they contribute."""
        steps = (self._steps.get(second, {}) for second in range(start, end, self.step))
        total = dict(next(steps, {}))
        for step in steps:
            for contributor, lines in step.items():
                total[contributor] = total.get(contributor, 0) + lines
        return total

    def _sums(self, start: int, end: int) -> dict[str, float]:
        """The sums of a period: those of the last one, less what left it, and what entered it."""
        before = self._window
        if before is None or not before.start <= start <= before.end <= end:
            before = _Window(start, start, {})
        sums = before.sums
        for second in range(before.start, start, self.step):
            for contributor, lines in self._steps.get(second, {}).items():
                rest = sums.pop(contributor, 0) - lines
                if rest:
                    sums[contributor] = rest
        for second in range(before.end, end, self.step):
            for contributor, lines in self._steps.get(second, {}).items():
                sums[contributor] = sums.get(contributor, 0) + lines
        self._window = _Window(start, end, sums)
        return sums

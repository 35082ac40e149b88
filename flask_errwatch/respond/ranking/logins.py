"""Who signed in where passwords were guessed: people who mistype, and guesses that succeeded."""

from __future__ import annotations

import math
from collections import Counter
from functools import cached_property
from typing import Final

from flask_errwatch.respond.ranking.first_reading import USERS, FirstReading
from flask_errwatch.respond.ranking.lines import NO_SOURCE, Guess, Line
from flask_errwatch.respond.ranking.summary import LOUD, Guesses, Success

#: Failures in a row of a user who mistypes, and then signs in.
MISTYPED: Final = 3
#: Sources that fail for one account: from this number on it is not a user who mistypes.
_ATTACKED: Final = 3
#: Pairs of a source and an account that are looked at, all of their events, and those of one.
_PAIRS: Final = 20_000
_EVENTS: Final = 50_000
_OF_ONE: Final = 60


class Logins:
    """Collects in the second reading who failed and who signed in, by source and account.

    Args:
        first: The first reading, which is complete.
    """

    def __init__(self, first: FirstReading) -> None:
        self._first = first
        self._pairs: dict[tuple[str, str], _Pair] = {}
        self._events = 0
        self._known: set[str] = set()  # sources where a user was signed in before the first guess

    def add(self, at: float, line: Line, *, is_counted: bool) -> None:
        """Reads a line.

        Args:
            at: Its time, in seconds since the epoch.
            line: Of the window, of the hour before, or later.
            is_counted: Whether its failures are among those of the window.
        """
        if line.guess is Guess.YES:
            if is_counted and line.account is not None:
                pair = self._pair(line.source, line.account)
                self._events += pair is not None and pair.add(at, line.weight)
        elif line.is_signed_in:
            self._note(at, line)

    @cached_property
    def mistyped(self) -> Counter[str]:
        """Failed logins of people who then signed in, by their source.

        Failures of an account are mistyped passwords if there are at most `MISTYPED` of them before
        the same account signs in from there. Failures of accounts that the lines do not show are,
        if there are as few, and anybody signs in from there.
        """
        failing = Counter(account for (_, account), pair in self._pairs.items() if pair.failures)
        excused: Counter[str] = Counter()
        shown = self._shown()
        for (source, account), pair in self._pairs.items():
            if failing[account] < _ATTACKED:
                excused[source] += pair.mistyped
        for source, last in self._signed_in().items():
            hidden = self._first.sums.guesses(source) - shown[source]
            if 0 < hidden <= MISTYPED and last >= self._first.sums.guessed_at(source):
                excused[source] += hidden
        return excused

    def guesses(self) -> Guesses:
        """The guesses of all sources, without those of people."""
        shown = self._shown()
        lines = sources = loud_lines = loud_sources = unknown = 0
        for source, guesses in self._first.sums.guessing():
            left = self._left(source, guesses)
            lines += left
            unknown += min(left, max(0, guesses - shown[source]))
            if left and source != NO_SOURCE:
                sources += 1
                if left >= LOUD:
                    loud_lines, loud_sources = loud_lines + left, loud_sources + 1
        successes = self._successes()
        return Guesses(
            lines=lines,
            sources=sources,
            users=tuple(self._guessed)[:USERS],
            unknown=unknown,
            loud_lines=loud_lines,
            loud_sources=loud_sources,
            successes=tuple(successes[:USERS]),
            success_count=len(successes),
        )

    def _note(self, at: float, line: Line) -> None:
        """Notes who is signed in, where passwords were guessed, or whose password was."""
        source, user = line.source, line.user or ""
        guessed_at = self._first.sums.guessed_at(source)
        if at < guessed_at < math.inf and len(self._known) < _PAIRS:
            self._known.add(source)
        if guessed_at < math.inf or user in self._first.accounts:
            pair = self._pair(source, user)
            if pair is not None:
                pair.first, pair.last = min(pair.first, at), max(pair.last, at)
                self._events += line.is_sign_in and pair.add(at, 0)

    def _pair(self, source: str, account: str) -> _Pair | None:
        pair = self._pairs.get((source, account))
        if pair is None and len(self._pairs) < _PAIRS and self._events < _EVENTS:
            pair = self._pairs[source, account] = _Pair()
        return pair

    def _shown(self) -> Counter[str]:
        """Failures whose account is known, by source."""
        shown: Counter[str] = Counter()
        for (source, _), pair in self._pairs.items():
            shown[source] += pair.failures
        return shown

    def _signed_in(self) -> dict[str, float]:
        """When a user was last signed in, by source."""
        found: dict[str, float] = {}
        for (source, _), pair in self._pairs.items():
            if pair.has_signed_in:
                found[source] = max(pair.last, found.get(source, pair.last))
        return found

    def _left(self, source: str, guesses: int) -> int:
        """The guesses of a source without those of people."""
        left = guesses - self.mistyped[source]
        return 0 if left <= 0 or (left < LOUD and source in self._known) else left

    @cached_property
    def _accused(self) -> frozenset[str]:
        """The sources that guessed, of those that are looked at."""
        return frozenset(
            source
            for source in {source for source, _ in self._pairs}
            if self._left(source, self._first.sums.guesses(source))
        )

    @cached_property
    def _guessed(self) -> dict[str, float]:
        """The accounts that were guessed, with the time of the first guess, the earliest first."""
        found: dict[str, float] = {}
        for (source, account), pair in self._pairs.items():
            if source in self._accused and pair.failures > pair.mistyped:
                found[account] = min(pair.failed_at, found.get(account, math.inf))
        return dict(sorted(found.items(), key=lambda one: (one[1], one[0])))

    def _successes(self) -> list[Success]:
        """Whoever was first signed in after the first guess, from there or to such an account."""
        found = []
        for (source, account), pair in self._pairs.items():
            has_guessed = source in self._accused and source != NO_SOURCE
            since = self._guessed.get(account, math.inf)
            if has_guessed:
                since = min(since, self._first.sums.guessed_at(source))
            if pair.has_signed_in and pair.first >= since:
                success = Success(
                    source=source or None,
                    user=account or None,
                    at=pair.first,
                    has_guessed=has_guessed,
                )
                found.append(success)
        return sorted(found, key=lambda one: (one.at, one.source or "", one.user or ""))


class _Pair:
    """The failed logins and sign-ins of one account, from one source.

    Attributes:
        failures: Failed logins.
        failed_at: When the first was.
        first: When the account was first signed in there. Infinite if it was not.
        last: When it was last.
    """

    __slots__ = ("_events", "failed_at", "failures", "first", "last")

    def __init__(self) -> None:
        self._events: list[tuple[float, int]] = []  # with the number of failures, 0 for a sign-in
        self.failures = 0
        self.failed_at = self.first = math.inf
        self.last = -math.inf

    def add(self, at: float, failures: int) -> bool:
        """Adds an event, and returns whether it takes room."""
        if failures:
            self.failures += failures
            self.failed_at = min(self.failed_at, at)
        if len(self._events) > _OF_ONE:
            return False
        self._events.append((at, failures))
        return True

    @property
    def has_signed_in(self) -> bool:
        """Whether the account was signed in there."""
        return self.last > -math.inf

    @property
    def mistyped(self) -> int:
        """The failures that a sign-in followed soon. Of too many events none is known."""
        if len(self._events) > _OF_ONE:
            return 0
        mistyped = run = 0
        # At the same second a failure comes first.
        for _, failures in sorted(
            [*self._events, (self.last, 0)], key=lambda one: (one[0], -one[1])
        ):
            if failures:
                run += failures
            else:
                mistyped += run if run <= MISTYPED else 0
                run = 0
        return mistyped

"""The first reading of a summary: what each source adds up to, and which values are frequent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask_errwatch.respond.ranking.counting import Frequent
from flask_errwatch.respond.ranking.lines import Guess, Line
from flask_errwatch.respond.ranking.source_sums import SourceSums
from flask_errwatch.respond.ranking.summary import Event
from flask_errwatch.respond.ranking.window import Window

IsCounted = Callable[[Event], bool]

#: Users and accounts that are named.
USERS: Final = 20
#: Accounts whose sign-ins are looked for, from wherever they come.
_ACCOUNTS: Final = 1_000
#: Fields whose values may be unusual, besides the source.
FIELDS: Final = ("path", "user_agent", "route", "release")


class FirstReading:
    """What the lines add up to, by source, and which of their values may be frequent.

    Args:
        window: Which lines are summed. Those of the hour before show what is usual.
        is_counted: Whether the alarm counts a line.
    """

    def __init__(self, window: Window, is_counted: IsCounted) -> None:
        self.window = window
        self.is_counted = is_counted
        self.sums = SourceSums()
        self.lines = self.lines_before = 0
        self.frequent = {field: Frequent() for field in (*FIELDS, "fingerprint")}
        self.releases_before = Frequent()
        self.last_line: float | None = None
        self.has_logins = self.has_answers = False
        self.shows_paths = True
        self._has_failures = self._has_referrers = False
        self.accounts: set[str] = set()

    def add(self, at: float, line: Line) -> None:
        """Reads a line.

        Args:
            at: Its time, in seconds since the epoch.
            line: What is read of it.
        """
        is_within, is_before = at in self.window, at in self.window.baseline
        if not (is_within or is_before or at >= self.window.end):
            return
        self.has_logins |= line.is_sign_in
        is_counted = self.is_counted(line.event)
        if is_counted and not is_before:
            self.last_line = max(at, self.last_line or at)
        if is_before or is_within:
            self._note(at, line)
        if is_before:
            self.lines_before += line.weight if is_counted else 0
            if "release" in line.values:
                self.releases_before.add(line.values["release"], 1)
        elif is_within and is_counted:
            self._count(line)

    @property
    def has_referrers(self) -> bool:
        """Whether failing requests show whether a link led to them."""
        return self._has_referrers or not self._has_failures

    def _note(self, at: float, line: Line) -> None:
        """Notes what decides how other lines are read, whether the alarm counts this one or not."""
        is_guess = line.guess is Guess.YES
        if is_guess or line.suspicion > 0:
            self.sums.note(line.source, at, is_guess=is_guess)
        self.has_answers |= line.is_answer
        self._has_failures |= line.is_failure
        self._has_referrers |= line.is_failure and line.has_referrer

    def _count(self, line: Line) -> None:
        weight = line.weight
        guesses = weight if line.guess is Guess.YES else 0
        self.lines += weight
        self.sums.add(line.source, lines=weight, suspicion=line.suspicion, guesses=guesses)
        for field, value in line.values.items():
            self.frequent[field].add(value, weight)
        for path, times in line.paths:
            self.frequent["path"].add(path, times)
        self.shows_paths &= line.shows_paths
        if guesses and line.account is not None and len(self.accounts) < _ACCOUNTS:
            self.accounts.add(line.account)

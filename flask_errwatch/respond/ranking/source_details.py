"""`SourceDetails`: the row of a source that the first reading chose."""

from __future__ import annotations

import math

from flask_errwatch.respond.ranking.counting import PRECISE, ROUGH, Distinct
from flask_errwatch.respond.ranking.first_reading import USERS, FirstReading
from flask_errwatch.respond.ranking.lines import NO_SOURCE, TRUSTS, Guess, Line
from flask_errwatch.respond.ranking.summary import SourceRow, Trust


class SourceDetails:
    """Collects the row of one source in the second reading.

    Args:
        source: Its name, or `NO_SOURCE`.
        first: The first reading.
        is_precise: Whether its numbers of paths have the room to be.
    """

    def __init__(self, source: str, first: FirstReading, *, is_precise: bool) -> None:
        self.source = source
        self._window = first.window
        self._since = first.sums.since(source)
        self._lines, self._suspicion, self._guesses = first.sums.of(source)
        self._answers = 0 if first.has_answers else None
        room = PRECISE if is_precise else ROUGH
        self._paths, self._unrouted = Distinct(room), Distinct(room)
        self._users: dict[str, float] = {}
        self._users_after: dict[str, float] = {}
        self._accounts: dict[str, float] = {}
        self._trust: Trust | None = None
        self._unclear = self._unknown = self._before = 0
        self._signed_in_before = self._signed_in_after = self._signed_in_later = 0
        self._probes = self._user_lines = 0
        self._first, self._last = math.inf, -math.inf

    def add(self, at: float, line: Line, *, is_counted: bool) -> None:
        """Adds a line of it, of the window, of the hour before, or later."""
        is_within = at in self._window
        self._note_user(at, line)
        if line.is_answer and is_within and self._answers is not None:
            self._answers += 1
        if not is_counted:
            return
        if not is_within:
            self._before += line.weight if at < self._window.start else 0
            return
        self._probes += line.weight if line.is_probe else 0
        self._user_lines += line.weight if line.user is not None else 0
        self._first = min(self._first, max(line.begun(at), self._window.start))
        self._last = max(self._last, at)
        for path, _ in line.paths:
            self._paths.add(path)
            if line.is_unrouted:
                self._unrouted.add(path)
        self._note_guess(at, line)
        if line.trust is not None:
            self._trust = min(self._trust or line.trust, line.trust, key=TRUSTS.index)

    def row(self, mistyped: int = 0) -> SourceRow:
        """What is known of it.

        Args:
            mistyped: Its failed logins that are of people who mistype.
        """
        users = sorted(self._users, key=self._users.__getitem__)
        return SourceRow(
            source=None if self.source == NO_SOURCE else self.source,
            trust=self._trust,
            lines=self._lines,
            suspicion=self._suspicion,
            paths=self._paths.count,
            unrouted=self._unrouted.count,
            failed_logins=self._guesses,
            mistyped=mistyped,
            probes=self._probes,
            user_lines=self._user_lines,
            unclear_refusals=self._unclear,
            users=tuple(users),
            users_before=tuple(user for user in users if self._users[user] < self._since),
            users_after=tuple(
                user for user in users if self._users_after.get(user) == self._users[user]
            ),
            failed_users=tuple(sorted(self._accounts, key=self._accounts.__getitem__)),
            failed_unknown=self._unknown,
            sign_ins_before=self._signed_in_before,
            sign_ins_after=self._signed_in_after,
            sign_ins_later=self._signed_in_later,
            before=self._before,
            first=self._first,
            last=self._last,
            answers=self._answers,
        )

    @property
    def is_exact(self) -> bool:
        """Whether its numbers of paths are."""
        return self._paths.is_exact and self._unrouted.is_exact

    def _note_user(self, at: float, line: Line) -> None:
        """Notes who was signed in."""
        if line.user is not None:
            _note_first(self._users, line.user, at)
            if at >= self._since and line.guess is Guess.NO:  # a guess does not prove success
                _note_first(self._users_after, line.user, at)
        if line.is_sign_in and at >= self._since:
            self._signed_in_after += line.weight
            self._signed_in_later += line.weight if at >= self._window.end else 0
        elif at < self._since and (line.is_sign_in or line.user is not None):
            self._signed_in_before += line.weight

    def _note_guess(self, at: float, line: Line) -> None:
        match line.guess:
            case Guess.YES if line.account is not None:
                _note_first(self._accounts, line.account, at)
            case Guess.YES:
                self._unknown += line.weight
            case Guess.UNCLEAR:
                self._unclear += line.weight
            case Guess.NO:
                pass


def _note_first(times: dict[str, float], value: str, at: float) -> None:
    """Notes the first time of a value, of at most `USERS` values."""
    if value in times or len(times) < USERS:
        times[value] = min(at, times.get(value, math.inf))

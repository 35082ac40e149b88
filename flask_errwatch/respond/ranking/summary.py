"""What the lines of a window have in common: the rows by source, path, user and the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from flask_errwatch.respond.ranking.window import Window

#: A line as it is read: the fields of schema 1.
Event = Mapping[str, object]

Trust = Literal["verified", "counted", "none"]

#: Guesses at a password from which one source alone is loud.
LOUD: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRow:
    """The lines of one source.

    Attributes:
        source: An IPv4 address, or the /64 of an IPv6 address. None: lines without an address.
        trust: The lowest `client_ip_trust` of its lines, None where they have none.
        lines: Lines that the alarm counts.
        suspicion: The sum of their `suspicion`.
        paths: Different paths.
        unrouted: Different paths that no route matches, without those that the site links, that
            browsers ask for by themselves, and that are unknown ones of a declared crawler.
        failed_logins: Failed logins, and refusals that are guesses at a password.
        unclear_refusals: 401s to GET and HEAD whose referrer is not known.
        mistyped: How many failed logins are of people who mistype: few in a row, and then the same
            account signs in from there.
        probes: Lines that ask for what no page of the site links to.
        user_lines: Lines of a signed-in user.
        users: Who was signed in from there, in the order of their first line, at most 20.
        users_before: Who of them was so before its first failed login, or where it has none before
            its first suspicious line, the hour before included.
        users_after: Who of them was seen only after that line, a sign-in or not.
        failed_users: The accounts that the failed logins are known to be of.
        failed_unknown: Failed logins whose account is not known.
        sign_ins_before: Sign-ins, and lines of a signed-in user, before that line.
        sign_ins_after: Sign-ins after that line, up to the end of what was read.
        sign_ins_later: How many of these were after the window.
        before: Its lines in the hour before that the alarm would have counted.
        first: The time of its first line in the window, in seconds since the epoch.
        last: The time of its last line.
        answers: Answers with 2xx or 304, None where no access log was read.
    """

    source: str | None
    trust: Trust | None = None
    lines: int = 0
    suspicion: float = 0
    paths: int = 0
    unrouted: int = 0
    failed_logins: int = 0
    unclear_refusals: int = 0
    mistyped: int = 0
    probes: int = 0
    user_lines: int = 0
    users: tuple[str, ...] = ()
    users_before: tuple[str, ...] = ()
    users_after: tuple[str, ...] = ()
    failed_users: tuple[str, ...] = ()
    failed_unknown: int = 0
    sign_ins_before: int = 0
    sign_ins_after: int = 0
    sign_ins_later: int = 0
    before: int = 0
    first: float = 0
    last: float = 0
    answers: int | None = None

    @property
    def sign_ins(self) -> int:
        """All sign-ins from there."""
        return self.sign_ins_before + self.sign_ins_after

    @property
    def guesses(self) -> int:
        """Failed logins that no one mistyped."""
        return max(0, self.failed_logins - self.mistyped)

    @property
    def successes(self) -> int:
        """Sign-ins after its first failed login. Without a line of one, users who came after it."""
        if not self.failed_logins:
            return 0
        return self.sign_ins_after or len(self.users_after)


@dataclass(frozen=True, kw_only=True, slots=True)
class PathRow:
    """The lines of one path.

    Attributes:
        path: The path, as in the line.
        lines: Lines that the alarm counts.
        sources: Different sources.
        broken: Lines with 404 or 410 that are not probes.
    """

    path: str
    lines: int
    sources: int
    broken: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class FingerprintRow:
    """The lines of one failure.

    Attributes:
        fingerprint: Of the exception.
        type: The exception's class.
        where: The place in the app's code, or empty.
        lines: Lines that the alarm counts.
        is_new: Whether the app had not shown it for seven days, by the lines of the window and of
            the hour before. None where no line could show that: a handler answered all of them.
    """

    fingerprint: str
    type: str
    where: str
    lines: int
    is_new: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseRow:
    """The lines of one release.

    Attributes:
        release: As configured.
        lines: Lines that the alarm counts, 0 for a release of the hour before alone.
        before: Lines of any kind in the hour before.
    """

    release: str
    lines: int
    before: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusual:
    """A value that is much more frequent than in the hour before.

    Attributes:
        field: The field of the line, such as `client_ip`.
        value: Its value.
        share: Share of the lines, from 0 to 1.
        before: Share of the lines of the hour before. None where that has no line.
    """

    field: str
    value: str
    share: float
    before: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """The lines of the first source in one minute.

    Attributes:
        start: In seconds since the epoch.
        lines: Lines.
        suspicion: The sum of their `suspicion`.
    """

    start: int
    lines: int
    suspicion: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Success:
    """Somebody who was first signed in after the first guess.

    Attributes:
        source: From where, None without an address.
        user: Who, None where that is not known.
        at: When, in seconds since the epoch.
        has_guessed: Whether that source did, and not only others.
    """

    source: str | None
    user: str | None
    at: float
    has_guessed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Guesses:
    """The failed logins of all sources, and the refusals that are guesses at a password.

    Those of people are left out: who mistypes, and who had signed in before from where there are
    fewer than `LOUD`.

    Attributes:
        lines: How many.
        sources: Different sources. Lines without an address have none.
        users: The accounts that they are known to be of, at most 20.
        unknown: How many are of no known account.
        loud_lines: How many are of sources with at least `LOUD`.
        loud_sources: These sources.
        successes: Who was first signed in after the first guess, at most 20: from these sources, or
            from any other one to an account that they guessed.
        success_count: How many these are.
    """

    lines: int = 0
    sources: int = 0
    users: tuple[str, ...] = ()
    unknown: int = 0
    loud_lines: int = 0
    loud_sources: int = 0
    successes: tuple[Success, ...] = ()
    success_count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """The lines of a window that the alarm counts, and what surrounds them.

    Attributes:
        window: Which one.
        lines: Lines that the alarm counts.
        sources: The most suspicious first.
        source_count: How many sources there are in all.
        left_out: How many of them may reach the least that was asked for, and have no row.
        guesses: The failed logins of all sources together.
        paths: The most frequent first.
        fingerprints: The most frequent first.
        releases: The most frequent first.
        unusual: The largest difference first.
        samples: A few lines of the first source, in the order of their times.
        minutes: The lines of the first source over time.
        has_referrers: Whether the input shows referrers.
        has_logins: Whether any line that was read is of a sign-in. Where the app writes none,
            whether a guess succeeded is not known.
        has_all_sign_ins: Whether the rows have all sign-ins of their sources, as far as lines show
            them. Otherwise the oldest are missing.
        last_line: The time of the newest line that the alarm would count, also after the window,
            in seconds since the epoch, or None.
        is_exact: False where a number of sources or paths is an estimate.
    """

    window: Window
    lines: int
    sources: tuple[SourceRow, ...] = ()
    source_count: int = 0
    left_out: int = 0
    guesses: Guesses = Guesses()
    paths: tuple[PathRow, ...] = ()
    fingerprints: tuple[FingerprintRow, ...] = ()
    releases: tuple[ReleaseRow, ...] = ()
    unusual: tuple[Unusual, ...] = ()
    samples: tuple[Event, ...] = ()
    minutes: tuple[Minute, ...] = ()
    has_referrers: bool = True
    has_logins: bool = False
    has_all_sign_ins: bool = True
    last_line: float | None = None
    is_exact: bool = True

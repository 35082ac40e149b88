"""What the lines of a window have in common: the rows by source, path, user and the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flask_errwatch.respond.window import Window

#: A line as it is read: the fields of schema 1.
Event = Mapping[str, object]

Trust = Literal["verified", "counted", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRow:
    """The lines of one source.

    Attributes:
        source: An IPv4 address, or the /64 of an IPv6 address. None: lines without an address.
        trust: The lowest `client_ip_trust` of its lines, None where they have none.
        lines: Lines that the alarm counts.
        suspicion: The sum of their `suspicion`.
        paths: Different paths.
        unrouted: Different paths that no route matches.
        failed_logins: Failed logins, and refusals that are guesses at a password.
        unclear_refusals: 401s to GET and HEAD whose referrer is not known.
        users: Who was signed in from there, in the order of their first line.
        failed_users: The accounts that the failed logins are known to be of.
        sign_ins_before: Sign-ins, and lines of a signed-in user, before its first suspicious or
            failed-login line, those of the hour before included.
        sign_ins_after: Sign-ins after that line.
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
    users: tuple[str, ...] = ()
    failed_users: tuple[str, ...] = ()
    sign_ins_before: int = 0
    sign_ins_after: int = 0
    before: int = 0
    first: float = 0
    last: float = 0
    answers: int | None = None

    @property
    def sign_ins(self) -> int:
        """All sign-ins from there."""
        return self.sign_ins_before + self.sign_ins_after


@dataclass(frozen=True, kw_only=True, slots=True)
class PathRow:
    """The lines of one path.

    Attributes:
        path: The path, as in the line.
        lines: Lines that the alarm counts.
        sources: Different sources.
    """

    path: str
    lines: int
    sources: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FingerprintRow:
    """The lines of one failure.

    Attributes:
        fingerprint: Of the exception.
        type: The exception's class.
        where: The place in the app's code, or empty.
        lines: Lines that the alarm counts.
        is_new: Whether the app had not shown it for seven days.
    """

    fingerprint: str
    type: str
    where: str
    lines: int
    is_new: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseRow:
    """The lines of one release.

    Attributes:
        release: As configured.
        lines: Lines that the alarm counts.
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
        before: Share of the lines of the hour before.
    """

    field: str
    value: str
    share: float
    before: float


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
class Summary:
    """The lines of a window that the alarm counts, and what surrounds them.

    Attributes:
        window: Which one.
        lines: Lines that the alarm counts.
        sources: The most suspicious first.
        source_count: How many sources there are in all.
        paths: The most frequent first.
        fingerprints: The most frequent first.
        releases: The most frequent first.
        unusual: The largest difference first.
        samples: A few lines of the first source, in the order of their times.
        minutes: The lines of the first source over time.
        has_referrers: Whether the input shows referrers.
        has_logins: Whether the app has a detector of failed logins, as its lines show.
        last_line: The time of the newest line that the alarm would count, also after the window,
            in seconds since the epoch. None where there is none.
        is_exact: False where a number of sources or paths is an estimate.
    """

    window: Window
    lines: int
    sources: tuple[SourceRow, ...] = ()
    source_count: int = 0
    paths: tuple[PathRow, ...] = ()
    fingerprints: tuple[FingerprintRow, ...] = ()
    releases: tuple[ReleaseRow, ...] = ()
    unusual: tuple[Unusual, ...] = ()
    samples: tuple[Event, ...] = ()
    minutes: tuple[Minute, ...] = ()
    has_referrers: bool = True
    has_logins: bool = False
    last_line: float | None = None
    is_exact: bool = True

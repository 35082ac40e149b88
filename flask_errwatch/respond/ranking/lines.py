"""`Line`: what a summary reads of a line. Its fields may have any type: others write there too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from flask_errwatch.capture.failures import FIRST_FAILURE
from flask_errwatch.detectors import LOGIN_FAILED, LOGIN_SUCCEEDED
from flask_errwatch.respond.ranking.source import source_of
from flask_errwatch.respond.ranking.summary import Event, Trust

#: Stands for the source of lines without an address.
NO_SOURCE: Final = ""
#: How sure an address is, the lowest first.
TRUSTS: Final[tuple[Trust, ...]] = ("none", "counted", "verified")

#: Characters of a text that are kept.
LONGEST: Final = 256
#: The highest number that a line can have: others write lines too, and sums must stay finite.
_MOST: Final = 1_000_000_000
#: The highest suspicion of one request.
_SUSPICION: Final = 2
#: Characters that a collapsed line keeps of each of its paths.
_PATH_LENGTH: Final = 48
#: Paths that it has at most.
_PATHS: Final = 5
_READS: Final = frozenset({"GET", "HEAD"})
#: Answers to what is not there.
_MISSING: Final = frozenset({404, 405, 410})
#: Classes of paths that a client asks for by itself: neither the app's, nor linked from it, nor
#: what browsers ask for.
_OWN_IDEAS: Final = frozenset({"probe", "unknown", "injection"})


class Guess(Enum):
    """Whether a line is a guess at a password.

    Attributes:
        NO: It is not.
        UNCLEAR: Its referrer decides, and is not known.
        YES: It is.
    """

    NO = "no"
    UNCLEAR = "unclear"
    YES = "yes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What a summary reads of a line.

    Attributes:
        event: Its fields.
        source: The source of the request. `NO_SOURCE` without `client_ip`: the peer is a proxy.
        trust: How sure the address is, None where the line does not have it.
        weight: Its number of failures: `count` of a collapsed line, else 1.
        suspicion: Its `suspicion`, in a collapsed line a sum.
        guess: Whether it is a guess at a password.
        account: The account that a failed login tried, where it is known.
        user: The user who was signed in. That of a failed login was not.
        is_sign_in: Whether a user signed in.
        is_answer: Whether it is a request of an access log that succeeded, which has no event.
        is_failure: Whether a request failed.
        has_referrer: Whether it shows where the request was linked from.
        paths: Its paths, with how many of its failures are of each.
        shows_paths: Whether these are those of all of its failures.
        is_unrouted: Whether it asks for what no route matches, neither linked nor expected of a
            browser or crawler.
        is_broken: Whether it is answered as a dead link would be, and not a probe.
        values: The values that may be frequent, by their field.
    """

    event: Event
    source: str
    trust: Trust | None
    weight: int
    suspicion: float
    guess: Guess
    account: str | None
    user: str | None
    is_sign_in: bool
    is_answer: bool
    is_failure: bool
    has_referrer: bool
    paths: tuple[tuple[str, int], ...]
    shows_paths: bool
    is_unrouted: bool
    is_broken: bool
    values: Mapping[str, str]

    @classmethod
    def of(cls, event: Event) -> Line:
        """Reads the fields of a line.

        Example:
            >>> line = Line.of({"path": "/c", "count": 5, "paths": ["/b", "/c"], "suspicion": 9})
            >>> line.weight, line.suspicion, line.paths
            (5, 9, (('/b', 1), ('/c', 4)))
        """
        status, detector = int(amount(event.get("status"))), event.get("detector")
        weight = weight_of(event)
        suspicion = min(amount(event.get("suspicion")), _SUSPICION * weight)
        path_class, route = text(event, "path_class"), text(event, "route")
        paths = _paths(event, weight)
        user, trust = text(event, "user"), event.get("client_ip_trust")
        is_failed_login = detector == LOGIN_FAILED.name
        return cls(
            event=event,
            source=source_of(event.get("client_ip")) or NO_SOURCE,
            trust=next((known for known in TRUSTS if known == trust), None),
            weight=weight,
            suspicion=suspicion,
            guess=Guess.YES if is_failed_login else _guess(event, status),
            account=user if is_failed_login else None,
            user=None if is_failed_login else user,
            is_sign_in=detector == LOGIN_SUCCEEDED.name,
            is_answer="event" not in event and (200 <= status < 300 or status == 304),
            is_failure=status >= FIRST_FAILURE,
            has_referrer=text(event, "referrer") is not None,
            paths=paths,
            shows_paths=len(paths) < 2 or paths[-1][1] == 1,
            is_unrouted=_is_unrouted(path_class, route, status, suspicion),
            is_broken=is_dead_link(status, path_class),
            values=_values(event, route),
        )

    @property
    def is_signed_in(self) -> bool:
        """Whether a user signed in, or was signed in."""
        return self.is_sign_in or self.user is not None

    @property
    def is_probe(self) -> bool:
        """Whether it asks for what no page of the site links to."""
        return self.is_unrouted or self.suspicion > 0

    def begun(self, at: float) -> float:
        """When the first of its failures was: `first` of a collapsed line.

        Args:
            at: Its own time, in seconds since the epoch.
        """
        first = text(self.event, "first")
        if first is None:
            return at
        try:
            return min(at, datetime.fromisoformat(first).timestamp())
        except (ValueError, OverflowError, OSError):
            return at


def is_error(event: Event) -> bool:
    """Whether a line is of a request that failed: no sign-in, and no page that asks for one.

    Example:
        >>> denied = {"client_ip": "192.0.2.7", "event": "Access Denied", "status": 302}
        >>> is_error(denied), is_error({**denied, "status": 403})
        (False, True)
    """
    detector = event.get("detector")
    if "client_ip" not in event or detector == LOGIN_SUCCEEDED.name:
        return False
    return detector == LOGIN_FAILED.name or not 0 < amount(event.get("status")) < FIRST_FAILURE


def text(event: Event, field: str) -> str | None:
    """The text of a field, cut, or None."""
    value = event.get(field)
    return value[:LONGEST] or None if isinstance(value, str) else None


def weight_of(event: Event) -> int:
    """How many failures a line counts: its `count`, where it is a collapsed one."""
    return max(1, int(amount(event.get("count"))))


def amount(value: object) -> float:
    """The number if it is one above zero, at most a billion, else 0.

    Example:
        >>> amount(3), amount(-1), amount(float("nan")), amount("3"), amount(10**99)
        (3, 0, 0, 0, 1000000000)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return min(value, _MOST) if value > 0 else 0  # nothing is above NaN


def exception_of(event: Event) -> Event:
    """The field `exception`, or an empty one."""
    value = event.get("exception")
    return value if isinstance(value, dict) else {}


def is_dead_link(status: int, path_class: str | None) -> bool:
    """Whether a request was answered as a dead link would be, and is not a probe."""
    return status in {404, 410} and path_class not in {"probe", "injection"}


def _guess(event: Event, status: int) -> Guess:
    """Whether it is a refusal of what neither a link of the site nor a crawler asked for."""
    if status != 401:
        return Guess.NO
    method, referrer = text(event, "method"), text(event, "referrer")
    if method is not None and method.upper() not in _READS:
        return Guess.YES
    if method is None or referrer is None:
        return Guess.UNCLEAR
    is_declared = referrer == "none" and text(event, "agent") == "crawler"
    return Guess.NO if referrer == "same" or is_declared else Guess.YES


def _is_unrouted(path_class: str | None, route: str | None, status: int, suspicion: float) -> bool:
    """Lines without `path_class` (version 0.1, the common format of access logs) show no links."""
    if path_class is None:
        return status in _MISSING and route is None
    # An injection on a route of the app asks for a path that exists.
    is_routed = path_class == "injection" and route is not None
    return path_class in _OWN_IDEAS and not is_routed and suspicion > 0


def _paths(event: Event, weight: int) -> tuple[tuple[str, int], ...]:
    """A collapsed line has a few of its paths. The rest of its failures count as its own path."""
    own, listed = text(event, "path"), event.get("paths")
    if own is None:
        return ()
    if weight == 1 or not isinstance(listed, list):
        return ((own, weight),)
    texts = (path[:LONGEST] for path in listed[:_PATHS] if isinstance(path, str))
    others = [path for path in dict.fromkeys(texts) if path and path != own[:_PATH_LENGTH]]
    others = others[: weight - 1]
    return (*((path, 1) for path in others), (own, weight - len(others)))


def _values(event: Event, route: str | None) -> dict[str, str]:
    found = {
        "user_agent": text(event, "user_agent"),
        "route": route,
        "release": text(event, "release"),
        "fingerprint": text(exception_of(event), "fingerprint"),
    }
    return {field: value for field, value in found.items() if value is not None}

"""Puts a request's four fields together: who asked, from where, for what, and how suspicious."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from flask_errwatch.capture.suspicion.agents import LENGTH, agent_kind
from flask_errwatch.capture.suspicion.injections import is_injection
from flask_errwatch.capture.suspicion.names import METHODS
from flask_errwatch.capture.suspicion.paths import is_asset, is_probe
from flask_errwatch.capture.suspicion.referrers import LENGTH as LENGTH_OF_REFERRER
from flask_errwatch.capture.suspicion.referrers import referrer_kind
from flask_errwatch.capture.suspicion.site import Site

#: The statuses below 500 whose requests have a suspicion. The servers' errors have one too.
STATUSES: Final = frozenset({400, 403, 404, 405, 410, 413, 414})
_SERVER_ERROR: Final = 500
#: Characters of each text of a request that are read at most.
LONGEST: Final = 1024

_SUSPICION: Final = {
    "injection": 2,
    "own": 0,
    "asset": 0,
    "probe": 2,
    "linked": 0,
    "unknown": 1,
}


class Match(Enum):
    """How a request's path matched the app's URL map.

    Attributes:
        NONE: Not at all, or only by a catch-all route.
        TEXT: By a route of one variable that takes any text, such as `/<slug>`. Pages that it does
            not have are its own, but a probe stays one.
        ROUTE: By a route.
    """

    NONE = "none"
    TEXT = "text"
    ROUTE = "route"


# Local names: Python 3.11 looks a member up in Python code.
_NONE: Final = Match.NONE
_TEXT: Final = Match.TEXT
_ROUTE: Final = Match.ROUTE


class Suspicion(NamedTuple):
    """Four fields of a failing request's line.

    Attributes:
        agent: Who sent it, as the client says: `browser`, `crawler`, `library`, `scanner`, `empty`.
        referrer: Where it was linked from, as the client says: `same` (this host), `other`, `none`.
        path_class: What it asked for: `probe`, `injection`, `asset`, `own`, `linked`, `unknown`.
        suspicion: 0, 1 or 2.
    """

    agent: str
    referrer: str
    path_class: str
    suspicion: int


#: Kept, since there are few different ones.
_suspicion: Final = cache(Suspicion)


def classify(  # noqa: PLR0917 - positions are faster than names
    site: Site,
    status: int,
    method: str,
    path: str,
    query: str,
    host: str,
    referrer: str,
    agent: str,
    match: Match,
) -> Suspicion:
    """Classifies a failing request. The effort is linear, and bounded for any input.

    Args:
        site: What is known of the app.
        status: The status of the response.
        method: The method.
        path: The path, decoded once, as WSGI passes it and `split_target` returns it.
        query: The query as it was sent.
        host: The host that the request was sent to.
        referrer: The header `Referer`, or an empty string.
        agent: The header `User-Agent`, or an empty string.
        match: How the path matched the app's URL map.

    Example:
        >>> request = {"status": 404, "method": "GET", "query": "", "host": "shop.example"}
        >>> request |= {"referrer": "", "agent": "curl/8.5.0", "match": Match.NONE}
        >>> classify(Site(), path="/.env", **request)
        Suspicion(agent='library', referrer='none', path_class='probe', suspicion=2)
    """
    who = agent_kind(agent[:LENGTH], site.expected_agents)
    origin = (
        referrer_kind(referrer[:LENGTH_OF_REFERRER], host[:LENGTH_OF_REFERRER])
        if referrer
        else "none"
    )
    is_link = origin == "same"
    path, query = path[:LONGEST], query[:LONGEST]
    # What a browser sends to a route may name a folder above in its query.
    is_plain = is_link or (match is not _NONE and ".." not in path)
    if is_injection(path, query, forgives_one=is_plain and method == "GET"):
        kind = "injection"
    elif match is _ROUTE:
        kind = "own"
    else:
        kind = _unmatched(path.lower(), method, site)
        if kind == "unknown":
            kind = "own" if match is _TEXT else "linked" if is_link else kind
    amount = _SUSPICION[kind]
    if amount and (
        (status not in STATUSES and status < _SERVER_ERROR) or (amount == 1 and who == "crawler")
    ):
        amount = 0
    return _suspicion(who, origin, kind, amount)


def _unmatched(path: str, method: str, site: Site) -> str:
    """The class of a path that no route matched."""
    if "%" in path:  # encoded twice
        path = unquote(path, "latin-1").lower()
    if "//" in path:
        path = "/".join(["", *filter(None, path.split("/"))])
    if is_asset(path) or (site.ignored and site.ignores(path)):
        return "asset"
    return "probe" if method not in METHODS or is_probe(path, site.own) else "unknown"

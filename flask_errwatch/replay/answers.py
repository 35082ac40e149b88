"""Counts the requests of access logs that succeeded, which the app's own lines do not show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from flask_errwatch._parsers import TrustedProxies
from flask_errwatch._text import listed, one_line
from flask_errwatch._time import readable
from flask_errwatch.replay.gathering.client_rule import ClientRule
from flask_errwatch.replay.reading.contents import TimedRequest, contents
from flask_errwatch.replay.reading.known_formats import EVERYTHING
from flask_errwatch.replay.reading.look_alikes import look_alike
from flask_errwatch.replay.sources import Log, UnreadableLogError, open_logs
from flask_errwatch.respond.ranking.access_logs import Answered
from flask_errwatch.respond.ranking.source import source_of
from flask_errwatch.respond.ranking.summarize import Answer
from flask_errwatch.respond.ranking.summary import SourceRow
from flask_errwatch.respond.ranking.window import Window

#: Seconds by which a log may miss a request: servers write its line when it has ended.
_SLACK: Final = 60
_NAMED: Final = 3


class _Request(NamedTuple):
    """A request of an access log.

    Attributes:
        client: The client's address.
        source: Whose it is.
        at: Its time, in seconds since the epoch.
        status: The status of the response.
    """

    client: str
    source: str
    at: int
    status: int


class _Found:
    """What the logs show of some sources in a window."""

    def __init__(self, window: Window, sources: Iterable[str]) -> None:
        self._window = window
        self._sources = frozenset(sources)
        self.seen: Counter[str] = Counter()
        self.succeeded: Counter[str] = Counter()
        self.first, self.last = math.inf, -math.inf
        self.is_within = False

    def add(self, request: _Request) -> None:
        """Adds a request."""
        self.first, self.last = min(self.first, request.at), max(self.last, request.at)
        if request.at not in self._window:
            return
        self.is_within = True
        if request.source in self._sources:
            self.seen[request.source] += 1
            self.succeeded[request.source] += 200 <= request.status < 300 or request.status == 304

    def covers(self, row: SourceRow) -> bool:
        """Whether the logs have the time of a source's lines, and requests of it."""
        is_whole = self.first <= row.first + _SLACK and row.last - _SLACK <= self.last
        return is_whole and (row.source or "") in self.seen


def count_answers(
    names: Sequence[str],
    window: Window,
    rows: Sequence[SourceRow],
    trusted: TrustedProxies = 0,
) -> Answered:
    """Counts the requests that were answered with 2xx or 304.

    Args:
        names: Paths of access logs in any format that `replay` reads, plain or compressed.
        window: Their time.
        rows: The sources whose requests are counted.
        trusted: `ERRWATCH_TRUSTED_PROXIES`, by which the client is derived where a log shows
            X-Forwarded-For.
    """
    named = [row for row in rows if row.source is not None]
    found = _Found(window, (row.source for row in named if row.source is not None))
    gaps: list[str] = []
    for name in names:
        try:
            for request in _requests(name, trusted):
                found.add(request)
        except UnreadableLogError as error:
            reason = error.problems[0].remedy.rstrip(".")
            gaps.append(f"successful requests in {one_line(name)} ({reason}).")
    gaps += _gaps(found, named)
    counts = {source: found.succeeded[source] for source in found.seen}
    return Answered(counts=counts, gaps=tuple(gaps))


def read_requests(
    names: Sequence[str], window: Window, trusted: TrustedProxies = 0
) -> Iterator[Answer]:
    """Yields all requests of a window, those that failed too.

    Args:
        names: As for `count_answers`.
        window: Their time.
        trusted: As for `count_answers`.

    Raises:
        UnreadableLogError: A log cannot be read, is empty, or is in another format.
    """
    for name in names:
        for request in _requests(name, trusted):
            if request.at in window:
                yield request.at, request.client, request.status


def _gaps(found: _Found, rows: Sequence[SourceRow]) -> Iterator[str]:
    if found.last < found.first:
        return  # no log was understood
    if not found.is_within:
        span = f"from {readable(found.first)} to {readable(found.last)}"
        yield f"successful requests (the access logs are {span}, and the window is not in them)."
        return
    missing = [row.source or "" for row in rows if not found.covers(row)]
    if missing:
        reason = "the access logs have no request of it, or not all of its time"
        yield f"successful requests of {listed(missing, _NAMED)} ({reason})."


def _requests(name: str, trusted: TrustedProxies) -> Iterator[_Request]:
    clients = ClientRule(trusted)
    with open_logs([name]) as logs:
        for log in logs:
            yield from _of_log(log, clients)


def _of_log(log: Log, clients: ClientRule) -> Iterator[_Request]:
    if not log.head.strip():
        raise UnreadableLogError(log.name, "it is empty.")
    shape = EVERYTHING.guess(log.head)
    if shape is None or not shape.shows_requests:
        remedy = f"it has no requests that are understood. {look_alike(log.head, EVERYTHING)}"
        raise UnreadableLogError(log.name, remedy)
    source_in = lru_cache(maxsize=4096)(source_of)
    for content in contents(log, shape):
        if isinstance(content, TimedRequest):
            client = content.client(clients)
            source = None if client is None else source_in(client)
            if client is not None and source is not None:
                yield _Request(client, source, int(content.at), int(content.record.request.status))
    if log.defect is not None:
        raise UnreadableLogError(log.name, log.defect)

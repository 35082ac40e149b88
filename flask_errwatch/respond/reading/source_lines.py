"""`SourceLines`: the lines of a few sources that decide their rows, by Logs Insights.

A query returns at most 10,000 rows, and one source may have more lines. So each of these is asked
for by itself: the first and the last line of each source, its first suspicious line and its first
guess, its sign-ins, and how many lines the hour before has. The newest lines complete them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.detectors import LOGIN_FAILED, LOGIN_SUCCEEDED
from flask_errwatch.respond.alarm.counted_lines import Counting
from flask_errwatch.respond.ranking.source import source_of
from flask_errwatch.respond.ranking.summarize import TimedEvent, summarize
from flask_errwatch.respond.ranking.summary import Summary
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.reading.insights import (
    MOST_ROWS,
    Insights,
    Row,
    moment_of,
    number_of,
)

#: What `lines.Line` calls a guess at a password.
GUESS: Final = (
    f'(detector = "{LOGIN_FAILED.name}" or (status = 401 and '
    '((ispresent(method) and method not in ["GET", "HEAD"]) '
    'or (ispresent(method) and ispresent(referrer) and referrer != "same" '
    'and not (referrer = "none" and ispresent(agent) and agent = "crawler")))))'
)
_FIRST: Final = "min(@timestamp) as first, earliest(@message) as first_line"
_LAST: Final = "max(@timestamp) as last, latest(@message) as last_line"


class SourceLines:
    """The lines of a few sources.

    Args:
        insights: The log groups.
        counting: Which lines the alarm counts.
        query: The beginning of a query that finds these.
        sources: The sources, as `source_of` names them.
    """

    def __init__(
        self, insights: Insights, counting: Counting, query: str, sources: Sequence[str]
    ) -> None:
        self._insights = insights
        self._counting = counting
        self._query = query
        self._sources = sources
        self._by_them = f"filter {_condition(sources)}"

    def summary(self, window: Window, until: float) -> Summary:
        """What the lines add up to, with a row for each source.

        Args:
            window: The time that is asked about.
            until: How far sign-ins are looked for, in seconds since the epoch.

        Raises:
            NoAnswerError: When a query has no result.
            AwsCallError: When a call fails.
        """
        if not self._sources:
            return summarize(lambda: (), self._counting.counts, window=window)
        found = [*self._ends(window), *self._firsts(window)]
        span = Window(start=window.baseline.start, end=max(window.end, until))
        sign_ins = self._sign_ins(span)
        # A line may be in several results.
        lines = dict.fromkeys([*found, *sign_ins, *self._newest(window)])
        events = sorted(_events(lines), key=lambda line: line[0])
        before = self._before(window)
        summary = summarize(
            lambda: events, self._counting.counts, window=window, sources=len(self._sources)
        )
        rows = (replace(row, before=before[row.source]) for row in summary.sources)
        are_cut = len(sign_ins) >= MOST_ROWS
        return replace(summary, sources=tuple(rows), has_all_sign_ins=not are_cut)

    def _ends(self, window: Window) -> list[tuple[int, str]]:
        """The first and the last line of each address, so that each source has its row."""
        rows = self._insights.rows(
            f"{self._query} | {self._by_them} | stats {_FIRST}, {_LAST} by client_ip",
            window,
            about="first and last lines",
        )
        return [*_pairs(rows, "first", "first_line"), *_pairs(rows, "last", "last_line")]

    def _firsts(self, window: Window) -> list[tuple[int, str]]:
        """The first suspicious line and the first guess: what decides which sign-ins came later.

        The fields that they are grouped by decide whether a line is a guess.
        """
        rows = self._insights.rows(
            f"{self._by_them} | filter suspicion > 0 or {GUESS} | stats {_FIRST} "
            "by client_ip, detector, status, method, referrer, agent",
            Window(start=window.baseline.start, end=window.end),
            about="first suspicious lines",
        )
        return [*_pairs(rows, "first", "first_line")]

    def _sign_ins(self, span: Window) -> list[tuple[int, str]]:
        """All sign-ins, and the first line of each user who was signed in."""
        sign_ins = self._insights.rows(
            f'{self._by_them} | filter detector = "{LOGIN_SUCCEEDED.name}" '
            "| fields @timestamp, @message | sort @timestamp desc",
            span,
            about="sign-ins",
        )
        users = self._insights.rows(
            f"{self._by_them} | filter ispresent(user) and detector not in "
            f'["{LOGIN_FAILED.name}", "{LOGIN_SUCCEEDED.name}"] | stats {_FIRST} '
            "by client_ip, user",
            span,
            about="users",
        )
        return [*_pairs(sign_ins, "@timestamp", "@message"), *_pairs(users, "first", "first_line")]

    def _newest(self, window: Window) -> list[tuple[int, str]]:
        rows = self._insights.rows(
            f"{self._by_them} | fields @timestamp, @message | sort @timestamp desc",
            window,
            about="lines of the first sources",
        )
        return [*_pairs(rows, "@timestamp", "@message")]

    def _before(self, window: Window) -> Counter[str | None]:
        rows = self._insights.rows(
            f"{self._query} | {self._by_them} | fields coalesce(count, 1) as weight "
            "| stats sum(weight) as lines by client_ip",
            window.baseline,
            about="the hour before",
        )
        lines: Counter[str | None] = Counter()
        for row in rows:
            lines[source_of(row.get("client_ip"))] += number_of(row.get("lines"))
        return lines


def _condition(sources: Sequence[str]) -> str:
    """The condition of a line by one of these sources.

    Example:
        >>> _condition(["192.0.2.7", "2001:db8::/64"])
        '(client_ip in ["192.0.2.7"] or isIpv6InSubnet(client_ip, "2001:db8::/64"))'
    """
    addresses = [source for source in sources if "/" not in source]
    networks = [source for source in sources if "/" in source]
    parts = [f"client_ip in {json.dumps(addresses)}"] if addresses else []
    parts += [f"isIpv6InSubnet(client_ip, {json.dumps(network)})" for network in networks]
    return f"({' or '.join(parts)})"


def _pairs(rows: Iterable[Row], time: str, message: str) -> Iterator[tuple[int, str]]:
    """Time in milliseconds and message of each row."""
    for row in rows:
        at = moment_of(row.get(time, ""))
        if at is not None and row.get(message):
            yield round(at * 1000), row[message]


def _events(lines: Iterable[tuple[int, str]]) -> Iterator[TimedEvent]:
    for at, message in lines:
        event = read_line(message)
        if event is not None:
            yield at / 1000, event

"""A summary by Logs Insights: a few queries find who and what is frequent, one reads their lines.

Sums are exact, of any number of addresses. Numbers of different values are Insights' estimates, and
only some lines of the first sources are read, so that the summary is not exact.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from flask_errwatch.detectors import LOGIN_FAILED
from flask_errwatch.provision.cost import PER_GB_SCANNED
from flask_errwatch.respond.alarm.counted_lines import Counting
from flask_errwatch.respond.ranking.lines import is_dead_link
from flask_errwatch.respond.ranking.order import ranked
from flask_errwatch.respond.ranking.source import source_of
from flask_errwatch.respond.ranking.summary import (
    LOUD,
    FingerprintRow,
    Guesses,
    PathRow,
    ReleaseRow,
    SourceRow,
    Summary,
)
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.reading.insights import (
    Insights,
    Row,
    amount_of,
    moment_of,
    number_of,
)
from flask_errwatch.respond.reading.source_lines import GUESS, SourceLines

#: Sources of each order whose lines are read.
_SOURCES: Final = 20
_ROWS: Final = 10
_WEIGHT: Final = "fields coalesce(count, 1) as weight"


class Sizes(NamedTuple):
    """Bytes of lines in the parts of a reading.

    Attributes:
        before: Of the hour before the window.
        within: Of the window.
        after: Of what follows it, until the present.
    """

    before: float
    within: float
    after: float

    @property
    def total(self) -> float:
        """All of them, as a reading of the lines reads them once."""
        return sum(self)

    @property
    def scanned(self) -> float:
        """What the queries of a summary scan at most: those of failed logins may not be needed."""
        return 5 * self.before + 12 * self.within + 2 * self.after


def dollars(scanned: float) -> float:
    """What AWS charges for scanned bytes, in USD.

    Example:
        >>> dollars(2_000_000_000)
        0.01
    """
    return scanned / 1e9 * PER_GB_SCANNED


def summarize_by_insights(
    insights: Insights, counting: Counting, query: str, window: Window, until: float
) -> Summary:
    """Sums up the lines of a window by queries.

    Args:
        insights: The log groups.
        counting: Which lines the alarm counts.
        query: The beginning of a query that finds these.
        window: The time that is asked about.
        until: How far the newest line is looked for, in seconds since the epoch.

    Raises:
        NoAnswerError: When a query has no result.
        AwsCallError: When a call fails.
    """
    total = _total(insights, f"{query} | {_WEIGHT}", window, about="lines")
    by_address = insights.rows(
        f"{query} | {_WEIGHT} | stats sum(weight) as lines, sum(suspicion) as suspicion "
        "by client_ip | sort suspicion desc, lines desc",
        window,
        about="sources",
    )
    guesses, guessed = _guesses(insights, query, window)
    chosen = _first_sources(by_address, guessed)
    rows = SourceLines(insights, counting, query, chosen).summary(window, until)
    failures = insights.rows(
        f"{query} | {_WEIGHT} | stats sum(weight) as lines by release, exception.fingerprint, "
        "exception.type, exception.where, exception.new | sort lines desc",
        window,
        about="failures and releases",
    )
    paths = insights.rows(
        f"{query} | {_WEIGHT} | stats sum(weight) as lines, count_distinct(client_ip) as sources "
        "by path, status, path_class | sort lines desc",
        window,
        about="paths",
    )
    before = insights.rows(
        "filter ispresent(release) | stats count(*) as lines by release",
        window.baseline,
        about="releases before",
    )
    return replace(
        rows,
        lines=total.lines,
        sources=ranked(_counted(rows.sources, by_address, guessed)),
        source_count=total.sources,
        guesses=replace(
            rows.guesses,
            lines=guesses.lines,
            sources=guesses.sources,
            users=guesses.users,
            unknown=guesses.unknown,
            loud_lines=guesses.loud_lines,
            loud_sources=guesses.loud_sources,
        ),
        paths=tuple(_paths(paths)),
        fingerprints=tuple(_fingerprints(failures)),
        releases=tuple(_releases(failures, before)),
        # Shares of the lines that were read would be shares of a few sources.
        unusual=(),
        last_line=newest_line(insights, query, Window(start=window.end, end=until))
        or rows.last_line,
        is_exact=False,
    )


class _Total(NamedTuple):
    """Lines, and an estimate of how many addresses they are of."""

    lines: int
    sources: int


def _total(insights: Insights, query: str, window: Window, *, about: str) -> _Total:
    """Without a `by`, whose rows would be cut beyond 10,000 addresses."""
    rows = insights.rows(
        f"{query} | stats sum(weight) as lines, count_distinct(client_ip) as sources",
        window,
        about=about,
    )
    row = next(iter(rows), {})
    return _Total(number_of(row.get("lines")), number_of(row.get("sources")))


def _first_sources(by_address: list[Row], guessed: list[Row]) -> list[str]:
    """The first sources of each order: by suspicion, by guesses, and by lines."""
    by_lines = sorted(by_address, key=lambda row: -number_of(row.get("lines")))
    chosen: dict[str, None] = {}
    for order in (by_address, guessed, by_lines):
        sources = (source_of(row.get("client_ip")) for row in order)
        known = dict.fromkeys(source for source in sources if source is not None)
        chosen.update(dict.fromkeys([*known][:_SOURCES]))
    return [*chosen]


def _counted(
    sources: Iterable[SourceRow], by_address: list[Row], guessed: list[Row]
) -> Iterator[SourceRow]:
    """The rows with the numbers of all lines, of which only a part may have been read."""
    lines, suspicion = _by_source(by_address, "lines"), _by_source(by_address, "suspicion")
    guesses = _by_source(guessed, "lines")
    for row in sources:
        yield replace(
            row,
            lines=int(lines[row.source]),
            suspicion=suspicion[row.source],
            failed_logins=int(guesses[row.source]),
        )


def _by_source(rows: list[Row], field: str) -> defaultdict[str | None, float]:
    sums: defaultdict[str | None, float] = defaultdict(float)
    for row in rows:
        sums[source_of(row.get("client_ip"))] += amount_of(row.get(field))
    return sums


def _guesses(insights: Insights, query: str, window: Window) -> tuple[Guesses, list[Row]]:
    """The guesses of all sources, and how many there are by address."""
    guessing = f"{query} | filter {GUESS} | {_WEIGHT}"
    total = _total(insights, guessing, window, about="failed logins")
    if not total.lines:
        return Guesses(), []
    by_address = insights.rows(
        f"{guessing} | stats sum(weight) as lines by client_ip | sort lines desc",
        window,
        about="failed logins of sources",
    )
    accounts = insights.rows(
        f"{guessing} | stats sum(weight) as lines by detector, user | sort lines desc",
        window,
        about="failed logins of accounts",
    )
    known = [
        row for row in accounts if row.get("detector") == LOGIN_FAILED.name and row.get("user")
    ]
    loud = [lines for lines in _by_source(by_address, "lines").values() if lines >= LOUD]
    guesses = Guesses(
        lines=total.lines,
        loud_lines=int(sum(loud)),
        loud_sources=len(loud),
        sources=total.sources,
        users=tuple(dict.fromkeys(row["user"] for row in known))[: 2 * _ROWS],
        unknown=max(0, total.lines - sum(number_of(row.get("lines")) for row in known)),
    )
    return guesses, by_address


def _paths(rows: list[Row]) -> Iterator[PathRow]:
    lines: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    sources: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        path, number = row.get("path", ""), number_of(row.get("lines"))
        if not path:
            continue
        lines[path] += number
        sources[path] = max(sources[path], number_of(row.get("sources")))
        if is_dead_link(number_of(row.get("status")), row.get("path_class")):
            broken[path] += number
    for path, number in lines.most_common(_ROWS):
        yield PathRow(path=path, lines=number, sources=sources[path], broken=broken[path])


def _fingerprints(rows: list[Row]) -> Iterator[FingerprintRow]:
    lines: Counter[str] = Counter()
    first: dict[str, Row] = {}
    new: set[str] = set()
    for row in rows:
        fingerprint = row.get("exception.fingerprint", "")
        if fingerprint:
            lines[fingerprint] += number_of(row.get("lines"))
            first.setdefault(fingerprint, row)
            if row.get("exception.new") in {"1", "true"}:
                new.add(fingerprint)
    for fingerprint, number in lines.most_common(_ROWS):
        row = first[fingerprint]
        yield FingerprintRow(
            fingerprint=fingerprint,
            type=row.get("exception.type", ""),
            where=row.get("exception.where", ""),
            lines=number,
            is_new=fingerprint in new,
        )


def _releases(within: list[Row], before: list[Row]) -> Iterator[ReleaseRow]:
    lines, earlier = (
        Counter[str](),
        {row.get("release", ""): number_of(row.get("lines")) for row in before},
    )
    for row in within:
        lines[row.get("release", "")] += number_of(row.get("lines"))
    names = [*dict.fromkeys([*(name for name, _ in lines.most_common()), *earlier])]
    for name in [name for name in names if name][:_ROWS]:
        yield ReleaseRow(release=name, lines=lines[name], before=earlier.get(name, 0))


def newest_line(insights: Insights, query: str, span: Window) -> float | None:
    """The time of the newest line of a span that the alarm would count.

    Raises:
        NoAnswerError: When the query has no result.
        AwsCallError: When a call fails.
    """
    if span.end <= span.start:
        return None
    rows = insights.rows(f"{query} | stats max(@timestamp) as last", span, about="newest line")
    return next(filter(None, (moment_of(row.get("last", "")) for row in rows)), None)

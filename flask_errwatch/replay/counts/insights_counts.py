"""Gathers the counts of the app's lines by Logs Insights, which reads them where they lie.

A query counts the lines of each minute that have the same values in the fields that the app's
filters read, and the same client. So the counts decide every alarm as the lines do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from flask_errwatch._text import counted
from flask_errwatch._time import readable_minute
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.replay.counts.gathered_counts import GatheredCounts
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.gathering.gathered import MISSING, Gathered, Values
from flask_errwatch.respond.alarm.metrics_in_aws import ingested_bytes
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.reading.insights import MOST_ROWS, Insights, Row, moment_of, number_of
from flask_errwatch.respond.reading.insights_summary import dollars
from flask_errwatch.simulation import MINUTE, PEER_MARK

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: The time of the first queries. One whose result is full is asked again, in halves.
_DAY: Final = 86_400
_MINUTE_FIELD: Final = "bin(1m)"
_SOURCE: Final = "source"
_SOURCES: Final = f'coalesce(client_ip, concat("{PEER_MARK}", peer_ip))'
#: The fields of a line that hold numbers, and those that hold objects, which are in no result.
_NUMBERS: Final = frozenset({"schema", "status", "suspicion", "duration_ms", "count", "pid", "seq"})
_OBJECTS: Final = frozenset({"data", "exception"})


class NoLinesError(ErrWatchError):
    """A log group has no line in a time."""


def bytes_to_scan(aws: Aws, detectors: DetectorSet, span: Window, *, now: float) -> float:
    """About how many bytes the query scans: those that the log group received.

    Args:
        aws: The account and region.
        detectors: The app's detectors.
        span: The time.
        now: The present, in seconds since the epoch.

    Raises:
        AwsCallError: When GetMetricData fails.
    """
    return ingested_bytes(aws, detectors.desired.log_group.name, span, now)


def gather_insights(insights: Insights, detectors: DetectorSet, span: Window) -> GatheredCounts:
    """Gathers the counts of the lines of an app's log group.

    Args:
        insights: Queries of the log group.
        detectors: The app's detectors.
        span: The time of the lines.

    Raises:
        NoLinesError: There is no line in that time.
        NoAnswerError: A query failed, took too long or was stopped.
        AwsCallError: A call failed.
    """
    gathered = Gathered(detectors)
    gathered.shows_requests = False
    fields = tuple(field for field in gathered.kinds.fields if field not in _OBJECTS)
    gathered.hidden |= {*gathered.kinds.fields} - {*fields}
    query = counting_query(fields)
    full: list[float] = []
    for row in _rows(insights, query, span, full):
        _count(gathered, row)
    group = detectors.desired.log_group.name
    if not gathered.tally.lines:
        remedy = "It has no line in that time: give an earlier --since, or --region and --profile."
        raise NoLinesError(Problem(key="log group", value=group, remedy=remedy))
    scanned = insights.scanned
    notes = [f"Logs Insights scanned {scanned / 1e9:.2f} GB: {dollars(scanned):.2f} USD."]
    if full:
        times = f"At {readable_minute(full[0])} UTC"
        if len(full) > 1:
            times += f" and in {counted(len(full) - 1, 'other minute')}"
        notes.append(
            f"{times} there were more than {MOST_ROWS:,} different lines, the most that a result "
            "has: the others are not counted."
        )
    return GatheredCounts(name=f"log group {group}", gathered=gathered, notes=tuple(notes))


def counting_query(fields: Iterable[str]) -> str:
    """The query that counts lines by minute, client and these fields.

    Example:
        >>> print(counting_query(["event"]))
        fields coalesce(client_ip, concat("peer ", peer_ip)) as source
        | stats count(*) as lines by bin(1m), source, event
    """
    by = ", ".join((_MINUTE_FIELD, _SOURCE, *fields))
    return f"fields {_SOURCES} as {_SOURCE}\n| stats count(*) as lines by {by}"


def _rows(insights: Insights, query: str, span: Window, full: list[float]) -> Iterator[Row]:
    """The rows of all days. Minutes of which a result does not have all are added to `full`."""
    start = int(span.start) // MINUTE * MINUTE
    end = -(-int(span.end) // MINUTE) * MINUTE
    waiting = [Window(start=first, end=min(first + _DAY, end)) for first in range(start, end, _DAY)]
    waiting.reverse()
    while waiting:
        part = waiting.pop()
        rows = insights.rows(query, part, about=f"lines from {readable_minute(part.start)}")
        minutes = int(part.end - part.start) // MINUTE
        if len(rows) < MOST_ROWS or minutes == 1:
            full.extend([part.start] if len(rows) >= MOST_ROWS else ())
            yield from rows
        else:
            middle = part.start + minutes // 2 * MINUTE
            waiting += [
                Window(start=middle, end=part.end),
                Window(start=part.start, end=middle),
            ]


def _count(gathered: Gathered, row: Row) -> None:
    at, lines = moment_of(row.get(_MINUTE_FIELD, "")), number_of(row.get("lines"))
    if at is None or not lines:
        return
    minute = int(at) // MINUTE * MINUTE
    kind = gathered.kind_of(_values(gathered.kinds.fields, row))
    source = row.get(_SOURCE) or None
    gathered.count_equal(minute, kind, lines, source=source, path=None)


def _values(fields: Iterable[str], row: Mapping[str, str]) -> Values:
    """The values of the fields, as the lines have them: a result has texts only."""
    return tuple(
        MISSING if not row.get(field) else _number(row[field]) if field in _NUMBERS else row[field]
        for field in fields
    )


def _number(text: str) -> object:
    """The text as a number, whole if it can be. Any other text is returned as it is."""
    try:
        number = float(text)
        return int(number) if number.is_integer() else number
    except (ValueError, OverflowError):
        return text

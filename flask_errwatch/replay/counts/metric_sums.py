"""Gathers the sums of the app's own metrics in place of its lines.

CloudWatch has counted already: each metric filter's pattern is replaced by one that matches what
its metric counted, so that the same judge sees the same sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from flask_errwatch._time import rfc3339_second
from flask_errwatch.detectors import HEARTBEAT
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.provision.resources import MetricFilter
from flask_errwatch.replay.counts.gathered_counts import GatheredCounts
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.simulation import HEARTBEAT_LINE, MINUTE, LineFilter

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Seconds for which CloudWatch keeps values of a minute (API Reference, GetMetricData:
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html).
_KEPT: Final = 15 * 86_400
#: The queries and the seconds of a call: as many values as one answer has at most, 100,800 (same
#: page), so that none has a second page. A call takes up to 500 queries.
_QUERIES: Final = 70
_SECONDS: Final = 86_400
_OVERLAP: Final = (
    "Metrics do not show which lines are the same: a line that several detectors count is counted "
    "for each, and so is each minute in which the app ran. Of a detector that sums a field, the "
    "lines are the sum."
)


class NoMetricsError(ErrWatchError):
    """No metric of the app has a value in a time."""


def gather_metrics(aws: Aws, detectors: DetectorSet, span: Window, *, now: float) -> GatheredCounts:
    """Gathers the sums of the metrics that an app's metric filters feed.

    Args:
        aws: The account and region.
        detectors: The app's detectors.
        span: The time. CloudWatch keeps the sums of a minute for 15 days: what is before is left
            out, with a note.
        now: The present, in seconds since the epoch.

    Raises:
        NoMetricsError: No metric has a value in that time.
        AwsCallError: GetMetricData failed.
    """
    notes = [_OVERLAP]
    start, end = int(span.start) // MINUTE * MINUTE, -(-int(span.end) // MINUTE) * MINUTE
    oldest = -(-int(now - _KEPT) // MINUTE) * MINUTE
    if end <= oldest:
        raise NoMetricsError(_too_old(detectors, end))
    if start < oldest:
        start = oldest
        notes.append(
            "CloudWatch keeps the sums of a minute for 15 days: judged from "
            f"{rfc3339_second(start)} on."
        )
    filters = detectors.desired.filters
    gathered = Gathered(detectors.with_filters(tuple(_of_sums(filters))))
    gathered.shows_requests = gathered.shows_sources = False
    gathered.has_sums_only = True
    names = [_event_of(one) for one in filters]
    minutes: set[int] = set()
    for number, minute, value in _sums(aws, filters, start, end):
        minutes.add(minute)
        _count(gathered, minute, {"event": names[number], "metric": number}, value)
    if not minutes:
        raise NoMetricsError(_nothing(aws, detectors, start, end))
    for minute in minutes:
        # Every line of the app gives each filter's default value, a heartbeat too.
        gathered.count_other(minute, 1)
    return GatheredCounts(
        name=f"metrics of {detectors.config.app_name}",
        gathered=gathered,
        # A minute without a value is missing data: the metrics show when the app ran.
        heartbeat=False,
        notes=tuple(notes),
    )


def _of_sums(filters: Sequence[MetricFilter]) -> Iterator[MetricFilter]:
    """The filters, each for what its metric counted."""
    for number, one in enumerate(filters):
        yield replace(one, pattern=f"{{ $.metric = {number} }}", value="$.value")


def _event_of(metric_filter: MetricFilter) -> str:
    """The event of the lines of a filter, as far as the judge asks for it."""
    return HEARTBEAT if LineFilter(metric_filter).pattern.matches(HEARTBEAT_LINE) else ""


def _sums(
    aws: Aws, filters: Sequence[MetricFilter], start: int, end: int
) -> Iterator[tuple[int, int, float]]:
    """Yields the number of a filter, a minute, and the sum of its metric in that minute."""
    queries = [_query(number, one) for number, one in enumerate(filters)]
    for since, first in product(range(start, end, _SECONDS), range(0, len(queries), _QUERIES)):
        results: Iterator[Any] = aws.pages(
            *("cloudwatch", "get_metric_data", "MetricDataResults"),
            MetricDataQueries=queries[first : first + _QUERIES],
            StartTime=datetime.fromtimestamp(since, UTC),
            EndTime=datetime.fromtimestamp(min(since + _SECONDS, end), UTC),
        )
        for result in results:
            number = int(result["Id"].removeprefix("m"))
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                yield number, int(at.timestamp()) // MINUTE * MINUTE, float(value)


def _query(number: int, metric_filter: MetricFilter) -> dict[str, object]:
    metric = {
        "Namespace": metric_filter.namespace,
        "MetricName": metric_filter.metric_name,
        "Dimensions": [],
    }
    stat = {"Metric": metric, "Period": MINUTE, "Stat": "Sum"}
    return {"Id": f"m{number}", "MetricStat": stat}


def _count(gathered: Gathered, minute: int, event: dict[str, object], value: float) -> None:
    """Counts lines that add up to a value: each adds 1, and one what is left."""
    lines, rest = divmod(value, 1) if value > 0 else (0.0, value)
    for amount, count in ((1, int(lines)), (rest, 1 if rest else 0)):
        if count:
            kind = gathered.kind_of_line({**event, "value": amount})
            gathered.tally.add_unnamed(minute, kind, count)


def _too_old(detectors: DetectorSet, end: int) -> Problem:
    return Problem(
        key=f"metrics of {detectors.config.app_name!r} until",
        value=rfc3339_second(end),
        remedy="CloudWatch keeps the sums of a minute for 15 days: give a later --until.",
    )


def _nothing(aws: Aws, detectors: DetectorSet, start: int, end: int) -> Problem:
    names = sorted({one.namespace for one in detectors.desired.filters})
    times = f"from {rfc3339_second(start)} to {rfc3339_second(end)}"
    return Problem(
        key=f"metrics of {detectors.config.app_name!r} in {', '.join(names)}",
        value=aws.place("cloudwatch"),
        remedy=f"None has a value {times}: give the app with --app, or --region and --profile.",
    )

"""Reads metrics: what a filter counted, the newest period that breached, the size of log groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from flask_errwatch.provision.resources import MetricAlarm, MetricFilter, Pairs
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.simulation.conditions import AlarmCondition, metric_of
from flask_errwatch.simulation.metrics import MINUTE

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_HOUR, _DAY = 3600, 86_400
#: How long CloudWatch keeps values of a minute, of five minutes, and of an hour.
_KEPT: Final = ((15 * _DAY, MINUTE), (63 * _DAY, 5 * MINUTE), (455 * _DAY, _HOUR))
#: How far back the newest breaching period is looked for: the last day, then all that is kept.
_LOOK_BACK: Final = (_DAY, 14 * _DAY)


def counted_by(aws: Aws, filters: Iterable[MetricFilter], start: int, end: int) -> float | None:
    """What the metrics of filters counted. None where they count no lines, or have no value.

    Args:
        aws: The account and region.
        filters: The metric filters.
        start: In seconds since the epoch, a whole minute.
        end: The end, which does not belong to it.

    Raises:
        AwsCallError: When GetMetricData fails.
    """
    filters = tuple(filters)
    if not filters or any(each.value != "1" for each in filters):
        return None  # a sum of a field is not a number of lines
    series = {
        _Series(namespace=each.namespace, name=each.metric_name, dimensions=each.dimensions)
        for each in filters
    }
    values = [value for each in series for _, value in each.read(aws, start, end)]
    return sum(values) if values else None


def ingested_bytes(aws: Aws, log_group: str, span: Window, now: float) -> float:
    """The bytes of uncompressed lines that a log group received in a time.

    Args:
        aws: The account and region.
        log_group: Its name.
        span: The time, of which whole periods are read.
        now: The present, in seconds since the epoch.

    Raises:
        AwsCallError: When GetMetricData fails.
    """
    period = next((each for age, each in _KEPT if now - span.start < age), _HOUR)
    series = _Series(
        namespace="AWS/Logs",
        name="IncomingBytes",
        dimensions=(("LogGroupName", log_group),),
        period=period,
    )
    first, last = int(span.start) // period * period, -(-int(span.end) // period) * period
    return sum(value for _, value in series.read(aws, first, max(last, first + period)))


def newest_breaching(aws: Aws, alarm: MetricAlarm, until: float) -> tuple[int, float] | None:
    """The newest period whose value breached the alarm's threshold: its start and its value.

    Args:
        aws: The account and region.
        alarm: An alarm on one metric. One on an expression has none.
        until: The present, in the time of metrics.

    Raises:
        AwsCallError: When GetMetricData fails.
    """
    if alarm.metrics or alarm.threshold is None:
        return None
    condition, metric = AlarmCondition.of(alarm), metric_of(alarm)
    series = _Series(
        namespace=metric.namespace,
        name=metric.name,
        dimensions=metric.dimensions,
        statistic=condition.statistic,
        period=condition.period,
    )
    end = int(until) // condition.period * condition.period + condition.period
    for back in _LOOK_BACK:
        start = end - max(back // condition.period, 1) * condition.period
        values = series.read(aws, start, end)
        breaching = [(at, value) for at, value in values if condition.breaches(value)]
        if breaching:
            return max(breaching)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Series:
    """The values of a metric, one for each period."""

    namespace: str
    name: str
    dimensions: Pairs = ()
    statistic: str = "Sum"
    period: int = MINUTE

    def read(self, aws: Aws, start: int, end: int) -> Iterator[tuple[int, float]]:
        """Yields the start of each period that has a value, and the value."""
        metric = {
            "Namespace": self.namespace,
            "MetricName": self.name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in self.dimensions],
        }
        stat = {"Metric": metric, "Period": self.period, "Stat": self.statistic}
        results: Iterator[Any] = aws.pages(
            *("cloudwatch", "get_metric_data", "MetricDataResults"),
            MetricDataQueries=[{"Id": "values", "MetricStat": stat}],
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
        )
        for result in results:
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                yield int(at.timestamp()), float(value)

"""Metrics: samples gathered per minute, and the statistic of a period."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

#: Seconds that CloudWatch Logs gathers into one sample set (User Guide, "Creating metrics from
#: log events using filters").
MINUTE = 60

# Different values of a minute that are kept without rounding.
_EXACT = 1_000
_PERCENTILE = re.compile(r"p(100(?:\.0+)?|\d{1,2}(?:\.\d+)?)", re.ASCII)


class Metric(NamedTuple):
    """The identity of a metric. An alarm watches the metric with exactly these dimensions.

    Attributes:
        namespace: The namespace, such as `Application Logs`.
        name: The metric name.
        dimensions: Name and value of each dimension, sorted by name.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        dimensions = "".join(f", {name}={value}" for name, value in self.dimensions)
        return f"{self.namespace}/{self.name}{dimensions}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeats:
    """Heartbeats that are assumed, not fed.

    Attributes:
        since: The first one, a whole minute in seconds since the epoch.
        every: Seconds between two, at least a minute.

    Example:
        >>> beats = Heartbeats(since=0, every=90)
        >>> [*beats.minutes(0, 300)], beats.has(60), beats.has(120)
        ([0, 60, 180, 240], True, False)
    """

    since: int
    every: int = MINUTE

    def has(self, minute: int) -> bool:
        """Whether a minute has a heartbeat, by its first second."""
        return minute >= self.since and (self.since - minute) % self.every < MINUTE

    def minutes(self, start: int, end: int) -> Iterator[int]:
        """The minutes of [start, end) that have a heartbeat."""
        late = max(0, start - self.since)
        first = self.since + -(-late // self.every) * self.every
        return (at - at % MINUTE for at in range(first, end, self.every))

    def are_even(self, statistic: str, period: int, values: Sequence[float]) -> bool:
        """Whether they add the same to every period, wherever it begins.

        Args:
            statistic: The statistic of the period.
            period: Its seconds.
            values: The samples that each heartbeat gives.
        """
        if not values or period % self.every == 0:
            return True
        # Any number of zeros adds nothing, but none at all is missing data.
        longest_gap = -(-self.every // MINUTE) * MINUTE
        return statistic == "Sum" and not any(values) and longest_gap <= period


class _MinuteSamples:
    """The samples of one minute, added up.

    In most minutes all of them are equal, and then nothing is kept for percentiles.
    """

    __slots__ = ("_different", "_is_rounding", "count", "high", "low", "total")

    def __init__(self, value: float, times: int) -> None:
        self.count = times
        self.total = 0.0 + value * times
        self.low = self.high = value
        self._different: dict[float, int] | None = None
        self._is_rounding = False

    @property
    def values(self) -> Mapping[float, int]:
        """How many samples have each value."""
        return self._different or {self.low: self.count}

    def add(self, value: float, times: int) -> None:
        if self._different is not None or value != self.low:
            self._add_different(value, times)
        self.count += times
        self.total += value * times

    def _add_different(self, value: float, times: int) -> None:
        values = self._different = self._different or {self.low: self.count}
        self.low, self.high = min(self.low, value), max(self.high, value)
        if self._is_rounding:
            value = _rounded(value)
        values[value] = values.get(value, 0) + times
        if len(values) > _EXACT and not self._is_rounding:
            self._is_rounding = True
            self._different = {}
            for exact, count in values.items():
                rounded = _rounded(exact)
                self._different[rounded] = self._different.get(rounded, 0) + count


class MetricSeries:
    """The samples of one metric, gathered per minute: memory follows minutes, not samples.

    Sum, Average, Minimum, Maximum and SampleCount are exact. A percentile is exact as long as a
    minute has at most 1,000 different values. With more, values are rounded to three digits,
    which bounds the memory of a minute.

    Example:
        >>> series = MetricSeries()
        >>> series.add(0, 1.0)
        >>> series.add(61, 5.0, times=2)
        >>> series.statistic("Sum", 0, 120), series.statistic("p50", 0, 120)
        (11.0, 5.0)
        >>> series.statistic("Sum", 120, 180) is None
        True
    """

    def __init__(self) -> None:
        self._minutes: dict[int, _MinuteSamples] = {}
        self._quiet: _MinuteSamples | None = None
        self._heartbeats: Heartbeats | None = None

    def __iter__(self) -> Iterator[int]:
        """The minutes that have samples, by their first second, in no order."""
        return iter(self._minutes)

    def __len__(self) -> int:
        return len(self._minutes)

    def __contains__(self, minute: object) -> bool:
        """Whether a minute has samples, by its first second."""
        return minute in self._minutes

    def add(self, at: int, value: float, times: int = 1) -> None:
        """Adds equal samples.

        Args:
            at: Seconds since the epoch. It counts in the minute that holds it.
            value: The samples' value, finite.
            times: How many samples have it.
        """
        start = at - at % MINUTE
        minute = self._minutes.get(start)
        if minute is None:
            self._minutes[start] = _MinuteSamples(value, times)
        else:
            minute.add(value, times)

    def fill(self, heartbeats: Heartbeats | None, values: Iterable[float]) -> None:
        """A minute with a heartbeat and without a sample counts as having these values.

        It costs no memory, however long the quiet lasts.
        """
        self._quiet, self._heartbeats = None, heartbeats
        for value in values:
            if self._quiet is None:
                self._quiet = _MinuteSamples(value, 1)
            else:
                self._quiet.add(value, 1)

    def statistic(self, name: str, start: int, end: int) -> float | None:
        """The value of one period, or None when it holds no sample.

        Args:
            name: `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or a percentile such as
                `p99.9`: the smallest value that at least that share of the samples does not
                exceed (nearest rank; CloudWatch does not document how it interpolates).
            start: First second, a whole minute.
            end: The second after the last, a whole minute.
        """
        samples_at, quiet, beats = self._minutes.get, self._quiet, self._heartbeats
        starts = range(start, end, MINUTE)
        if quiet is None or beats is None:
            minutes = [minute for at in starts if (minute := samples_at(at)) is not None]
        elif start >= beats.since and beats.every == MINUTE:
            minutes = [samples_at(at, quiet) for at in starts]
        else:
            known = [samples_at(at, quiet) if beats.has(at) else samples_at(at) for at in starts]
            minutes = [minute for minute in known if minute is not None]
        if not minutes:
            return None
        simple = _STATISTICS.get(name)
        return simple(minutes) if simple else _percentile(minutes, percentile_of(name) or 0.0)

    def prune(self, before: int) -> None:
        """Drops every minute that ended at or before that second."""
        for start in [start for start in self._minutes if start + MINUTE <= before]:
            del self._minutes[start]


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _count(minutes: Sequence[_MinuteSamples]) -> float:
    return float(sum(minute.count for minute in minutes))


def _sum(minutes: Sequence[_MinuteSamples]) -> float:
    return sum([minute.total for minute in minutes])  # a list: half the time of a generator


_STATISTICS: dict[str, Callable[[Sequence[_MinuteSamples]], float]] = {
    "Sum": _sum,
    "Average": lambda minutes: _sum(minutes) / _count(minutes),
    "Minimum": lambda minutes: min(minute.low for minute in minutes),
    "Maximum": lambda minutes: max(minute.high for minute in minutes),
    "SampleCount": _count,
}


def percentile_of(statistic: str) -> float | None:
    """The percentage of a percentile statistic, or None for any other statistic.

    Example:
        >>> percentile_of("p99.9"), percentile_of("Sum")
        (99.9, None)
    """
    match = _PERCENTILE.fullmatch(statistic)
    return float(match[1]) if match else None


def is_statistic(name: str) -> bool:
    """Whether the judge can evaluate the statistic."""
    return name in _STATISTICS or percentile_of(name) is not None


def _percentile(minutes: Sequence[_MinuteSamples], percentage: float) -> float:
    values: dict[float, int] = {}
    for minute in minutes:
        for value, times in minute.values.items():
            values[value] = values.get(value, 0) + times
    rank = max(1, math.ceil(percentage / 100 * sum(values.values())))
    reached = 0
    for value in sorted(values):
        reached += values[value]
        if reached >= rank:
            break
    # Rounding must not move a value beyond the lowest or highest sample.
    low, high = min(minute.low for minute in minutes), max(minute.high for minute in minutes)
    return min(max(value, low), high)

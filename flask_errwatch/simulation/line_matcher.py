"""Matches lines and adds their samples to metrics. Equal lines are counted together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_errwatch.patterns import JsonEvent, PatternSet, read_event
from flask_errwatch.simulation.contributors import (
    ContributorFeed,
    ContributorMetric,
    ContributorRule,
)
from flask_errwatch.simulation.filters import LineFilter, Sample
from flask_errwatch.simulation.metrics import MINUTE, Metric, MetricSeries

_MINUTE_MS = MINUTE * 1000
# Different matches that are kept before they are folded into their metrics.
_KEPT = 1_000


class MetricFeed:
    """What one metric received: its samples, and how many lines matched."""

    __slots__ = ("matched", "series")

    def __init__(self) -> None:
        self.series = MetricSeries()
        self.matched = MetricSeries()

    def add(self, minute: int, value: float, times: int, *, matched: bool) -> None:
        """Adds equal samples of one minute."""
        self.series.add(minute, value, times)
        if matched:
            self.matched.add(minute, 1.0, times)

    def minutes(self) -> Iterator[int]:
        """The minutes that have samples, by their first second, in no order."""
        return iter(self.series)

    def fill(self, since: int, values: Iterable[float]) -> None:
        """From that second on, a minute without a sample counts as having these values."""
        self.series.fill(since, [*values])

    def value(self, statistic: str, start: int, end: int) -> float | None:
        """The statistic of a period, or None when it holds no sample."""
        return self.series.statistic(statistic, start, end)

    def lines(self, start: int, end: int) -> int:
        """How many lines of a period matched."""
        return int(self.matched.statistic("SampleCount", start, end) or 0)

    def prune(self, before: int) -> None:
        """Drops the minutes that ended at or before that second."""
        self.series.prune(before)
        self.matched.prune(before)


Feed = MetricFeed | ContributorFeed
#: What an alarm watches: a metric in one unit (None: in any), or an insight rule's.
FeedKey = tuple[Metric | ContributorMetric, str | None]


class _SampleOf(NamedTuple):
    """A sample and the feed that gets it."""

    feed: MetricFeed
    value: float
    matched: bool


class _ContributionOf(NamedTuple):
    """A contributor, the feed that counts it, and what one line adds."""

    feed: ContributorFeed
    contributor: str
    value: float


class LineMatch:
    """What one line gives to the metrics. Equal lines share one.

    Attributes:
        matched: Names of the metric filters whose pattern matched.
        samples: The samples that it gives.
        contributions: The contributors that it counts for.
    """

    __slots__ = ("contributions", "matched", "samples")

    def __init__(
        self,
        matched: tuple[str, ...],
        samples: tuple[_SampleOf, ...],
        contributions: tuple[_ContributionOf, ...] = (),
    ) -> None:
        self.matched = matched
        self.samples = samples
        self.contributions = contributions


@dataclass(slots=True)
class Arrival:
    """What arrived for one minute.

    Attributes:
        lines: How many lines.
        feeds: The feeds that got a sample.
    """

    lines: int = 0
    feeds: dict[Feed, None] = field(default_factory=dict)


class LineMatcher:
    """The metric filters and insight rules of one log group, and what their lines gave.

    Args:
        filters: The metric filters.
        rules: The insight rules.
        feeds: Where samples are added. Samples of a metric without a feed are dropped.

    Attributes:
        filters: The metric filters.
        matched: How many lines matched each of them, by its name.
    """

    def __init__(
        self,
        filters: tuple[LineFilter, ...],
        rules: Iterable[ContributorRule],
        feeds: Mapping[FeedKey, Feed],
    ) -> None:
        self.filters = filters
        self.matched = {line_filter.name: 0 for line_filter in filters}
        self._feeds = feeds
        self._patterns = PatternSet(line_filter.pattern for line_filter in filters)
        self._rules = [
            (rule, feed)
            for rule in rules
            if isinstance(feed := feeds.get((ContributorMetric(rule.name), None)), ContributorFeed)
        ]
        self._by_hits: dict[tuple[bool, ...], LineMatch] = {}
        self._pending: dict[int, dict[LineMatch, int]] = {}
        self._arrived: dict[int, Arrival] = {}

    def match(self, message: str) -> LineMatch:
        """What the line gives."""
        if self._rules:
            return self.match_event(read_event(message), message)
        hits = self._patterns.matching(message)
        return self._by_hits.get(hits) or self._match(hits, message)

    def match_event(self, event: JsonEvent | None, message: str) -> LineMatch:
        """Like `match`, for a caller that has parsed the line already."""
        hits = self._patterns.matching_event(event, message)
        match = self._by_hits.get(hits) or self._match(hits, message)
        if not self._rules or event is None:
            return match
        contributions = tuple(
            _ContributionOf(feed, contributor, rule.contribution(event))
            for rule, feed in self._rules
            if (contributor := rule.contributor(event)) is not None
        )
        return LineMatch(match.matched, match.samples, contributions) if contributions else match

    def count(self, timestamp: int, match: LineMatch, times: int) -> None:
        """Counts equal lines at a time in milliseconds since the epoch."""
        minute = timestamp // _MINUTE_MS * MINUTE
        counts = self._pending.get(minute)
        if counts is None:
            counts = self._pending[minute] = {}
        elif len(counts) >= _KEPT and match not in counts:
            self._fold(minute, counts)
        counts[match] = counts.get(match, 0) + times

    def take_arrivals(self) -> dict[int, Arrival]:
        """Adds everything counted to the feeds.

        Returns:
            What arrived since the last call, by the first second of its minute.
        """
        for minute, counts in self._pending.items():
            self._fold(minute, counts)
        self._pending = {}
        arrived, self._arrived = self._arrived, {}
        return arrived

    def add_sample(self, minute: int, feed: MetricFeed, value: float, times: int) -> None:
        """Adds samples that no line of the log group gives, such as a balancer's requests."""
        feed.add(minute, value, times, matched=False)
        self._arrived.setdefault(minute, Arrival()).feeds[feed] = None

    def _fold(self, minute: int, counts: dict[LineMatch, int]) -> None:
        arrival = self._arrived.setdefault(minute, Arrival())
        # Many matches give the same default: equal samples are summed before they are added.
        summed: dict[_SampleOf, int] = {}
        for match, times in counts.items():
            arrival.lines += times
            for name in match.matched:
                self.matched[name] += times
            for sample in match.samples:
                summed[sample] = summed.get(sample, 0) + times
            for feed, contributor, value in match.contributions:
                feed.add(minute, contributor, value * times)
                arrival.feeds[feed] = None
        for sample, times in summed.items():
            sample.feed.add(minute, sample.value, times, matched=sample.matched)
            arrival.feeds[sample.feed] = None
        counts.clear()

    def _match(self, hits: tuple[bool, ...], message: str) -> LineMatch:
        samples: list[_SampleOf] = []
        for line_filter, is_hit in zip(self.filters, hits, strict=True):
            sample = line_filter.matching(message) if is_hit else line_filter.default()
            if sample is not None:
                samples += self._samples_of(sample, line_filter.resource.unit)
        matched = [
            line_filter for line_filter, is_hit in zip(self.filters, hits, strict=True) if is_hit
        ]
        match = LineMatch(tuple(line_filter.name for line_filter in matched), tuple(samples))
        if all(line_filter.is_constant for line_filter in matched) and len(self._by_hits) < _KEPT:
            self._by_hits[hits] = match
        return match

    def _samples_of(self, sample: Sample, unit: str) -> list[_SampleOf]:
        feeds = (self._feeds.get((sample.metric, asked)) for asked in (None, unit))
        return [
            _SampleOf(feed, sample.value, sample.matched)
            for feed in feeds
            if isinstance(feed, MetricFeed)
        ]

"""Matches lines and adds their samples to metrics. Equal lines are counted together."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_errwatch.patterns import JsonEvent, PatternSet, read_event
from flask_errwatch.simulation.contributors import ContributorFeed, ContributorMetric
from flask_errwatch.simulation.filters import LineFilter, Sample
from flask_errwatch.simulation.insight_rules import ContributorRule
from flask_errwatch.simulation.insights_query import LogQuery
from flask_errwatch.simulation.log_conditions import LogMetric
from flask_errwatch.simulation.metrics import MINUTE, Heartbeats, Metric, MetricSeries

#: Stands for the address of a client in a match that the lines of many clients share.
ANYONE = "\x00"
# Different matches that are kept before they are folded into their metrics.
_KEPT = 1_000


class MetricFeed:
    """What one metric received: its samples, and how many lines matched.

    Attributes:
        series: The samples.
        has_negative: Whether a sample is below zero.
    """

    __slots__ = ("_heartbeats", "_matched", "_matched_by_heartbeat", "has_negative", "series")

    def __init__(self) -> None:
        self.has_negative = False
        self.series = MetricSeries()
        self._matched: dict[int, int] = {}
        self._heartbeats: Heartbeats | None = None
        self._matched_by_heartbeat = 0

    def add(self, minute: int, value: float, times: int, *, matched: bool) -> None:
        """Adds equal samples of one minute."""
        self.series.add(minute, value, times)
        if value < 0:
            self.has_negative = True
        if matched:
            self._matched[minute] = self._matched.get(minute, 0) + times

    def minutes(self) -> Iterator[int]:
        """The minutes that have samples, by their first second, in no order."""
        return iter(self.series)

    def has(self, minute: int) -> bool:
        """Whether a minute has samples, by its first second."""
        return minute in self.series

    def fill(self, heartbeats: Heartbeats | None, samples: Sequence[SampleOf]) -> None:
        """A minute with a heartbeat and without a sample counts as having these samples."""
        self.series.fill(heartbeats, [sample.value for sample in samples])
        self._heartbeats = heartbeats
        self._matched_by_heartbeat = sum(sample.matched for sample in samples)

    def value(self, statistic: str, start: int, end: int) -> float | None:
        """The statistic of a period, or None when it holds no sample."""
        return self.series.statistic(statistic, start, end)

    def lines(self, start: int, end: int) -> int:
        """How many lines of a period matched."""
        minutes = range(start, end, MINUTE)
        lines = sum(self._matched.get(minute, 0) for minute in minutes)
        beats = self._heartbeats if self._matched_by_heartbeat else None
        if beats is not None:
            quiet = [at for at in minutes if at not in self._matched and beats.has(at)]
            lines += self._matched_by_heartbeat * len(quiet)
        return lines

    def prune(self, before: int) -> None:
        """Drops the minutes that ended at or before that second."""
        self.series.prune(before)
        for minute in [minute for minute in self._matched if minute + MINUTE <= before]:
            del self._matched[minute]


Feed = MetricFeed | ContributorFeed
#: What an alarm watches: a metric in one unit (None: in any), that of insight rules, or a query.
FeedKey = tuple[Metric | ContributorMetric | LogMetric, str | None]


def request_feeds(feeds: Mapping[FeedKey, Feed], filters: Iterable[LineFilter]) -> list[MetricFeed]:
    """The feeds of the metrics that no metric filter feeds."""
    return [
        feed
        for (metric, unit), feed in feeds.items()
        if isinstance(feed, MetricFeed)
        and isinstance(metric, Metric)
        and not any(line_filter.feeds(metric, unit) for line_filter in filters)
    ]


def new_feed(key: FeedKey) -> Feed:
    """The feed of what an alarm watches, without samples."""
    metric = key[0]
    if isinstance(metric, LogMetric):
        return ContributorFeed(metric.step)
    if isinstance(metric, ContributorMetric):
        return ContributorFeed(empty=metric.empty)
    return MetricFeed()


class SampleOf(NamedTuple):
    """A sample and the feed that gets it."""

    feed: MetricFeed
    value: float
    matched: bool


class _ContributionOf(NamedTuple):
    """A contributor, the feed that counts it, and what one line adds."""

    feed: ContributorFeed
    contributor: str
    value: float


class _Grouping(NamedTuple):
    """Which lines count for whom, and the feed that adds them up.

    Attributes:
        lines: The insight rule or query.
        feed: What each contributor added.
        mark: Precedes contributors, so that those of two rules in one feed stay apart.
    """

    lines: ContributorRule | LogQuery
    feed: ContributorFeed
    mark: str


class LineMatch:
    """What one line gives to the metrics. Equal lines share one.

    Attributes:
        matched: Names of the metric filters whose pattern matched.
        samples: The samples that it gives.
        contributions: The contributors that it counts for.
    """

    __slots__ = ("_plain", "contributions", "matched", "samples")

    def __init__(
        self,
        matched: tuple[str, ...],
        samples: tuple[SampleOf, ...],
    ) -> None:
        self.matched = matched
        self.samples = samples
        self.contributions: tuple[_ContributionOf, ...] = ()
        self._plain: LineMatch | None = None

    @property
    def is_silent(self) -> bool:
        """Whether such a line gives nothing to any metric."""
        return not self.samples and not self.contributions

    @property
    def plain(self) -> LineMatch:
        """The match of an equal line that counts for no contributor."""
        return self._plain or self

    def without(self, samples: Container[SampleOf]) -> LineMatch:
        """The match of an equal line that gives less samples."""
        match = LineMatch(
            self.matched, tuple(sample for sample in self.samples if sample not in samples)
        )
        return match.contributing(self.contributions) if self.contributions else match

    def contributing(self, contributions: tuple[_ContributionOf, ...]) -> LineMatch:
        """The match of an equal line that counts for contributors."""
        match = LineMatch(self.matched, self.samples)
        match.contributions, match._plain = contributions, self
        return match


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
        feeds: Where samples are added. Samples of a metric without a feed are dropped. Those of
            log alarms are fed by their queries.

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
        self._groupings = [*_groupings([*rules], feeds)]
        # Seconds in which equal lines are counted together.
        self._step = math.gcd(MINUTE, *(grouping.feed.step for grouping in self._groupings))
        self._by_hits: dict[tuple[bool, ...], LineMatch] = {}
        self._pending: dict[int, dict[LineMatch, int]] = {}
        self._arrived: dict[int, Arrival] = {}

    def match(self, message: str) -> LineMatch:
        """What the line gives."""
        if self._groupings:
            return self.match_event(read_event(message), message)
        hits = self._patterns.matching(message)
        return self._by_hits.get(hits) or self._match(hits, message)

    def match_event(self, event: JsonEvent | None, message: str) -> LineMatch:
        """Like `match`, for a caller that has parsed the line already."""
        hits = self._patterns.matching_event(event, message)
        match = self._by_hits.get(hits) or self._match(hits, message)
        if not self._groupings or event is None:
            return match
        contributions = tuple(
            _ContributionOf(feed, mark + contributor, lines.contribution(event))
            for lines, feed, mark in self._groupings
            if (contributor := lines.contributor(event)) is not None
        )
        return match.contributing(contributions) if contributions else match

    def count(self, timestamp: int, match: LineMatch, times: int) -> None:
        """Counts equal lines at a time in milliseconds since the epoch."""
        second = timestamp // (self._step * 1000) * self._step
        counts = self._pending.get(second)
        if counts is None:
            counts = self._pending[second] = {}
        elif len(counts) >= _KEPT and match not in counts:
            self._fold(second, counts)
        counts[match] = counts.get(match, 0) + times

    def count_sources(self, timestamp: int, match: LineMatch, by_source: Mapping[str, int]) -> None:
        """Counts lines that are equal but for their client.

        Args:
            timestamp: Their time in milliseconds since the epoch.
            match: The match of such a line of `ANYONE`.
            by_source: The lines of each client.
        """
        self.count(timestamp, match.plain, sum(by_source.values()))
        second = timestamp // 1000
        arrival = self._arrival(second - second % MINUTE)
        for feed, contributor, value in match.contributions:
            # Most often the client is the contributor: a copy of its name would take memory.
            is_client = contributor == ANYONE
            feed.add_all(
                second,
                [
                    (source if is_client else contributor.replace(ANYONE, source), value * lines)
                    for source, lines in by_source.items()
                ],
            )
            arrival.feeds[feed] = None

    def count_assumed(self, match: LineMatch, times: int) -> None:
        """Counts equal lines as matched. Their samples are assumed (`MetricFeed.fill`)."""
        for name in match.matched:
            self.matched[name] += times

    def take_arrivals(self) -> dict[int, Arrival]:
        """Adds everything counted to the feeds.

        Returns:
            What arrived since the last call, by the first second of its minute.
        """
        for second, counts in self._pending.items():
            self._fold(second, counts)
        self._pending = {}
        arrived, self._arrived = self._arrived, {}
        return arrived

    def add_sample(self, minute: int, feed: MetricFeed, value: float, times: int) -> None:
        """Adds samples that no line of the log group gives, such as a balancer's requests."""
        feed.add(minute, value, times, matched=False)
        self._arrival(minute).feeds[feed] = None

    def _arrival(self, minute: int) -> Arrival:
        arrival = self._arrived.get(minute)
        if arrival is None:
            arrival = self._arrived[minute] = Arrival()
        return arrival

    def _fold(self, second: int, counts: dict[LineMatch, int]) -> None:
        minute = second - second % MINUTE
        arrival = self._arrival(minute)
        # Many matches give the same default: equal samples are summed before they are added.
        summed: dict[SampleOf, int] = {}
        for match, times in counts.items():
            arrival.lines += times
            for name in match.matched:
                self.matched[name] += times
            for sample in match.samples:
                summed[sample] = summed.get(sample, 0) + times
            for feed, contributor, value in match.contributions:
                feed.add(second, contributor, value * times)
                arrival.feeds[feed] = None
        for sample, times in summed.items():
            sample.feed.add(minute, sample.value, times, matched=sample.matched)
            arrival.feeds[sample.feed] = None
        counts.clear()

    def _match(self, hits: tuple[bool, ...], message: str) -> LineMatch:
        samples: list[SampleOf] = []
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

    def _samples_of(self, sample: Sample, unit: str) -> list[SampleOf]:
        feeds = (self._feeds.get((sample.metric, asked)) for asked in (None, unit))
        return [
            SampleOf(feed, sample.value, sample.matched)
            for feed in feeds
            if isinstance(feed, MetricFeed)
        ]


def _groupings(rules: list[ContributorRule], feeds: Mapping[FeedKey, Feed]) -> Iterator[_Grouping]:
    """The insight rules and queries that alarms watch."""
    for (metric, _), feed in feeds.items():
        if not isinstance(feed, ContributorFeed):
            continue
        if isinstance(metric, LogMetric):
            yield _Grouping(metric.query, feed, "")
        elif isinstance(metric, ContributorMetric):
            for number, name in enumerate(metric.rules):
                mark = f"{name} " if number else ""
                yield from (_Grouping(rule, feed, mark) for rule in rules if rule.name == name)

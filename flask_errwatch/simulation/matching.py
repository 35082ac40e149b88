"""From lines to the metrics: each line is matched once, equal ones are counted together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_errwatch.patterns import Event, PatternSet
from flask_errwatch.simulation.metrics import MINUTE, Metric, MetricRule, MetricSeries, Sample

_MINUTE_MS = MINUTE * 1000
# Different outcomes that are kept before they are folded into their metrics.
_KEPT = 1_000


class MetricFeed:
    """What came in for one metric: its samples, and how many lines matched."""

    __slots__ = ("lines", "series")

    def __init__(self) -> None:
        self.series = MetricSeries()
        self.lines = MetricSeries()

    def add(self, minute: int, value: float, times: int, *, matched: bool) -> None:
        """Adds equal samples of one minute."""
        self.series.add(minute, value, times)
        if matched:
            self.lines.add(minute, 1.0, times)

    def prune(self, before: int) -> None:
        """Forgets the minutes that ended at or before that second."""
        self.series.prune(before)
        self.lines.prune(before)


#: The feeds of the metrics that somebody watches: of any unit (None), or of one unit only.
Feeds = Mapping[tuple[Metric, str | None], MetricFeed]


class _Given(NamedTuple):
    feed: MetricFeed
    value: float
    matched: bool


class Outcome:
    """What one line gives to the metrics; equal lines share one.

    Attributes:
        matched: Names of the metric filters whose pattern matched.
    """

    __slots__ = ("given", "matched")

    def __init__(self, matched: tuple[str, ...], given: tuple[_Given, ...]) -> None:
        self.matched = matched
        self.given = given


@dataclass(slots=True)
class Arrival:
    """What arrived for one minute.

    Attributes:
        lines: How many lines.
        feeds: The feeds that got a sample.
    """

    lines: int = 0
    feeds: dict[MetricFeed, None] = field(default_factory=dict)


class Intake:
    """The metric filters of one log group, and what their lines gave since the last `settle`.

    Args:
        rules: The metric filters.
        feeds: Where samples go; those of a metric without a feed are dropped.
    """

    def __init__(self, rules: tuple[MetricRule, ...], feeds: Feeds) -> None:
        self.rules = rules
        self.matched = {rule.name: 0 for rule in rules}
        self._feeds = feeds
        self._patterns = PatternSet(rule.pattern for rule in rules)
        self._shared: dict[tuple[bool, ...], Outcome] = {}
        self._pending: dict[int, dict[Outcome, int]] = {}
        self._arrived: dict[int, Arrival] = {}

    def match(self, message: str) -> Outcome:
        """What the line gives."""
        hits = self._patterns.matching(message)
        return self._shared.get(hits) or self._outcome(hits, message)

    def match_event(self, event: Event | None, message: str) -> Outcome:
        """As `match`, for whoever has read the line already."""
        hits = self._patterns.matching_event(event, message)
        return self._shared.get(hits) or self._outcome(hits, message)

    def count(self, timestamp: int, outcome: Outcome, times: int) -> None:
        """Counts equal lines at a time in milliseconds since the epoch."""
        minute = timestamp // _MINUTE_MS * MINUTE
        counts = self._pending.get(minute)
        if counts is None:
            counts = self._pending[minute] = {}
        elif len(counts) >= _KEPT and outcome not in counts:
            self._fold(minute, counts)
        counts[outcome] = counts.get(outcome, 0) + times

    def settle(self) -> dict[int, Arrival]:
        """Hands everything counted to the feeds.

        Returns:
            What arrived, by the first second of its minute.
        """
        for minute, counts in self._pending.items():
            self._fold(minute, counts)
        self._pending = {}
        arrived, self._arrived = self._arrived, {}
        return arrived

    def _fold(self, minute: int, counts: dict[Outcome, int]) -> None:
        arrival = self._arrived.setdefault(minute, Arrival())
        # Many outcomes give the same default: equal samples are added up before they are added.
        given: dict[_Given, int] = {}
        for outcome, times in counts.items():
            arrival.lines += times
            for name in outcome.matched:
                self.matched[name] += times
            for each in outcome.given:
                given[each] = given.get(each, 0) + times
        for each, times in given.items():
            each.feed.add(minute, each.value, times, matched=each.matched)
            arrival.feeds[each.feed] = None
        counts.clear()

    def _outcome(self, hits: tuple[bool, ...], message: str) -> Outcome:
        given: list[_Given] = []
        for rule, is_hit in zip(self.rules, hits, strict=True):
            sample = rule.matching(message) if is_hit else rule.default()
            if sample is not None:
                given += self._given(sample, rule.unit)
        matched = [rule for rule, is_hit in zip(self.rules, hits, strict=True) if is_hit]
        outcome = Outcome(tuple(rule.name for rule in matched), tuple(given))
        if all(rule.is_constant for rule in matched) and len(self._shared) < _KEPT:
            self._shared[hits] = outcome
        return outcome

    def _given(self, sample: Sample, unit: str) -> list[_Given]:
        found = (self._feeds.get((sample.metric, asked)) for asked in (None, unit))
        return [_Given(feed, sample.value, sample.matched) for feed in found if feed is not None]

"""Feeds a judge the tally of a whole log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeVar

from flask_errwatch.provision.source_alarms import PEER_MARK
from flask_errwatch.simulation.alarm_state import Transition
from flask_errwatch.simulation.inputs import SOURCES
from flask_errwatch.simulation.judge import Judge
from flask_errwatch.simulation.kinds import LineKind
from flask_errwatch.simulation.line_matcher import ANYONE, LineMatch
from flask_errwatch.simulation.log_alarms import ContributorTransition
from flask_errwatch.simulation.metrics import MINUTE
from flask_errwatch.simulation.tally import Tally

# Minutes that are counted before they are evaluated together: so few that what they need is gone
# before the garbage collector visits it again and again.
_TOGETHER = 200
# Sources whose lines are matched once: a scan has lines in many minutes.
_REMEMBERED = 10_000

ChangeT = TypeVar("ChangeT", Transition, ContributorTransition)


class Changes(NamedTuple):
    """What changed in the course of a log.

    Attributes:
        alarms: Every transition of an alarm, in order of time.
        contributors: Every change of a contributor of a log alarm, in the same order.
    """

    alarms: list[Transition]
    contributors: list[ContributorTransition]

    def times_in_alarm(self, alarm: str) -> Iterator[tuple[Transition, Transition | None]]:
        """Each transition of an alarm to ALARM, with the one that ended it, if any."""
        return _times(change for change in self.alarms if change.alarm == alarm)

    def times_of_contributors(
        self, alarm: str
    ) -> list[tuple[ContributorTransition, ContributorTransition | None]]:
        """The same of each contributor of a log alarm, in order of time and of their names."""
        by_contributor: dict[str, list[ContributorTransition]] = {}
        for change in self.contributors:
            if change.alarm == alarm:
                by_contributor.setdefault(change.contributor, []).append(change)
        times = chain.from_iterable(map(_times, by_contributor.values()))
        return sorted(times, key=lambda time: (time[0].at, time[0].contributor))


def _times(changes: Iterable[ChangeT]) -> Iterator[tuple[ChangeT, ChangeT | None]]:
    begun: ChangeT | None = None
    for change in changes:
        if change.new == "ALARM":
            begun = change
        elif begun is not None:
            yield begun, change
            begun = None
    if begun is not None:
        yield begun, None


def feed_tally(judge: Judge, tally: Tally, *, heartbeat: bool, requests: bool = False) -> Changes:
    """Feeds a judge the tally minute by minute, and returns what changed.

    Args:
        judge: A new judge. It is advanced to the end of the last minute, and with a heartbeat on
            until no alarm sees a line any more.
        tally: What is judged.
        heartbeat: Whether quiet minutes have zeros.
        requests: Whether each line of the tally is one request.
    """
    changes = Changes([], [])
    minutes = tally.minutes
    if not minutes:
        return changes
    if heartbeat:
        judge.assume_heartbeats(minutes[0])
    counter = _Counter(judge)
    silent = counter.count_silent(tally)
    for number, (minute, row) in enumerate(tally.rows(), 1):
        for kind, lines in row:
            if kind in silent:
                continue
            by_source = tally.by_source(kind, minute) if kind.is_by_source else {}
            if by_source:
                counter.count_sources(minute, kind, by_source)
            counter.count_unnamed(minute, kind, lines - sum(by_source.values()))
        if requests:
            judge.count_requests(minute * 1000, sum(lines for _, lines in row))
        if number % _TOGETHER == 0:
            changes.alarms.extend(judge.advance(minute + MINUTE))
    changes.alarms.extend(judge.advance(minutes[-1] + MINUTE))
    if heartbeat:
        settled = max(_settling(judge), default=0)
        changes.alarms.extend(judge.advance(minutes[-1] + MINUTE + settled))
    changes.contributors.extend(judge.take_contributor_transitions())
    return changes


class _Counter:
    """Counts the lines of a kind in one minute. The sources of a kind are matched once."""

    def __init__(self, judge: Judge) -> None:
        filters = (one for report in judge.reports() for one, _ in report.filters)
        self._reads_sources = any(not one.reads.isdisjoint(SOURCES) for one in filters)
        self._judge = judge
        self._match_of = lru_cache(_REMEMBERED)(self._matched)

    def count_silent(self, tally: Tally) -> set[LineKind]:
        """Counts the lines that change no metric, all at once, and returns their kinds.

        They count in the first minute, in which the alarms are created.
        """
        unnamed = (kind for kind in tally.kinds if not kind.is_by_source)
        silent = {kind for kind in unnamed if self._match_of(kind, None).is_silent}
        for kind in silent:
            self.count_unnamed(tally.minutes[0], kind, tally.total([kind]))
        return silent

    def count_unnamed(self, minute: int, kind: LineKind, lines: int) -> None:
        """Counts lines whose client no alarm asks for."""
        if lines:
            self._judge.count(minute * 1000, self._match_of(kind, None), lines)

    def count_sources(self, minute: int, kind: LineKind, by_source: Mapping[str, int]) -> None:
        """Counts the lines of each client."""
        if self._reads_sources:
            for source, lines in by_source.items():
                self._judge.count(minute * 1000, self._match_of(kind, source), lines)
            return
        peers = {
            name.removeprefix(PEER_MARK): lines
            for name, lines in by_source.items()
            if name.startswith(PEER_MARK)
        }
        if peers:
            match = self._match_of(kind, PEER_MARK + ANYONE)
            self._judge.count_sources(minute * 1000, match, peers)
            by_source = {
                name: lines for name, lines in by_source.items() if not name.startswith(PEER_MARK)
            }
        if by_source:
            self._judge.count_sources(minute * 1000, self._match_of(kind, ANYONE), by_source)

    def _matched(self, kind: LineKind, source: str | None) -> LineMatch:
        event = kind.event if source is None else kind.event_of(source)
        # A heartbeat's exact text is HEARTBEAT_LINE. Patterns read fields, not spacing.
        match = self._judge.match_event(dict(event), json.dumps(event))
        return self._judge.without_assumed(match)


def _settling(judge: Judge) -> Iterator[int]:
    """How long after the last line each alarm still sees lines."""
    for report in judge.reports():
        if report.alarm is not None:
            yield report.alarm.horizon + report.alarm.interval
    for log_report in judge.log_reports():
        yield log_report.alarm.horizon + log_report.alarm.interval

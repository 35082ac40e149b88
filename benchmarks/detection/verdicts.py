"""Compares the alarms that the judge finds in a log with the log's labels.

An alarm *sees* an attack if it fires between the attack's first failure and six minutes after
its last, and at least 30 % of the alarm's lines are the attack's. It is *false* if it would not
have fired without the lines of benign clients, or if less than 30 % of its lines are of any
attack: stray probes reach a threshold together.
"""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.detection.rules import (
    Rule,
    alarms,
    detectors,
    notified,
    short_name,
)
from benchmarks.detection.truth import Label, Row, Truth
from flask_errwatch.provision.resources import LogAlarm, MetricAlarm
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.sources import open_logs
from flask_errwatch.simulation import (
    MINUTE,
    AlarmCondition,
    FiredAlarm,
    JudgedLog,
    LineKind,
    Tally,
    judge_log,
)
from flask_errwatch.simulation.conditions import metric_of
from flask_errwatch.simulation.definitions import Definitions
from flask_errwatch.simulation.inputs import InputCoverage
from flask_errwatch.simulation.source_sums import SourceSums

_DAY = 86_400
#: Seconds after an attack's last failure until which an alarm sees it.
_LATE = 360
_SHARE = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Firing:
    """One time that an alarm fired.

    Attributes:
        at: When.
        until: When it was over, None when the log ends before.
        lines: The lines that it counted, by source and minute.
        is_false: Whether benign lines or stray ones made it fire.
    """

    at: int
    until: int | None
    lines: Counter[tuple[str, int]]
    is_false: bool

    def sees(self, row: Row) -> bool:
        """Whether it sees an attack."""
        # The first failure of an attack is somewhere in a minute that begins before it.
        if not row.start <= self.at <= row.end + _LATE:
            return False
        own = sum(
            lines
            for (source, minute), lines in self.lines.items()
            if source in row.clients and row.spans(minute)
        )
        return own >= _SHARE * self.lines.total()


@dataclass(frozen=True, kw_only=True, slots=True)
class Delay:
    """How long it took to see one attack.

    Attributes:
        seconds: From its first failure to the notification.
        requests: The requests that it made until then.
    """

    seconds: int
    requests: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A rule on one log.

    Attributes:
        seen: How long it took to see each of those that it saw.
        missed: Those that it did not see.
        firings: The alarms.
        messages: The times of the messages.
        weeks: How long the log is, at least one.
    """

    seen: tuple[Delay, ...]
    missed: tuple[Row, ...]
    firings: tuple[Firing, ...]
    messages: tuple[int, ...]
    weeks: float

    @property
    def false_a_week(self) -> float:
        """False alarms a week."""
        return sum(firing.is_false for firing in self.firings) / self.weeks

    @property
    def alarms_a_week(self) -> float:
        """Alarms a week."""
        return len(self.firings) / self.weeks

    @property
    def messages_a_week(self) -> float:
        """Messages a week."""
        return len(self.messages) / self.weeks

    @property
    def busiest_day(self) -> tuple[int, int]:
        """Alarms and messages on the day that has most of them."""
        alarms_of_days = Counter(firing.at // _DAY for firing in self.firings)
        messages_of_days = Counter(at // _DAY for at in self.messages)
        return _most(alarms_of_days), _most(messages_of_days)


def _most(days: Counter[int]) -> int:
    return max(days.values(), default=0)


class LabelledLog:
    """One log, read once and judged by each kind of source alarm.

    Args:
        path: An access log, compressed with gzip.
        truth: Its labels.

    Attributes:
        path: The log.
        truth: Its labels.
    """

    def __init__(self, path: Path, truth: Truth) -> None:
        self.path = path
        self.truth = truth
        with open_logs([str(path)]) as logs:
            session = Session(logs, detectors())
            for _ in session.read():
                pass
        self._tally, self._coverage = session.gathered.tally, session.gathered.coverage
        self._requests = _requests(path)
        minutes = self._tally.minutes
        # Begun days count as whole ones, and a log of less than a week as a week (`advise`).
        days = math.ceil((minutes[-1] - minutes[0]) / _DAY) if minutes else 0
        self.weeks = max(1.0, days / 7)
        self._judged: dict[tuple[str, bool], _Judged] = {}

    def verdict(self, rule: Rule) -> Verdict:
        """What a rule sees of the log."""
        key = rule.source_alarms, rule.has_role
        if key not in self._judged:
            chosen = detectors(rule.source_alarms, has_role=rule.has_role)
            self._judged[key] = _Judged(chosen, self._tally, self._coverage, self.truth)
        judged = self._judged[key]
        firings = sorted(
            (firing for name in rule.alarms for firing in judged.firings(name)),
            key=lambda firing: firing.at,
        )
        found = {row: self._delay(row, firings) for row in self.truth.wanted}
        return Verdict(
            seen=tuple(delay for delay in found.values() if delay is not None),
            missed=tuple(row for row, delay in found.items() if delay is None),
            firings=tuple(firings),
            messages=tuple(at for name in rule.alarms for at in judged.messages(name, rule)),
            weeks=self.weeks,
        )

    def _delay(self, row: Row, firings: list[Firing]) -> Delay | None:
        seen = next((firing for firing in firings if firing.sees(row)), None)
        if seen is None:
            return None
        requests = sum(
            number
            for (source, second), number in self._requests.items()
            if source in row.clients and row.start <= second <= seen.at
        )
        return Delay(seconds=seen.at - row.start, requests=requests)


class _Judged:
    """One log, judged by one kind of source alarm."""

    def __init__(
        self, chosen: DetectorSet, tally: Tally, coverage: InputCoverage, truth: Truth
    ) -> None:
        self._tally, self._truth = tally, truth
        self._log = judge_log(tally, chosen.catalogue, chosen.desired, coverage)
        self._definitions = Definitions.read(chosen.desired.resources)
        self._alarms = {short_name(alarm.name): alarm for alarm in alarms(chosen.desired)}
        self._notifies = notified(chosen)

    def firings(self, name: str) -> Iterator[Firing]:
        """Each time that an alarm fired."""
        alarm = self._alarms[name]
        weights = self._weights(alarm)
        window = alarm.window if isinstance(alarm, LogAlarm) else AlarmCondition.of(alarm).period
        for fired in _alarms_of(self._log, name):
            start = fired.span.since
            sources = {offence.source for offence in fired.offences}
            lines: Counter[tuple[str, int]] = Counter()
            labels: Counter[Label] = Counter()
            others: defaultdict[str, float] = defaultdict(float)  # without benign lines
            for minute in range(start, start + window, MINUTE):
                for kind, weight in weights.items():
                    for source, number in self._tally.by_source(kind, minute).items():
                        if sources and source not in sources:
                            continue
                        lines[source, minute] += number
                        label = self._truth.label(source, minute)
                        labels[label] += number
                        if label != "benign":
                            others[source if sources else ""] += number * weight
            highest = max(others.values(), default=0)
            yield Firing(
                at=fired.span.start,
                until=fired.span.end,
                lines=lines,
                is_false=not highest > (alarm.threshold or 0)
                or labels["attack"] < _SHARE * labels.total(),
            )

    def messages(self, name: str, rule: Rule) -> Iterator[int]:
        """When an alarm of a rule would have notified."""
        of_alarm, of_ok = (True, True) if rule.notifies else self._notifies[name]
        for fired in _alarms_of(self._log, name):
            if of_alarm:
                yield fired.span.start
            if of_ok and fired.span.end is not None:
                yield fired.span.end

    def _weights(self, alarm: LogAlarm | MetricAlarm) -> dict[LineKind, float]:
        """The kinds that an alarm counts, with what a line of each adds."""
        sums = SourceSums.of(alarm.name, self._definitions, self._tally)
        if sums is not None or isinstance(alarm, LogAlarm):
            return {} if sums is None else sums.weights
        metric = metric_of(alarm)
        samples = {
            kind: line_filter.sample(json.dumps(kind.event))
            for line_filter in self._definitions.filters
            if line_filter.feeds(metric, None)
            for kind in self._tally.kinds
        }
        return {
            kind: sample.value
            for kind, sample in samples.items()
            if sample is not None and sample.matched
        }


def _alarms_of(log: JudgedLog, name: str) -> tuple[FiredAlarm, ...]:
    for other in log.others:
        if other.name == name:
            return other.alarms
    for detector in log.detectors:
        if detector.detector.name == name:
            return detector.alarms
    raise LookupError(name)


def _requests(path: Path) -> Counter[tuple[str, int]]:
    """All requests of a log, by client and second."""
    found: Counter[tuple[str, int]] = Counter()
    with gzip.open(path, "rt", encoding="utf-8", errors="backslashreplace") as file:
        for line in file:
            client, _, rest = line.partition(" ")
            moment = rest[rest.find("[") + 1 :][:26]
            try:
                at = datetime.strptime(moment, "%d/%b/%Y:%H:%M:%S %z")
            except ValueError:
                continue  # a bad line, which the replay counts
            found[client, int(at.timestamp())] += 1
    return found

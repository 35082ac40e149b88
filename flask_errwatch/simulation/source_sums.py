"""What each source added for the alarms on sources: who made them fire, with how many lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask_errwatch.simulation.conditions import AlarmCondition
from flask_errwatch.simulation.contributors import ContributorMetric
from flask_errwatch.simulation.definitions import Definitions
from flask_errwatch.simulation.feeding import Changes
from flask_errwatch.simulation.insight_rules import ContributorRule
from flask_errwatch.simulation.insights_query import LogQuery
from flask_errwatch.simulation.judged_log import FiredAlarm, Offence, Span
from flask_errwatch.simulation.kinds import LineKind
from flask_errwatch.simulation.log_conditions import LogAlarmCondition
from flask_errwatch.simulation.metrics import MINUTE
from flask_errwatch.simulation.names import NameCount
from flask_errwatch.simulation.tally import Tally

SourceCondition = AlarmCondition | LogAlarmCondition
# Lines and value of each source.
_Sums = dict[str, "tuple[int, float]"]


@dataclass(frozen=True, slots=True)
class SourceSums:
    """What each source added for one alarm on sources.

    Args:
        tally: The log.
        condition: The alarm.
        weights: The kinds that it counts, with what one line of each adds.
    """

    tally: Tally
    condition: SourceCondition
    weights: dict[LineKind, float]

    @classmethod
    def of(cls, name: str, definitions: Definitions, tally: Tally) -> SourceSums | None:
        """The sums for the alarm of that name. None when it is not on sources."""
        for log_alarm in definitions.log_alarms:
            if log_alarm.name == name:
                return cls(tally, log_alarm, _weights(tally, [log_alarm.query]))
        for alarm in definitions.alarms:
            if alarm.name == name and isinstance(alarm.metric, ContributorMetric):
                names = alarm.metric.rules
                rules = [rule for rule in definitions.insight_rules if rule.name in names]
                return cls(tally, alarm, _weights(tally, rules))
        return None

    @property
    def window(self) -> int:
        """Seconds that are summed."""
        condition = self.condition
        return condition.period if isinstance(condition, AlarmCondition) else condition.window

    @property
    def delay(self) -> int:
        """Seconds before an evaluation at which the sum ends."""
        return 0 if isinstance(self.condition, AlarmCondition) else self.condition.delay

    def offences(self, start: int, at: int) -> tuple[Offence, ...]:
        """Those of sources whose sum breaches in the window from a second on, the highest first.

        Args:
            start: The first second that an evaluation sums. Without newer data it may lie far back.
            at: When the alarm fired.
        """
        sums: _Sums = {}
        for minute in range(start, start + self.window, MINUTE):
            for source, (lines, value) in self._in_minute(minute).items():
                before = sums.get(source, (0, 0.0))
                sums[source] = before[0] + lines, before[1] + value
        found = (
            self.offence(source, start, at)
            for source, (_, value) in sums.items()
            if self.condition.breaches(value)
        )
        return tuple(sorted(found, key=lambda one: (-one.value, one.source)))

    def offence(self, source: str, start: int, at: int) -> Offence:
        """What a source had done when an alarm fired for it."""
        series = self.series(source, start, start + self.window)
        # What is not counted yet happened before the alarm, too.
        before = self.series(source, start, at)
        return Offence(
            source=source,
            since=min(series, default=start),
            lines=sum(lines for lines, _ in before.values()),
            value=sum(value for _, value in series.values()),
        )

    def series(self, source: str, start: int, end: int) -> dict[int, tuple[int, float]]:
        """Lines and value of a source in each minute of [start, end) that has any."""
        by_minute: dict[int, tuple[int, float]] = {}
        for minute in range(start, end, MINUTE):
            lines, value = 0, 0.0
            for kind, weight in self.weights.items():
                own = self.tally.by_source(kind, minute).get(source, 0)
                lines, value = lines + own, value + own * weight
            if lines:
                by_minute[minute] = lines, value
        return by_minute

    def by_source(self) -> dict[str, dict[int, float]]:
        """The value of each source in each minute of the log that has any."""
        found: dict[str, dict[int, float]] = {}
        for minute in self.tally.minutes:
            for source, (_, value) in self._in_minute(minute).items():
                found.setdefault(source, {})[minute] = value
        return found

    def fired(self, changes: Changes, end: int) -> Iterator[FiredAlarm]:
        """Each time that a contributor of the log alarm was in ALARM, in order of time.

        Args:
            changes: What changed in the course of the log.
            end: The second after the log's last minute.
        """
        for begun, ended in changes.times_of_contributors(self.condition.name):
            until = None if ended is None else ended.at
            yield self._fired_for(begun.contributor, begun.at, until, end)

    def _fired_for(self, source: str, at: int, until: int | None, end: int) -> FiredAlarm:
        since = at - self.delay - self.window
        last = min(end, (end if until is None else until) - self.delay)
        series = self.series(source, since, last)
        sums = (
            sum(
                series[minute][1]
                for minute in range(stop - self.window, stop, MINUTE)
                if minute in series
            )
            for stop in range(since + self.window, last + 1, MINUTE)
        )
        lines = sum(lines for lines, _ in series.values())
        return FiredAlarm(
            span=Span(at, until, max(sums, default=None), since),
            sources=(NameCount(source, lines),),
            paths=self.tally.paths(self.weights, since, last),
            offences=(self.offence(source, since, at),),
        )

    def _in_minute(self, minute: int) -> _Sums:
        sums: _Sums = {}
        for kind, weight in self.weights.items():
            for source, own in self.tally.by_source(kind, minute).items():
                lines, value = sums.get(source, (0, 0.0))
                sums[source] = lines + own, value + own * weight
        return sums


def _weights(tally: Tally, readers: Iterable[LogQuery | ContributorRule]) -> dict[LineKind, float]:
    listed = [*readers]
    return {
        kind: reader.contribution(kind.event)
        for kind in tally.kinds
        for reader in listed
        if reader.contributor(kind.event) is not None
    }

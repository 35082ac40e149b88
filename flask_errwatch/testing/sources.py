"""Who made alarms fire: the contributors of source alarms, with their lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flask_errwatch.patterns import JsonEvent
from flask_errwatch.provision.resources import Resource
from flask_errwatch.simulation import (
    PEER_MARK,
    ContributorTransition,
    LogAlarmCondition,
    Transition,
)
from flask_errwatch.simulation.conditions import AlarmCondition
from flask_errwatch.simulation.contributors import ContributorMetric
from flask_errwatch.simulation.definitions import Definitions
from flask_errwatch.simulation.insight_rules import ContributorRule
from flask_errwatch.simulation.insights_query import LogQuery

#: The field of a rule whose contributors are marked, as the query of a log alarm marks them.
_PEER = "peer_ip"


class Firing(NamedTuple):
    """One time that an alarm fired.

    Attributes:
        alarm: The detector's name, or that of another alarm.
        at: When, in seconds since the epoch.
        address: For whom a source alarm fired. None for any other alarm.
    """

    alarm: str
    at: int
    address: str | None


class Offender(NamedTuple):
    """An address that made a source alarm fire.

    Attributes:
        address: The client address, or `peer ADDRESS` for lines without one.
        alarm: The name of the alarm in tests.
        value: What its lines added up to when the alarm fired.
        first: The time of the first of those lines, in seconds since the epoch.
        lines: How many lines those were.
        at: When the alarm fired for it, in seconds since the epoch.
    """

    address: str
    alarm: str
    value: float
    first: float
    lines: int
    at: int


class _Contribution(NamedTuple):
    """What the lines of one contributor in a window added up to."""

    value: float
    first: float
    lines: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OffenderSearch:
    """Finds the addresses for which the source alarms of one app fired.

    Attributes:
        log_alarms: The log alarms by their name.
        insight_alarms: The alarms on insight rules by their name, each with its rules.
        events: The app's events with their time in milliseconds since the epoch.
    """

    log_alarms: Mapping[str, LogAlarmCondition]
    insight_alarms: Mapping[str, tuple[AlarmCondition, tuple[ContributorRule, ...]]]
    events: Sequence[tuple[int, JsonEvent]]

    @classmethod
    def of(
        cls, resources: Iterable[Resource], events: Sequence[tuple[int, JsonEvent]]
    ) -> OffenderSearch:
        """Reads the source alarms from resources that the judge evaluates."""
        definitions = Definitions.read(resources)
        rules = {rule.name: rule for rule in definitions.insight_rules}
        return cls(
            log_alarms={alarm.name: alarm for alarm in definitions.log_alarms},
            insight_alarms={
                alarm.name: (alarm, tuple(rules[rule] for rule in alarm.metric.rules))
                for alarm in definitions.alarms
                if isinstance(alarm.metric, ContributorMetric)
            },
            events=events,
        )

    def offenders(
        self,
        transitions: Iterable[Transition],
        moves: Iterable[ContributorTransition],
        names: Mapping[str, str],
    ) -> list[Offender]:
        """The addresses for which a source alarm fired, in order of time.

        Args:
            transitions: Those of all alarms.
            moves: Those of the contributors of log alarms.
            names: The name of each alarm in tests.
        """
        found = [*self._named(moves, names), *self._busiest(transitions, names)]
        return sorted(found, key=lambda offender: (offender.at, offender.address))

    def _named(
        self, moves: Iterable[ContributorTransition], names: Mapping[str, str]
    ) -> Iterator[Offender]:
        for move in moves:
            if move.new != "ALARM" or move.value is None:
                continue
            alarm = self.log_alarms[move.alarm]
            end = move.at - alarm.delay
            own = self._contributions([alarm.query], end - alarm.window, end)[move.contributor]
            yield Offender(
                move.contributor, names[move.alarm], move.value, own.first, own.lines, move.at
            )

    def _busiest(
        self, transitions: Iterable[Transition], names: Mapping[str, str]
    ) -> Iterator[Offender]:
        """Those above the threshold when an alarm on rules fired, which names no one itself."""
        for transition in transitions:
            if transition.new != "ALARM" or transition.alarm not in self.insight_alarms:
                continue
            alarm, rules = self.insight_alarms[transition.alarm]
            (start, end, _) = transition.datapoints[-1]
            for address, (value, first, lines) in self._contributions(rules, start, end).items():
                if alarm.breaches(value):
                    name = names[transition.alarm]
                    yield Offender(address, name, value, first, lines, transition.at)

    def _contributions(
        self, readers: Iterable[LogQuery | ContributorRule], start: int, end: int
    ) -> dict[str, _Contribution]:
        found: dict[str, _Contribution] = {}
        within = [(at, event) for at, event in self.events if start * 1000 <= at < end * 1000]
        for reader in readers:
            is_peer = isinstance(reader, ContributorRule) and reader.key == _PEER
            mark = PEER_MARK if is_peer else ""
            for at, event in within:
                contributor = reader.contributor(event)
                if contributor is not None:
                    value, first, lines = found.get(
                        mark + contributor, _Contribution(0, at / 1000, 0)
                    )
                    found[mark + contributor] = _Contribution(
                        value + reader.contribution(event), min(first, at / 1000), lines + 1
                    )
        return found

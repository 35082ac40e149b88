"""Kinds of lines: those of which metric filters, insight rules and queries make the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from flask_errwatch.patterns import JsonEvent
from flask_errwatch.provision.resources import Resource
from flask_errwatch.provision.source_alarms import PEER_MARK
from flask_errwatch.simulation.definitions import Definitions
from flask_errwatch.simulation.inputs import SOURCES, WHOLE, split_judgeable
from flask_errwatch.simulation.judge import Judge
from flask_errwatch.simulation.line_matcher import LineMatch

# Kinds that differ by the exact values that they give to metrics.
_EXACT = 1_000

# What one line gives: its filters, the values of its samples and contributions, and which fields
# it has.
_Outcome = tuple[object, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LineKind:
    """Lines that the filters, rules and queries of an app do not tell apart.

    Attributes:
        event: The fields that these read, and the client, of the first such line.
        filters: The names of the metric filters that it matches.
        is_by_source: Whether an alarm on one source counts it.
    """

    event: JsonEvent
    filters: frozenset[str] = frozenset()
    is_by_source: bool = False

    def event_of(self, source: str) -> JsonEvent:
        """The event of such a line of one source, as `Tally` has it."""
        event = {name: value for name, value in self.event.items() if name not in SOURCES}
        if source.startswith(PEER_MARK):
            return {**event, "peer_ip": source.removeprefix(PEER_MARK)}
        return {**event, "client_ip": source}


class LineKinds:
    """The kinds of the lines of one log group, created as they occur.

    Their number follows the resources, not the lines: it grows with the filters that one line can
    match, and with the different numbers that a filter sums. Of more than 1,000 kinds such numbers
    are rounded to three digits.

    Args:
        resources: What `apply` creates.

    Attributes:
        fields: The top-level fields that the resources read, `event` first. Those that only name
            the client for whom a line counts are left out.

    Example:
        >>> from flask_errwatch.provision.resources import MetricFilter
        >>> scans = MetricFilter(log_group="shop", name="shop-scan", pattern="{ $.suspicion > 0 }",
        ...     namespace="Shop", metric_name="scan", value="$.suspicion")
        >>> kinds = LineKinds([scans])
        >>> probe, other = kinds.of({"suspicion": 2, "path": "/.env"}), kinds.of({"suspicion": 0})
        >>> kinds.fields, probe.filters, other.filters, probe is kinds.of({"suspicion": 2})
        (('event', 'suspicion'), frozenset({'shop-scan'}), frozenset(), True)
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        judged, _ = split_judgeable(resources, WHOLE)
        definitions = Definitions.read(judged)
        queries = (alarm.query for alarm in definitions.log_alarms)
        by_source = {
            *chain.from_iterable(rule.reads for rule in definitions.insight_rules),
            *chain.from_iterable(query.reads for query in queries),
        }
        read = {*chain.from_iterable(one.reads for one in definitions.filters)}
        read |= by_source.difference(SOURCES)
        self.fields = ("event", *sorted(read.difference(["event"])))
        self._judge = Judge(judged)
        self._by_outcome: dict[_Outcome, LineKind] = {}
        #: Lines that no resource reads, such as those of requests that succeeded.
        self.other = self.of({})

    def of(self, event: JsonEvent, message: str | None = None) -> LineKind:
        """The kind of a line.

        Args:
            event: Its fields, at least those of `fields` and those that name the client.
            message: The whole line, where `event` may lack digits of numbers in it.
        """
        read = {name: event[name] for name in (*self.fields, *SOURCES) if name in event}
        match = self._judge.match_event(read, json.dumps(read) if message is None else message)
        outcome = self._outcome(read, match)
        kind = self._by_outcome.get(outcome)
        if kind is None:
            kind = self._by_outcome[outcome] = LineKind(
                event=read,
                filters=frozenset(match.matched),
                is_by_source=bool(match.contributions),
            )
        return kind

    def _outcome(self, read: JsonEvent, match: LineMatch) -> _Outcome:
        values = [sample.value for sample in match.samples]
        values += [contribution.value for contribution in match.contributions]
        if len(self._by_outcome) >= _EXACT:
            values = [float(f"{value:.3g}") for value in values]
        feeds = tuple(id(contribution.feed) for contribution in match.contributions)
        return match.matched, *read, feeds, *values

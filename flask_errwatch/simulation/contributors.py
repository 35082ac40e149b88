"""Contributor Insights: lines counted by client address, and the busiest one of a period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask_errwatch._parsers import parse_json
from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.patterns import JsonEvent
from flask_errwatch.provision.resources import InsightRule
from flask_errwatch.simulation.metrics import MINUTE

#: The one metric of a rule that the judge evaluates.
MAX_CONTRIBUTOR_VALUE = "MaxContributorValue"


class ContributorMetric(NamedTuple):
    """The value of the busiest contributor of a rule: its `MaxContributorValue`.

    Attributes:
        rule: The rule's name.
    """

    rule: str

    def __str__(self) -> str:
        return f"{MAX_CONTRIBUTOR_VALUE} of insight rule {self.rule}"


@dataclass(frozen=True, slots=True)
class ContributorRule:
    """A Contributor Insights rule that counts the lines of some events by one field.

    Args:
        name: The rule's name.
        key: The top-level field whose values are the contributors.
        events: The event names of the lines that count.
        value: The top-level field whose numbers are summed, or None to count lines.

    Example:
        >>> rule = ContributorRule("shop-one-source", "client_ip", frozenset({"Not Found Error"}))
        >>> rule.contributor({"event": "Not Found Error", "client_ip": "192.0.2.7"})
        '192.0.2.7'
    """

    name: str
    key: str
    events: frozenset[str]
    value: str | None = None

    @classmethod
    def of(cls, resource: InsightRule) -> ContributorRule:
        """The rule, read from its definition.

        Raises:
            JudgeError: When the definition is not of the form that `apply` creates: JSON lines
                of given events, by one top-level field, counted or summed.
        """
        try:
            definition: Any = parse_json(resource.definition)
            contribution = definition["Contribution"]
            ((key,), (match,)) = contribution["Keys"], contribution["Filters"]
            value = contribution.get("ValueOf")
            fields = (key,) if value is None else (key, value)
            is_known = (
                all(name.startswith("$.") and "." not in name[2:] for name in fields)
                and match["Match"] == "$.event"
                and definition["AggregateOn"] == ("Count" if value is None else "Sum")
            )
            events = frozenset(map(str, match["In"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            is_known = False
        if not is_known:
            remedy = (
                "The judge counts lines of some events, or sums a field, by one top-level field."
            )
            shown = f"definition of insight rule {resource.name!r}"
            raise JudgeError(Problem(key=shown, value=resource.definition, remedy=remedy))
        return cls(resource.name, key[2:], events, None if value is None else value[2:])

    def contributor(self, event: JsonEvent) -> str | None:
        """The contributor that a line counts for, or None when it does not count.

        Args:
            event: The line as `patterns.read_event` gives it.
        """
        name = event.get("event")
        if not isinstance(name, str) or name not in self.events:
            return None
        value = event.get(self.key)
        is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
        return str(value) if is_text else None

    def contribution(self, event: JsonEvent) -> float:
        """What a line that counts adds: 1, or the number in the field, without one nothing."""
        value = 1 if self.value is None else event.get(self.value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number else 0.0  # type: ignore[arg-type]


class ContributorFeed:
    """The lines of each contributor of one rule, per minute.

    Example:
        >>> feed = ContributorFeed()
        >>> feed.add(0, "192.0.2.7", 3)
        >>> feed.add(60, "192.0.2.7", 2)
        >>> feed.add(60, "198.51.100.1", 4)
        >>> feed.value(MAX_CONTRIBUTOR_VALUE, 0, 120)
        5.0
    """

    __slots__ = ("_minutes",)

    def __init__(self) -> None:
        self._minutes: dict[int, dict[str, float]] = {}

    def minutes(self) -> Iterator[int]:
        """The minutes that have lines, by their first second, in no order."""
        return iter(self._minutes)

    def add(self, minute: int, contributor: str, lines: float) -> None:
        """Adds lines, or what they contribute, of one contributor in one minute."""
        contributors = self._minutes.setdefault(minute, {})
        contributors[contributor] = contributors.get(contributor, 0) + lines

    def fill(self, since: int, values: Sequence[float]) -> None:
        """Does nothing: a heartbeat has no contributor."""

    def value(self, _statistic: str, start: int, end: int) -> float | None:
        """The lines of the busiest contributor in a period, or None without any."""
        contributors = self._contributors(start, end)
        return float(max(contributors.values())) if contributors else None

    def lines(self, start: int, end: int) -> int:
        """How many lines of the period counted, of all contributors."""
        return int(sum(self._contributors(start, end).values()))

    def prune(self, before: int) -> None:
        """Drops the minutes that ended at or before that second."""
        for minute in [minute for minute in self._minutes if minute + MINUTE <= before]:
            del self._minutes[minute]

    def _contributors(self, start: int, end: int) -> dict[str, float]:
        total: dict[str, float] = {}
        for minute in range(start, end, MINUTE):
            for contributor, lines in self._minutes.get(minute, {}).items():
                total[contributor] = total.get(contributor, 0) + lines
        return total

"""Contributor Insights: lines counted by client address, and the busiest one of a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask_errwatch._parsers import parse_json
from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.patterns import JsonEvent
from flask_errwatch.provision.resources import InsightRule
from flask_errwatch.simulation.json_fields import number_of, text_of
from flask_errwatch.simulation.metrics import MINUTE

#: The one metric of a rule that the judge evaluates.
MAX_CONTRIBUTOR_VALUE = "MaxContributorValue"


class ContributorMetric(NamedTuple):
    """The value of the busiest contributor of one rule or of several: `MaxContributorValue`.

    Attributes:
        rules: The names of the rules.
        empty: The value of a period without contributors. None where it has no datapoint.
    """

    rules: tuple[str, ...]
    empty: float | None = None

    def __str__(self) -> str:
        rules = "rule" if len(self.rules) == 1 else "rules"
        return f"{MAX_CONTRIBUTOR_VALUE} of insight {rules} {', '.join(self.rules)}"


class RuleCondition(NamedTuple):
    """A condition of a rule on one top-level field (CloudWatch User Guide, rule syntax).

    Attributes:
        field: The field.
        operator: `In`, `StartsWith`, `EqualTo`, `GreaterThan`, `LessThan` or `IsPresent`.
        operand: Texts for the first two, a number for the next three, else whether the field
            must be there.
    """

    field: str
    operator: str
    operand: tuple[str, ...] | float | bool

    @classmethod
    def of(cls, entry: Any) -> RuleCondition:
        """The condition, read from its entry in a rule.

        Raises:
            ValueError: When it is not of a form that the judge evaluates.
        """
        entry = dict(entry)
        name = _field_of(entry.pop("Match"))
        ((kind, operand),) = entry.items()
        if kind in {"In", "StartsWith"} and isinstance(operand, list):
            return cls(name, kind, tuple(map(str, operand)))
        if kind in {"EqualTo", "GreaterThan", "LessThan"} and number_of(operand) is not None:
            return cls(name, kind, float(operand))
        if kind == "IsPresent" and isinstance(operand, bool):
            return cls(name, kind, operand)
        raise ValueError(kind)

    def matches(self, event: JsonEvent) -> bool:
        """Whether a line fulfils it."""
        value, operand = event.get(self.field), self.operand
        if self.operator == "IsPresent":
            return (value is not None) is operand
        if isinstance(operand, tuple):
            text = text_of(value)
            if text is None:
                return False
            return text in operand if self.operator == "In" else text.startswith(operand)
        number = number_of(value)
        if number is None:
            return False
        if self.operator == "EqualTo":
            return number == operand
        return number > operand if self.operator == "GreaterThan" else number < operand


@dataclass(frozen=True, slots=True)
class ContributorRule:
    """A Contributor Insights rule that counts lines, or sums a field of them, by one field.

    Args:
        name: The rule's name.
        key: The top-level field whose values are the contributors.
        filters: The conditions, all of which a line must fulfil to count.
        value: The top-level field whose numbers are summed, or None to count lines.

    Example:
        >>> suspicious = RuleCondition("suspicion", "GreaterThan", 0.0)
        >>> rule = ContributorRule("scan", "client_ip", (suspicious,), "suspicion")
        >>> event = {"suspicion": 2, "client_ip": "192.0.2.7"}
        >>> rule.contributor(event), rule.contribution(event)
        ('192.0.2.7', 2)
    """

    name: str
    key: str
    filters: tuple[RuleCondition, ...]
    value: str | None = None

    @classmethod
    def of(cls, resource: InsightRule) -> ContributorRule:
        """The rule, read from its definition.

        Raises:
            JudgeError: When the definition is not of the form that `apply` creates: JSON lines
                with conditions on top-level fields, by one such field, counted or summed.
        """
        try:
            definition: Any = parse_json(resource.definition)
            contribution = definition["Contribution"]
            (key,) = contribution["Keys"]
            value = contribution.get("ValueOf")
            if definition["AggregateOn"] == ("Count" if value is None else "Sum"):
                return cls(
                    name=resource.name,
                    key=_field_of(key),
                    filters=tuple(map(RuleCondition.of, contribution["Filters"])),
                    value=None if value is None else _field_of(value),
                )
        except (ValueError, KeyError, TypeError, AttributeError):
            pass  # refused below
        remedy = (
            "The judge counts lines, or sums a field, by one top-level field, with filters In, "
            "StartsWith, EqualTo, GreaterThan, LessThan and IsPresent on top-level fields."
        )
        shown = f"definition of insight rule {resource.name!r}"
        raise JudgeError(Problem(key=shown, value=resource.definition, remedy=remedy))

    @property
    def events(self) -> frozenset[str]:
        """The event names that its filters list. Empty where it counts lines of any event."""
        names = [
            filter_.operand
            for filter_ in self.filters
            if filter_.field == "event" and isinstance(filter_.operand, tuple)
        ]
        return frozenset(name for listed in names for name in listed)

    @property
    def reads(self) -> frozenset[str]:
        """The top-level fields of a line that decide what it gives."""
        names = {self.key, *(filter_.field for filter_ in self.filters)}
        return frozenset(names if self.value is None else names | {self.value})

    def contributor(self, event: JsonEvent) -> str | None:
        """The contributor that a line counts for, or None when it does not count.

        Args:
            event: The line as `patterns.read_event` gives it.
        """
        if not all(filter_.matches(event) for filter_ in self.filters):
            return None
        return text_of(event.get(self.key))

    def contribution(self, event: JsonEvent) -> float:
        """What a line that counts adds: 1, or the number in the field, without one nothing."""
        return 1 if self.value is None else number_of(event.get(self.value)) or 0


def _field_of(selector: str) -> str:
    """The top-level field of `$.field`."""
    if not selector.startswith("$.") or "." in selector[2:]:
        raise ValueError(selector)
    return selector[2:]


class ContributorFeed:
    """The lines of each contributor of a rule or query, per minute or in shorter steps.

    Args:
        step: Seconds that are summed together. A minute is a multiple of it.
        empty: The value of a period without lines.

    Example:
        >>> feed = ContributorFeed()
        >>> feed.add(0, "192.0.2.7", 3)
        >>> feed.add(60, "192.0.2.7", 2)
        >>> feed.add(60, "198.51.100.1", 4)
        >>> feed.value(MAX_CONTRIBUTOR_VALUE, 0, 120)
        5.0
    """

    __slots__ = ("_empty", "_steps", "step")

    def __init__(self, step: int = MINUTE, empty: float | None = None) -> None:
        self.step = step
        self._empty = empty
        self._steps: dict[int, dict[str, float]] = {}

    def minutes(self) -> Iterator[int]:
        """The minutes that have lines, by their first second, in no order."""
        return iter({start - start % MINUTE for start in self._steps})

    def add(self, second: int, contributor: str, lines: float) -> None:
        """Adds lines, or what they contribute, of one contributor in one second."""
        self.add_all(second, [(contributor, lines)])

    def add_all(self, second: int, added: Iterable[tuple[str, float]]) -> None:
        """Adds lines, or what they contribute, of many contributors in one second."""
        contributors = self._steps.setdefault(second - second % self.step, {})
        for contributor, lines in added:
            contributors[contributor] = contributors.get(contributor, 0) + lines

    def fill(self, since: int, values: Sequence[float]) -> None:
        """Does nothing: a heartbeat has no contributor."""

    def value(self, _statistic: str, start: int, end: int) -> float | None:
        """The lines of the busiest contributor in a period, or `empty` without any."""
        contributors = self.contributors(start, end)
        return float(max(contributors.values())) if contributors else self._empty

    def lines(self, start: int, end: int) -> int:
        """How many lines of the period counted, of all contributors."""
        return int(sum(self.contributors(start, end).values()))

    def prune(self, before: int) -> None:
        """Drops what ended at or before that second."""
        for start in [start for start in self._steps if start + self.step <= before]:
            del self._steps[start]

    def contributors(self, start: int, end: int) -> dict[str, float]:
        """The lines of each contributor in a period, or what they contribute."""
        steps = (self._steps.get(second, {}) for second in range(start, end, self.step))
        total = dict(next(steps, {}))
        for step in steps:
            for contributor, lines in step.items():
                total[contributor] = total.get(contributor, 0) + lines
        return total

"""Rules of Contributor Insights: which lines count, for whom, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from flask_errwatch._parsers import parse_json
from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.patterns import JsonEvent
from flask_errwatch.provision.resources import InsightRule
from flask_errwatch.simulation.json_fields import number_of, text_of


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

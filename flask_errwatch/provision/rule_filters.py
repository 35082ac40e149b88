"""Translates a metric filter's pattern into the filters of a Contributor Insights rule. Pure.

A rule has at most four filters, and a line must match all of them (CloudWatch User Guide,
Contributor Insights rule syntax).
"""

from __future__ import annotations

from flask_errwatch.patterns import Regex
from flask_errwatch.patterns.nodes import (
    AllOf,
    AnyOf,
    Comparison,
    FieldTest,
    JsonCondition,
    Number,
    Operator,
    Selector,
    UnaryOperator,
    Wildcard,
)
from flask_errwatch.patterns.numbers import exact
from flask_errwatch.provision.query_filter import UntranslatableError, json_condition

#: The most filters of a rule.
MOST_FILTERS = 4
_ORDERS = {
    Operator.GREATER: "GreaterThan",
    Operator.LESS: "LessThan",
    Operator.EQUAL: "EqualTo",
}

RuleFilter = dict[str, object]


def rule_filters(pattern: str, *, most: int = MOST_FILTERS) -> list[RuleFilter]:
    """Returns the filters that match the lines that the pattern matches.

    Args:
        pattern: A JSON pattern, as a metric filter has it.
        most: The most filters that there is room for.

    Raises:
        UntranslatableError: Names what a rule lacks.

    Example:
        >>> rule_filters('{ $.event = "Login Failed" && $.suspicion > 0 }')
        [{'Match': '$.event', 'In': ['Login Failed']}, {'Match': '$.suspicion', 'GreaterThan': 0}]
    """
    filters = [_filter(test) for test in _tests(json_condition(pattern))]
    if len(filters) > most:
        message = f"A Contributor Insights rule has room for at most {most} conditions here."
        raise UntranslatableError(message)
    return filters


def _tests(condition: JsonCondition) -> tuple[FieldTest, ...]:
    if isinstance(condition, AnyOf):
        raise UntranslatableError("A Contributor Insights rule joins conditions with && alone.")
    if isinstance(condition, AllOf):
        return tuple(test for item in condition.items for test in _tests(item))
    return (condition,)


def _filter(test: FieldTest) -> RuleFilter:
    field, predicate = _field(test.selector), test.predicate
    if predicate is UnaryOperator.NOT_EXISTS:
        return {"Match": field, "IsPresent": False}
    if isinstance(predicate, UnaryOperator):
        raise UntranslatableError(f"A Contributor Insights rule cannot test {predicate.value}.")
    return {"Match": field, **_condition(predicate)}


def _condition(predicate: Comparison) -> RuleFilter:
    operator, value = predicate.operator, predicate.value
    if isinstance(value, Number) and operator in _ORDERS:
        number = float(exact(value.spelling) or 0)
        return {_ORDERS[operator]: int(number) if number.is_integer() else number}
    if isinstance(value, Number | Regex) or operator is not Operator.EQUAL:
        what = "regular expressions" if isinstance(value, Regex) else f"'{operator.value}'"
        message = f"A Contributor Insights rule has no {what}: use =, < or >, joined with &&."
        raise UntranslatableError(message)
    if value.text == "*":
        return {"IsPresent": True}
    start, star, rest = value.text.partition("*")
    if rest:
        message = "A Contributor Insights rule has no * but at the end of a text."
        raise UntranslatableError(message)
    return {"StartsWith": [start]} if star else {"In": [start]}


def _field(selector: Selector) -> str:
    if any(isinstance(step, Wildcard) for step in selector.steps):
        raise UntranslatableError("A Contributor Insights rule has no wildcard for fields.")
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in selector.steps)
    return f"${''.join(steps)}"

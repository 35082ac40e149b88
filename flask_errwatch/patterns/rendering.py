"""Renders conditions as text, for patterns that Python code builds."""

from __future__ import annotations

from flask_errwatch.patterns.nodes import (
    AllOf,
    AnyOf,
    FieldTest,
    JsonCondition,
    Number,
    Selector,
    Step,
    Text,
    UnaryOperator,
    Value,
    Wildcard,
)


def render(condition: JsonCondition) -> str:
    """The text of a JSON pattern. Parsing it gives the same condition."""
    return f"{{ {_condition(condition)} }}"


def _condition(condition: JsonCondition) -> str:
    if isinstance(condition, AnyOf):
        return " || ".join(_condition(item) for item in condition.items)
    if isinstance(condition, AllOf):
        return " && ".join(_within_and(item) for item in condition.items)
    return _field_test(condition)


def _within_and(condition: JsonCondition) -> str:
    text = _condition(condition)
    return f"({text})" if isinstance(condition, AnyOf) else text


def _field_test(test: FieldTest) -> str:
    selector, predicate = _selector(test.selector), test.predicate
    if isinstance(predicate, UnaryOperator):
        return f"{selector} {predicate.value}"
    return f"{selector} {predicate.operator.value} {_value(predicate.value)}"


def _selector(selector: Selector) -> str:
    first, *others = selector.steps
    # The live service accepts `$.*` and rejects `$[*]`.
    start = ".*" if first is Wildcard.ANY else _step(first)
    return f"${start}{''.join(map(_step, others))}"


def _step(step: Step) -> str:
    if isinstance(step, Wildcard):
        return "[*]"
    if isinstance(step, int):
        return f"[{step}]"
    plain = step and all(char.isalnum() or char in "_-" for char in step)
    return f".{step}" if plain else f".['{step}']"


def _value(value: Value) -> str:
    if isinstance(value, Number):
        return value.spelling
    if isinstance(value, Text):
        escaped = value.text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"%{value.source}%"

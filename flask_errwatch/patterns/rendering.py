"""Conditions to text, for patterns that are built and not written."""

from __future__ import annotations

from flask_errwatch.patterns.nodes import (
    AllOf,
    AnyOf,
    FieldTest,
    JsonCondition,
    Number,
    Selector,
    State,
    Step,
    Text,
    Value,
    Wildcard,
)


def rendered(condition: JsonCondition) -> str:
    """The JSON pattern that reads back as this condition."""
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
    where = _selector(test.selector)
    if isinstance(test.wanted, State):
        return f"{where} {test.wanted.value}"
    return f"{where} {test.wanted.operator.value} {_value(test.wanted.value)}"


def _selector(selector: Selector) -> str:
    first, *others = selector.steps
    # Live, `$[*]` is refused where `$.*` is not.
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

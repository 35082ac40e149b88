"""Compiles conditions into functions that test a JSON value or a token."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TypeVar

from flask_errwatch.patterns.nodes import AllOf, AnyOf, Condition, Leaf, Number, Operator, Value
from flask_errwatch.patterns.numbers import Exact, exact

Subject = TypeVar("Subject")
Test = Callable[[Subject], bool]

_ORDER: dict[Operator, Callable[[Exact, Exact], bool]] = {
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


def condition_test(
    condition: Condition[Leaf], leaf_test: Callable[[Leaf], Test[Subject]]
) -> Test[Subject]:
    """The function that tests a condition.

    Args:
        condition: The condition.
        leaf_test: Compiles one test of the condition.
    """
    if isinstance(condition, AllOf):
        every = tuple(condition_test(item, leaf_test) for item in condition.items)
        return lambda subject: all(test(subject) for test in every)
    if isinstance(condition, AnyOf):
        some = tuple(condition_test(item, leaf_test) for item in condition.items)
        return lambda subject: any(test(subject) for test in some)
    return leaf_test(condition)


def bound_test(operator: Operator, value: Value) -> Test[Exact | None]:
    """The function that compares a number with a bound. It is False for what is not a number."""
    bound = exact(value.spelling) if isinstance(value, Number) else None
    compare = _ORDER[operator]
    return lambda number: number is not None and bound is not None and compare(number, bound)


def text_test(pattern: str) -> Test[str]:
    """The function that compares a whole text. Each `*` of the pattern matches any text.

    Example:
        >>> text_test("Ev*ent")("EventEvent"), text_test("a?b")("axb")
        (True, False)
    """
    head, *middle = pattern.split("*")
    if not middle:
        return lambda text: text == pattern
    tail = middle.pop()
    parts = [part for part in middle if part]
    shortest = len(head) + len(tail)

    def test(text: str) -> bool:
        if len(text) < shortest or not text.startswith(head) or not text.endswith(tail):
            return False
        start, end = len(head), len(text) - len(tail)
        for part in parts:
            index = text.find(part, start, end)
            if index < 0:
                return False
            start = index + len(part)
        return True

    return test

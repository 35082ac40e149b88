"""The grammar that JSON and space-delimited patterns share: `||`, `&&`, `( )`, comparisons."""

from __future__ import annotations

from collections.abc import Callable

from flask_errwatch.patterns import quotas
from flask_errwatch.patterns.nodes import (
    Comparison,
    Condition,
    Leaf,
    Number,
    Operator,
    Text,
    Value,
    all_of,
    any_of,
)
from flask_errwatch.patterns.tokenizer import Cursor

_DEEPEST = 50  # our own limit on nested parentheses: no pattern exhausts the stack
_LONGEST_FIRST = sorted(Operator, key=lambda operator: -len(operator.value))


class ConditionParser:
    """Parses conditions and counts what the quotas limit.

    Args:
        cursor: The pattern, at the first condition.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.regexes = 0
        self.depth = 0

    def either(self, leaf: Callable[[], Leaf]) -> Condition[Leaf]:
        """Either := both { "||" both }."""
        conditions = [self._both(leaf)]
        while self._take_operator("||"):
            conditions.append(self._both(leaf))
        return any_of(conditions)

    def _both(self, leaf: Callable[[], Leaf]) -> Condition[Leaf]:
        """Both := single { "&&" single }."""
        conditions = [self._single(leaf)]
        while self._take_operator("&&"):
            conditions.append(self._single(leaf))
        return all_of(conditions)

    def _single(self, leaf: Callable[[], Leaf]) -> Condition[Leaf]:
        """Single := "(" either ")" | leaf."""
        cursor = self.cursor
        if cursor.skip_blanks() == "!":
            raise cursor.error(
                "Write '!=' or NOT EXISTS instead: negation with '!' is not supported."
            )
        start = cursor.at
        if not cursor.take("("):
            return leaf()
        self.depth += 1
        if self.depth > _DEEPEST:
            raise cursor.error(f"Nest at most {_DEEPEST} parentheses.", start)
        inner = self.either(leaf)
        cursor.skip_blanks()
        if not cursor.take(")"):
            raise cursor.error("Close the parenthesis with ')' or join with '&&' or '||'.")
        self.depth -= 1
        return inner

    def comparison(self) -> Comparison:
        """Comparison := operator value. The order operators take a bare number."""
        cursor = self.cursor
        operator = self._operator()
        cursor.skip_blanks()
        start = cursor.at
        value = self._value()
        if operator.orders and not isinstance(value, Number):
            remedy = f"Compare with a bare number after '{operator.value}', such as 400."
            raise cursor.error(remedy, start)
        return Comparison(operator, value)

    def _operator(self) -> Operator:
        """Operator := "!=" | "<=" | ">=" | "=" | "<" | ">"."""
        cursor = self.cursor
        cursor.skip_blanks()
        for operator in _LONGEST_FIRST:
            if cursor.take(operator.value):
                if cursor.peek() == "=":
                    raise cursor.error("Write a single '=' for equality.")
                return operator
        raise cursor.error("Write a comparison here: one of = != < <= > >=.")

    def _value(self) -> Value:
        """Value := quoted | regex | bare."""
        cursor = self.cursor
        start = cursor.at
        if cursor.peek() == '"':
            return Text(cursor.quoted())
        if cursor.peek() == "'":
            raise cursor.error("Write double quotes instead of single quotes.")
        if cursor.peek() != "%":
            return cursor.bare()
        regex = cursor.regex()
        self.regexes += 1
        if self.regexes > quotas.REGEXES:
            raise cursor.error(quotas.TOO_MANY_REGEXES, start)
        return regex

    def _take_operator(self, operator: str) -> bool:
        """Consumes `&&` or `||` when it comes next."""
        cursor = self.cursor
        cursor.skip_blanks()
        if cursor.take(operator):
            return True
        if cursor.peek() == operator[0]:
            raise cursor.error(f"Write '{operator}'.")
        if cursor.keyword() in ("AND", "OR"):
            raise cursor.error("Write '&&' instead of AND, '||' instead of OR.")
        return False

"""The grammar of JSON patterns: `{ $.status >= 500 && $.user NOT EXISTS }`."""

from __future__ import annotations

import string

from flask_errwatch.patterns import quotas
from flask_errwatch.patterns.nodes import (
    FieldTest,
    JsonCondition,
    Selector,
    Step,
    Text,
    UnaryOperator,
    Value,
    Wildcard,
)
from flask_errwatch.patterns.parse_condition import ConditionParser
from flask_errwatch.patterns.tokenizer import Cursor

_OPERATORS = {
    ("IS", "NULL"): UnaryOperator.IS_NULL,
    ("IS", "TRUE"): UnaryOperator.IS_TRUE,
    ("IS", "FALSE"): UnaryOperator.IS_FALSE,
    ("NOT", "EXISTS"): UnaryOperator.NOT_EXISTS,
}
_NAME = "_-"


def json_pattern(cursor: Cursor) -> JsonCondition:
    """Pattern := "{" either "}"."""
    cursor.at += 1
    condition = _JsonParser(cursor).condition()
    cursor.skip_blanks()
    if not cursor.take("}"):
        raise cursor.error("Write '&&' or '||' and another condition here, or close with '}'.")
    if cursor.skip_blanks():
        raise cursor.error("End the pattern after '}'.")
    return condition


def json_condition(cursor: Cursor) -> JsonCondition:
    """Condition := either, up to the end of the text."""
    condition = _JsonParser(cursor).condition()
    if cursor.skip_blanks():
        raise cursor.error("Write '&&' or '||' and another condition here.")
    return condition


class _JsonParser(ConditionParser):
    """Parses the tests of one JSON pattern."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(cursor)
        self.wildcards = 0

    def condition(self) -> JsonCondition:
        """Condition := either."""
        return self.either(self._leaf)

    def _leaf(self) -> FieldTest:
        """Leaf := selector ( unary | comparison )."""
        cursor = self.cursor
        start = cursor.at
        selector = _selector(cursor)
        self.wildcards += Wildcard.ANY in selector.steps
        if self.wildcards > quotas.WILDCARDS:
            raise cursor.error(quotas.TOO_MANY_WILDCARDS, start)
        cursor.skip_blanks()
        return FieldTest(selector, self._unary() or self.comparison())

    def _unary(self) -> UnaryOperator | None:
        """Unary := "IS" ( "NULL" | "TRUE" | "FALSE" ) | "NOT" "EXISTS", in any case."""
        cursor = self.cursor
        first = cursor.keyword()
        if first == "EXISTS":
            raise cursor.error("Write '= *' for a string or number: only NOT EXISTS is supported.")
        if first not in ("IS", "NOT"):
            return None
        cursor.at += len(first)
        cursor.skip_blanks()
        second = cursor.keyword()
        operator = _OPERATORS.get((first, second))
        if operator is None:
            raise cursor.error("Write IS NULL, IS TRUE, IS FALSE or NOT EXISTS.")
        cursor.at += len(second)
        return operator

    def _value(self) -> Value:
        """Value := quoted | regex | bare. The live service rejects the bare word null."""
        start = self.cursor.at
        is_bare = self.cursor.peek() != '"'
        value = super()._value()
        if is_bare and isinstance(value, Text) and value.text.upper() == "NULL":
            raise self.cursor.error('Write IS NULL, or "null" in quotes for the string.', start)
        return value


def parse_selector(text: str) -> Selector:
    """Parses a text that is one selector, such as `$.user.id`."""
    cursor = Cursor(text)
    selector = _selector(cursor)
    if cursor.peek():
        raise cursor.error("End the selector here, or write the key as $.['any.key'].")
    return selector


def _selector(cursor: Cursor) -> Selector:
    """Selector := "$" property { property | index }, with at most one wildcard."""
    cursor.skip_blanks()
    start = cursor.at
    if not cursor.take("$"):
        raise cursor.error("Write a selector here, such as $.event.")
    if cursor.peek() != ".":
        raise cursor.error("Write '.' and a property after '$', such as $.event or $.['a.b'].")
    steps: list[Step] = []
    while cursor.peek() and cursor.peek() in ".[":
        steps.append(_property(cursor) if cursor.peek() == "." else _index(cursor))
    if steps.count(Wildcard.ANY) > 1:
        raise cursor.error(quotas.TWO_WILDCARDS, start)
    return Selector(tuple(steps))


def _property(cursor: Cursor) -> Step:
    """Property := "." ( "*" | "['" key "']" | name ). A name has letters, digits, - and _."""
    cursor.at += 1
    if cursor.take("*"):
        return Wildcard.ANY
    if cursor.take("['"):
        end = cursor.source.find("']", cursor.at)
        if end < 0:
            raise cursor.error("Close the key with ']: $.['a.b'].")
        key = cursor.source[cursor.at : end]
        cursor.at = end + 2
        return key
    name = cursor.run(_NAME)
    if not name:
        raise cursor.error("Write a property of letters, digits, - and _, or $.['any.key'].")
    return name


def _index(cursor: Cursor) -> Step:
    """Index := "[" ( "*" | digits ) "]"."""
    start = cursor.at
    cursor.at += 1
    if cursor.take("*]"):
        return Wildcard.ANY
    digits = cursor.at
    while cursor.peek() and cursor.peek() in string.digits:
        cursor.at += 1
    number = cursor.source[digits : cursor.at]
    if not number or not cursor.take("]"):
        raise cursor.error("Write an index from 0 or * between the brackets: $.list[0].", start)
    return int(number)

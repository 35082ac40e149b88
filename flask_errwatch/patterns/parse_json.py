"""The grammar of JSON patterns: `{ $.status >= 500 && $.user NOT EXISTS }`."""

from __future__ import annotations

import string

from flask_errwatch.patterns import quotas as _quotas
from flask_errwatch.patterns.nodes import (
    FieldTest,
    JsonCondition,
    Selector,
    State,
    Step,
    Text,
    Value,
    Wildcard,
)
from flask_errwatch.patterns.parse_condition import ConditionParser
from flask_errwatch.patterns.tokenizer import Cursor

_STATES = {"NULL": State.NULL, "TRUE": State.TRUE, "FALSE": State.FALSE}
_NAME = "_-"


def json_pattern(cursor: Cursor) -> JsonCondition:
    """Pattern := "{" either "}"."""
    cursor.at += 1
    condition = _JsonParser(cursor).condition()
    cursor.skip_blanks()
    if not cursor.take("}"):
        raise cursor.error("Write '&&' or '||' and a condition here, or close with '}'.")
    if cursor.skip_blanks():
        raise cursor.error("End the pattern after '}'.")
    return condition


class _JsonParser(ConditionParser):
    """The rules of the leaves."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(cursor)
        self.wildcards = 0

    def condition(self) -> JsonCondition:
        """Condition := either."""
        return self.either(self._leaf)

    def _leaf(self) -> FieldTest:
        """Leaf := selector ( state | comparison )."""
        cursor = self.cursor
        start = cursor.at
        where = _selector(cursor)
        self.wildcards += Wildcard.ANY in where.steps
        if self.wildcards > _quotas.WILDCARDS:
            raise cursor.error(_quotas.TOO_MANY_WILDCARDS, start)
        cursor.skip_blanks()
        return FieldTest(where, self._state() or self.comparison())

    def _state(self) -> State | None:
        """State := "IS" ( "NULL" | "TRUE" | "FALSE" ) | "NOT" "EXISTS", in any case."""
        cursor = self.cursor
        word = cursor.keyword()
        if word == "EXISTS":
            raise cursor.error("Write '= *' for a string or number: there is only NOT EXISTS.")
        if word not in ("IS", "NOT"):
            return None
        cursor.at += len(word)
        cursor.skip_blanks()
        second = cursor.keyword()
        state = _STATES.get(second) if word == "IS" else None
        if word == "NOT" and second == "EXISTS":
            state = State.MISSING
        if state is None:
            raise cursor.error("Write IS NULL, IS TRUE, IS FALSE or NOT EXISTS.")
        cursor.at += len(second)
        return state

    def _value(self) -> Value:
        """Value := quoted | regex | bare; the bare word null is refused, live."""
        start = self.cursor.at
        bare = self.cursor.peek() != '"'
        value = super()._value()
        if bare and isinstance(value, Text) and value.text.upper() == "NULL":
            raise self.cursor.error('Write IS NULL, or "null" in quotes for the string.', start)
        return value


def whole_selector(text: str) -> Selector:
    """Reads a selector that stands alone, such as `$.user.id`."""
    cursor = Cursor(text)
    found = _selector(cursor)
    if cursor.peek():
        raise cursor.error("End the selector here, or write the key as $.['any.key'].")
    return found


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
        raise cursor.error(_quotas.TWO_WILDCARDS, start)
    return Selector(tuple(steps))


def _property(cursor: Cursor) -> Step:
    """Property := "." ( "*" | "['" key "']" | name ); a name holds letters, digits, - and _."""
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
        raise cursor.error("Write a property: letters, digits, - and _; or $.['any.key'].")
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

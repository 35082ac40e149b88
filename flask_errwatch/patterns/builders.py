"""Builders for JSON patterns: `field("$.status") >= 500`, joined with `&` and `|`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns.nodes import (
    Comparison,
    FieldTest,
    Number,
    Operator,
    Selector,
    State,
    Text,
    Value,
)
from flask_errwatch.patterns.numbers import exact
from flask_errwatch.patterns.parse_json import whole_selector
from flask_errwatch.patterns.pattern_types import JsonPattern
from flask_errwatch.patterns.regex import Regex

Numeric = int | float | Decimal


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Field:
    """A place in a JSON event; its comparisons are patterns.

    It is a separate type, so that patterns themselves compare as values do.

    Args:
        selector: The place.
    """

    selector: Selector

    __hash__ = None  # type: ignore[assignment]  # its == builds a pattern, so it is no key

    def __eq__(self, other: object) -> JsonPattern:  # type: ignore[override]  # a pattern is meant
        return self._compared(Operator.EQUAL, other)

    def __ne__(self, other: object) -> JsonPattern:  # type: ignore[override]  # a pattern is meant
        return self._compared(Operator.DIFFERENT, other)

    def __lt__(self, other: Numeric) -> JsonPattern:
        return self._compared(Operator.LESS, other)

    def __le__(self, other: Numeric) -> JsonPattern:
        return self._compared(Operator.AT_MOST, other)

    def __gt__(self, other: Numeric) -> JsonPattern:
        return self._compared(Operator.GREATER, other)

    def __ge__(self, other: Numeric) -> JsonPattern:
        return self._compared(Operator.AT_LEAST, other)

    def is_null(self) -> JsonPattern:
        """The value is null, or an array that holds a null."""
        return self._tested(State.NULL)

    def is_true(self) -> JsonPattern:
        """The value is the boolean true."""
        return self._tested(State.TRUE)

    def is_false(self) -> JsonPattern:
        """The value is the boolean false."""
        return self._tested(State.FALSE)

    def not_exists(self) -> JsonPattern:
        """There is no such value; the language has no opposite of this."""
        return self._tested(State.MISSING)

    def is_scalar(self) -> JsonPattern:
        """The value is there, and is a string or a number: the nearest thing to "exists"."""
        return self._compared(Operator.EQUAL, "*")

    def _compared(self, operator: Operator, other: object) -> JsonPattern:
        return self._tested(Comparison(operator, _literal(other)))

    def _tested(self, wanted: Comparison | State) -> JsonPattern:
        return JsonPattern.of(FieldTest(self.selector, wanted))


def field(selector: str) -> Field:
    """The place in a JSON event to compare.

    Compare it with text (in which `*` stands for any text), a number, or a `Regex`.

    Args:
        selector: A property, such as `$.event`, `$.user.roles[*]` or `$.['a.b']`.

    Raises:
        PatternSyntaxError: It is no selector. The patterns made of it raise the same where
            CloudWatch Logs would refuse them.

    Example:
        >>> str(field("$.event") == "Critical Error")
        '{ $.event = "Critical Error" }'
        >>> server_error = (field("$.status") >= 500) & (field("$.path") != Regex("^/health"))
        >>> str(server_error | field("$.user").not_exists())
        '{ $.status >= 500 && $.path != %^/health% || $.user NOT EXISTS }'
    """
    return Field(selector=whole_selector(selector))


def _literal(value: object) -> Value:
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, Regex):
        return value
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        # int() refuses to be spelled where it is long; the pattern says that it is too long.
        spelling = str(Decimal(value)) if isinstance(value, int) else str(value)
        if exact(spelling) is None:
            raise PatternSyntaxError(spelling, 0, "Compare with a finite number.")
        return Number(spelling)
    raise TypeError(
        f"Compare with a str, a number or a Regex, not with {value!r}; "
        "use is_true(), is_false() or is_null() for the constants."
    )

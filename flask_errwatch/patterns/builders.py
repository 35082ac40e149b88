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
    Text,
    UnaryOperator,
    Value,
)
from flask_errwatch.patterns.numbers import exact
from flask_errwatch.patterns.parse_json import parse_selector
from flask_errwatch.patterns.pattern_types import JsonPattern
from flask_errwatch.patterns.regex import Regex

Numeric = int | float | Decimal


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Field:
    """A field of a JSON event. Comparing it builds a pattern.

    It is not a pattern itself, so that patterns compare by value.

    Args:
        selector: The path of the field.
    """

    selector: Selector

    __hash__ = None  # type: ignore[assignment]  # its == builds a pattern, so it cannot be a key

    def __eq__(self, other: object) -> JsonPattern:  # type: ignore[override]  # builds a pattern
        return self._compare(Operator.EQUAL, other)

    def __ne__(self, other: object) -> JsonPattern:  # type: ignore[override]  # builds a pattern
        return self._compare(Operator.DIFFERENT, other)

    def __lt__(self, other: Numeric) -> JsonPattern:
        return self._compare(Operator.LESS, other)

    def __le__(self, other: Numeric) -> JsonPattern:
        return self._compare(Operator.AT_MOST, other)

    def __gt__(self, other: Numeric) -> JsonPattern:
        return self._compare(Operator.GREATER, other)

    def __ge__(self, other: Numeric) -> JsonPattern:
        return self._compare(Operator.AT_LEAST, other)

    def is_null(self) -> JsonPattern:
        """The value is null, or an array that contains a null."""
        return self._pattern(UnaryOperator.IS_NULL)

    def is_true(self) -> JsonPattern:
        """The value is the boolean true."""
        return self._pattern(UnaryOperator.IS_TRUE)

    def is_false(self) -> JsonPattern:
        """The value is the boolean false."""
        return self._pattern(UnaryOperator.IS_FALSE)

    def not_exists(self) -> JsonPattern:
        """The value does not exist. The language has no opposite of this."""
        return self._pattern(UnaryOperator.NOT_EXISTS)

    def is_scalar(self) -> JsonPattern:
        """The value exists and is a string or a number: the nearest equivalent of "exists"."""
        return self._compare(Operator.EQUAL, "*")

    def _compare(self, operator: Operator, other: object) -> JsonPattern:
        return self._pattern(Comparison(operator, _literal(other)))

    def _pattern(self, predicate: Comparison | UnaryOperator) -> JsonPattern:
        return JsonPattern.of(FieldTest(self.selector, predicate))


def field(selector: str) -> Field:
    """The field of a JSON event to compare.

    Compare it with a string (in which `*` matches any text), a number, or a `Regex`.

    Args:
        selector: A property, such as `$.event`, `$.user.roles[*]` or `$.['a.b']`.

    Raises:
        PatternSyntaxError: The selector is not valid. Comparisons raise the same error where
            CloudWatch Logs would reject the pattern.

    Example:
        >>> str(field("$.event") == "Critical Error")
        '{ $.event = "Critical Error" }'
        >>> server_error = (field("$.status") >= 500) & (field("$.path") != Regex("^/health"))
        >>> str(server_error | field("$.user").not_exists())
        '{ $.status >= 500 && $.path != %^/health% || $.user NOT EXISTS }'
    """
    return Field(selector=parse_selector(selector))


def _literal(value: object) -> Value:
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, Regex):
        return value
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        # str() refuses long integers; as a Decimal it reaches the pattern's own length check.
        spelling = str(Decimal(value)) if isinstance(value, int) else str(value)
        if exact(spelling) is None:
            raise PatternSyntaxError(spelling, 0, "Compare with a finite number.")
        return Number(spelling)
    raise TypeError(
        f"Compare with a str, a number or a Regex, not with {value!r}; "
        "use is_true(), is_false() or is_null() for the constants."
    )

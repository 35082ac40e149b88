"""Translates a metric filter's pattern into the condition of a Logs Insights query. Pure.

Logs Insights QL names a field by its dotted path, an element of an array by its number, and puts a
name with other characters between backticks (CloudWatch Logs User Guide, Supported logs and
discovered fields).
"""

from __future__ import annotations

import re
from decimal import Decimal

from flask_errwatch.patterns import JsonPattern, Regex, parse
from flask_errwatch.patterns.nodes import (
    AllOf,
    AnyOf,
    Comparison,
    FieldTest,
    JsonCondition,
    Number,
    Operator,
    Selector,
    Text,
    UnaryOperator,
    Wildcard,
)
from flask_errwatch.patterns.numbers import exact
from flask_errwatch.patterns.parse_json import parse_selector

_PLAIN = re.compile(r"[A-Za-z_@][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
_STEP = re.compile(r"[A-Za-z0-9_-]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
#: Zeros that a number without its exponent may need.
_MOST_DIGITS = 30
#: What a regular expression needs a backslash for, and what it cannot contain as it is: patterns
#: have the same language, so that the judge reads such an expression with its matcher.
_OPERATORS = frozenset("^$?[]{}|\\*+./")
_UNREADABLE = re.compile(r"[^A-Za-z0-9:_#=@;, -]")


class UntranslatableError(Exception):
    """A part of a pattern that the other language lacks. `str` returns a sentence that names it."""


def json_condition(pattern: str) -> JsonCondition:
    """Returns the condition of a pattern.

    Raises:
        UntranslatableError: When it is not a JSON pattern.
    """
    parsed = parse(pattern)
    if not isinstance(parsed, JsonPattern):
        raise UntranslatableError("Only conditions on the fields of a line can be translated.")
    return parsed.condition


def query_filter(pattern: str) -> str:
    """Returns the condition that matches the lines that the pattern matches.

    Args:
        pattern: A JSON pattern, as a metric filter has it.

    Raises:
        UntranslatableError: Names the test that Logs Insights lacks.

    Example:
        >>> query_filter('{ $.event = "Login Failed" && ($.status >= 500 || $.user NOT EXISTS) }')
        'event = "Login Failed" and (status >= 500 or not ispresent(user))'
    """
    return _condition(json_condition(pattern))


def query_field(selector: str) -> str:
    """Returns the name of a selector's field.

    Raises:
        UntranslatableError: When Logs Insights cannot name it.

    Example:
        >>> query_field("$.suspicion"), query_field("$.data.user-id")
        ('suspicion', '`data.user-id`')
    """
    return _field(parse_selector(selector))


def _condition(condition: JsonCondition) -> str:
    if isinstance(condition, AnyOf):
        return " or ".join(map(_part, condition.items))
    if isinstance(condition, AllOf):
        return " and ".join(map(_part, condition.items))
    return _test(condition)


def _part(condition: JsonCondition) -> str:
    """A condition that is joined with others. Parentheses spare the precedence of `and`."""
    text = _condition(condition)
    return f"({text})" if isinstance(condition, AnyOf | AllOf) else text


def _test(test: FieldTest) -> str:
    field, predicate = _field(test.selector), test.predicate
    if predicate is UnaryOperator.NOT_EXISTS:
        return f"not ispresent({field})"
    if isinstance(predicate, UnaryOperator):
        # Lines have no null, and how a query compares a JSON boolean is not documented.
        message = f"A query cannot test {predicate.value}: compare {field} with a text or a number."
        raise UntranslatableError(message)
    if predicate == Comparison(Operator.EQUAL, Text("*")):
        return f"ispresent({field})"
    if predicate.operator is Operator.DIFFERENT:
        # A pattern's `!=` never matches a line without the field.
        return f"(ispresent({field}) and {_comparison(field, predicate)})"
    return _comparison(field, predicate)


def _comparison(field: str, predicate: Comparison) -> str:
    value, sign = predicate.value, predicate.operator.value
    if isinstance(value, Number):
        return f"{field} {sign} {_decimal(value)}"
    if isinstance(value, Text) and "*" not in value.text:
        return f"{field} {sign} {_quoted(value.text)}"
    negation = "not " if predicate.operator is Operator.DIFFERENT else ""
    expression = _escaped_slashes(value) if isinstance(value, Regex) else _wildcards(value.text)
    return f"{field} {negation}like /{expression}/"


def _decimal(value: Number) -> str:
    """Returns the number without an exponent, which the documents of queries do not mention."""
    if _DECIMAL.fullmatch(value.spelling):
        return value.spelling
    number = Decimal(exact(value.spelling) or 0)
    if abs(number.adjusted()) > _MOST_DIGITS:
        raise UntranslatableError(f"A query cannot compare with {value.spelling}: it is too long.")
    return f"{number:f}"


def _escaped_slashes(regex: Regex) -> str:
    return re.sub(r"(\\.)|/", lambda match: match[1] or r"\/", regex.source, flags=re.DOTALL)


def _wildcards(text: str) -> str:
    """Returns the expression of a text in which each `*` matches any characters."""
    parts = [_UNREADABLE.sub(_escaped, part) for part in text.split("*")]
    start, end = ("^" if parts[0] else ""), ("$" if parts[-1] else "")
    if not any(parts):
        raise UntranslatableError("A query cannot compare with * alone: use = * or NOT EXISTS.")
    # A `.` matches no line break, which the path of a request may have.
    return start + r"[\s\S]*".join(part for part in parts if part) + end


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    if not char.isascii():
        message = f"A query with * compares ASCII, and the text has {char!r}: leave out the *."
        raise UntranslatableError(message)
    return f"\\{char}" if char in _OPERATORS else f"\\x{ord(char):02x}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _field(selector: Selector) -> str:
    steps: list[str] = []
    for step in selector.steps:
        if isinstance(step, Wildcard):
            raise UntranslatableError("A query has no wildcard for fields: name one field.")
        if isinstance(step, str) and not _STEP.fullmatch(step):
            message = f"A query cannot name the field {step!r}: use letters, digits, - and _."
            raise UntranslatableError(message)
        steps.append(str(step))
    name = ".".join(steps)
    return name if _PLAIN.fullmatch(name) else f"`{name}`"

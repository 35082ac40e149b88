"""The four kinds of pattern, each a frozen value that matches lines."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns.delimited_events import FieldMatcher
from flask_errwatch.patterns.json_events import (
    JsonEvent,
    json_test,
    read_event,
    read_exactly,
    selector_getter,
)
from flask_errwatch.patterns.matching import Test
from flask_errwatch.patterns.nodes import (
    Comparison,
    Entry,
    JsonCondition,
    Wildcard,
    all_of,
    any_of,
    leaves,
)
from flask_errwatch.patterns.numbers import ImpreciseError, exact
from flask_errwatch.patterns.parse_json import json_pattern, parse_selector
from flask_errwatch.patterns.regex import Regex
from flask_errwatch.patterns.rendering import render
from flask_errwatch.patterns.tokenizer import Cursor


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern(ABC):
    """A filter pattern, built by `parse` or by `field`.

    Two patterns are equal when they have the same conditions, however they are spelled.

    Args:
        text: The pattern as it is spelled. `str` returns it.

    Example:
        >>> from flask_errwatch.patterns import parse
        >>> parse("{$.a=b}") == parse('{ $.a = "b" }')
        True
    """

    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def has_regex(self) -> bool:
        """Whether it contains a regular expression, which counts against the log group's quota."""
        return False

    @abstractmethod
    def matches(self, message: str) -> bool:
        """Whether a line matches. Accepts any text and never raises."""

    def extract(self, message: str) -> dict[str, str] | None:
        """The values that TestMetricFilter extracts from a line. None when it does not match.

        Space-delimited patterns extract fields by `$name`, or `$n` counted from 1. The live service
        extracts nothing for the other kinds.
        """
        return {} if self.matches(message) else None

    def value(self, message: str, selector: str) -> float | None:
        """The metric value that a metric filter would publish for a line.

        Args:
            message: The line.
            selector: The filter's metric value: a number, `$.field` for a JSON pattern, `$name`
                or `$n` for a space-delimited pattern.

        Returns:
            The number, also when a string spells it. None when the line does not match, or when
            the selected value is not a finite number.

        Raises:
            PatternSyntaxError: The selector is not valid or has a wildcard.
        """
        constant = exact(selector)
        if constant is not None:
            return _finite(constant) if self.matches(message) else None
        if not selector.startswith("$"):
            remedy = "Write a number, $.field, or the $name of a space-delimited field."
            raise PatternSyntaxError(selector, 0, remedy)
        return self._value(message, selector)

    def _value(self, message: str, selector: str) -> float | None:
        """Like `value`, for a selector that begins with `$`. An undeclared field has no value."""
        return _finite((self.extract(message) or {}).get(selector))


@dataclass(frozen=True, kw_only=True, slots=True)
class TermsPattern(Pattern):
    """Terms that a line must or must not contain.

    Args:
        required: The line contains all of these.
        optional: The line contains at least one of these. Ignored when there are required or
            excluded terms.
        excluded: The line contains none of these.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    excluded: tuple[str, ...]

    def matches(self, message: str) -> bool:
        """Whether the line contains the right terms, in any order."""
        if self.required or self.excluded or not self.optional:
            return all(term in message for term in self.required) and not any(
                term in message for term in self.excluded
            )
        return any(term in message for term in self.optional)


@dataclass(frozen=True, kw_only=True, slots=True)
class RegexPattern(Pattern):
    """A regular expression that is searched in the whole line.

    Args:
        regex: The expression.
    """

    regex: Regex

    @property
    def has_regex(self) -> bool:
        """Always true."""
        return True

    def matches(self, message: str) -> bool:
        """Whether the expression occurs in the line."""
        return self.regex.search(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonPattern(Pattern):
    """A condition on the fields of a JSON object.

    Args:
        condition: The condition.
    """

    condition: JsonCondition
    _test: Test[JsonEvent] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_test", json_test(self.condition))

    @staticmethod
    def of(condition: JsonCondition) -> JsonPattern:
        """The pattern of a condition that Python code built, checked by parsing its text.

        Raises:
            PatternSyntaxError: CloudWatch Logs would reject it.
        """
        text = render(condition)
        return JsonPattern(text=text, condition=json_pattern(Cursor(text)))

    @property
    def has_regex(self) -> bool:
        """Whether any comparison has a regular expression."""
        predicates = (test.predicate for test in leaves(self.condition))
        return any(
            isinstance(predicate, Comparison) and isinstance(predicate.value, Regex)
            for predicate in predicates
        )

    def __and__(self, other: JsonPattern) -> JsonPattern:
        return JsonPattern.of(all_of((self.condition, other.condition)))

    def __or__(self, other: JsonPattern) -> JsonPattern:
        return JsonPattern.of(any_of((self.condition, other.condition)))

    def matches(self, message: str) -> bool:
        """Whether the line is one JSON object that satisfies the condition."""
        return self.matches_event(read_event(message), message)

    def matches_event(self, event: JsonEvent | None, message: str) -> bool:
        """Like `matches`, for a caller that has already decoded the line.

        Args:
            event: The result of `read_event` for the line.
            message: The line. It is decoded again only for integers beyond 64 bits.
        """
        if event is None:
            return False
        try:
            return self._test(event)
        except ImpreciseError:
            exact_event = read_exactly(message)
            return exact_event is not None and self._test(exact_event)

    def selected(self, message: str, selector: str) -> object:
        """The value at a selector of a line. None when the line does not match.

        Args:
            message: The line.
            selector: The path of a field, as `$.field`.

        Raises:
            PatternSyntaxError: The selector is not valid or has a wildcard.
        """
        path = parse_selector(selector)
        if Wildcard.ANY in path.steps:
            raise PatternSyntaxError(selector, 0, "Write the selector without a wildcard.")
        event = read_event(message)
        if event is None or not self.matches_event(event, message):
            return None
        return selector_getter(path)(event)

    def _value(self, message: str, selector: str) -> float | None:
        return _finite(self.selected(message, selector))


@dataclass(frozen=True, kw_only=True, slots=True)
class DelimitedPattern(Pattern):
    """Conditions on the fields of a line that is split at blanks.

    Args:
        entries: The fields in order, None for `...`.
    """

    entries: tuple[Entry | None, ...]
    _fields: FieldMatcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_fields", FieldMatcher(self.entries))

    @property
    def has_regex(self) -> bool:
        """Whether any comparison has a regular expression."""
        conditions = (entry.condition for entry in self.entries if entry is not None)
        return any(
            isinstance(comparison.value, Regex)
            for condition in conditions
            if condition is not None
            for comparison in leaves(condition)
        )

    def matches(self, message: str) -> bool:
        """Whether the line has these fields and each satisfies its condition."""
        return self._fields.values(message) is not None

    def extract(self, message: str) -> dict[str, str] | None:
        """The fields by `$name`, or `$n` counted from 1. None when the line does not match."""
        texts = self._fields.values(message)
        return None if texts is None else self._fields.named(texts)


def _finite(value: object) -> float | None:
    """The finite number that a value is or spells, else None."""
    if isinstance(value, str):
        value = exact(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = float(value)
    return number if math.isfinite(number) else None

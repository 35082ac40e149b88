"""The four kinds of pattern, each a frozen value that judges lines."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns.delimited_events import Fields
from flask_errwatch.patterns.json_events import (
    Event,
    json_test,
    read_event,
    read_exactly,
    selection,
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
from flask_errwatch.patterns.parse_json import json_pattern, whole_selector
from flask_errwatch.patterns.regex import Regex
from flask_errwatch.patterns.rendering import rendered
from flask_errwatch.patterns.tokenizer import Cursor


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern(ABC):
    """A filter pattern; made by `parse` or by `field`.

    Two are equal when they judge by the same rules, however they are written.

    Args:
        text: The pattern as it is written, which is its `str`.

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
        """Whether it holds a regular expression, of which a log group may have a few only."""
        return False

    @abstractmethod
    def matches(self, message: str) -> bool:
        """Whether a line matches; any text may be asked, and nothing is raised."""

    def extract(self, message: str) -> dict[str, str] | None:
        """What TestMetricFilter extracts from a line; None when the line does not match.

        The fields of a space-delimited pattern by `$name`, or `$n` from 1; nothing, live, for
        the other kinds.
        """
        return {} if self.matches(message) else None

    def value(self, message: str, selector: str) -> float | None:
        """What a metric filter would publish for a line.

        Args:
            message: The line.
            selector: The filter's metric value: a number, `$.field` for a JSON pattern, `$name`
                or `$n` for a space-delimited one.

        Returns:
            The number, also when it is spelled in a string; None when the line does not match,
            or holds no finite number there.

        Raises:
            PatternSyntaxError: The selector has a wildcard or is no selector.
        """
        constant = exact(selector)
        if constant is not None:
            return _published(constant) if self.matches(message) else None
        if not selector.startswith("$"):
            remedy = "Write a number, $.field, or $name of a space-delimited pattern."
            raise PatternSyntaxError(selector, 0, remedy)
        return self._value(message, selector)

    def _value(self, message: str, selector: str) -> float | None:
        """As `value`, of a selector that begins with `$`: what is not declared has no value."""
        return _published((self.extract(message) or {}).get(selector))


@dataclass(frozen=True, kw_only=True, slots=True)
class TermsPattern(Pattern):
    """Terms that must occur, may occur, or must not.

    Args:
        required: All of these occur.
        optional: At least one of these occurs, where nothing is required or excluded.
        excluded: None of these occurs.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    excluded: tuple[str, ...]

    def matches(self, message: str) -> bool:
        """Whether the terms occur as they must, anywhere in the line."""
        if self.required or self.excluded or not self.optional:
            return all(term in message for term in self.required) and not any(
                term in message for term in self.excluded
            )
        return any(term in message for term in self.optional)


@dataclass(frozen=True, kw_only=True, slots=True)
class RegexPattern(Pattern):
    """One regular expression, searched in the whole line.

    Args:
        regex: The expression.
    """

    regex: Regex

    @property
    def has_regex(self) -> bool:
        """It is one."""
        return True

    def matches(self, message: str) -> bool:
        """Whether the expression occurs in the line."""
        return self.regex.search(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonPattern(Pattern):
    """A condition on the fields of a JSON object.

    Args:
        condition: What must hold.
    """

    condition: JsonCondition
    _test: Test[Event] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_test", json_test(self.condition))

    @staticmethod
    def of(condition: JsonCondition) -> JsonPattern:
        """The pattern of a condition that was built; written, and read back to be checked.

        Raises:
            PatternSyntaxError: CloudWatch Logs would refuse it.
        """
        text = rendered(condition)
        return JsonPattern(text=text, condition=json_pattern(Cursor(text)))

    @property
    def has_regex(self) -> bool:
        """Whether any comparison holds a regular expression."""
        return any(
            isinstance(test.wanted, Comparison) and isinstance(test.wanted.value, Regex)
            for test in leaves(self.condition)
        )

    def __and__(self, other: JsonPattern) -> JsonPattern:
        return JsonPattern.of(all_of((self.condition, other.condition)))

    def __or__(self, other: JsonPattern) -> JsonPattern:
        return JsonPattern.of(any_of((self.condition, other.condition)))

    def matches(self, message: str) -> bool:
        """Whether the line is one JSON object for which the condition holds."""
        return self.matches_event(read_event(message), message)

    def matches_event(self, event: Event | None, message: str) -> bool:
        """As `matches`, for whoever has read the line already.

        Args:
            event: What `read_event` made of the line.
            message: The line, which is read again only for integers beyond 64 bits.
        """
        if event is None:
            return False
        try:
            return self._test(event)
        except ImpreciseError:
            again = read_exactly(message)
            return again is not None and self._test(again)

    def selected(self, message: str, selector: str) -> object:
        """What stands in a line at a place, None where the line does not match.

        Args:
            message: The line.
            selector: The place, as `$.field`.

        Raises:
            PatternSyntaxError: The selector has a wildcard or is no selector.
        """
        place = whole_selector(selector)
        if Wildcard.ANY in place.steps:
            raise PatternSyntaxError(selector, 0, "Write the selector without a wildcard.")
        event = read_event(message)
        if event is None or not self.matches_event(event, message):
            return None
        return selection(place)(event)

    def _value(self, message: str, selector: str) -> float | None:
        return _published(self.selected(message, selector))


@dataclass(frozen=True, kw_only=True, slots=True)
class DelimitedPattern(Pattern):
    """Fields of a line that is cut at blanks.

    Args:
        entries: The fields in order; None for `...`.
    """

    entries: tuple[Entry | None, ...]
    _fields: Fields = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_fields", Fields(self.entries))

    @property
    def has_regex(self) -> bool:
        """Whether any comparison holds a regular expression."""
        conditions = (entry.condition for entry in self.entries if entry is not None)
        return any(
            isinstance(comparison.value, Regex)
            for condition in conditions
            if condition is not None
            for comparison in leaves(condition)
        )

    def matches(self, message: str) -> bool:
        """Whether the line has the fields, and each satisfies its condition."""
        return self._fields.values(message) is not None

    def extract(self, message: str) -> dict[str, str] | None:
        """The fields by `$name`, or `$n` from 1; None when the line does not match."""
        texts = self._fields.values(message)
        return None if texts is None else self._fields.named(texts)


def _published(found: object) -> float | None:
    """The finite number that a value is or spells."""
    if isinstance(found, str):
        found = exact(found)
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal):
        return None
    number = float(found)
    return number if math.isfinite(number) else None

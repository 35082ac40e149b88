"""Matches many patterns against a line that is decoded once, and checks a log group's quota."""

from __future__ import annotations

from collections.abc import Iterable

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns import quotas
from flask_errwatch.patterns.json_events import (
    JsonEvent,
    plain_equality,
    read_event,
    read_exactly,
    selector_getter,
)
from flask_errwatch.patterns.nodes import Selector
from flask_errwatch.patterns.numbers import ImpreciseError, scalar_text
from flask_errwatch.patterns.pattern_types import JsonPattern, Pattern


class PatternSet:
    """Matches patterns against a line, decoding its JSON at most once.

    Patterns that compare the same field with a text, as those of a catalogue do, cost one
    dictionary look-up together.

    Args:
        patterns: The patterns, in the order of the results.

    Example:
        >>> from flask_errwatch.patterns import parse
        >>> together = PatternSet([parse('{ $.event = "A" }'), parse('{ $.event = "B" }')])
        >>> together.matching('{"event": "B"}')
        (False, True)
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self._none = (False,) * len(self.patterns)
        self._reads_json = any(isinstance(pattern, JsonPattern) for pattern in self.patterns)
        selector, by_text = _largest_group(self.patterns)
        self._get = selector_getter(selector)
        self._matches_by_text = {
            text: tuple(index in indexes for index in range(len(self.patterns)))
            for text, indexes in by_text.items()
        }
        grouped = set().union(*by_text.values())
        self._others = [
            (index, pattern) for index, pattern in enumerate(self.patterns) if index not in grouped
        ]

    def matching(self, message: str) -> tuple[bool, ...]:
        """For each pattern, whether the line matches."""
        return self.matching_event(read_event(message) if self._reads_json else None, message)

    def matching_event(self, event: JsonEvent | None, message: str) -> tuple[bool, ...]:
        """Like `matching`, for a caller that has already decoded the line.

        Args:
            event: The result of `read_event` for the line.
            message: The line.
        """
        grouped = self._none if event is None else self._matching_grouped(event, message)
        if not self._others:
            return grouped
        matches = list(grouped)
        for index, pattern in self._others:
            if isinstance(pattern, JsonPattern):
                matches[index] = pattern.matches_event(event, message)
            else:
                matches[index] = pattern.matches(message)
        return tuple(matches)

    def _matching_grouped(self, event: JsonEvent, message: str) -> tuple[bool, ...]:
        """The results of the grouped patterns, with False for all others."""
        value = self._get(event)
        if type(value) is not str:
            try:
                value = scalar_text(value)
            except ImpreciseError:
                value = scalar_text(self._get(read_exactly(message) or {}))
        if not isinstance(value, str):
            return self._none
        return self._matches_by_text.get(value, self._none)


def check_group(patterns: Iterable[Pattern]) -> None:
    """Rejects more than 5 filters with a regular expression in one log group.

    Args:
        patterns: The patterns of all filters of the log group.

    Raises:
        PatternSyntaxError: The sixth pattern with a regular expression.

    Example:
        >>> from flask_errwatch.patterns import parse
        >>> check_group([parse("%a%")] * 5 + [parse("a")])
    """
    with_regex = [pattern for pattern in patterns if pattern.has_regex]
    if len(with_regex) > quotas.REGEX_FILTERS_PER_GROUP:
        text = with_regex[quotas.REGEX_FILTERS_PER_GROUP].text
        raise PatternSyntaxError(text, 0, quotas.TOO_MANY_REGEX_FILTERS)


_Group = tuple[Selector, dict[str, set[int]]]


def _largest_group(patterns: Iterable[Pattern]) -> _Group:
    """The selector that is compared with most texts, and the indexes of the patterns by text."""
    groups: dict[Selector, dict[str, set[int]]] = {}
    for index, pattern in enumerate(patterns):
        equality = plain_equality(pattern.condition) if isinstance(pattern, JsonPattern) else None
        if equality is not None:
            selector, text = equality
            groups.setdefault(selector, {}).setdefault(text, set()).add(index)
    none: _Group = (Selector(()), {})
    return max(groups.items(), key=lambda group: len(group[1]), default=none)

"""Many patterns over one line, read once; and the quota of a log group."""

from __future__ import annotations

from collections.abc import Iterable

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns import quotas as _quotas
from flask_errwatch.patterns.json_events import (
    Event,
    plain_equality,
    read_event,
    read_exactly,
    selection,
)
from flask_errwatch.patterns.nodes import Selector
from flask_errwatch.patterns.numbers import ImpreciseError, scalar_text
from flask_errwatch.patterns.pattern_types import JsonPattern, Pattern


class PatternSet:
    """Patterns that judge a line together, reading its JSON at most once.

    Patterns that compare the same field with a text, as those of a catalogue do, cost one look-up
    together.

    Args:
        patterns: In the order of the answers.

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
        self._select = selection(selector)
        self._answers = {
            text: tuple(place in places for place in range(len(self.patterns)))
            for text, places in by_text.items()
        }
        grouped = set().union(*by_text.values())
        self._others = [
            (place, pattern) for place, pattern in enumerate(self.patterns) if place not in grouped
        ]

    def matching(self, message: str) -> tuple[bool, ...]:
        """For each pattern, whether the line matches."""
        return self.matching_event(read_event(message) if self._reads_json else None, message)

    def matching_event(self, event: Event | None, message: str) -> tuple[bool, ...]:
        """As `matching`, for whoever has read the line already.

        Args:
            event: What `read_event` made of the line.
            message: The line.
        """
        answers = self._none if event is None else self._grouped(event, message)
        if not self._others:
            return answers
        each = list(answers)
        for place, pattern in self._others:
            if isinstance(pattern, JsonPattern):
                each[place] = pattern.matches_event(event, message)
            else:
                each[place] = pattern.matches(message)
        return tuple(each)

    def _grouped(self, event: Event, message: str) -> tuple[bool, ...]:
        value = self._select(event)
        if type(value) is not str:
            try:
                value = scalar_text(value)
            except ImpreciseError:
                value = scalar_text(self._select(read_exactly(message) or {}))
        return self._answers.get(value, self._none) if isinstance(value, str) else self._none


def check_group(patterns: Iterable[Pattern]) -> None:
    """Refuses more filters with regular expressions than one log group may have, which is 5.

    Args:
        patterns: Those of all filters of one log group.

    Raises:
        PatternSyntaxError: For the sixth.

    Example:
        >>> from flask_errwatch.patterns import parse
        >>> check_group([parse("%a%")] * 5 + [parse("a")])
    """
    holding = [pattern for pattern in patterns if pattern.has_regex]
    if len(holding) > _quotas.REGEX_FILTERS_PER_GROUP:
        text = holding[_quotas.REGEX_FILTERS_PER_GROUP].text
        raise PatternSyntaxError(text, 0, _quotas.TOO_MANY_REGEX_FILTERS)


_Group = tuple[Selector, dict[str, set[int]]]


def _largest_group(patterns: Iterable[Pattern]) -> _Group:
    """The selector that most patterns compare with a text alone, and which does with which."""
    groups: dict[Selector, dict[str, set[int]]] = {}
    for place, pattern in enumerate(patterns):
        found = plain_equality(pattern.condition) if isinstance(pattern, JsonPattern) else None
        if found is not None:
            selector, text = found
            groups.setdefault(selector, {}).setdefault(text, set()).add(place)
    none: _Group = (Selector(()), {})
    return max(groups.items(), key=lambda group: len(group[1]), default=none)

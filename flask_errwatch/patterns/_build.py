"""Builders for JSON patterns: `field("$.status") >= 500`, joined with `&` and `|`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonPattern:
    """A JSON filter pattern."""

    text: str

    def __str__(self) -> str:
        return f"{{ {self.text} }}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Field:
    """A selector, whose comparisons are patterns."""

    selector: str

    def __eq__(self, other: object) -> JsonPattern:  # type: ignore[override]  # a pattern, on purpose
        if isinstance(other, str):
            escaped = other.replace('"', '\\"')
            return JsonPattern(text=f'{self.selector} = "{escaped}"')
        return JsonPattern(text=f"{self.selector} = {other}")

    __hash__ = None  # type: ignore[assignment]  # a field is no key: its == builds a pattern


def field(selector: str) -> Field:
    """The selector to compare.

    Args:
        selector: A property of the event, such as `$.event`.

    Example:
        >>> str(field("$.event") == "Critical Error")
        '{ $.event = "Critical Error" }'
    """
    return Field(selector=selector)

"""The syntax tree of patterns: frozen values without behaviour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar, Union

from flask_errwatch.patterns.regex import Regex


class Wildcard(Enum):
    """The step `[*]` or `.*`: every element of an array or every value of an object."""

    ANY = "*"


Step = str | int | Wildcard


@dataclass(frozen=True, slots=True)
class Selector:
    """A path into a JSON event: names, indexes, and at most one wildcard."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Text to compare, quoted or bare. Each `*` in it matches any text."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A bare number as it is spelled: a JSON string is compared with the spelling."""

    spelling: str


Value = Text | Number | Regex


class Operator(Enum):
    """How a value is compared."""

    EQUAL = "="
    DIFFERENT = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="

    @property
    def orders(self) -> bool:
        """Whether it needs numbers on both sides."""
        return self not in (Operator.EQUAL, Operator.DIFFERENT)


class UnaryOperator(Enum):
    """A test of a selected value that needs no second operand."""

    IS_NULL = "IS NULL"
    IS_TRUE = "IS TRUE"
    IS_FALSE = "IS FALSE"
    NOT_EXISTS = "NOT EXISTS"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`= 1`: an operator and its right-hand value."""

    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class FieldTest:
    """`$.a = 1` or `$.a IS NULL`, in a JSON pattern."""

    selector: Selector
    predicate: Comparison | UnaryOperator


Leaf = TypeVar("Leaf")


@dataclass(frozen=True, slots=True)
class AllOf(Generic[Leaf]):
    """Conditions joined with `&&`."""

    items: tuple[Condition[Leaf], ...]


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[Leaf]):
    """Conditions joined with `||`."""

    items: tuple[Condition[Leaf], ...]


Condition = Union[Leaf, AllOf[Leaf], AnyOf[Leaf]]  # noqa: UP007 - mypy reads no generic "|"
JsonCondition = Condition[FieldTest]
TokenCondition = Condition[Comparison]


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of a space-delimited pattern. `name` is None for an unnamed field."""

    name: str | None = None
    condition: TokenCondition | None = None


def leaves(condition: Condition[Leaf]) -> Iterator[Leaf]:
    """The tests that the condition joins."""
    if isinstance(condition, AllOf | AnyOf):
        for item in condition.items:
            yield from leaves(item)
    else:
        yield condition


def all_of(conditions: Iterable[Condition[Leaf]]) -> Condition[Leaf]:
    """Joins conditions with `&&`, flattened. A single condition is returned as it is."""
    flat: list[Condition[Leaf]] = []
    for condition in conditions:
        flat += condition.items if isinstance(condition, AllOf) else (condition,)
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def any_of(conditions: Iterable[Condition[Leaf]]) -> Condition[Leaf]:
    """Joins conditions with `||`, flattened. A single condition is returned as it is."""
    flat: list[Condition[Leaf]] = []
    for condition in conditions:
        flat += condition.items if isinstance(condition, AnyOf) else (condition,)
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))

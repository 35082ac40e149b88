"""What patterns are made of: frozen values, without behaviour."""

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
    """Text to compare, quoted or bare; each `*` in it stands for any text."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A bare number, with its spelling: a JSON string is compared with the spelling."""

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


class State(Enum):
    """What a selected value may be or fail to be."""

    NULL = "IS NULL"
    TRUE = "IS TRUE"
    FALSE = "IS FALSE"
    MISSING = "NOT EXISTS"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`= 1`: what is compared stands beside it."""

    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class FieldTest:
    """`$.a = 1` or `$.a IS NULL`, in a JSON pattern."""

    selector: Selector
    wanted: Comparison | State


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
    """One field of a space-delimited pattern; `name` is None when it has none."""

    name: str | None = None
    condition: TokenCondition | None = None


def leaves(condition: Condition[Leaf]) -> Iterator[Leaf]:
    """What the condition joins."""
    if isinstance(condition, AllOf | AnyOf):
        for item in condition.items:
            yield from leaves(item)
    else:
        yield condition


def all_of(conditions: Iterable[Condition[Leaf]]) -> Condition[Leaf]:
    """All of them, flat; a single one is itself."""
    flat: list[Condition[Leaf]] = []
    for condition in conditions:
        flat += condition.items if isinstance(condition, AllOf) else (condition,)
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def any_of(conditions: Iterable[Condition[Leaf]]) -> Condition[Leaf]:
    """Any of them, flat; a single one is itself."""
    flat: list[Condition[Leaf]] = []
    for condition in conditions:
        flat += condition.items if isinstance(condition, AnyOf) else (condition,)
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))

"""Changes as people and programs read them, whatever characters AWS returned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask_errwatch._text import one_line
from flask_errwatch.provision.change import Action, Change

_VALUE = 120
#: Differences that are shown of one resource; a dashboard may have hundreds.
_MOST_FIELDS = 20
_DONE = {"create": "created", "update": "updated", "delete": "deleted"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRow:
    """One change, ready to be shown: every text is one line that is safe for a terminal.

    Attributes:
        action: `create`, `update`, `delete` or `unchanged`.
        word: The action, or what was done once it is applied: `created`, `updated`, `deleted`.
        kind: The kind of the resource.
        label: The resource, and a note in parentheses where there is one.
        differences: A line for each field that an update changes.
    """

    action: Action
    word: str
    kind: str
    label: str
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.word} {self.kind} {self.label}"


def plan_row(change: Change, *, is_done: bool) -> PlanRow:
    """The change as a row of the plan."""
    note = f"  ({one_line(change.note)})" if change.note else ""
    return PlanRow(
        action=change.action,
        word=_DONE.get(change.action, change.action) if is_done else change.action,
        kind=change.resource.kind,
        label=f"{one_line(change.resource.label, _VALUE)}{note}",
        differences=tuple(_difference_lines(change)),
    )


def _difference_lines(change: Change) -> Iterator[str]:
    for difference in change.differences[:_MOST_FIELDS]:
        old, new = shown(difference.old), shown(difference.new)
        yield f"{one_line(difference.field)}: {old} → {new}"
    more = len(change.differences) - _MOST_FIELDS
    if more > 0:
        yield f"and {more} more: --json has them all"


def table_lines(rows: Sequence[PlanRow]) -> Iterator[str]:
    """The rows as plain text in columns."""
    word_width = max((len(row.word) for row in rows), default=0)
    kind_width = max((len(row.kind) for row in rows), default=0)
    indent = " " * (word_width + kind_width + 4)
    for row in rows:
        yield f"{row.word:<{word_width}}  {row.kind:<{kind_width}}  {row.label}"
        yield from (f"{indent}{difference}" for difference in row.differences)


def shown(value: object) -> str:
    """A field's value on a line: bounded, and harmless to a terminal."""
    if value is None or value == ():
        return "none"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, tuple):
        return one_line(", ".join(map(str, value)), _VALUE)
    return one_line(str(value), _VALUE)


def change_values(change: Change, *, is_done: bool) -> dict[str, object]:
    """A change as JSON values."""
    values: dict[str, object] = {
        "action": change.action,
        "kind": change.resource.kind,
        "name": change.resource.label,
        "applied": is_done,
    }
    if change.differences:
        values["differences"] = [
            {
                "field": difference.field,
                "old": _json(difference.old),
                "new": _json(difference.new),
            }
            for difference in change.differences
        ]
    if change.note:
        values["note"] = change.note
    return values


def _json(value: object) -> object:
    if isinstance(value, tuple):
        return [entry if isinstance(entry, str) else str(entry) for entry in value]
    return value

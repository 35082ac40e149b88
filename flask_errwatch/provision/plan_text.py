"""Renders changes for people and as JSON. Text is safe for a terminal, whatever AWS returned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask_errwatch._text import one_line
from flask_errwatch.provision.change import Action, Change
from flask_errwatch.provision.resources import Resource, Subscription

_VALUE = 120
#: Differences that are shown of one resource. A dashboard may have hundreds.
_MOST_FIELDS = 20
_DONE = {"create": "created", "update": "updated", "delete": "deleted"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRow:
    """A change, ready to be shown: every string is one line that is safe for a terminal.

    Attributes:
        action: `create`, `update`, `delete` or `unchanged`.
        word: The action, or its past tense once it is applied: `created`, `updated`, `deleted`.
        kind: The kind of the resource.
        label: The resource, followed by the note in parentheses if there is one.
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
    """Returns the change as a row of the plan."""
    note = f"  ({one_line(change.note)})" if change.note else ""
    return PlanRow(
        action=change.action,
        word=_DONE.get(change.action, change.action) if is_done else change.action,
        kind=change.resource.kind,
        label=f"{one_line(_label(change.resource), _VALUE)}{note}",
        differences=tuple(difference_lines(change, "{old} → {new}")),
    )


def _label(resource: Resource) -> str:
    """The label, which for a subscription is that of one of several topics."""
    if isinstance(resource, Subscription):
        return f"{resource.label} of {resource.topic_name}"
    return resource.label


def difference_lines(change: Change, template: str) -> Iterator[str]:
    """Renders each field that differs.

    Args:
        change: The change.
        template: How the values are shown, with `{old}` and `{new}`.
    """
    for difference in change.differences[:_MOST_FIELDS]:
        values = template.format(old=format_value(difference.old), new=format_value(difference.new))
        yield f"{one_line(difference.field)}: {values}"
    more = len(change.differences) - _MOST_FIELDS
    if more > 0:
        yield f"and {more} more: --json has them all"


#: A row of a table: its cells, and lines below it.
TableRow = tuple[Sequence[str], Sequence[str]]


def table_lines(rows: Sequence[TableRow], *, indent: str = "") -> Iterator[str]:
    """Renders rows as plain text in columns. The lines below a row are in its last column."""
    widths = [max(map(len, column)) for column in zip(*(cells for cells, _ in rows), strict=True)]
    below = indent + " " * sum(width + 2 for width in widths[:-1])
    for cells, lines in rows:
        padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        yield f"{indent}{'  '.join(padded)}".rstrip()
        yield from (f"{below}{line}" for line in lines)


def format_value(value: object) -> str:
    """Renders a field's value on one line of limited length, safe for a terminal."""
    if value is None or value == ():
        return "none"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, tuple):
        return one_line(", ".join(map(str, value)), _VALUE)
    return one_line(str(value), _VALUE)


def change_values(change: Change, *, is_done: bool) -> dict[str, object]:
    """Returns the change as JSON values."""
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

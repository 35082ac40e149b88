"""A plan as people read it: plain text in columns, whatever characters AWS answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask_errwatch._guard import one_line

if TYPE_CHECKING:
    from flask_errwatch.provision.plan import Change, Plan

_VALUE = 120
_DONE = {"create": "created", "update": "updated"}


def table(plan: Plan) -> str:
    """One row per resource, the fields of an update below it, and the sum."""
    applied = set(map(id, plan.applied))
    rows = [(_state(each, is_done=id(each) in applied), each) for each in plan.entries]
    widths = (
        max((len(state) for state, _ in rows), default=0),
        max((len(each.resource.kind) for _, each in rows), default=0),
    )
    lines = [line for state, each in rows for line in _lines(state, each, widths)]
    return "\n".join([*lines, _summary(plan)])


def _state(change: Change, *, is_done: bool) -> str:
    return _DONE.get(change.action, change.action) if is_done else change.action


def _lines(state: str, change: Change, widths: tuple[int, int]) -> Iterator[str]:
    label = one_line(change.resource.label, _VALUE)
    note = f"  ({one_line(change.note)})" if change.note else ""
    yield f"{state:<{widths[0]}}  {change.resource.kind:<{widths[1]}}  {label}{note}"
    indent = " " * (widths[0] + widths[1] + 4)
    for each in change.differences:
        yield f"{indent}{each.field}: {_shown(each.old)} → {_shown(each.new)}"


def _shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, tuple):
        return one_line(", ".join(map(str, value)), _VALUE)
    return one_line(str(value), _VALUE)


def _summary(plan: Plan) -> str:
    if plan.is_empty:
        return f"Nothing to change: {len(plan.entries)} resources stand as declared."
    create, update, same = (plan.count(each) for each in ("create", "update", "unchanged"))
    if not plan.pending:
        return f"Applied: {create} created, {update} updated, {same} unchanged."
    started = f" ({plan.done} of {len(plan.changes)} applied)" if plan.done else ""
    return f"Plan: {create} to create, {update} to update, {same} unchanged{started}."

"""A plan as people read it: plain text in columns, whatever characters AWS answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

from flask_errwatch._guard import one_line
from flask_errwatch.provision.plan import Action
from flask_errwatch.provision.prices import (
    PRICES_AS_OF,
    PRICES_REGION,
    cost_line,
    monthly_costs,
)

if TYPE_CHECKING:
    from flask_errwatch.provision.plan import Change, Plan
    from flask_errwatch.provision.resources import Resource

_VALUE = 120
#: Differences that are shown of one resource; a dashboard may have hundreds.
_MOST_FIELDS = 20
_DONE = {"create": "created", "update": "updated", "delete": "deleted"}


def table(plan: Plan) -> str:
    """One row per resource, the fields of an update below it, the cost, and the sum."""
    applied = set(map(id, plan.applied))
    rows = [(_state(each, is_done=id(each) in applied), each) for each in plan.entries]
    widths = (
        max((len(state) for state, _ in rows), default=0),
        max((len(each.resource.kind) for _, each in rows), default=0),
    )
    lines = [line for state, each in rows for line in _lines(state, each, widths)]
    lines += [f"Not looked at: {one_line(note)}" for note in plan.notes]
    lines += [f"Mind: {one_line(warning)}" for warning in plan.warnings]
    lines += [f"Needs --force: {danger}" for danger in plan.dangers if plan.pending]
    return "\n".join([*lines, cost_line(monthly_costs(_standing(plan))), summary(plan)])


def row(change: Change, *, is_done: bool = False) -> str:
    """One change on a line, as progress shows it."""
    note = f"  ({one_line(change.note)})" if change.note else ""
    label = one_line(change.resource.label, _VALUE)
    return f"{_state(change, is_done=is_done)} {change.resource.kind} {label}{note}"


def plan_values(plan: Plan) -> dict[str, object]:
    """A plan as JSON values."""
    applied = set(map(id, plan.applied))
    costs = monthly_costs(_standing(plan))
    return {
        "changes": [_change_values(each, is_done=id(each) in applied) for each in plan.entries],
        "summary": {action: plan.count(action) for action in get_args(Action)},
        "dangers": [str(each) for each in plan.dangers],
        "notes": list(plan.notes),
        "warnings": list(plan.warnings),
        "monthly_cost": {
            "usd": round(sum(each.dollars for each in costs), 2),
            "of": [{"what": it.what, "count": it.count, "usd": it.dollars} for it in costs],
            "prices": f"{PRICES_REGION}, {PRICES_AS_OF}",
        },
    }


def _change_values(change: Change, *, is_done: bool) -> dict[str, object]:
    values: dict[str, object] = {
        "action": change.action,
        "kind": change.resource.kind,
        "name": change.resource.label,
        "applied": is_done,
    }
    if change.differences:
        values["differences"] = [
            {"field": each.field, "old": _json(each.old), "new": _json(each.new)}
            for each in change.differences
        ]
    if change.note:
        values["note"] = change.note
    return values


def _json(value: object) -> object:
    if isinstance(value, tuple):
        return [each if isinstance(each, str) else str(each) for each in value]
    return value


def _standing(plan: Plan) -> Iterator[Resource]:
    """What stands after the plan."""
    return (each.resource for each in plan.entries if each.action != "delete")


def _state(change: Change, *, is_done: bool) -> str:
    return _DONE.get(change.action, change.action) if is_done else change.action


def _lines(state: str, change: Change, widths: tuple[int, int]) -> Iterator[str]:
    label = one_line(change.resource.label, _VALUE)
    note = f"  ({one_line(change.note)})" if change.note else ""
    yield f"{state:<{widths[0]}}  {change.resource.kind:<{widths[1]}}  {label}{note}"
    indent = " " * (widths[0] + widths[1] + 4)
    for each in change.differences[:_MOST_FIELDS]:
        yield f"{indent}{one_line(each.field)}: {shown(each.old)} → {shown(each.new)}"
    more = len(change.differences) - _MOST_FIELDS
    if more > 0:
        yield f"{indent}and {more} more: --json has them all"


def shown(value: object) -> str:
    """A field's value on a line: bounded, and harmless to a terminal."""
    if value is None or value == ():
        return "none"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, tuple):
        return one_line(", ".join(map(str, value)), _VALUE)
    return one_line(str(value), _VALUE)


def summary(plan: Plan) -> str:
    """The last line: how many of each."""
    if plan.is_empty:
        return f"Nothing to change: {len(plan.entries)} resources stand as declared."
    is_whole = not plan.pending
    words = (
        ("created", "updated", "deleted") if is_whole else ("to create", "to update", "to delete")
    )
    create, update, delete, same = (
        plan.count(each) for each in ("create", "update", "delete", "unchanged")
    )
    counted = [f"{create} {words[0]}", f"{update} {words[1]}", f"{same} unchanged"]
    if delete:
        counted.insert(2, f"{delete} {words[2]}")
    started = f" ({plan.done} of {len(plan.changes)} applied)" if plan.done and not is_whole else ""
    return f"{'Applied' if is_whole else 'Plan'}: {', '.join(counted)}{started}."

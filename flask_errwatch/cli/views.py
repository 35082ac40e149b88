"""Plans, findings, drills and alarms as rich renderables: `console` prints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from flask_errwatch._time import time_of_day
from flask_errwatch.cli.console import plain, prose, table, word
from flask_errwatch.doctor import Finding, Stage
from flask_errwatch.provision import Plan
from flask_errwatch.provision.plan_text import PlanRow
from flask_errwatch.provision.status_report import Status
from flask_errwatch.provision.status_sections import StatusRow
from flask_errwatch.provision.target import AwsTarget
from flask_errwatch.simulation import ContributorTransition, Transition

#: The styles of words in the first column of a status, where they are not states of alarms.
_STATUS = {
    "missing": "level.problem",
    "differs": "level.warning",
    "undeclared": "level.warning",
    "unmanaged": "level.problem",
    "confirmed": "level.ok",
    "waiting": "level.warning",
    "muted": "level.warning",
}
_SIGNS = {"create": "+", "update": "~", "delete": "-"}
#: The styles of the remarks below a plan or a status, by what they begin with.
_REMARKS = {
    "Not checked:": "note",
    "Warning:": "level.warning",
    "Needs --force:": "level.problem",
}
_LONGEST_LEVEL = len("warning")
_LONGEST_STATE = len("ALARM")
#: A longer name in a status may wrap.
_LONG_NAME = 40


def target_view(target: AwsTarget) -> Text:
    """The account, region and endpoint, at the top of what a command prints."""
    text = plain(target)
    text.stylize("heading", 0, text.plain.find(","))
    return text


def plan_view(plan: Plan, *, show_all: bool = False) -> Iterator[RenderableType]:
    """A row for each resource that changes, what an update changes, and the remarks.

    Args:
        plan: The plan.
        show_all: Whether unchanged resources have a row too.
    """
    rows = plan.rows if show_all else plan.rows_of_changes
    if rows:
        columns = (word(), word(), word(), prose())
        yield table(columns, (cells for row in rows for cells in _plan_cells(row)))
    hidden = len(plan.rows) - len(rows)
    if hidden:
        yield plain(f"{hidden:,} unchanged, --all shows them", "note")
    for remark in plan.remarks:
        yield _remark(remark) if remark != plan.summary else plain(remark, "heading")


def _plan_cells(row: PlanRow) -> Iterator[Sequence[Text]]:
    style = f"action.{row.action}"
    note = style if row.action == "unchanged" else ""
    sign = Text(_SIGNS.get(row.action, ""), style)
    yield sign, Text(row.word, style), Text(row.kind, note), plain(row.label, note)
    for difference in row.differences:
        yield Text(), Text(), Text(), plain(difference, style)


def _remark(remark: str) -> Text:
    text = plain(remark)
    for beginning, style in _REMARKS.items():
        if remark.startswith(beginning):
            text.stylize(style, 0, len(beginning))
    return text


def status_view(status: Status) -> Iterator[RenderableType]:
    """The sections with their headings, and the remarks."""
    for section in status.sections:
        heading = plain(section.heading)
        heading.stylize("heading", 0, heading.plain.find(":"))
        yield heading
        names = [row.cells[1] for row in section.rows]
        name = prose() if len(max(names, key=len, default="")) > _LONG_NAME else word()
        columns = (word(), word(), name, prose())
        rows = [cells for row in section.rows for cells in _status_cells(row)]
        if rows:
            yield table(columns, rows)
    yield from map(_remark, status.remarks)


def _status_cells(row: StatusRow) -> Iterator[Sequence[Text]]:
    """The state, the name, and everything else in the column that wraps."""
    state, name, *others = row.cells
    style = _STATUS.get(state, f"state.{state}")
    yield Text(), plain(state, style), plain(name), plain("  ".join(filter(None, others)))
    for detail in row.details:
        yield Text(), Text(), Text(), plain(detail)


def applied_view(row: PlanRow, done: int, total: int) -> Text:
    """An applied change, with its number and the number of all changes."""
    word = (row.word, f"action.{row.action}")
    return Text.assemble(f"[{done}/{total}] ", word, " ", plain(f"{row.kind} {row.label}"))


def finding_view(finding: Finding) -> RenderableType:
    """A finding, with its remedy on the next line."""
    style = f"level.{finding.level}"
    rows = [(Text(finding.level, style), plain(finding.text))]
    if finding.remedy:
        rows += [(Text(), plain(f"→ {finding.remedy}"))]
    return table((word(width=_LONGEST_LEVEL), prose()), rows)


def stage_view(stage: Stage, number: int, total: int) -> Text:
    """The outcome of one stage of a drill."""
    beginning = f"[{number}/{total}] {stage.name}: "
    text = plain(f"{beginning}{stage}")
    text.stylize(f"outcome.{stage.outcome}", len(beginning), len(beginning) + len(stage.outcome))
    return text


def transition_view(transition: Transition) -> RenderableType:
    """A change of an alarm's state, with the reason if it is ALARM."""
    why = f": {transition.reason}" if transition.new == "ALARM" else ""
    cells = (
        Text(time_of_day(transition.at), "note"),
        Text(transition.new, f"state.{transition.new}"),
        plain(f"{transition.alarm}{why}"),
    )
    return table((word(), word(width=_LONGEST_STATE), prose()), [cells])


def contributor_view(change: ContributorTransition) -> RenderableType:
    """A change of a contributor of a log alarm, with its value."""
    value = "" if change.value is None else f" ({change.value:g})"
    cells = (
        Text(time_of_day(change.at), "note"),
        Text(change.new, f"state.{change.new}"),
        plain(f"{change.alarm}: {change.by} {change.contributor}{value}"),
    )
    return table((word(), word(width=_LONGEST_STATE), prose()), [cells])

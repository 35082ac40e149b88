"""What `block`, `unblock` and `blocked` print: lines for a terminal, and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from flask_errwatch._parsers import Network
from flask_errwatch._text import counted
from flask_errwatch._time import readable_minute
from flask_errwatch.respond.blocking.brakes import Brake, Stop
from flask_errwatch.respond.blocking.durations import DAY, remembered
from flask_errwatch.respond.blocking.entry_states import EntryState, State
from flask_errwatch.respond.blocking.plans import BlockPlan, Overlap, PlannedBlock, UnblockPlan
from flask_errwatch.respond.blocking.records import Blocked
from flask_errwatch.respond.views.columns import WIDTH, fitted, shown, table, wrapped
from flask_errwatch.respond.views.document import as_json, time_text

#: Networks that one sentence names.
_NAMED: Final = 8
_INDENT: Final = "  "
_BY_HAND: Final = "Remove such an entry by hand: edit the IP set in the console of AWS WAF."


def plan_lines(plan: BlockPlan) -> list[str]:
    """What is blocked, and what is left out.

    Args:
        plan: What `block` does.
    """
    lines = [line for planned in plan.blocks for line in _block(planned)]
    lines += _stops(plan.stopped)
    lines += _listed("Remove, since their time is over: ", plan.expired)
    lines += _listed("Remove, since a set is full and they end first: ", plan.evicted)
    return [*lines, *note_lines(plan.notes)]


def unblock_lines(plan: UnblockPlan) -> list[str]:
    """What is unblocked, and what stays.

    Args:
        plan: What `unblock` does.
    """
    lines = _listed("Unblock ", plan.removed)
    for network, cover in plan.covers.items():
        lines += wrapped(f"{network} is still in the entry {cover}.", _INDENT)
    lines += _listed("Note as ended, since they are in no set: ", plan.closed)
    for overlap in plan.overlaps:
        lines += wrapped(_overlap(overlap))
    lines += _listed("Leave alone, since no line of the app put them there: ", plan.foreign)
    if plan.foreign:
        lines += wrapped(_BY_HAND, _INDENT)
    lines += _listed("Not blocked: ", plan.unknown)
    return lines


def entry_lines(found: Sequence[EntryState], *, kept_days: int | None = None) -> list[str]:
    """What is blocked, as a table, and what it means.

    Args:
        found: The state of each entry.
        kept_days: Days that lines are kept. None means for ever.
    """
    if not found:
        return ["Nothing is blocked."]
    heading = ("ADDRESS", "state", "until (UTC)", "strike", "lines since", "last line")
    lines = table(heading, [_row(one) for one in found])
    for one in found:
        if one.last is not None:
            lines += wrapped(_reason(one.last), f"{one.network}: ")
    lines += _meaning(found, remembered(kept_days))
    return lines


def note_lines(notes: Sequence[str]) -> list[str]:
    """Sentences about the rules, on lines of their own."""
    return [line for note in notes for line in wrapped(note)]


def entry_document(found: Sequence[EntryState], notes: Sequence[str] = ()) -> str:
    """What is blocked as JSON.

    Args:
        found: The state of each entry.
        notes: Sentences about the rules, such as that no rule refers to a set.
    """
    return as_json({"entries": [_fields(one) for one in found], "notes": [*notes]})


def _block(planned: PlannedBlock) -> list[str]:
    record = planned.record
    word = "Renew" if planned.is_renewal else "Block"
    until = readable_minute(record.until)
    sentences = [f"{word} {record.network} until {until} UTC (strike {record.strike})."]
    if record.is_already_present:
        sentences.append("It is in the set as an entry of others, which stays.")
    if planned.cover is not None:
        sentences.append(f"The entry {planned.cover} contains it too.")
    if record.overrides:
        sentences.append(f"Overridden: {', '.join(record.overrides)}.")
    return wrapped(" ".join(sentences))


def _stops(stopped: Iterable[Stop]) -> Iterator[str]:
    """What brakes stop: those with the same reason together."""
    groups: dict[tuple[Brake, str, bool], list[Network]] = {}
    for stop in stopped:
        groups.setdefault((stop.brake, stop.sentence, stop.is_final), []).append(stop.network)
    for (brake, sentence, is_final), networks in groups.items():
        remedy = "Nothing overrides this." if is_final else f"Override: {brake}."
        yield from wrapped(f"Left out: {_names(networks)} ({brake}). {sentence} {remedy}")


def _overlap(overlap: Overlap) -> str:
    entry = overlap.entry
    remedy = f"Run flask errwatch unblock {entry} --yes." if overlap.is_ours else _BY_HAND
    whose = "which this app blocked" if overlap.is_ours else "which is not the app's"
    return f"{overlap.network} is not an entry, but has addresses of {entry}, {whose}. {remedy}"


def _listed(label: str, networks: Sequence[Network]) -> list[str]:
    return wrapped(f"{label}{_names(networks)}.") if networks else []


def _names(networks: Sequence[Network]) -> str:
    more = len(networks) - _NAMED
    names = ", ".join(map(str, networks[:_NAMED]))
    return f"{names} and {more:,} more" if more > 0 else names


def _row(one: EntryState) -> tuple[str, ...]:
    return (
        fitted(one.network, WIDTH),
        str(one.state),
        _moment(None if one.block is None else one.block.until),
        "-" if one.last is None else str(one.last.strike),
        "-" if one.lines is None else f"{one.lines:,}",
        _moment(one.last_line),
    )


def _moment(second: float | None) -> str:
    """A time without the year, which no block is far from."""
    return "-" if second is None else readable_minute(second)[5:]


def _reason(record: Blocked) -> str:
    why = shown(record.reason) or "no reason was given"
    alarm = f", for {shown(record.alarm)}" if record.alarm else ""
    overridden = f", overriding {shown(', '.join(record.overrides))}" if record.overrides else ""
    return f"{why}{alarm}{overridden}, by {shown(record.actor)}."


def _meaning(found: Sequence[EntryState], kept_days: int) -> Iterator[str]:
    arriving = [one.network for one in found if one.lines]
    if arriving:
        yield from wrapped(
            f"Lines still arrive from {_names(arriving)}: no rule blocks it, or the rule compares "
            "another address. See flask errwatch doctor."
        )
    overdue = [one.block for one in found if one.state is State.OVERDUE and one.block is not None]
    if overdue:
        gone = readable_minute(min(block.last_at for block in overdue) + kept_days * DAY)
        yield from wrapped(
            f"The time of {counted(len(overdue), 'block')} is over: run flask errwatch unblock "
            f"--expired --yes. At {gone} UTC the first line is deleted, and its entry can then "
            "only be removed by hand."
        )
    missing = [one.network for one in found if one.state is State.MISSING]
    if missing:
        yield from wrapped(
            f"{_names(missing)}: not in the set, since a run was interrupted or the entry "
            "was removed. Block or unblock it again."
        )


def _fields(one: EntryState) -> dict[str, object]:
    fields: dict[str, object] = {
        "address": str(one.network),
        "set": one.set,
        "state": str(one.state),
        "until": None if one.block is None else time_text(one.block.until),
        "since": None if one.block is None else time_text(one.block.since),
        "lines_since": one.lines,
        "last_line": None if one.last_line is None else time_text(one.last_line),
    }
    record = one.last
    return fields | {
        "strike": None if record is None else record.strike,
        "reason": None if record is None else record.reason,
        "actor": None if record is None else record.actor,
        "alarm": None if record is None else record.alarm,
        "overrides": [] if record is None else [*record.overrides],
        "evidence": {} if record is None else dict(record.evidence),
    }

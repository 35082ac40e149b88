"""Phrases that the command line and the page share. Text from a log is made safe to show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from flask_errwatch._text import counted, listed, one_line
from flask_errwatch._time import rfc3339_second
from flask_errwatch.replay.formats import FORMATS
from flask_errwatch.replay.names import short_names
from flask_errwatch.replay.session import LogRead
from flask_errwatch.replay.summary import SummaryRow
from flask_errwatch.simulation import (
    Advice,
    FiredAlarm,
    NameCount,
    Offence,
)

_NAME = 80
# Alarms that are named in a sentence.
_NAMED = 3


def shown(value: str, limit: int = _NAME) -> str:
    """Text from a log that is safe to show: printable, on one line, short."""
    return one_line(value, limit)


def named(names: Iterable[NameCount]) -> str:
    """Names with their numbers of lines."""
    return ", ".join(f"{shown(name.name)} ({name.lines:,})" for name in names)


def offence_phrase(
    offence: Offence, alarm: FiredAlarm, moment: Callable[[float], str] = rfc3339_second
) -> str:
    """Who made an alarm fire, and how long and how many lines that took."""
    seconds = alarm.span.start - offence.since
    return (
        f"{shown(offence.source)}, from {moment(offence.since)}: "
        f"{counted(offence.lines, 'line')} in the {seconds:,} s until the alarm, "
        f"sum {offence.value:,g}"
    )


def advice_sentence(advice: Advice) -> str:
    """The proposed threshold and what it would change, as a sentence."""
    if advice.threshold is None:
        return (
            "none: no threshold fires so seldom, or the alarm does not compare a Sum with an upper "
            "threshold."
        )
    gives = f"threshold {advice.threshold:,} gives {counted(advice.alarms, 'alarm')}"
    missed = counted(len(advice.missed), "alarm") if advice.missed else "none"
    return f"{gives} and misses {missed} of the present ones."


def missed_heading(advice: Advice) -> str:
    """The heading of the list of missed alarms, of which at most three are shown."""
    return "It misses, the worst first:" if len(advice.missed) <= 3 else "The worst it misses:"


def seen(log: LogRead, name: str) -> str:
    """The log and what was seen instead of lines of its format."""
    if log.defect is not None or not log.bad:
        reason = (log.defect or "it has no lines").partition(". ")[0]
        return f"{shown(name)} ({reason})"
    first = f", the first is {shown(log.first)!r}" if log.first else ""
    return f"{shown(name)} ({counted(log.bad, 'line')}, none in the format {log.form}{first})"


def unread_sentence(reads: Sequence[LogRead]) -> str:
    """Which logs nothing could be read of, what was seen, and what to do."""
    short = short_names([log.name for log in reads])
    logs = ", ".join(seen(log, short[log.name]) for log in reads)
    remedy = f"Give another file, or its format with --format: {', '.join(FORMATS)}."
    return f"Nothing could be read of {logs}. {remedy}"


def totals_sentence(rows: Sequence[SummaryRow]) -> str:
    """How often alarms would have fired, and which of them notify no one."""
    alarms = sum(len(row.alarms) for row in rows)
    quiet = [row for row in rows if row.alarms and not row.notifies]
    total = f"{counted(alarms, 'alarm')} would have fired"
    if not quiet:
        return f"{total}."
    notify = alarms - sum(len(row.alarms) for row in quiet)
    names = ", ".join(f"{row.alarm_name} ({len(row.alarms):,})" for row in quiet)
    if not notify:
        return f"{total}, without a notification: {names}."
    return f"{total}, {notify:,} of them with a notification. Without one: {names}."


def fail_over_sentence(rows: Sequence[SummaryRow], most: int) -> str:
    """That more alarms would have notified than allowed, and which did the most."""
    noisy = [row for row in rows if row.alarms and row.notifies]
    total = sum(len(row.alarms) for row in noisy)
    names = listed([f"{row.alarm_name} ({len(row.alarms):,})" for row in noisy], _NAMED)
    return f"{counted(total, 'alarm')} would have notified, more than {most:,}: {names}."


def caution_sentence(row: SummaryRow) -> str:
    """Which alarms on critical lines the advice would hide."""
    advice = row.advice
    missed = 0 if advice is None else len(advice.missed)
    return (
        f"Caution: with the advised threshold, {missed:,} of {counted(len(row.alarms), 'alarm')} "
        f"of {row.name} would not have fired, and its lines are critical. Look at these alarms "
        f"before you raise the threshold."
    )


def threshold_text(row: SummaryRow) -> str:
    """The threshold in a table, or why it has none."""
    if row.threshold is not None:
        return f"{row.threshold:,g}"
    if row.detector is None or row.alarm is not None:
        return ""  # a composite alarm has none of its own
    return "no alarm" if row.detector.detector.alarm is None else "not judged"


def fires_when(row: SummaryRow) -> str:
    """When the alarm fires, in words."""
    if row.condition is None:
        return "It has no alarm." if threshold_text(row) == "no alarm" else "It is not judged."
    name = f" ({row.alarm_name})" if row.alarm_name != row.name else ""
    return f"Its alarm{name} fires when {row.condition}."

"""Phrases that the command line and the page share. Text from a log is made safe to show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from flask_errwatch._text import counted, listed, one_line
from flask_errwatch._time import rfc3339_second
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
# Alarms or logs that are named in a sentence.
_NAMED = 3


def shown(value: str, limit: int = _NAME) -> str:
    r"""Text from a log that is safe to show: printable, on one line, short.

    Example:
        >>> print(shown("a\x1b[31mb\nc"))
        a?[31mb?c
    """
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
    """The log, and how much of it could not be read."""
    if log.defect is not None or not log.bad:
        reason = (log.defect or "it has no lines").removesuffix(".")
        # What to do is said once, behind all logs.
        reason = reason.removesuffix((log.looks_like or "").removesuffix(".")).rstrip(". ")
        return f"{shown(name)} ({reason})"
    first = f", the first is {shown(log.first)!r}" if log.first else ""
    good = log.judged + log.outside
    form = f" in the format {log.form}" if good and log.form is not None else ""
    understood = f"{good:,}" if good else "none"
    lines = counted(log.bad + good, "line")
    return f"{shown(name)} ({lines}, {understood} of them understood{form}{first})"


def unread_sentence(reads: Sequence[LogRead]) -> str | None:
    """Which logs could not be read for the most part, what they look like, and what to do.

    None where most lines of each log were understood, and there are some. None too where no log was
    read, as AWS counted.
    """
    if not reads:
        return None
    bad = [log for log in reads if log.is_mostly_bad]
    is_unread = not any(log.judged for log in reads)
    if is_unread and not bad and any(log.outside for log in reads):
        return "No line of the logs is within --since and --until: give another time."
    if not bad and not is_unread:
        return None
    concerned = bad or reads
    short = short_names([log.name for log in reads])
    logs = listed([seen(log, short[log.name]) for log in concerned], _NAMED)
    lead = "Nothing could be read of" if is_unread else "More than half could not be read of"
    remedy = next((log.looks_like for log in concerned if log.looks_like), None)
    # A defect with a colon says itself what to do.
    has_remedies = all(": " in (log.defect or "") for log in concerned)
    remedy = remedy or ("" if has_remedies else "Give another file.")
    return f"{lead} {logs}. {remedy}".rstrip()


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

"""Phrases that the command line and the page share. Text from a log is made safe to show."""

from __future__ import annotations

from collections.abc import Iterable

from flask_errwatch._text import counted, one_line
from flask_errwatch._time import rfc3339_second
from flask_errwatch.alarms import SourceAlarm
from flask_errwatch.simulation import (
    Advice,
    FiredAlarm,
    JudgedDetector,
    NameCount,
    Offence,
)

_NAME = 80


def shown(value: str, limit: int = _NAME) -> str:
    """Text from a log that is safe to show: printable, on one line, short."""
    return one_line(value, limit)


def named(names: Iterable[NameCount]) -> str:
    """Names with their numbers of lines."""
    return ", ".join(f"{shown(name.name)} ({name.lines:,})" for name in names)


def offence_phrase(offence: Offence, alarm: FiredAlarm) -> str:
    """Who made an alarm fire, and how long and how many lines that took."""
    seconds = alarm.span.start - offence.since
    return (
        f"{shown(offence.source)}, from {rfc3339_second(offence.since)}: "
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


def condition(detector: JudgedDetector) -> str:
    """When the detector's alarm fires, in words."""
    if detector.condition is not None:
        return f"alarms when {detector.condition}"
    if detector.detector.alarm is None:
        return "no alarm"
    if isinstance(detector.detector.alarm, SourceAlarm):
        return "its alarm is on each source"
    return "its alarm is not judged"

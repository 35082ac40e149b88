"""Phrases that the command line and the page share. Text from a log is made safe to show."""

from __future__ import annotations

from collections.abc import Iterable

from flask_errwatch._text import counted, one_line
from flask_errwatch.simulation import (
    Advice,
    JudgedDetector,
    NameCount,
)

_NAME = 80


def shown(value: str, limit: int = _NAME) -> str:
    """Text from a log that is safe to show: printable, on one line, short."""
    return one_line(value, limit)


def named(names: Iterable[NameCount]) -> str:
    """Names with their numbers of lines."""
    return ", ".join(f"{shown(name.name)} ({name.lines:,})" for name in names)


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
    if detector.condition is None:
        return "no alarm" if detector.detector.alarm is None else "its alarm is not judged"
    return f"alarms when {detector.condition}"

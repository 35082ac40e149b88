"""The result as people read it in a terminal. Text from a log is made safe to show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask_errwatch._text import one_line
from flask_errwatch.replay.result import ReplayResult
from flask_errwatch.simulation import (
    Advice,
    JudgedAlarm,
    JudgedDetector,
    NameCount,
    RaisedAlarm,
    shown_time,
)

_NAME = 80
_BAD = 120


def text(result: ReplayResult) -> str:
    """The result, a paragraph per detector and further alarm."""
    paragraphs = [_head(result)]
    for detector in result.judged.detectors:
        lines = [*_detector(detector)]
        advice = result.advice_for(detector.detector.name)
        lines += [] if advice is None else _advice(advice)
        paragraphs.append("\n  ".join(lines))
    paragraphs += ["\n  ".join(_other(alarm)) for alarm in result.judged.others]
    return "\n\n".join(paragraphs)


def shown(value: str, limit: int = _NAME) -> str:
    """Text from a log that is safe to show: printable, on one line, short."""
    return one_line(value, limit)


def named(names: Iterable[NameCount]) -> str:
    """Names with their numbers of lines."""
    return ", ".join(f"{shown(name.name)} ({name.lines:,})" for name in names)


def _head(result: ReplayResult) -> str:
    judged = result.judged
    logs = ", ".join(shown(log) for log in result.logs)
    lines = [f"{logs}: {counted(judged.lines, 'line')} judged by {shown(result.judged_by)}"]
    if judged.start is not None and judged.end is not None:
        times = f"{shown_time(judged.start)} to {shown_time(judged.end)}"
        quiet = "zeros, as the app's heartbeat makes them" if judged.heartbeat else "missing data"
        lines += [f"from {times}, {judged.days:.1f} days; minutes without a line are {quiet}"]
    if result.bad_lines:
        first = "" if result.bad_lines == len(result.bad) else ", the first of them"
        lines += [f"{counted(result.bad_lines, 'bad line')} passed over{first}:"]
        lines += [f"  {shown(bad.log)}:{bad.number}: {shown(bad.text, _BAD)}" for bad in result.bad]
    return "\n".join(lines)


def _detector(detector: JudgedDetector) -> Iterator[str]:
    yield f"{detector.detector.name}: {condition(detector)}"
    worst = detector.worst
    if worst is None:
        yield "no line"
        return
    yield (
        f"{counted(detector.lines, 'line')} in {counted(len(detector.periods), 'period')}, the "
        f"worst from {shown_time(worst.start)} to {shown_time(worst.end)}: {worst.value:,g}"
    )
    if detector.condition is not None:
        yield f"{counted(len(detector.alarms), 'alarm')}, {detector.alarms_per_day:.2f} a day"
    for alarm in detector.alarms:
        yield from _alarm(alarm)


def _other(alarm: JudgedAlarm) -> Iterator[str]:
    yield f"{alarm.name}: alarms when {one_line(alarm.condition)}"
    yield f"{counted(len(alarm.alarms), 'alarm')}, {alarm.alarms_per_day:.2f} a day"
    for raised in alarm.alarms:
        yield from _alarm(raised)


def _alarm(alarm: RaisedAlarm) -> Iterator[str]:
    span = alarm.span
    end = "the end of the log" if span.end is None else shown_time(span.end)
    peak = "" if span.peak is None else f", peak {span.peak:,g}"
    yield f"  from {shown_time(span.start)} to {end}{peak}"
    if alarm.sources:
        yield f"    sources {named(alarm.sources)}"
    if alarm.paths:
        yield f"    paths {named(alarm.paths)}"


def _advice(advice: Advice) -> Iterator[str]:
    yield f"advice: {advised(advice)}"
    for alarm in sorted(advice.missed, key=lambda missed: -(missed.span.peak or 0))[:3]:
        yield from _alarm(alarm)


def advised(advice: Advice) -> str:
    """What is proposed, in a sentence."""
    if advice.threshold is None:
        return "none: only for an alarm that compares a Sum with an upper threshold."
    gives = f"threshold {advice.threshold:,} gives {counted(advice.alarms, 'alarm')}"
    if not advice.missed:
        return f"{gives} and misses none of the present ones."
    worst = " It misses, the worst first:" if len(advice.missed) <= 3 else " The worst it misses:"
    return f"{gives} and misses {counted(len(advice.missed), 'alarm')} of the present ones.{worst}"


def condition(detector: JudgedDetector) -> str:
    """When the detector's alarm fires, in words."""
    if detector.condition is None:
        return "no alarm" if detector.detector.alarm is None else "its alarm is not judged"
    return f"alarms when {detector.condition}"


def counted(number: int, what: str) -> str:
    """A number and its noun."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

"""The findings as people read them in a terminal; what a log holds is shown harmless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask_errwatch._text import one_line
from flask_errwatch.replay.findings import Findings
from flask_errwatch.simulation import (
    Advice,
    DetectorReplay,
    Named,
    RaisedAlarm,
    shown_time,
)

_NAME = 80
_BAD = 120


def text(found: Findings) -> str:
    """The findings, a paragraph per detector."""
    paragraphs = [_head(found)]
    for each in found.replay.detectors:
        lines = [*_detector(each)]
        advice = found.advice_for(each.detector.name)
        lines += [] if advice is None else _advice(advice)
        paragraphs += ["\n  ".join(lines)]
    return "\n\n".join(paragraphs)


def shown(value: str, limit: int = _NAME) -> str:
    """Text from a log as it may be shown: printable, on one line, short."""
    return one_line(value, limit)


def named(names: Iterable[Named]) -> str:
    """Names with their numbers of lines."""
    return ", ".join(f"{shown(each.name)} ({each.lines:,})" for each in names)


def _head(found: Findings) -> str:
    whole = found.replay
    logs = ", ".join(shown(log) for log in found.logs)
    lines = [f"{logs}: {counted(whole.lines, 'line')} judged by {shown(found.judged_by)}"]
    if whole.start is not None and whole.end is not None:
        times = f"{shown_time(whole.start)} to {shown_time(whole.end)}"
        quiet = "zeros, as the app's heartbeat makes them" if whole.heartbeat else "missing data"
        lines += [f"from {times}, {whole.days:.1f} days; minutes without a line are {quiet}"]
    if found.bad_lines:
        first = "" if found.bad_lines == len(found.bad) else ", the first of them"
        lines += [f"{counted(found.bad_lines, 'bad line')} passed over{first}:"]
        lines += [f"  {shown(it.log)}:{it.number}: {shown(it.text, _BAD)}" for it in found.bad]
    return "\n".join(lines)


def _detector(each: DetectorReplay) -> Iterator[str]:
    yield f"{each.detector.name}: {condition(each)}"
    worst = each.worst
    if worst is None:
        yield "no line"
        return
    yield (
        f"{counted(each.lines, 'line')} in {counted(len(each.periods), 'period')}, the worst "
        f"from {shown_time(worst.start)} to {shown_time(worst.end)}: {worst.value:,g}"
    )
    if each.rule is not None:
        yield f"{counted(len(each.alarms), 'alarm')}, {each.alarms_per_day:.2f} a day"
    for alarm in each.alarms:
        yield from _alarm(alarm)


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
    for alarm in sorted(advice.missed, key=lambda each: -(each.span.peak or 0))[:3]:
        yield from _alarm(alarm)


def advised(advice: Advice) -> str:
    """What is proposed, in a sentence."""
    if advice.threshold is None:
        return "none: only for an alarm that asks whether a Sum is too high."
    gives = f"threshold {advice.threshold:,} gives {counted(advice.alarms, 'alarm')}"
    if not advice.missed:
        return f"{gives} and misses none of the present ones."
    worst = " It misses, the worst first:" if len(advice.missed) <= 3 else " The worst it misses:"
    return f"{gives} and misses {counted(len(advice.missed), 'alarm')} of the present ones.{worst}"


def condition(each: DetectorReplay) -> str:
    """When the detector alarms, in words."""
    return "no alarm" if each.rule is None else f"alarms when {each.rule}"


def counted(number: int, what: str) -> str:
    """A number and its noun."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

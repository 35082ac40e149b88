"""The result of a replay as rich renderables: `console` prints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from flask_errwatch._text import counted
from flask_errwatch._time import rfc3339_second
from flask_errwatch.alarms import SourceAlarm
from flask_errwatch.cli.console import number, plain, prose, table, word
from flask_errwatch.replay.result import ReplayResult
from flask_errwatch.replay.text import advice_sentence, missed_heading, named, offence_phrase, shown
from flask_errwatch.replay.verdicts import AlarmVerdicts
from flask_errwatch.simulation import (
    FiredAlarm,
    JudgedAlarm,
    JudgedDetector,
)

#: Characters of a bad line that are shown.
_BAD_LINE = 120
#: Missed alarms that are shown per detector.
_MISSED = 3
_LONGEST_LABEL = len("sources")

Cells = Sequence[Text]


def replay_view(result: ReplayResult) -> Iterator[RenderableType]:
    """The log, a row for each detector and further alarm, then the details of each."""
    judged = result.judged
    yield from _log(result)
    yield Text()
    columns = (
        word("detector"),
        number("lines"),
        number("worst"),
        number("alarms"),
        number("a day"),
        prose("alarms when"),
    )
    rows = (*map(_detector, judged.detectors), *map(_other, judged.others))
    yield table(columns, rows)
    for detector in judged.detectors:
        name = detector.detector.name
        yield from _details(name, [*_detector_details(detector, result)])
    for alarm in judged.others:
        yield from _details(alarm.name, [*_fired(alarm.name, alarm.alarms, result.verdicts)])


def _log(result: ReplayResult) -> Iterator[Text]:
    judged = result.judged
    logs = ", ".join(map(shown, result.logs))
    yield plain(f"{logs}: {counted(judged.lines, 'line')} judged by {shown(result.judged_by)}")
    if judged.start is not None and judged.end is not None:
        times = f"{rfc3339_second(judged.start)} to {rfc3339_second(judged.end)}"
        quiet = "zeros, as with a heartbeat" if judged.heartbeat else "missing data"
        yield plain(f"from {times}, {judged.days:.1f} days", "note")
        yield plain(f"minutes without a line count as {quiet}", "note")
    if result.site is not None:
        yield plain(result.site, "note")
    if result.bad_lines:
        first = "" if result.bad_lines == len(result.bad) else ", the first of them"
        yield plain(f"{counted(result.bad_lines, 'bad line')} skipped{first}:", "level.warning")
        for line in result.bad:
            yield plain(f"  {shown(line.log)}:{line.number}: {shown(line.text, _BAD_LINE)}")


def _detector(detector: JudgedDetector) -> Cells:
    quiet = "" if detector.lines else "note"
    worst = "" if detector.worst is None else f"{detector.worst.value:,g}"
    name, lines = Text(detector.detector.name, quiet), Text(f"{detector.lines:,}", quiet)
    if detector.condition is None:
        when = Text(_without_condition(detector), quiet)
        return name, lines, Text(worst, quiet), Text(), Text(), when
    return (
        name,
        lines,
        Text(worst, quiet),
        _alarm_count(detector.alarms),
        Text(f"{detector.alarms_per_day:.2f}", quiet),
        plain(detector.condition, quiet),
    )


def _without_condition(detector: JudgedDetector) -> str:
    match detector.detector.alarm:
        case None:
            return "never"
        case SourceAlarm():
            return "by source, below"
        case _:
            return "not judged"


def _other(alarm: JudgedAlarm) -> Cells:
    per_day = Text(f"{alarm.alarms_per_day:.2f}")
    count = _alarm_count(alarm.alarms)
    return plain(alarm.name), Text(), Text(), count, per_day, plain(alarm.condition)


def _alarm_count(alarms: Sequence[FiredAlarm]) -> Text:
    return Text(f"{len(alarms):,}", "state.ALARM" if alarms else "state.OK")


def _details(name: str, rows: Sequence[Cells]) -> Iterator[RenderableType]:
    if rows:
        yield Text(f"\n{name}", "heading")
        yield table((word(), word(width=_LONGEST_LABEL), prose()), rows)


def _detector_details(detector: JudgedDetector, result: ReplayResult) -> Iterator[Cells]:
    worst, name = detector.worst, detector.detector.name
    advice = result.advice_for(name)
    if worst is not None:
        periods = counted(len(detector.periods), "period")
        times = f"from {rfc3339_second(worst.start)} to {rfc3339_second(worst.end)}"
        yield _row("lines", f"{detector.lines:,} in {periods}, the worst {times}: {worst.value:,g}")
    yield from _fired(name, detector.alarms, result.verdicts)
    if advice is not None:
        sentence = advice_sentence(advice)
        if advice.missed:
            sentence = f"{sentence} {missed_heading(advice)}"
        yield _row("advice", sentence, "level.warning")
        missed = sorted(advice.missed, key=lambda alarm: -(alarm.span.peak or 0))
        yield from _alarms(missed[:_MISSED], "missed", "level.warning")


def _fired(name: str, alarms: Sequence[FiredAlarm], verdicts: AlarmVerdicts) -> Iterator[Cells]:
    """The alarms, each with what its lines look like."""
    for alarm in alarms:
        yield from _alarms([alarm])
        verdict = verdicts.of(name, alarm)
        if verdict is not None:
            yield _row("verdict", verdict.sentence)


def _alarms(
    alarms: Sequence[FiredAlarm], label: str = "ALARM", style: str = "state.ALARM"
) -> Iterator[Cells]:
    for alarm in alarms:
        span = alarm.span
        end = "the end of the log" if span.end is None else rfc3339_second(span.end)
        peak = "" if span.peak is None else f", peak {span.peak:,g}"
        yield _row(label, f"from {rfc3339_second(span.start)} to {end}{peak}", style)
        for offence in alarm.offences:
            yield _row("for", offence_phrase(offence, alarm))
        if alarm.sources and not alarm.offences:
            yield _row("sources", named(alarm.sources))
        if alarm.paths:
            yield _row("paths", named(alarm.paths))


def _row(label: str, value: str, style: str = "note") -> Cells:
    """A label and its value, indented by an empty cell."""
    return Text(), Text(label, style), plain(value)

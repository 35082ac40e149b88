"""The findings of a replay as rich renderables: `console` prints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from flask_errwatch.cli.console import number, plain, prose, table, word
from flask_errwatch.replay.findings import Findings
from flask_errwatch.replay.text import advised, counted, named, shown
from flask_errwatch.simulation import Advice, DetectorReplay, RaisedAlarm, shown_time

#: Characters of a bad line that are shown, and how many missed alarms.
_BAD_LINE = 120
_MISSED = 3
_LONGEST_LABEL = len("sources")

Cells = Sequence[Text]


def findings(findings: Findings) -> Iterator[RenderableType]:
    """The log, a row for each detector, then the worst period and the alarms of each."""
    yield from _log(findings)
    yield Text()
    yield table(
        (
            word("detector"),
            number("lines"),
            number("worst"),
            number("alarms"),
            number("a day"),
            prose("alarms when"),
        ),
        map(_summary, findings.replay.detectors),
    )
    for detector in findings.replay.detectors:
        rows = [*_details(detector, findings.advice_for(detector.detector.name))]
        if rows:
            yield Text(f"\n{detector.detector.name}", "heading")
            yield table((word(), word(width=_LONGEST_LABEL), prose()), rows)


def _log(findings: Findings) -> Iterator[Text]:
    replay = findings.replay
    logs = ", ".join(map(shown, findings.logs))
    yield plain(f"{logs}: {counted(replay.lines, 'line')} judged by {shown(findings.judged_by)}")
    if replay.start is not None and replay.end is not None:
        times = f"{shown_time(replay.start)} to {shown_time(replay.end)}"
        quiet = "zeros, as with a heartbeat" if replay.heartbeat else "missing data"
        yield plain(f"from {times}, {replay.days:.1f} days", "note")
        yield plain(f"minutes without a line count as {quiet}", "note")
    if findings.bad_lines:
        first = "" if findings.bad_lines == len(findings.bad) else ", the first of them"
        yield plain(f"{counted(findings.bad_lines, 'bad line')} skipped{first}:", "level.warning")
        for line in findings.bad:
            yield plain(f"  {shown(line.log)}:{line.number}: {shown(line.text, _BAD_LINE)}")


def _summary(replay: DetectorReplay) -> Cells:
    quiet = "" if replay.lines else "note"
    worst = "" if replay.worst is None else f"{replay.worst.value:,g}"
    has_alarm = replay.rule is not None
    return (
        Text(replay.detector.name, quiet),
        Text(f"{replay.lines:,}", quiet),
        Text(worst, quiet),
        Text(f"{len(replay.alarms):,}" if has_alarm else "", _state(replay)),
        Text(f"{replay.alarms_per_day:.2f}" if has_alarm else "", quiet),
        plain("never" if replay.rule is None else replay.rule, quiet),
    )


def _state(replay: DetectorReplay) -> str:
    return "state.ALARM" if replay.alarms else "state.OK"


def _details(replay: DetectorReplay, advice: Advice | None) -> Iterator[Cells]:
    if replay.worst is not None:
        worst = replay.worst
        yield _row(
            "lines",
            f"{replay.lines:,} in {counted(len(replay.periods), 'period')}, the worst from "
            f"{shown_time(worst.start)} to {shown_time(worst.end)}: {worst.value:,g}",
        )
    for alarm in replay.alarms:
        yield from _alarm(alarm, "ALARM", "state.ALARM")
    if advice is not None:
        yield _row("advice", advised(advice), "level.warning")
        missed = sorted(advice.missed, key=lambda alarm: -(alarm.span.peak or 0))
        for alarm in missed[:_MISSED]:
            yield from _alarm(alarm, "missed", "level.warning")


def _alarm(alarm: RaisedAlarm, label: str, style: str) -> Iterator[Cells]:
    span = alarm.span
    end = "the end of the log" if span.end is None else shown_time(span.end)
    peak = "" if span.peak is None else f", peak {span.peak:,g}"
    yield _row(label, f"from {shown_time(span.start)} to {end}{peak}", style)
    if alarm.sources:
        yield _row("sources", named(alarm.sources))
    if alarm.paths:
        yield _row("paths", named(alarm.paths))


def _row(label: str, value: str, style: str = "note") -> Cells:
    """A label and its value, indented by an empty cell."""
    return Text(), Text(label, style), plain(value)

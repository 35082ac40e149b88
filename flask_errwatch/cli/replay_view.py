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
    details = [
        cells
        for detector in findings.replay.detectors
        for cells in _details(detector, findings.advice_for(detector.detector.name))
    ]
    if details:
        yield Text()
        yield table((word(), prose()), details)


def _log(findings: Findings) -> Iterator[Text]:
    replay = findings.replay
    logs = ", ".join(map(shown, findings.logs))
    yield plain(f"{logs}: {counted(replay.lines, 'line')} judged by {shown(findings.judged_by)}")
    if replay.start is not None and replay.end is not None:
        times = f"{shown_time(replay.start)} to {shown_time(replay.end)}"
        quiet = "zeros, as the app's heartbeat makes them" if replay.heartbeat else "missing data"
        yield plain(
            f"from {times}, {replay.days:.1f} days; minutes without a line are {quiet}", "note"
        )
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
    """The name stands beside the first line only."""
    name = Text(replay.detector.name, "heading")
    for line in _detail_lines(replay, advice):
        yield name, line
        name = Text()


def _detail_lines(replay: DetectorReplay, advice: Advice | None) -> Iterator[Text]:
    if replay.worst is not None:
        worst = replay.worst
        yield plain(
            f"{counted(replay.lines, 'line')} in {counted(len(replay.periods), 'period')}, "
            f"the worst from {shown_time(worst.start)} to {shown_time(worst.end)}: {worst.value:,g}"
        )
    for alarm in replay.alarms:
        yield from _alarm(alarm, "ALARM", "state.ALARM")
    if advice is not None:
        yield Text.assemble(("advice", "level.warning"), f": {advised(advice)}")
        missed = sorted(advice.missed, key=lambda alarm: -(alarm.span.peak or 0))
        for alarm in missed[:_MISSED]:
            yield from _alarm(alarm, "missed", "level.warning")


def _alarm(alarm: RaisedAlarm, title: str, style: str) -> Iterator[Text]:
    span = alarm.span
    end = "the end of the log" if span.end is None else shown_time(span.end)
    peak = "" if span.peak is None else f", peak {span.peak:,g}"
    yield Text.assemble((title, style), f" from {shown_time(span.start)} to {end}{peak}")
    if alarm.sources:
        yield plain(f"  sources {named(alarm.sources)}")
    if alarm.paths:
        yield plain(f"  paths {named(alarm.paths)}")

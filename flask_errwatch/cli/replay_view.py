"""The result of a replay as rich renderables: `console` prints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from flask_errwatch._text import counted
from flask_errwatch._time import readable_minute, rfc3339_second
from flask_errwatch.cli.console import number, plain, prose, table, unbroken, word
from flask_errwatch.replay.proposal import as_assignment
from flask_errwatch.replay.result import ReplayResult
from flask_errwatch.replay.summary import SummaryRow
from flask_errwatch.replay.text import (
    advice_sentence,
    caution_sentence,
    fires_when,
    missed_heading,
    named,
    offence_phrase,
    shown,
    threshold_text,
    totals_sentence,
)
from flask_errwatch.replay.verdicts import AlarmVerdicts
from flask_errwatch.simulation import FiredAlarm

#: Characters of a bad line that are shown.
_BAD_LINE = 120
#: Missed alarms that are shown per detector.
_MISSED = 3
_LONGEST_LABEL = len("sources")

Cells = Sequence[Text]


def replay_view(result: ReplayResult) -> Iterator[RenderableType]:
    """The summary, what to do with the advice, remarks, then the details of each row."""
    yield from _heading(result)
    if not result.is_unread:
        yield Text()
        yield _summary(result)
        yield Text()
        yield plain(totals_sentence(result.rows))
        yield from _advice(result)
        yield Text()
        yield from _remarks(result)
    yield from _bad_lines(result)
    for row in result.rows:
        if row.lines or row.alarms:
            yield from _details(row.name, [*_details_of(row, result)])


def _heading(result: ReplayResult) -> Iterator[Text]:
    judged = result.judged
    logs = ", ".join(map(shown, result.logs))
    yield plain(f"{logs}: {counted(judged.lines, 'line')} judged by {shown(result.judged_by)}")
    if judged.start is not None and judged.end is not None:
        times = f"{rfc3339_second(judged.start)} to {rfc3339_second(judged.end)}"
        yield plain(f"from {times}, {judged.days:.1f} days", "note")


def _summary(result: ReplayResult) -> RenderableType:
    is_advised = result.alarms_a_week is not None
    columns = [
        word("detector"),
        number("lines"),
        number("alarms"),
        number("worst"),
        prose("when (UTC)"),
        number("threshold"),
        *([number("advised")] if is_advised else []),
    ]
    return table(columns, [_row(row, is_advised=is_advised) for row in result.rows])


def _row(row: SummaryRow, *, is_advised: bool) -> Cells:
    quiet = "" if row.lines or row.alarms else "note"
    alarms = Text("" if row.condition is None else f"{len(row.alarms):,}")
    if row.condition is not None:
        alarms.style = "state.ALARM" if row.alarms else "state.OK"
    worst, advised = row.worst, row.advised
    cells = [
        plain(row.name, quiet),
        Text("" if row.detector is None else f"{row.lines:,}", quiet),
        alarms,
        Text("" if worst is None else f"{worst.value:,g}", quiet),
        Text("" if worst is None else readable_minute(worst.start), quiet),
        Text(threshold_text(row), quiet),
    ]
    if is_advised:
        style = "level.warning" if advised != row.threshold else quiet
        cells.append(Text("" if advised is None else f"{advised:,}", style))
    return cells


def _advice(result: ReplayResult) -> Iterator[Text]:
    """What to paste, and what to look at before."""
    if result.alarms_a_week is None:
        return
    yield Text()
    if not result.proposed:
        yield plain("The advice changes no threshold.")
        return
    yield plain(
        f"The advice, for each alarm at most {result.alarms_a_week:g} a week, for .env, or for a "
        "shell after export. Between the quotes is the JSON for app.config:"
    )
    yield Text()
    yield unbroken(as_assignment(result.proposed))
    cautious = [row for row in result.rows if row.hides_critical]
    if cautious:
        yield Text()
    for row in cautious:
        yield plain(caution_sentence(row), "level.warning")


def _remarks(result: ReplayResult) -> Iterator[Text]:
    judged = result.judged
    if judged.start is not None:
        quiet = "zeros, as with a heartbeat" if judged.heartbeat else "missing data"
        yield plain(f"Minutes without a line count as {quiet}.", "note")
    if result.site is not None:
        yield plain(f"{result.site}.", "note")


def _bad_lines(result: ReplayResult) -> Iterator[Text]:
    if result.bad_lines:
        first = "" if result.bad_lines == len(result.bad) else ", the first of them"
        yield plain(f"{counted(result.bad_lines, 'bad line')} skipped{first}:", "level.warning")
        for line in result.bad:
            yield plain(f"  {shown(line.log)}:{line.number}: {shown(line.text, _BAD_LINE)}")


def _details(name: str, rows: Sequence[Cells]) -> Iterator[RenderableType]:
    yield Text(f"\n{name}", "heading")
    yield table((word(), word(width=_LONGEST_LABEL), prose()), rows)


def _details_of(row: SummaryRow, result: ReplayResult) -> Iterator[Cells]:
    detector, advice = row.detector, row.advice
    if detector is not None and detector.worst is not None and not row.is_further:
        worst, periods = detector.worst, counted(len(detector.periods), "period")
        times = f"from {rfc3339_second(worst.start)} to {rfc3339_second(worst.end)}"
        yield _row_of("lines", f"{row.lines:,} in {periods}, the worst {times}: {worst.value:,g}")
    if row.condition is None:
        yield _row_of("alarms", fires_when(row))
    else:
        times = f"{len(row.alarms):,}, {row.alarms_per_day:.2f} a day" if row.alarms else "none"
        yield _row_of("alarms", f"{times}. {fires_when(row)}")
    yield from _fired(row.alarm_name, row.alarms, result.verdicts)
    if advice is not None:
        sentence = advice_sentence(advice)
        if advice.missed:
            sentence = f"{sentence} {missed_heading(advice)}"
        yield _row_of("advice", sentence, "level.warning")
        missed = sorted(advice.missed, key=lambda alarm: -(alarm.span.peak or 0))
        yield from _alarms(missed[:_MISSED], "missed", "level.warning")


def _fired(name: str, alarms: Sequence[FiredAlarm], verdicts: AlarmVerdicts) -> Iterator[Cells]:
    """The alarms, each with what its lines look like."""
    for alarm in alarms:
        yield from _alarms([alarm])
        verdict = verdicts.of(name, alarm)
        if verdict is not None:
            yield _row_of("verdict", verdict.sentence)


def _alarms(
    alarms: Sequence[FiredAlarm], label: str = "ALARM", style: str = "state.ALARM"
) -> Iterator[Cells]:
    for alarm in alarms:
        span = alarm.span
        end = "the end of the log" if span.end is None else rfc3339_second(span.end)
        peak = "" if span.peak is None else f", peak {span.peak:,g}"
        yield _row_of(label, f"from {rfc3339_second(span.start)} to {end}{peak}", style)
        for offence in alarm.offences:
            yield _row_of("for", offence_phrase(offence, alarm))
        if alarm.sources and not alarm.offences:
            yield _row_of("sources", named(alarm.sources))
        if alarm.paths:
            yield _row_of("paths", named(alarm.paths))


def _row_of(label: str, value: str, style: str = "note") -> Cells:
    """A label and its value, indented by an empty cell."""
    return Text(), Text(label, style), plain(value)

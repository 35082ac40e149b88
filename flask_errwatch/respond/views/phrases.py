"""Sentences of a story that the text and the page share. Times are in UTC.

A value from a line may be in them: they are made safe where they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flask_errwatch._text import counted, text_of
from flask_errwatch._time import readable, readable_minute, time_of_day
from flask_errwatch.respond.answer.story import Story
from flask_errwatch.respond.answer.verdict import Verdict
from flask_errwatch.respond.ranking.summary import Event, SourceRow, Summary
from flask_errwatch.respond.ranking.window import Window

#: Where the last line is as recent as that, in seconds, it has not ended.
_RECENT: Final = 300
#: The ends of a shorter window have seconds, as in a lab whose time runs faster.
_SHORT: Final = 120
_UNITS: Final = ((172_800, 86_400, "days"), (7200, 3600, "h"), (120, 60, "min"))
NO_ADDRESS: Final = "(no address)"


def state_phrase(story: Story) -> str:
    """The state and since when, or the window of a detector without an alarm.

    As in `ALARM since 02:06 UTC`
    """
    if story.state is None:
        return window_phrase(story)
    since = "" if story.since is None else f" since {_minute(story.since, story.now)} UTC"
    return f"{story.state}{since}"


def window_phrase(story: Story) -> str:
    """The time that it is about, with dates unless it is of the present day.

    As in `02:00 to 02:10 UTC`
    """
    window = story.summary.window
    written = readable if window.end - window.start < _SHORT else readable_minute
    start, end = (written(second).removesuffix(" UTC") for second in (window.start, window.end))
    if window.is_of_one_day:
        end = end[11:]
        start = start[11:] if _day(window.start) == _day(story.now) else start
    elif _day(window.end) == _day(story.now):
        end = end[11:]
    return f"{start} to {end} UTC"


def counted_phrase(story: Story) -> str:
    """What was found, against what the metric counted.

    As in `41 lines found, the metric counted 41.`
    """
    found, metric = story.counted.lines, story.counted.metric
    lines = counted(found, "line") if found else "No line"
    if found and not story.read.is_exact:
        lines = f"About {lines}"
    if metric is None:
        return f"{lines} found."
    return f"{lines} found, the metric counted {figure(metric)}."


def activity_phrase(story: Story) -> str:
    """Whether it goes on, or when the last line was. Empty where no line is known."""
    last = story.summary.last_line
    if last is None:
        return ""
    age = max(0.0, story.now - last)
    if age <= _RECENT:
        return f"Still active: the last line {_age(age)} ago."
    moment = f"{_minute(last, story.now)} UTC"
    return f"The last line was {_age(age)} ago, at {moment}."


def evidence_phrase(verdict: Verdict) -> str:
    """The figures of a verdict, by name. Empty where it has none.

    Example:
        >>> from flask_errwatch.respond.answer.verdict import Kind
        >>> evidence_phrase(Verdict(kind=Kind.UNCLEAR, sentence="", evidence={"sign_ins": 3}))
        'sign ins: 3'
    """
    return "; ".join(
        f"{name.replace('_', ' ')}: {_evidence(value)}"
        for name, value in verdict.evidence.items()
        if value is not None
    )


def source_name(row: SourceRow) -> str:
    """The source, or that its lines have no address."""
    return NO_ADDRESS if row.source is None else row.source


def trust_phrase(rows: Sequence[SourceRow]) -> str:
    """How far the addresses can be trusted. Empty where all are verified, or it is not known.

    Example:
        >>> trust_phrase([SourceRow(source="192.0.2.7", trust="counted")])
        'Trust in the addresses: counted.'
    """
    named = [row for row in rows if row.source is not None and row.trust is not None]
    sources = {
        row.trust: [other.source for other in named if other.trust == row.trust] for row in named
    }
    if not sources.keys() - {"verified"}:
        return ""
    if len(sources) == 1:
        return f"Trust in the addresses: {', '.join(map(str, sources))}."
    parts = (f"{trust} ({', '.join(map(str, names))})" for trust, names in sources.items())
    return f"Trust in the addresses: {', '.join(parts)}."


def answers_phrase(rows: Sequence[SourceRow]) -> str:
    """How many requests of sources succeeded. Empty where no access log was read.

    Example:
        >>> answers_phrase([SourceRow(source="192.0.2.7", answers=7), SourceRow(source=None)])
        'Answered with 2xx or 304, by the access logs: 7 requests from 192.0.2.7.'
    """
    known = [row for row in rows if row.source is not None and row.answers is not None]
    if not known:
        return ""
    each = (f"{counted(row.answers or 0, 'request')} from {row.source}" for row in known)
    return f"Answered with 2xx or 304, by the access logs: {', '.join(each)}."


def moment_in(window: Window, second: float) -> str:
    """A time in a window: that of day, and the date before it if the window has several days."""
    if window.is_of_one_day:
        return time_of_day(second)
    return readable_minute(second)[5:]


def line_time(event: Event, window: Window) -> str:
    """The time in the `timestamp` of a line, in the form of `moment_in`.

    Example:
        >>> line_time({"timestamp": "2026-10-25T02:05:04.120Z"}, Window(start=0, end=60))
        '02:05:04'
    """
    text = text_of(event.get("timestamp"))
    return (text[11:19] if window.is_of_one_day else text[5:16].replace("T", " ")) or "-"


def about(*, exact: bool) -> str:
    """What marks a figure that may be an estimate."""
    return "" if exact else "about "


def figure(value: float) -> str:
    """A number with all its digits, and a fraction only where it has one.

    Example:
        >>> figure(1_000_000.0), figure(0.25), figure(1_234_567.5)
        ('1,000,000', '0.25', '1,234,567.5')
    """
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6f}".rstrip("0").rstrip(".")


def share_before(value: float | None) -> str:
    """The share in the hour before.

    Example:
        >>> share_before(0.0), share_before(None)
        ('0 % before', 'the hour before has no line')
    """
    return "the hour before has no line" if value is None else f"{share(value)} before"


def share(value: float) -> str:
    """A share from 0 to 1 in percent, rounded so that only nothing is 0 and only all is 100.

    Example:
        >>> share(0.932), share(0.001), share(0.9999)
        ('93 %', '< 1 %', '> 99 %')
    """
    percent = value * 100
    if 0 < percent < 1:
        return "< 1 %"
    if 99 < percent < 100:
        return "> 99 %"
    return f"{percent:.0f} %"


def users_of(summary: Summary) -> tuple[str, ...]:
    """Who was signed in, each once."""
    return tuple(dict.fromkeys(user for row in summary.sources for user in row.users))


def failed_users_of(summary: Summary) -> tuple[str, ...]:
    """The accounts whose logins failed, each once."""
    return tuple(dict.fromkeys(user for row in summary.sources for user in row.failed_users))


def _evidence(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_evidence(inner)}" for name, inner in value.items())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return figure(value)
    return str(value)


def _minute(second: float, now: float) -> str:
    text = readable_minute(second)
    return text[11:] if _day(second) == _day(now) else text


def _day(second: float) -> int:
    return int(second // 86_400)


def _age(seconds: float) -> str:
    for least, unit, name in _UNITS:
        if seconds >= least:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"

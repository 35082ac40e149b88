"""A story as text for a terminal: about 25 lines of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask_errwatch._text import counted, listed
from flask_errwatch.respond.answer.story import Story
from flask_errwatch.respond.answer.verdict import Verdict
from flask_errwatch.respond.ranking.summary import Event, FingerprintRow, SourceRow, Summary
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.views.columns import WIDTH, columns, fitted, shown, table, wrapped
from flask_errwatch.respond.views.phrases import (
    about,
    activity_phrase,
    answers_phrase,
    counted_phrase,
    failed_users_of,
    line_time,
    moment_in,
    share,
    share_before,
    source_name,
    state_phrase,
    trust_phrase,
    users_of,
    window_phrase,
)

#: The first rows of each kind. The JSON and the page have more.
_SOURCES: Final = 5
_FEW: Final = 3
_NAMES: Final = 5
#: The columns of the labels before users, failures, releases and what is unusual.
_LABEL: Final = 10
#: The columns of a line's id, in which 24 characters identify a line, and of other names.
_SHORT_ID: Final = 25
_ID: Final = 36
_REQUEST: Final = 16
_NAME: Final = 24


def story_lines(story: Story) -> list[str]:
    """The lines to print, safe for a terminal, without line ends.

    Args:
        story: Of an alarm or a detector.
    """
    summary = story.summary
    sections = (
        [*_head(story)],
        _verdict(story.verdict),
        [
            *_sources(story),
            *_paths(summary),
            *_names(summary),
            *_failures(summary),
            *_releases(summary),
            *_unusual(summary),
            *_samples(summary),
            *_end(story),
        ],
    )
    lines = [line for section in sections if section for line in ("", *section)]
    return lines[1:]


def _head(story: Story) -> Iterator[str]:
    first = f"{shown(story.alarm)}   {state_phrase(story)}"
    whole = f"{first}   {shown(story.reason)}" if story.reason else first
    if columns(whole) <= WIDTH:
        yield whole
    else:
        yield from [first] if columns(first) <= WIDTH else wrapped(first)
        yield from _prose(story.reason)
    yield from wrapped(f"{counted_phrase(story)} {activity_phrase(story)}".rstrip())
    if story.state is not None:
        yield f"Window: {window_phrase(story)}."


def _verdict(verdict: Verdict) -> list[str]:
    """The first sentence is on separate lines, since a person looks for it."""
    lines = wrapped(verdict.sentence)
    if len(lines) == 1:
        return lines
    first, dot, rest = verdict.sentence.partition(". ")
    return [*wrapped(f"{first}{dot}"), *_prose(rest)]


def _prose(text: str) -> list[str]:
    return wrapped(text) if text else []


def _sources(story: Story) -> Iterator[str]:
    summary = story.summary
    if not summary.sources:
        return
    guess = about(exact=summary.is_exact)
    names = ("lines", "paths", "unrouted", "users", "sign-ins", "first", "last")
    rows = [_source(row, summary) for row in summary.sources[:_SOURCES]]
    yield from table(("SOURCE", *names), rows)
    more = summary.source_count - len(rows)
    if more > 0:
        yield f"and {guess}{counted(more, 'more source')}"
    yield from _prose(trust_phrase(summary.sources[:_SOURCES]))
    yield from _prose(answers_phrase(summary.sources[:_SOURCES]))
    if guess:
        yield "The numbers of paths and sources are about right, not exact."


def _source(row: SourceRow, summary: Summary) -> tuple[str, ...]:
    numbers = (row.lines, row.paths, row.unrouted, len(row.users), row.sign_ins)
    times = (moment_in(summary.window, row.first), moment_in(summary.window, row.last))
    return (fitted(source_name(row), WIDTH), *(f"{number:,}" for number in numbers), *times)


def _paths(summary: Summary) -> list[str]:
    if not summary.paths:
        return []
    rows = [(f"{row.lines:,}", f"{row.sources:,}") for row in summary.paths[:_FEW]]
    heading = ("lines", "sources")
    widths = [max(map(len, cells)) for cells in zip(heading, *rows, strict=True)]
    width = WIDTH - sum(widths) - 2 * len(widths)
    names = [fitted(row.path, width) for row in summary.paths[:_FEW]]
    return table(("PATH", *heading), [(name, *row) for name, row in zip(names, rows, strict=True)])


def _names(summary: Summary) -> Iterator[str]:
    users, accounts = users_of(summary), failed_users_of(summary)
    if users:
        yield from _labelled("USERS", f"signed in: {_few(users)}")
    if accounts:
        yield from _labelled("" if users else "USERS", f"failed logins of: {_few(accounts)}")


def _few(names: tuple[str, ...]) -> str:
    return listed([fitted(name, _NAME) for name in names], _NAMES)


def _failures(summary: Summary) -> Iterator[str]:
    for index, row in enumerate(summary.fingerprints[:_FEW]):
        yield from _labelled("" if index else "FAILURE", _failure(row))


def _failure(row: FingerprintRow) -> str:
    where = f" in {shown(row.where)}" if row.where else ""
    new = ", new" if row.is_new else ""
    name = shown(row.type).rpartition(".")[2]
    return f"{name}{where}: {counted(row.lines, 'line')}{new} ({shown(row.fingerprint)})"


def _releases(summary: Summary) -> Iterator[str]:
    for index, row in enumerate(summary.releases[:_FEW]):
        before = f"{row.before:,} before" if row.before else "none before"
        text = f"{fitted(row.release, _NAME)}: {counted(row.lines, 'line')}, {before}"
        yield from _labelled("" if index else "RELEASE", text)


def _unusual(summary: Summary) -> Iterator[str]:
    for index, row in enumerate(summary.unusual[:_FEW]):
        figures = f": {share(row.share)} of lines, {share_before(row.before)}"
        name = f"{row.field} {row.value}"
        text = f"{fitted(name, WIDTH - _LABEL - len(figures))}{figures}"
        yield from _labelled("" if index else "UNUSUAL", text)


def _labelled(label: str, text: str) -> list[str]:
    return wrapped(text, f"{label:<{_LABEL}}")


def _samples(summary: Summary) -> list[str]:
    """A line each if all fit into one, and otherwise two."""
    events = summary.samples[:_FEW]
    short = [_short(event, summary.window) for event in events]
    if all(columns(line) <= WIDTH for line in short):
        return short
    return [line for event in events for line in _long(event, summary.window)]


def _short(event: Event, window: Window) -> str:
    path, agent = shown(event.get("path", "-")), shown(event.get("user_agent", "-"))
    return f'{_answer(event, window)}{path}  "{agent}"  {_ids(event, _SHORT_ID)}'


def _long(event: Event, window: Window) -> tuple[str, str]:
    begin = _answer(event, window)
    left = WIDTH - columns(begin) - 4
    # The path has at least half of what is left, and all that the agent does not need.
    agent = shown(event.get("user_agent", "-"))
    path = _cell(event, "path", max(left // 2, left - columns(agent)))
    request = f'{begin}{path}  "{fitted(agent, left - columns(path))}"'
    return request, f"{' ' * _LABEL}{_ids(event, _ID)}"


def _answer(event: Event, window: Window) -> str:
    time = fitted(line_time(event, window), 11)
    return f"{time}  {_cell(event, 'status', 3)} {_cell(event, 'method', 7)} "


def _ids(event: Event, width: int) -> str:
    return f"request {_cell(event, 'request_id', _REQUEST)}  id {_cell(event, 'id', width)}"


def _cell(event: Event, key: str, width: int) -> str:
    return fitted(event.get(key, "-"), width)


def _end(story: Story) -> Iterator[str]:
    if story.unknown:
        yield from wrapped(" ".join(story.unknown), "Not known: ")
    if story.next_command is not None:
        yield from _command(f"Next: {shown(story.next_command)}")


def _command(line: str) -> Iterator[str]:
    """A command on lines that a shell joins again when they are copied."""
    while columns(line) > WIDTH:
        at = line.rfind(" --", 0, WIDTH - 1)
        at = at + 1 if at > 0 else WIDTH - 1
        yield f"{line[:at]}\\"
        line = line[at:]
    yield line

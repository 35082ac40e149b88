"""The consoles of the command line, their styles, and tables without borders.

On a terminal, colour shows what matters and long cells wrap inside their column. In a pipe or a
file the output is plain text in which each row is one line of any length. `NO_COLOR` removes all
styles.

Only this module and the modules with views import rich. Commands import them when they print.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text
from rich.theme import Theme

from flask_errwatch._text import one_line

if TYPE_CHECKING:
    from flask_errwatch.replay.session import ReadProgress

#: The width of a pipe or a file: larger than that of any row.
_UNLIMITED = 1_000_000

_THEME = Theme(
    {
        "action.create": "green",
        "action.update": "yellow",
        "action.delete": "red",
        "action.unchanged": "dim",
        "state.ALARM": "bold red",
        "state.OK": "green",
        "state.INSUFFICIENT_DATA": "dim yellow",
        "level.ok": "green",
        "level.warning": "yellow",
        "level.problem": "bold red",
        "outcome.arrived": "green",
        "outcome.refused": "bold red",
        "outcome.missing": "bold red",
        "outcome.unseen": "yellow",
        "heading": "bold",
        "note": "dim",
    }
)


def stdout() -> Console:
    """The console on the present `sys.stdout`."""
    return _console(is_stderr=False)


def stderr() -> Console:
    """The console on the present `sys.stderr`."""
    return _console(is_stderr=True)


def _console(*, is_stderr: bool) -> Console:
    stream = sys.stderr if is_stderr else sys.stdout
    is_terminal = stream is not None and stream.isatty()
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")  # a locale without arrows still shows the words
    return Console(
        stderr=is_stderr,
        theme=_THEME,
        width=None if is_terminal else _UNLIMITED,
        # rich itself keeps bold and dim with NO_COLOR.
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        # Strings are never markup: they may come from a log or from AWS.
        markup=False,
        emoji=False,
        highlight=False,
    )


def show(*renderables: RenderableType) -> None:
    """Prints each renderable to standard output."""
    console = stdout()
    for renderable in renderables:
        is_unbroken = isinstance(renderable, Text) and renderable.no_wrap
        console.print(renderable, soft_wrap=bool(is_unbroken))


def plain(value: object, style: str = "") -> Text:
    r"""The value as text that is safe for a terminal: no markup, no control characters.

    Example:
        >>> plain("a\x1b[31m [b]b[/b]")
        <text 'a?[31m [b]b[/b]' [] ''>
    """
    string = str(value)
    return Text(one_line(string, len(string)), style)


def unbroken(value: str) -> Text:
    """The value as one line of any length, which can be copied from a terminal as a whole."""
    text = plain(value)
    text.no_wrap = True
    return text


def word(name: str = "", *, width: int | None = None) -> Column:
    """A column of short words, which are never wrapped.

    Args:
        name: The heading.
        width: The minimum width. Rows that are printed one at a time need it to align.
    """
    return Column(name, no_wrap=True, min_width=width)


def number(name: str = "") -> Column:
    """A column of numbers."""
    return Column(name, no_wrap=True, justify="right")


def prose(name: str = "") -> Column:
    """A column that wraps on a narrow terminal, also inside long words. Nothing is cut."""
    return Column(name, overflow="fold")


def table(columns: Sequence[Column], rows: Iterable[Sequence[Text]]) -> RenderableType:
    """Builds a table without borders, with a heading if the columns have names."""
    grid = Table(
        *columns,
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        show_header=any(column.header for column in columns),
        header_style="note",
    )
    for row in rows:
        grid.add_row(*row)
    return _WithoutTrailingBlanks(grid)


class _WithoutTrailingBlanks:
    """A renderable whose lines end with their last visible character.

    Args:
        renderable: A table, whose cells rich fills with blanks.
    """

    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self._renderable, options, pad=False):
            while line and not line[-1].text.rstrip():
                line.pop()
            if line:
                line[-1] = Segment(line[-1].text.rstrip(), line[-1].style)
            yield from line
            yield Segment.line()


@contextmanager
def waiting(console: Console, description: str) -> Iterator[Callable[[str], None]]:
    """Shows a spinner with the elapsed time, on a terminal only.

    Args:
        console: Where to show it. What is printed there meanwhile appears above the spinner.
        description: The text beside the spinner, which the returned function changes.
    """
    columns = (
        SpinnerColumn("line"),  # in ASCII, for any locale
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    with _progress(console, *columns) as progress:
        task = progress.add_task(description)
        yield lambda changed: progress.update(task, description=changed)


@contextmanager
def reading() -> Iterator[Callable[[ReadProgress], None]]:
    """Shows a bar with a rate and the time left, on standard error if that is a terminal.

    The returned function moves the bar.
    """
    columns = (
        TextColumn("reading"),
        BarColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    begun = time.monotonic()
    with _progress(stderr(), *columns) as progress:
        task = progress.add_task("", total=None, rate="")

        def move(step: ReadProgress) -> None:
            seconds = max(time.monotonic() - begun, 1e-6)
            rate = f"{step.lines / seconds:,.0f} lines/s"
            progress.update(task, total=step.size, completed=step.read, rate=rate)

        yield move


def _progress(console: Console, *columns: ProgressColumn) -> Progress:
    return Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.file.isatty(),
        # Lines that the app itself prints stay on their own stream.
        redirect_stdout=False,
        redirect_stderr=False,
    )

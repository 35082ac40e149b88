"""`flask errwatch why | offenders`: parse, call, print."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click
from flask.cli import with_appcontext

from flask_errwatch._parsers import RefusedValueError, TrustedProxies
from flask_errwatch._text import one_line
from flask_errwatch.cli.context import app_and_aws, aws_options, target_of
from flask_errwatch.cli.options import finite, json_option, one_of
from flask_errwatch.cli.refusals import agrees
from flask_errwatch.cli.writing import STDOUT, write_file, writing

if TYPE_CHECKING:
    from flask_errwatch.respond.alarm.metric_time import MetricClock
    from flask_errwatch.respond.investigation import Investigator
    from flask_errwatch.respond.ranking.access_logs import ReadAnswers
    from flask_errwatch.respond.ranking.summary import SourceRow
    from flask_errwatch.respond.ranking.window import Window

_STDOUT = Path("-")
#: Sources of each order that `offenders` looks at.
_SOURCES = 1000

_log = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("alarm", metavar="ALARM_OR_DETECTOR")
@click.option("--at", metavar="TIME", help="When it fired, instead of the newest time.")
@click.option("--since", metavar="TIME", help="The begin of the time to look at, instead.")
@click.option("--until", metavar="TIME", help="The end of it, by default now.")
@click.option("--local", is_flag=True, help="Read all lines, without charge.")
@click.option("--insights", is_flag=True, help="Query them by Logs Insights.")
@click.option(
    "--access-log", "logs", type=_log, multiple=True, help="Count successful requests too."
)
@json_option
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path),
    help="Write a page to forward, - for standard output instead of the text.",
)
@click.option("--yes", is_flag=True, help="Do not ask before queries that cost money.")
@aws_options
@with_appcontext
def why(
    *,
    alarm: str,
    at: str | None,
    since: str | None,
    until: str | None,
    local: bool,
    insights: bool,
    logs: tuple[Path, ...],
    as_json: bool,
    html: Path | None,
    yes: bool,
) -> None:
    """Show who made an alarm fire, and what they were after.

    A TIME is RFC 3339, a time of day in UTC such as 02:06, or how long ago, such as 2h.
    """
    from flask_errwatch.cli.console import show
    from flask_errwatch.cli.views import target_view
    from flask_errwatch.respond.investigation import Question
    from flask_errwatch.respond.views.document import document
    from flask_errwatch.respond.views.page import page
    from flask_errwatch.respond.views.text import story_lines

    now = time.time()
    one_of({"--local": local, "--insights": insights})
    one_of({"--json": as_json, "--html -": html == _STDOUT})
    times = {"--at": at, "--since": since, "--until": until}
    _check_times(times)
    moments = {name: read_time(name, text, now) for name, text in times.items()}
    _check_order(moments["--since"], moments["--until"] or now)
    question = Question(
        name=alarm,
        at=moments["--at"],
        since=moments["--since"],
        until=moments["--until"],
        way="lines" if local else "insights" if insights else "auto",
    )
    with Progress() as progress:
        asked = investigator(now, progress, yes=yes, logs=logs)
        story = asked.story(question)
    # First the page: the reader of the text may end early, as `head` does.
    if html is not None and html != _STDOUT:
        _write(html, page(story))
    with writing(STDOUT):
        if as_json:
            click.echo(document(story))
        elif html == _STDOUT:
            click.echo(page(story).encode(), nl=False)
        else:
            show(target_view(target_of(asked.aws)), *story_lines(story))


@click.command()
@click.option("--since", metavar="TIME", default="1h", show_default=True, help="From when on.")
@click.option("--until", metavar="TIME", help="Until when, by default now.")
@click.option("--detector", metavar="NAME", help="Only lines that this detector or alarm counts.")
@click.option(
    "--min-suspicion",
    type=click.FloatRange(min=0),
    callback=finite,
    default=0,
    help="The least sum.",
)
@click.option("--min-errors", type=click.IntRange(min=0), default=0, help="The fewest lines.")
@click.option("--min-paths", type=click.IntRange(min=0), default=0, help="The fewest paths.")
@json_option
@click.option("--cidr", is_flag=True, help="Print networks, one a line.")
@click.option("--csv", is_flag=True, help="Print CSV.")
@aws_options
@with_appcontext
def offenders(
    *,
    since: str,
    until: str | None,
    detector: str | None,
    min_suspicion: float,
    min_errors: int,
    min_paths: int,
    as_json: bool,
    cidr: bool,
    csv: bool,
) -> None:
    """Rank the sources of failing requests, the most suspicious first."""
    from flask_errwatch.respond.ranking.order import Least
    from flask_errwatch.respond.ranking.order import offenders as reaching
    from flask_errwatch.respond.ranking.window import Window

    now = time.time()
    form = one_of({"--json": as_json, "--cidr": cidr, "--csv": csv})
    if detector == "":
        raise click.BadParameter("Give the name of one.", param_hint="--detector")
    start, end = read_time("--since", since, now), read_time("--until", until, now)
    _check_order(start, end or now)
    window = Window(start=start or 0, end=end or now)
    least = Least(suspicion=min_suspicion, lines=min_errors, paths=min_paths)
    with Progress() as progress:
        summary = investigator(now, progress).ranking(window, detector, _SOURCES, least)
    with writing(STDOUT):
        _print_ranking(reaching(summary.sources, least), window, summary.left_out, form)


def _print_ranking(
    rows: tuple[SourceRow, ...], window: Window, left_out: int, form: str | None
) -> None:
    from flask_errwatch.cli.console import show
    from flask_errwatch.respond.views.offenders import (
        doubtful_phrase,
        left_out_phrase,
        networks,
        offender_csv,
        offender_document,
        offender_lines,
    )

    match form:
        case "--json":
            click.echo(offender_document(rows, window, left_out))
        case "--cidr":
            found = networks(rows)
            for network in found.trusted:
                click.echo(network)
            _note(doubtful_phrase(found.doubtful))
        case "--csv":
            click.echo(offender_csv(rows), nl=False)
        case _:
            show(*offender_lines(rows, window))
    _note(left_out_phrase(left_out))


def _note(text: str) -> None:
    """Prints what a list for programs has no room for, on standard error."""
    if text:
        click.echo(text, err=True)


def investigator(
    now: float, progress: Progress, *, yes: bool = False, logs: tuple[Path, ...] = ()
) -> Investigator:
    """Who asks about the current app.

    Args:
        now: The present, in seconds since the epoch.
        progress: Shows what is being done.
        yes: Whether to query without asking.
        logs: Access logs, for the requests that succeeded.
    """
    from flask_errwatch.respond.investigation import Investigator

    state, aws = app_and_aws()

    def agreed(scanned: float) -> bool:
        progress.pause()
        return consent(scanned, "give --yes to query, or --local to read all lines.", yes=yes)

    return Investigator(
        aws=aws,
        catalogue=state.catalogue,
        config=state.config,
        now=now,
        clock=_clock(),
        answers=answers_of(logs, state.config.trusted_proxies) if logs else None,
        consent=agreed,
        progress=progress,
    )


def _clock() -> MetricClock:
    """The clock of the lab that this process uses, where its metrics have another time."""
    from flask_errwatch.lab.clock import CLOCK_VARIABLE, Clock
    from flask_errwatch.respond.alarm.metric_time import SameTime

    text = os.environ.get(CLOCK_VARIABLE)
    if text is None:
        return SameTime()
    try:
        return Clock.read(text)
    except ValueError as error:
        raise click.ClickException(
            f"{CLOCK_VARIABLE} is not the clock of a lab: unset it."
        ) from error


def answers_of(logs: tuple[Path, ...], trusted: TrustedProxies) -> ReadAnswers:
    """The successful requests of access logs in a window."""
    from flask_errwatch.replay.answers import count_answers

    return partial(count_answers, [str(log) for log in logs], trusted=trusted)


def consent(scanned: float, remedy: str, *, yes: bool) -> bool:
    """Prints what queries cost, and asks.

    Args:
        scanned: Bytes that they scan.
        remedy: What to do where no one can answer.
        yes: Whether not to ask.
    """
    from flask_errwatch.provision.cost import PRICES_REGION
    from flask_errwatch.respond.reading.insights_summary import dollars

    price = f"{dollars(scanned):.2f} USD at the price of {PRICES_REGION}"
    click.echo(f"Logs Insights will scan about {scanned / 1e9:.2f} GB: {price}.", err=True)
    return yes or agrees("Query?", remedy, err=True)


class Progress:
    """Shows what is being done, on standard error if that is a terminal."""

    def __init__(self) -> None:
        self._shown = ExitStack()
        self._update: Callable[[str], None] | None = None

    def __call__(self, text: str) -> None:
        """Shows the text."""
        if self._update is None:
            from flask_errwatch.cli.console import stderr, waiting

            self._update = self._shown.enter_context(waiting(stderr(), text))
        self._update(text)

    def pause(self) -> None:
        """Shows nothing until the next call, so that a person can be asked."""
        self._shown.close()
        self._update = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()


def _check_times(times: dict[str, str | None]) -> None:
    if times["--at"] is not None and (times["--since"], times["--until"]) != (None, None):
        raise click.UsageError("Give --at, or --since and --until, not both.")
    if times["--until"] is not None and times["--since"] is None:
        raise click.UsageError("--until needs --since.")


def read_time(name: str, text: str | None, now: float) -> float | None:
    """The time that an option names, in seconds since the epoch; None if it is not given.

    Args:
        name: The option.
        text: What is given.
        now: The present.
    """
    from flask_errwatch.respond.moments import read_moment

    if text is None:
        return None
    try:
        return read_moment(text, now)
    except RefusedValueError as error:
        message = f"{one_line(text, 40)!r}: {error}"
        raise click.BadParameter(message, param_hint=name) from error


def _check_order(since: float | None, until: float) -> None:
    if since is not None and since >= until:
        raise click.BadParameter("It is not before the end.", param_hint="--since")


def _write(file: Path, content: str) -> None:
    write_file(file, content)
    click.echo(f"The page is in {one_line(str(file))}.", err=True)

"""`flask errwatch tail`: parse, call, print."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from flask_errwatch._parsers import Network, RefusedValueError
from flask_errwatch._text import one_line
from flask_errwatch.cli.context import app_and_aws, aws_options
from flask_errwatch.cli.refusals import agrees
from flask_errwatch.cli.respond import read_time
from flask_errwatch.cli.writing import STDOUT, writing

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws
    from flask_errwatch.respond.tail.polling import TailedLine
    from flask_errwatch.respond.tail.wanted_lines import WantedLines

#: The beginning, where `--since` is not given.
_SINCE = "5m"


@click.command()
@click.argument("detectors", metavar="[DETECTOR]…", nargs=-1)
@click.option("--source", metavar="ADDRESS", help="Only lines from this address or network.")
@click.option("--route", metavar="ROUTE", help="Only lines of this route, such as /user/<name>.")
@click.option("--since", metavar="TIME", help=f"From when on.  [default: {_SINCE}]")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as they are.")
@click.option("--live", is_flag=True, help="By StartLiveTail, which is billed by the minute.")
@click.option("--yes", is_flag=True, help="Do not ask before --live.")
@aws_options
@with_appcontext
def tail(
    *,
    detectors: tuple[str, ...],
    source: str | None,
    route: str | None,
    since: str | None,
    as_json: bool,
    live: bool,
    yes: bool,
) -> None:
    """Follow the app's lines in CloudWatch Logs, until Ctrl-C.

    A TIME is RFC 3339, a time of day in UTC such as 02:06, or how long ago, such as 2h.
    """
    from flask_errwatch.respond.tail.wanted_lines import WantedLines

    if live and since is not None:
        raise click.UsageError("Give --since or --live, not both: a session has only new lines.")
    app, aws = app_and_aws()
    network = None if source is None else _network(source, app.config.privacy)
    wanted = WantedLines.of(app.catalogue, detectors, network, route)
    if live:
        _check_price(yes=yes)
    _note(f"Following {app.config.app_name}, until Ctrl-C.")
    if live:
        lines = _live(aws, app.config.log_group, wanted)
    else:
        begin = read_time("--since", since or _SINCE, time.time())
        lines = _polled(aws, app.config.log_group, wanted, begin or 0)
    with writing(STDOUT), suppress(KeyboardInterrupt):
        _print(lines, as_json=as_json)


def _polled(aws: Aws, log_group: str, wanted: WantedLines, since: float) -> Iterator[TailedLine]:
    from flask_errwatch.respond.tail.polling import Tail

    return Tail(aws, log_group, wanted, since).follow(clock=time.time, wait=time.sleep, note=_note)


def _live(aws: Aws, log_group: str, wanted: WantedLines) -> Iterator[TailedLine]:
    from flask_errwatch.respond.tail.live import live_lines

    return live_lines(aws, log_group, wanted, _note)


def _print(lines: Iterable[TailedLine], *, as_json: bool) -> None:
    """Prints each line when it arrives."""
    from flask_errwatch.cli.console import plain, stdout
    from flask_errwatch.respond.views.tail import tail_json, tail_row

    console = stdout()
    for line in lines:
        if as_json:
            click.echo(tail_json(line.event))
        else:
            style = "level.problem" if line.event.get("level") == "critical" else ""
            console.print(plain(tail_row(line.at, line.event, console.width), style))


def _check_price(*, yes: bool) -> None:
    """Prints what a session costs, and asks."""
    from flask_errwatch.provision.cost import PRICES_REGION
    from flask_errwatch.respond.tail.live import DOLLARS_A_MINUTE

    hour = 60 * DOLLARS_A_MINUTE
    _note(
        f"StartLiveTail costs {DOLLARS_A_MINUTE:.2f} USD a minute, {hour:.2f} USD an hour, at the "
        f"price of {PRICES_REGION}. A session ends with Ctrl-C, or after three hours."
    )
    remedy = "give --yes to start, or leave --live out."
    if not yes and not agrees("Start a session?", remedy, err=True):
        raise click.ClickException("No session was started. Without --live, tail polls.")


def _network(text: str, privacy: str) -> Network:
    """The network that is meant, unless lines have hashes instead of addresses."""
    from flask_errwatch.respond.blocking.networks import read_network

    if privacy == "hashed":
        message = "Lines have hashes instead of addresses, by ERRWATCH_PRIVACY: leave it out."
        raise click.BadParameter(message, param_hint="--source")
    try:
        return read_network(text)
    except RefusedValueError as error:
        message = f"{one_line(text, 40)!r}: {error}"
        raise click.BadParameter(message, param_hint="--source") from error


def _note(text: str) -> None:
    """Prints a note about the lines, on standard error."""
    click.echo(one_line(text, len(text)), err=True)

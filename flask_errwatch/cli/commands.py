"""`flask errwatch`: the group of all commands, and how their errors are shown."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from flask_errwatch.cli.block import block, blocked, unblock
from flask_errwatch.cli.config import config, init
from flask_errwatch.cli.doctor import doctor, drill, verify
from flask_errwatch.cli.export import export
from flask_errwatch.cli.lab import lab
from flask_errwatch.cli.mute import mute, unmute
from flask_errwatch.cli.provision import apply, bootstrap, destroy, plan, status
from flask_errwatch.cli.refusals import printable
from flask_errwatch.cli.replay import replay
from flask_errwatch.cli.respond import offenders, why
from flask_errwatch.cli.tail import tail
from flask_errwatch.errors import ErrWatchError, PatternSyntaxError


class _Group(AppGroup):
    """Shows errors of the library as messages, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PatternSyntaxError as error:
            # On a new line, so that the caret is below the mistake.
            raise click.ClickException(f"\n{printable(error)}") from error
        except ErrWatchError as error:
            raise click.ClickException(printable(error)) from error


@click.group("errwatch", cls=_Group)
def errwatch() -> None:
    """Detect intrusions and failures of the app on AWS."""


for command in (
    init,
    config,
    bootstrap,
    plan,
    apply,
    status,
    destroy,
    mute,
    unmute,
    verify,
    replay,
    why,
    offenders,
    tail,
    block,
    unblock,
    blocked,
    doctor,
    drill,
    export,
    lab,
):
    errwatch.add_command(command)

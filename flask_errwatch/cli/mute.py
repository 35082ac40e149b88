"""`flask errwatch mute | unmute`: parse, call, print."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from flask_errwatch.cli.context import app_and_aws, aws_options, show_target
from flask_errwatch.cli.options import duration


@click.command()
@click.option(
    "--for",
    "seconds",
    metavar="TIME",
    required=True,
    callback=duration,
    help="How long, such as 15m or 2h, at most 15d.",
)
@click.option("--reason", metavar="TEXT", default="", help="Why, for others who read the rule.")
@aws_options
@with_appcontext
def mute(*, seconds: float, reason: str) -> None:
    """Mute the app's alarms for a time, such as that of a deployment.

    The alarms are still evaluated. Only their notifications are left out.
    """
    from flask_errwatch.cli.console import show
    from flask_errwatch.provision.mute import mute as mute_alarms

    state, aws = app_and_aws()
    show_target(aws)
    show(mute_alarms(aws, state.config, seconds, reason=reason))
    show("`flask errwatch unmute` ends it before.")


@click.command()
@aws_options
@with_appcontext
def unmute() -> None:
    """End the mute at once. Alarms that are in ALARM then notify."""
    from flask_errwatch.cli.console import show
    from flask_errwatch.provision.mute import unmute as unmute_alarms

    state, aws = app_and_aws()
    show_target(aws)
    show(unmute_alarms(aws, state.config))

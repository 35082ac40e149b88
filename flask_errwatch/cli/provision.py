"""`flask errwatch plan | apply | status | destroy`: each command parses, calls and prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import with_appcontext

from flask_errwatch.errors import Problem, ProvisioningError
from flask_errwatch.extension import AppState, state_of

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws
    from flask_errwatch.provision import Plan

#: What `plan --check` exits with when something would change; 2 is click's usage error.
WOULD_CHANGE = 3

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_adopt = click.option(
    "--adopt", is_flag=True, help="Take over what somebody else made under a declared name."
)


@click.command()
@_json
@click.option("--check", is_flag=True, help=f"Exit {WOULD_CHANGE} when something would change.")
@_adopt
@with_appcontext
def plan(*, as_json: bool, check: bool, adopt: bool) -> None:
    """Show what apply would change in AWS; touches nothing."""
    from flask_errwatch.provision.apply import make_plan

    state, aws = _app_and_aws()
    made = make_plan(aws, state.catalogue, state.config, adopt=adopt)
    click.echo(json.dumps(made.to_dict(), indent=2) if as_json else str(made))
    if check and not made.is_empty:
        raise click.exceptions.Exit(WOULD_CHANGE)


@click.command()
@_yes
@click.option("--force", is_flag=True, help="Also delete most alarms, or shorten the retention.")
@_adopt
@with_appcontext
def apply(*, yes: bool, force: bool, adopt: bool) -> None:
    """Bring AWS to what the app declares: create, update, and delete what it no longer declares."""
    from flask_errwatch.provision.apply import make_plan

    state, aws = _app_and_aws()
    made = make_plan(aws, state.catalogue, state.config, adopt=adopt)
    click.echo(str(made))
    if not force:
        made.raise_if_unsafe()
    if not made.is_empty:
        _carry_out(aws, made, "Apply this plan?", yes=yes)


@click.command()
@_json
@with_appcontext
def status(*, as_json: bool) -> None:
    """Show how it stands in AWS: drift, alarms, subscriptions, refused publishes, delivery."""
    from flask_errwatch.provision.status import read_status

    state, aws = _app_and_aws()
    found = read_status(aws, state.catalogue, state.config)
    click.echo(json.dumps(found.to_dict(), indent=2) if as_json else str(found))


@click.command()
@_yes
@click.option("--with-logs", is_flag=True, help="Delete the log group and its events too.")
@with_appcontext
def destroy(*, yes: bool, with_logs: bool) -> None:
    """Delete everything in AWS that is the app's own; the log group stays."""
    from flask_errwatch.provision.apply import make_destroy_plan

    state, aws = _app_and_aws()
    made = make_destroy_plan(aws, state.catalogue, state.config, with_logs=with_logs)
    click.echo(str(made))
    if not made.is_empty:
        _carry_out(aws, made, "Delete all of this?", yes=yes)


def _app_and_aws() -> tuple[AppState, Aws]:
    from flask_errwatch._aws import PROVISIONING, Aws

    state = state_of(current_app)
    config = state.config
    return state, Aws.from_config(config, PROVISIONING)


def _carry_out(aws: Aws, made: Plan, question: str, *, yes: bool) -> None:
    """Asks, applies with a line per change, and says at an interruption how far it came."""
    from flask_errwatch.provision.apply import apply_steps
    from flask_errwatch.provision.plan_text import plan_row

    if not yes:
        click.confirm(question, abort=True)
    latest = made
    try:
        # What is dangerous was refused before, or is what the person asked for.
        for latest in apply_steps(aws, made, force=True):
            row = plan_row(latest.applied[-1], is_done=True)
            click.echo(f"[{latest.done}/{len(latest.changes)}] {row}")
    except KeyboardInterrupt:
        remedy = "The change under way may or may not have been made."
        raise ProvisioningError(
            Problem(key="command", value="interrupted", remedy=remedy),
            applied=map(str, latest.applied),
            pending=map(str, latest.pending),
        ) from None
    click.echo(latest.summary)

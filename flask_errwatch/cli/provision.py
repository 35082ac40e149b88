"""`flask errwatch bootstrap | plan | apply | status | destroy`: parse, call, print."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from flask_errwatch.cli.context import app_and_aws
from flask_errwatch.errors import Problem, ProvisioningError
from flask_errwatch.extension import ErrWatch

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws
    from flask_errwatch.provision import Plan

#: Exit code of `plan --check` when something would change. Click exits with 2 on usage errors.
WOULD_CHANGE = 3

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_adopt = click.option(
    "--adopt", is_flag=True, help="Take over resources of declared names that others created."
)

_create_role = click.option(
    "--create-role", is_flag=True, help="Also create the IAM role that log alarms need."
)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@with_appcontext
def bootstrap(*, dry_run: bool) -> None:
    """Apply the plan without asking, for deployments."""
    _show(ErrWatch().bootstrap_alarms(dry_run=dry_run))


@click.command()
@_json
@click.option("--check", is_flag=True, help=f"Exit {WOULD_CHANGE} when something would change.")
@_adopt
@_create_role
@with_appcontext
def plan(*, as_json: bool, check: bool, adopt: bool, create_role: bool) -> None:
    """Show what apply would change in AWS. Changes nothing."""
    from flask_errwatch.provision.apply import make_plan

    state, aws = app_and_aws()
    plan = make_plan(
        aws, state.catalogue, state.config, import_unmanaged=adopt, create_role=create_role
    )
    if as_json:
        click.echo(json.dumps(plan.to_dict(), indent=2))
    else:
        _show(plan)
    if check and not plan.is_empty:
        raise click.exceptions.Exit(WOULD_CHANGE)


@click.command()
@_yes
@click.option("--force", is_flag=True, help="Also delete most alarms, or shorten the retention.")
@_adopt
@_create_role
@with_appcontext
def apply(*, yes: bool, force: bool, adopt: bool, create_role: bool) -> None:
    """Show the plan, ask, and apply it.

    Creates and updates what the app declares, and deletes what it no longer declares.
    """
    from flask_errwatch.provision.apply import make_plan

    state, aws = app_and_aws()
    plan = make_plan(
        aws, state.catalogue, state.config, import_unmanaged=adopt, create_role=create_role
    )
    _show(plan)
    if not force:
        plan.raise_if_unsafe()
    if not plan.is_empty:
        _carry_out(aws, plan, "Apply this plan?", yes=yes)


@click.command()
@_json
@with_appcontext
def status(*, as_json: bool) -> None:
    """Show drift, alarm states and delivery.

    Also the topic's subscriptions and the notifications that failed in the last two weeks.
    """
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import show
    from flask_errwatch.provision.status import read_status

    state, aws = app_and_aws()
    status = read_status(aws, state.catalogue, state.config)
    if as_json:
        click.echo(json.dumps(status.to_dict(), indent=2))
    else:
        show(*views.status_view(status))


@click.command()
@_yes
@click.option("--with-logs", is_flag=True, help="Delete the log group and its events too.")
@with_appcontext
def destroy(*, yes: bool, with_logs: bool) -> None:
    """Delete the app's resources. The log group is kept."""
    from flask_errwatch.provision.apply import make_destroy_plan

    state, aws = app_and_aws()
    plan = make_destroy_plan(aws, state.catalogue, state.config, with_logs=with_logs)
    _show(plan)
    if not plan.is_empty:
        _carry_out(aws, plan, "Delete all of this?", yes=yes)


def _show(plan: Plan) -> None:
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import show

    show(*views.plan_view(plan))


def _carry_out(aws: Aws, plan: Plan, question: str, *, yes: bool) -> None:
    """Asks, applies with a line per change, and reports at an interruption what was applied."""
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import plain, show
    from flask_errwatch.provision.apply import apply_steps
    from flask_errwatch.provision.plan_text import plan_row

    if not yes:
        click.confirm(question, abort=True)
    latest = plan
    try:
        # Dangerous changes were refused before, or allowed with --force.
        for latest in apply_steps(aws, plan, force=True):
            row = plan_row(latest.applied[-1], is_done=True)
            show(views.applied_view(row, latest.done, len(latest.changes)))
    except KeyboardInterrupt:
        remedy = "The change under way may or may not have been made."
        raise ProvisioningError(
            Problem(key="command", value="interrupted", remedy=remedy),
            applied=map(str, latest.applied),
            pending=map(str, latest.pending),
        ) from None
    show(plain(latest.summary, "heading"))

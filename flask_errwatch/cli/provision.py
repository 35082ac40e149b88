"""`flask errwatch plan | apply | bootstrap | status | destroy`: parse, call, print."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

import click
from flask.cli import with_appcontext

from flask_errwatch._text import counted
from flask_errwatch.cli.context import app_and_aws, aws_options, show_target, target_of
from flask_errwatch.cli.options import json_option
from flask_errwatch.cli.refusals import ask, changing, printable
from flask_errwatch.errors import AwsCallError

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws
    from flask_errwatch.config import Config
    from flask_errwatch.provision import Plan
    from flask_errwatch.provision.target import AwsTarget

CommandT = TypeVar("CommandT", bound=Callable[..., None])

#: Exit code of `--check` when AWS is not as declared. Terraform's `plan -detailed-exitcode` ends
#: with 2, but so does click on wrong usage, and Flask when it cannot import the app.
NOT_AS_DECLARED = 3

_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_check = click.option(
    "--check", is_flag=True, help=f"Exit with {NOT_AS_DECLARED} when something would change."
)
_force = click.option(
    "--force", is_flag=True, help="Also delete most alarms, or shorten or set the retention."
)


class _PlanOptions(TypedDict):
    """The options that `plan`, `apply` and `bootstrap` share."""

    adopt: bool
    create_role: bool
    show_all: bool
    as_json: bool


def _plan_options(command: CommandT) -> CommandT:
    command = json_option(command)
    for name, parameter, text in (
        ("--all", "show_all", "Show the unchanged resources too."),
        ("--create-role", "create_role", "Also create the IAM role that log alarms need."),
        ("--adopt", "adopt", "Take over resources of declared names that others created."),
    ):
        command = click.option(name, parameter, is_flag=True, help=text)(command)
    return command


@click.command()
@_check
@_plan_options
@aws_options
@with_appcontext
def plan(*, check: bool, **options: Unpack[_PlanOptions]) -> None:
    """Show what apply would change in AWS. Changes nothing."""
    _plan(check=check, **options)


@click.command()
@_yes
@_force
@_plan_options
@aws_options
@with_appcontext
def apply(*, yes: bool, force: bool, **options: Unpack[_PlanOptions]) -> None:
    """Show the plan, ask, and apply it.

    Creates and updates what the app declares, and deletes what it no longer declares.
    """
    _apply(yes=yes, force=force, **options)


@click.command()
@click.option("--dry-run", is_flag=True, help="The same as plan.")
@_check
@_force
@_plan_options
@aws_options
@with_appcontext
def bootstrap(*, dry_run: bool, check: bool, force: bool, **options: Unpack[_PlanOptions]) -> None:
    """The same as apply --yes, for deployments. With --dry-run the same as plan."""
    if check and not dry_run:
        raise click.UsageError("--check needs --dry-run.")
    if dry_run:
        _plan(check=check, **options)
    else:
        _apply(yes=True, force=force, **options)


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help=f"Exit with {NOT_AS_DECLARED} when someone might not be notified, or not as declared.",
)
@json_option
@aws_options
@with_appcontext
def status(*, check: bool, as_json: bool) -> None:
    """Show drift, alarm states and delivery.

    Also the topic's subscriptions and the notifications that failed in the last two weeks.
    """
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import show
    from flask_errwatch.provision.status import read_status

    state, aws = app_and_aws()
    target = _target(aws, as_json=as_json)
    status = read_status(aws, state.catalogue, state.config)
    if as_json:
        _print_json(target, status.to_dict())
    else:
        show(*views.status_view(status))
    if check and status.shortcomings:
        raise click.exceptions.Exit(NOT_AS_DECLARED)


@click.command()
@_yes
@click.option("--with-logs", is_flag=True, help="Delete the log group and its events too.")
@aws_options
@with_appcontext
def destroy(*, yes: bool, with_logs: bool) -> None:
    """Delete the app's resources. The log group is kept."""
    from flask_errwatch.cli.console import plain, show
    from flask_errwatch.provision.apply import make_destroy_plan
    from flask_errwatch.provision.mute import delete_rules

    state, aws = app_and_aws()
    mute_rules: list[str] = []
    with changing():
        target = _target(aws, as_json=False)
        show(plain(f"What app {state.config.app_name} manages there is to be deleted:", "heading"))
        plan = make_destroy_plan(aws, state.catalogue, state.config, with_logs=with_logs)
        _show(plan)
        if not plan.is_empty:
            mute_rules = _mute_rules(aws, state.config)
            resources = counted(len(plan.changes), "resource")
            question = f"Delete {resources} from {target.phrase}?"
            _carry_out(aws, target, plan, question, yes=yes, as_json=False)
    delete_rules(aws, mute_rules)  # outside: something was changed when this fails


def _mute_rules(aws: Aws, config: Config) -> list[str]:
    """The rules that mute the alarms, shown. They name these alarms and nothing else."""
    from flask_errwatch.cli.console import plain, show
    from flask_errwatch.provision.mute import read_mutes

    try:
        rules = [mute.rule for mute in read_mutes(aws, config)]
    except AwsCallError as error:
        show(plain(f"Not checked: mute rules: {error}", "note"))
        return []
    if rules:
        show(plain(f"Deleted last: {counted(len(rules), 'mute rule')}: {', '.join(rules)}."))
    return rules


def _plan(*, check: bool, **options: Unpack[_PlanOptions]) -> None:
    from flask_errwatch.cli.console import plain, show

    _, target, plan = _make_plan(options, limit_retention=False)
    if options["as_json"]:
        _print_json(target, plan.to_dict())
    else:
        _show(plan, show_all=options["show_all"])
        if not plan.is_empty:
            show(plain(f"`{_apply_command(plan, options)}` applies this plan.", "note"))
    if check and not plan.is_empty:
        raise click.exceptions.Exit(NOT_AS_DECLARED)


def _apply_command(plan: Plan, options: _PlanOptions) -> str:
    """The command that applies this plan, with the options that it needs."""
    needed = {
        "--force": bool(plan.dangers),
        "--adopt": options["adopt"],
        "--create-role": options["create_role"],
    }
    return " ".join(["flask errwatch apply", *(name for name, is_so in needed.items() if is_so)])


def _apply(*, yes: bool, force: bool, **options: Unpack[_PlanOptions]) -> None:
    from flask_errwatch.cli.console import plain, show

    as_json = options["as_json"]
    if as_json and not yes:
        raise click.UsageError("--json needs --yes: it shows no plan before it asks.")
    with changing():
        aws, target, plan = _make_plan(options, limit_retention=force)
        if not as_json:
            _show(plan, show_all=options["show_all"])
        if not force:
            plan.raise_if_unsafe()
        if plan.is_empty and as_json:
            _print_json(target, plan.to_dict())
        elif not plan.is_empty:
            question = f"Apply this plan to {target.phrase}?"
            _carry_out(aws, target, plan, question, yes=yes, as_json=as_json)
        if not as_json:
            show(*map(plain, plan.confirmations))


def _make_plan(options: _PlanOptions, *, limit_retention: bool) -> tuple[Aws, AwsTarget, Plan]:
    """Makes the plan of the app, and before it, which may take long, shows where."""
    from flask_errwatch.provision.apply import make_plan

    state, aws = app_and_aws()
    target = _target(aws, as_json=options["as_json"])
    plan = make_plan(
        aws,
        state.catalogue,
        state.config,
        import_unmanaged=options["adopt"],
        create_role=options["create_role"],
        limit_retention=limit_retention,
    )
    return aws, target, plan


def _target(aws: Aws, *, as_json: bool) -> AwsTarget:
    """The account, region and endpoint, shown unless they go into a document."""
    return target_of(aws) if as_json else show_target(aws)


def _print_json(target: AwsTarget, values: dict[str, object]) -> None:
    click.echo(json.dumps({"target": target.to_dict(), **values}, indent=2))


def _show(plan: Plan, *, show_all: bool = False) -> None:
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import show

    show(*views.plan_view(plan, show_all=show_all))


def _carry_out(
    aws: Aws, target: AwsTarget, plan: Plan, question: str, *, yes: bool, as_json: bool
) -> None:
    """Asks, applies with a line per change, and reports at an interruption what was applied."""
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import plain, show
    from flask_errwatch.provision.apply import apply_steps
    from flask_errwatch.provision.plan_text import plan_row

    if not yes:
        ask(question)
    latest = plan
    try:
        # Dangerous changes were refused before, or allowed with --force.
        for latest in apply_steps(aws, plan, force=True):
            if not as_json:
                row = plan_row(latest.applied[-1], is_done=True)
                show(views.applied_view(row, latest.done, len(latest.changes)))
    except KeyboardInterrupt:
        if not latest.pending:
            raise
        interrupted = "Interrupted: the change under way may or may not have been made."
        progress = printable(latest.failure().progress)
        raise click.ClickException(f"{interrupted}\n{progress}") from None
    finally:
        if as_json:
            _print_json(target, latest.to_dict())
    if not as_json:
        show(plain(latest.summary, "heading"))

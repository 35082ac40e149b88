"""`flask errwatch export …`: each command prints one export of the app's resources."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click
from flask import current_app
from flask.cli import AppGroup

from flask_errwatch.cli.context import app_and_aws
from flask_errwatch.extension import AppState, state_of
from flask_errwatch.provision.scope import TO_FILL_IN, AwsScope

if TYPE_CHECKING:
    from flask_errwatch.provision.export import RuleAction

CommandT = TypeVar("CommandT", bound=Callable[..., None])


@click.group("export", cls=AppGroup)
def export() -> None:
    """Print the resources for other tools.

    Terraform, CloudFormation, IAM, and the consoles of CloudWatch and WAF.
    """


_create_role = click.option(
    "--create-role", is_flag=True, help="With the IAM role that log alarms need."
)


def _state() -> AppState:
    return state_of(current_app)


def _with_scope(command: CommandT) -> CommandT:
    """Adds the options of a scope. What is not given remains a placeholder."""
    for name, example in (("account", "123456789012"), ("region", "eu-central-1")):
        command = click.option(f"--{name}", help=f"Such as {example}.")(command)
    return click.option("--partition", help="aws, aws-cn, aws-us-gov …")(command)


def _scope(
    state: AppState, partition: str | None, region: str | None, account: str | None
) -> AwsScope:
    return AwsScope(
        partition=partition or TO_FILL_IN.partition,
        region=region or state.config.region or TO_FILL_IN.region,
        account=account or TO_FILL_IN.account,
    )


@export.command()
@_create_role
def terraform(*, create_role: bool) -> None:
    """One Terraform file, formatted as `terraform fmt` would."""
    from flask_errwatch.provision.export import to_terraform

    state = _state()
    text = to_terraform(state.catalogue, state.config, create_role=create_role)
    click.echo(text, nl=False)


@export.command()
@_create_role
def cloudformation(*, create_role: bool) -> None:
    """One CloudFormation template, in JSON."""
    from flask_errwatch.provision.export import to_cloudformation

    state = _state()
    text = to_cloudformation(state.catalogue, state.config, create_role=create_role)
    click.echo(text, nl=False)


@export.command()
@click.option(
    "--role",
    type=click.Choice(["runtime", "deploy", "respond", "create-role"]),
    help="Print only this role's policy document instead of all four.",
)
@_with_scope
def iam(
    *, role: str | None, partition: str | None, region: str | None, account: str | None
) -> None:
    """Least-privilege IAM policies, in JSON."""
    from flask_errwatch.provision.export import ROLES, iam_policy

    state = _state()
    scope = _scope(state, partition, region, account)
    documents: dict[str, object] = {
        name: iam_policy(name, state.catalogue, state.config, scope=scope) for name in ROLES
    }
    click.echo(json.dumps(documents if role is None else documents[role], indent=2))


@export.command()
@_with_scope
def dashboard(*, partition: str | None, region: str | None, account: str | None) -> None:
    """The body of the CloudWatch dashboard, in JSON."""
    from flask_errwatch.provision.export import dashboard_text

    state = _state()
    scope = _scope(state, partition, region, account)
    click.echo(dashboard_text(state.catalogue, state.config, scope))


@export.command()
@click.option("--json", "as_json", is_flag=True, help="Print the arguments of PutQueryDefinition.")
def queries(*, as_json: bool) -> None:
    """The saved Logs Insights queries."""
    from flask_errwatch.provision.export import queries_document, queries_text

    state = _state()
    if as_json:
        click.echo(json.dumps(queries_document(state.catalogue, state.config), indent=2))
    else:
        click.echo(queries_text(state.config))


@export.command("waf-rule")
@click.option(
    "--action",
    type=click.Choice(["block", "count", "captcha", "challenge"]),
    default="block",
    show_default=True,
    help="What the rule does with a request from a blocked address.",
)
@click.option(
    "--format",
    "language",
    type=click.Choice(["console", "terraform", "cloudformation"]),
    default="console",
    show_default=True,
    help="console reads the ARNs of the IP sets from AWS.",
)
def waf_rule(*, action: RuleAction, language: str) -> None:
    """The rule with which a web ACL stops the blocked addresses."""
    from flask_errwatch.provision import export as exports
    from flask_errwatch.provision.ip_set_discovery import usable_ip_sets

    if language == "console":
        state, aws = app_and_aws()
        arns = [str(ip_set.arn) for ip_set in usable_ip_sets(aws, state.config)]
        click.echo(exports.console_rule(state.config, arns, action))
        return
    state = _state()
    to_language = {
        "terraform": exports.terraform_rule,
        "cloudformation": exports.cloudformation_rule,
    }[language]
    click.echo(to_language(state.catalogue, state.config, action))

"""`flask errwatch export …`: each command prints one export of the app's resources."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click
from flask import current_app
from flask.cli import AppGroup

from flask_errwatch._text import one_line
from flask_errwatch.cli.context import app_and_aws, aws_options, checked_region
from flask_errwatch.cli.writing import STDOUT, write_file, writing
from flask_errwatch.extension import AppState, state_of
from flask_errwatch.provision.scope import TO_FILL_IN, AwsScope

if TYPE_CHECKING:
    from flask_errwatch.provision.export import RuleAction

CommandT = TypeVar("CommandT", bound=Callable[..., None])
ParametersT = ParamSpec("ParametersT")

_STDOUT = Path("-")
#: Of IAM's partitions: `aws`, `aws-cn`, `aws-us-gov`, `aws-iso-b`, `aws-eusc` …
_PARTITION = re.compile(r"aws(-[a-z]+)*")
_ACCOUNT = re.compile(r"[0-9]{12}")


@click.group("export", cls=AppGroup)
def export() -> None:
    """Print the resources for other tools, or write them to a file with -o.

    Terraform, CloudFormation, IAM, and the consoles of CloudWatch and WAF.
    """


_create_role = click.option(
    "--create-role", is_flag=True, help="With the IAM role that log alarms need."
)


def _printed(export_text: Callable[ParametersT, str]) -> Callable[..., None]:
    """Makes a command of a function that returns the text of an export."""

    @click.option(
        "-o",
        "--output",
        metavar="FILE",
        type=click.Path(path_type=Path),
        default=_STDOUT,
        help="Write it to this file instead of standard output.",
    )
    @wraps(export_text)
    def command(output: Path, *args: ParametersT.args, **kwargs: ParametersT.kwargs) -> None:
        text = export_text(*args, **kwargs)
        if output == _STDOUT:
            with writing(STDOUT):
                click.echo(text, nl=False)
        else:
            write_file(output, text)
            click.echo(f"The export is in {one_line(str(output))}.", err=True)

    return command


def _state() -> AppState:
    return state_of(current_app)


def _checked(pattern: re.Pattern[str], remedy: str) -> Callable[..., str | None]:
    """A callback of an option that refuses a value that the pattern does not match."""

    def check(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
        if value is not None and not pattern.fullmatch(value):
            raise click.BadParameter(f"{one_line(value, 40)!r}: {remedy}")
        return value

    return check


def _with_scope(command: CommandT) -> CommandT:
    """Adds the options of a scope. What is not given remains a placeholder."""
    account = _checked(_ACCOUNT, "An account has twelve digits, such as 123456789012.")
    partition = _checked(_PARTITION, "Use a partition, such as aws, aws-cn or aws-us-gov.")
    for name, help_text, check in (
        ("--account", "Such as 123456789012.", account),
        ("--region", "Such as eu-central-1.", checked_region),
        ("--partition", "aws, aws-cn, aws-us-gov …", partition),
    ):
        command = click.option(name, help=help_text, callback=check)(command)
    return command


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
@_printed
def terraform(*, create_role: bool) -> str:
    """One Terraform file, formatted as `terraform fmt` would."""
    from flask_errwatch.provision.export import to_terraform

    state = _state()
    return to_terraform(state.catalogue, state.config, create_role=create_role)


@export.command()
@_create_role
@_printed
def cloudformation(*, create_role: bool) -> str:
    """One CloudFormation template, in JSON."""
    from flask_errwatch.provision.export import to_cloudformation

    state = _state()
    return to_cloudformation(state.catalogue, state.config, create_role=create_role)


@export.command()
@click.option(
    "--role",
    type=click.Choice(["runtime", "deploy", "respond", "create-role"]),
    help="Print only this role's policy document instead of all four.",
)
@_with_scope
@_printed
def iam(*, role: str | None, partition: str | None, region: str | None, account: str | None) -> str:
    """Least-privilege IAM policies, in JSON."""
    from flask_errwatch.provision.export import ROLES, iam_policy

    state = _state()
    scope = _scope(state, partition, region, account)
    documents: dict[str, object] = {
        name: iam_policy(name, state.catalogue, state.config, scope=scope) for name in ROLES
    }
    return _lines(json.dumps(documents if role is None else documents[role], indent=2))


@export.command()
@_with_scope
@_printed
def dashboard(*, partition: str | None, region: str | None, account: str | None) -> str:
    """The body of the CloudWatch dashboard, in JSON."""
    from flask_errwatch.provision.export import dashboard_text

    state = _state()
    scope = _scope(state, partition, region, account)
    return _lines(dashboard_text(state.catalogue, state.config, scope))


@export.command()
@click.option("--json", "as_json", is_flag=True, help="Print the arguments of PutQueryDefinition.")
@_printed
def queries(*, as_json: bool) -> str:
    """The saved Logs Insights queries."""
    from flask_errwatch.provision.export import queries_document, queries_text

    state = _state()
    if as_json:
        return _lines(json.dumps(queries_document(state.catalogue, state.config), indent=2))
    return _lines(queries_text(state.config))


@export.command("counting-query", with_appcontext=False)
@click.argument("engine", type=click.Choice(["duckdb", "athena", "insights"], case_sensitive=False))
@click.option(
    "--format", "form", required=True, help="Format of the logs, such as alb, cloudfront or own."
)
@_printed
def counting_query(*, engine: str, form: str) -> str:
    """The query that counts logs where they lie. replay judges its result.

    The result is for flask errwatch replay --format counts.
    """
    from flask_errwatch.replay.engines.counting_queries import UnknownQueryError
    from flask_errwatch.replay.engines.counting_queries import counting_query as query_of

    try:
        return query_of(engine, form)
    except UnknownQueryError as error:
        raise click.UsageError(str(error)) from error


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
@aws_options
@_printed
def waf_rule(*, action: RuleAction, language: str) -> str:
    """The rule with which a web ACL stops the blocked addresses."""
    from flask_errwatch.provision import export as exports
    from flask_errwatch.provision.ip_set_discovery import usable_ip_sets

    if language == "console":
        state, aws = app_and_aws()
        arns = [str(ip_set.arn) for ip_set in usable_ip_sets(aws, state.config)]
        return _lines(exports.console_rule(state.config, arns, action))
    state = _state()
    to_language = {
        "terraform": exports.terraform_rule,
        "cloudformation": exports.cloudformation_rule,
    }[language]
    return _lines(to_language(state.catalogue, state.config, action))


def _lines(text: str) -> str:
    return f"{text}\n"

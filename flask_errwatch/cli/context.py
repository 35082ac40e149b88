"""What a command works on: the app's state and its AWS account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import click
from flask import current_app

from flask_errwatch._parsers import RefusedValueError
from flask_errwatch._text import one_line
from flask_errwatch.config import Config, aws_values
from flask_errwatch.extension import AppState, state_of

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws
    from flask_errwatch.provision.target import AwsTarget

CommandT = TypeVar("CommandT", bound=Callable[..., None])

_PROFILE, _REGION = f"{__name__}.profile", f"{__name__}.region"


def aws_options(command: CommandT) -> CommandT:
    """Adds `--profile` and `--region`, which `app_and_aws` reads."""
    for name, metavar, check, text in (
        ("--region", "NAME", _note_region, "Use this region instead of the configured one."),
        ("--profile", "NAME", _note_profile, "Use the credentials of this profile of the AWS CLI."),
    ):
        command = click.option(
            name, metavar=metavar, callback=check, expose_value=False, help=text
        )(command)
    return command


def _note_profile(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    if not value.strip():
        raise click.BadParameter("'': Use the name of a profile of the AWS configuration.")
    ctx.meta[_PROFILE] = value


def _note_region(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    region = checked_region(ctx, parameter, value)
    if region is not None:
        ctx.meta[_REGION] = region


def checked_region(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The name of a region, as ERRWATCH_REGION has it."""
    if value is None:
        return None
    try:
        return aws_values.region(value)
    except RefusedValueError as error:
        raise click.BadParameter(f"{one_line(value, 40)!r}: {error}") from error


def app_and_aws(*, attempts: int | None = None) -> tuple[AppState, Aws]:
    """The state of the current app, and its account and region.

    `--region` replaces the configured region in the state too, and `--profile` the credentials.

    Args:
        attempts: Attempts of botocore for each call. None is the number for changes.
    """
    state = state_of(current_app)
    state = replace(state, config=_in_region(state.config))
    return state, aws_of(state.config, attempts=attempts)


def aws_of(config: Config, *, attempts: int | None = None) -> Aws:
    """The account and region of a configuration, or those that the options name.

    Args:
        config: The configuration. A command may have it without an app.
        attempts: Attempts of botocore for each call. None is the number for changes.
    """
    from flask_errwatch import _aws

    config = _in_region(config)
    patience = _aws.PROVISIONING
    if attempts is not None:
        patience = patience._replace(attempts=attempts)
    profile = click.get_current_context().meta.get(_PROFILE)
    return _aws.Aws.from_config(config, patience, profile=profile, on_retry=_say_retry)


def _in_region(config: Config) -> Config:
    given = click.get_current_context().meta
    return config._replace(region=given[_REGION]) if _REGION in given else config


def target_of(aws: Aws) -> AwsTarget:
    """The account, region and endpoint of the calls.

    Raises:
        AwsCallError: When every other call would fail too.
    """
    from flask_errwatch.provision.target import AwsTarget

    target = AwsTarget.identify(aws)
    target.raise_if_hopeless()
    return target


def show_target(aws: Aws) -> AwsTarget:
    """Prints the account, region and endpoint, before what may take long, and returns them.

    Raises:
        AwsCallError: When every other call would fail too.
    """
    from flask_errwatch.cli.console import show
    from flask_errwatch.cli.views import target_view

    target = target_of(aws)
    show(target_view(target))
    return target


def _say_retry(sentence: str) -> None:
    click.echo(sentence, err=True)

"""`flask errwatch init | config`: parse, call, print."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from flask_errwatch._text import one_line
from flask_errwatch.cli.context import app_and_aws, aws_options
from flask_errwatch.cli.options import json_option
from flask_errwatch.cli.writing import STDOUT, writing

_DEFAULT_FILE = Path("errwatch_config.py")


@click.command()
@click.option(
    *("-o", "--output", "file"),
    type=click.Path(dir_okay=False, path_type=Path),
    default=_DEFAULT_FILE,
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def init(*, file: Path, force: bool) -> None:
    """Write a file with every key, and print the app's lines.

    It needs no app: run it before the app uses the extension.
    """
    from flask_errwatch.config.template import app_lines, config_file

    name = one_line(str(file))
    with writing(name):
        try:
            with file.open("w" if force else "x", encoding="utf-8") as stream:
                stream.write(config_file())
        except FileExistsError as error:
            raise click.ClickException(f"{name} exists: give --force to replace it.") from error
    click.echo(f"{name} has every key, commented out. The lines for the app:\n")
    click.echo(app_lines(one_line(file.name)))
    click.echo(
        "from_pyfile looks in app.root_path, the folder of the module that creates the app.\n"
        f"Set ERRWATCH_APP_NAME in {name} first: it is the prefix of every name in AWS."
    )


@click.command()
@click.option("--changed", is_flag=True, help="Leave out keys that have a fixed default.")
@json_option
@aws_options
@with_appcontext
def config(*, changed: bool, as_json: bool) -> None:
    """Show each key, its value and where it came from."""
    from flask_errwatch.cli.config_view import config_view
    from flask_errwatch.cli.console import show
    from flask_errwatch.doctor.effective import AppFacts, changed_keys, effective_keys

    state, aws = app_and_aws()
    facts = AppFacts(current_app.config, os.environ, state.delivery.choose_sinks())
    keys = effective_keys(state.config, state.origins, facts, aws)
    if changed:
        keys = changed_keys(keys)
    with writing(STDOUT):
        if as_json:
            names = ("name", "value", "origin", "why", "meaning")
            rows = [{name: getattr(key, name) for name in names} for key in keys]
            click.echo(json.dumps({"keys": rows}, indent=2))
        else:
            show(config_view(keys))

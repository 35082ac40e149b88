"""`ERRWATCH_WATCH_COMMANDS`: the commands of an app, in processes and in its test runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from flask import Blueprint, Flask
from flask.cli import AppGroup

from flask_errwatch import ErrWatch
from tests.fake_logs import FakeLogs
from tests.wsgi_driver import events_of, watched

APP = """
import click
from flask import Flask
from flask.cli import AppGroup
from flask_errwatch import ErrWatch

app = Flask("shop")
users = AppGroup("users")

@app.cli.command("early")
def early():
    print("working")
    raise ValueError("row 3")

errwatch = ErrWatch(app)

@app.cli.command("late")
@click.option("--rows", default=1)
def late(rows):
    raise LookupError(rows)

@users.command("create")
@click.argument("name")
def create(name):
    raise KeyError(name)

app.cli.add_command(users)
"""


def flask_command(
    tmp_path: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs `flask …` with the app above."""
    (tmp_path / "shop_app.py").write_text(APP)
    inherited = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "shop_app:app", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
        env={**inherited, **environment},
    )


@pytest.mark.parametrize("command", ["early", "users create ann"])
def test_a_command_that_fails(command: str, tmp_path: Path) -> None:
    """Its line is sent before the process ends, and exit status and output are unchanged."""
    with FakeLogs() as fake:
        environment = {
            "ERRWATCH_ENDPOINT_URL": fake.url,
            "ERRWATCH_REGION": "eu-central-1",
            "ERRWATCH_JOURNAL_DIR": str(tmp_path / "journal"),
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }
        plain = flask_command(tmp_path, *command.split(), **environment)
        assert fake.count() == 0
        environment["ERRWATCH_WATCH_COMMANDS"] = "true"
        done = flask_command(tmp_path, *command.split(), **environment)
        events = [json.loads(line.message) for line in fake.lines()]
    assert (done.returncode, done.stdout, done.stderr) == (1, plain.stdout, plain.stderr)
    failures = [event for event in events if event["event"] == "Critical Error"]
    assert [event["data"] for event in failures] == [{"job": command.removesuffix(" ann")}]
    assert "shop_app.py:" in failures[0]["exception"]["where"]


def fail() -> None:
    """Raises."""
    raise ValueError("row 3")


REFUSED = """Usage: shop end [OPTIONS]
Try 'shop end --help' for help.

Error: no such file
"""


def shop() -> tuple[Flask, ErrWatch]:
    """An app whose commands are watched."""
    app = Flask("shop")
    return app, watched(app, watch_commands=True)


def jobs(app: Flask, command: str) -> list[str]:
    """Runs a command by the app's runner, and returns the jobs of all events."""
    result = app.test_cli_runner().invoke(args=command.split())
    assert result.exit_code == 1
    assert isinstance(result.exception, ValueError)
    return [event["data"]["job"] for event in events_of(app)]


def leave() -> None:
    """Ends with an exit status."""
    sys.exit(4)


def end() -> None:
    """Ends as click does."""
    click.get_current_context().exit(3)


def refuse() -> None:
    """Shows a message to the user."""
    raise click.UsageError("no such file")


def interrupt() -> None:
    """Ends as Ctrl-C at a prompt does."""
    raise click.Abort


@pytest.mark.parametrize(
    ("function", "status", "output"),
    [
        (leave, 4, ""),
        (end, 3, ""),
        (refuse, 2, REFUSED),
        (interrupt, 1, "Aborted!\n"),
        (lambda: click.echo("fine"), 0, "fine\n"),
    ],
)
@pytest.mark.parametrize("is_decorated", [True, False])
def test_commands_that_end_otherwise(
    function: Callable[[], None],
    status: int,
    output: str,
    is_decorated: bool,  # noqa: FBT001 - a table's column
) -> None:
    """An exit status, a message for the user and Ctrl-C are no failures, whoever watches."""
    app, errwatch = shop()
    app.cli.command("end")(errwatch.watch("end")(function) if is_decorated else function)
    result = app.test_cli_runner().invoke(args=["end"])
    assert (result.exit_code, result.output) == (status, output)
    assert events_of(app) == []


def test_commands_of_blueprints_and_nested_groups() -> None:
    """They are watched by their path, with the groups in front of the name."""
    app, _ = shop()
    blueprint = Blueprint("reports", __name__)
    blueprint.cli.command("daily")(fail)
    merged = Blueprint("merged", __name__, cli_group=None)
    merged.cli.command("merged")(fail)
    app.register_blueprint(blueprint)
    app.register_blueprint(merged)
    outer, inner = AppGroup("outer"), AppGroup("inner")
    inner.command("deep")(fail)
    outer.add_command(inner)
    app.cli.add_command(outer)
    for command in ("reports daily", "merged", "outer inner deep", "outer inner deep"):
        jobs(app, command)
    recorded = [event["data"]["job"] for event in events_of(app)]
    assert recorded == ["reports daily", "merged", "outer inner deep", "outer inner deep"]


def test_a_command_that_is_watched_by_a_decorator_too() -> None:
    """It has one line, by the name that the app gave it."""
    app, errwatch = shop()
    app.cli.command("import")(errwatch.watch("nightly-import")(fail))
    assert jobs(app, "import") == ["nightly-import"]


def test_a_group_that_fails_itself() -> None:
    """The function of a group, and a callback of an option, belong to the command."""
    app, _ = shop()

    @app.cli.group("users", invoke_without_command=True)
    def users() -> None:
        fail()

    @users.command("create")
    def create() -> None:
        """Is not reached."""

    def convert(_ctx: click.Context, _option: click.Parameter, _value: str) -> None:
        fail()

    @app.cli.command("convert")
    @click.option("--rows", callback=convert)
    def converted(rows: str) -> None:
        """Is not reached."""

    jobs(app, "users create")
    jobs(app, "users")
    assert jobs(app, "convert --rows 3") == ["users create", "users", "convert"]


def test_the_list_of_commands_is_no_command() -> None:
    """The help looks every command up, and runs none."""
    app, _ = shop()
    app.cli.command("import", help="Imports.")(fail)
    result = app.test_cli_runner().invoke(args=["--help"])
    assert result.exit_code == 0
    assert "Imports." in result.output
    assert events_of(app) == []


def test_commands_are_not_watched_unless_asked() -> None:
    """The default is off."""
    app = Flask("shop")
    watched(app)
    app.cli.command("import")(fail)
    assert jobs(app, "import") == []

"""README.md and the recipes: what they show runs as it is written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from flask import Flask

from flask_errwatch import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.cli.commands import errwatch

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/notifications.md", "docs/configuration.md")


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in a language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    """The commands `flask errwatch …` of a page, in its blocks and in its text."""
    lines = "\n".join(blocks(page, "console"))
    text = (ROOT / page).read_text(encoding="utf-8").replace("\n", " ")
    in_blocks = re.findall(r"^\$ (flask errwatch .*)$", lines, re.MULTILINE)
    return [*in_blocks, *re.findall(r"`(flask errwatch [^`]*)`", text)]


def test_the_first_app() -> None:
    """The README begins with an installation and an application factory, which runs."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\$ (.*)", text, re.MULTILINE)[0] == "pip install flask-errwatch"
    first = blocks("README.md", "python")[0]
    names: dict[str, object] = {"__name__": "app"}
    exec(first, names)  # noqa: S102 - the README's own lines
    create_app = names["create_app"]
    assert callable(create_app)
    app = create_app()
    assert isinstance(app, Flask)
    assert app.extensions["errwatch"].config.log_group == "shop"


def test_a_detector_of_ones_own() -> None:
    """The declaration in the README is a catalogue with one more detector."""
    names: dict[str, object] = {}
    exec(blocks("README.md", "python")[1], names)  # noqa: S102 - the README's own lines
    own = names["login_failed"]
    assert isinstance(own, Detector)
    detectors = Catalogue([*DEFAULT_DETECTORS, own])
    assert detectors.named("login-failed").pattern == '{ $.event = "Login Failed" }'


@pytest.mark.parametrize("page", PAGES)
def test_every_command_exists(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command has the arguments and options that the page gives it."""
    monkeypatch.chdir(tmp_path)
    Path("access.log.gz").touch()
    found = commands(page)
    assert found
    for line in found:
        arguments = shlex.split(line, comments=True)[2:]
        command: click.Command = errwatch
        context = click.Context(errwatch)
        while isinstance(command, click.Group):
            assert arguments, line
            name = arguments.pop(0)
            inner = command.get_command(context, name)
            assert inner is not None, line
            command = inner
        command.make_context(command.name, arguments)

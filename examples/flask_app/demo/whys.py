"""Asks `flask errwatch why` of each alarm that is expected to fire, as someone on call would."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from click.testing import Result

from examples.flask_app import create_app
from flask_errwatch.cli import errwatch


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """What the command answers.

    Attributes:
        alarm: The alarm's name.
        kind: What its lines look like.
        source: Whose they are, None where it names nobody.
        text: All that it prints.
    """

    alarm: str
    kind: str
    source: str | None
    text: str


def ask(alarms: Iterable[str], settings: Mapping[str, str]) -> list[Why]:
    """Runs the command twice for each alarm: for a person, and for a program.

    Args:
        alarms: The names of alarms.
        settings: The shop's configuration.
    """
    runner = create_app(settings).test_cli_runner()
    whys = []
    for alarm in alarms:
        printed = runner.invoke(errwatch, ["why", alarm])
        document = runner.invoke(errwatch, ["why", alarm, "--json"])
        whys.append(_answer(alarm, printed, document))
    return whys


def _answer(alarm: str, printed: Result, document: Result) -> Why:
    if printed.exit_code or document.exit_code:
        return Why(alarm=alarm, kind="not answered", source=None, text=printed.output)
    looks_like = json.loads(document.stdout)["looks_like"]
    return Why(
        alarm=alarm, kind=looks_like["kind"], source=looks_like["source"], text=printed.stdout
    )

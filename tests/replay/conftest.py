"""What the tests of the replay share."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from flask_errwatch.cli.commands import errwatch
from tests.replay.replay_lines import Run


@pytest.fixture
def run() -> Run:
    """The command on an app that has no detectors of its own; its result."""
    app = Flask("corner")
    app.cli.add_command(errwatch)
    runner: FlaskCliRunner = app.test_cli_runner()
    return lambda *arguments, **options: runner.invoke(
        args=["errwatch", "replay", *map(str, arguments)], **options
    )


@pytest.fixture
def found(run: Run) -> Run:
    """What the command prints with `--json`, read."""

    def read(*arguments: object, **options: Any) -> Any:
        result = run(*arguments, "--json", **options)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return read

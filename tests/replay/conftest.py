"""Fixtures of the replay tests."""

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
    """Runs `errwatch replay` on an app without detectors, and returns click's result."""
    app = Flask("corner")
    app.cli.add_command(errwatch)
    runner: FlaskCliRunner = app.test_cli_runner()
    return lambda *arguments, **options: runner.invoke(
        args=["errwatch", "replay", *map(str, arguments)], **options
    )


@pytest.fixture
def replay_json(run: Run) -> Run:
    """Runs `errwatch replay --json`, and returns the parsed output."""

    def read(*arguments: object, **options: Any) -> Any:
        result = run(*arguments, "--json", **options)
        output = json.loads(result.stdout)
        is_read = output["lines"] and output["bad_lines"] <= output["lines"]
        assert result.exit_code == (0 if is_read else 1), result.output
        return output

    return read

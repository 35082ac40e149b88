"""`why` on a real night of password guessing, whose lines are in the app's log group."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime

import boto3
import pytest
from flask import Flask

from flask_errwatch._time import rfc3339_second
from flask_errwatch.cli.commands import errwatch
from tests.respond.login_app import LOG, create_app, lines_of, visits

pytestmark = [
    pytest.mark.skipif(
        not LOG.is_file(), reason="the logs are not in ../shared/data, beside the project"
    ),
    pytest.mark.usefixtures("account"),
]

#: The night of 14 December 2024, from 22:25 to 23:50 UTC.
START, END = (
    datetime.fromisoformat(f"2024-12-14T{clock}Z").timestamp() for clock in ("22:25", "23:50")
)


@pytest.fixture(name="shift")
def _shift() -> float:
    """Seconds by which the night is nearer: CloudWatch Logs takes no lines of years ago."""
    return (time.time() - 60 - END) // 300 * 300


@pytest.fixture(name="app")
def _app(shift: float, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An app with the alarm of failed logins. Its log group has the lines of the night."""
    app = create_app()
    applied = app.test_cli_runner().invoke(errwatch, ["apply", "--yes"])
    assert applied.exit_code == 0, applied.output
    night = [replace(visit, at=visit.at + shift) for visit in visits(START, END)]
    lines = lines_of(night, monkeypatch)
    logs = boto3.client("logs")
    logs.create_log_stream(logGroupName="farm", logStreamName="web")
    answer = logs.put_log_events(
        logGroupName="farm",
        logStreamName="web",
        logEvents=[
            {
                "timestamp": round(datetime.fromisoformat(line["timestamp"]).timestamp() * 1000),
                "message": json.dumps(line),
            }
            for line in lines
        ],
    )
    assert len(lines) == 221
    assert "rejectedLogEventsInfo" not in answer
    return app


def why(app: Flask, start: float, end: float) -> dict[str, object]:
    """What `why` answers about that time, as JSON."""
    times = ("--since", rfc3339_second(start), "--until", rfc3339_second(end))
    asked = ["why", "farm-login-failed", *times, "--local", "--json"]
    result = app.test_cli_runner().invoke(errwatch, asked)
    assert result.exit_code == 0, result.output
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


def test_who_guessed_in_a_night(app: Flask, shift: float) -> None:
    """Four sources over the whole window, without success. The owner is not accused."""
    answer = why(app, START + shift, END + shift)
    looks_like = answer["looks_like"]
    assert isinstance(looks_like, dict)
    assert looks_like["kind"] == "password guessing"
    assert looks_like["evidence"]["by_source"] == {
        "198.18.101.69": 80,
        "198.18.75.46": 62,
        "198.18.223.62": 58,
        "198.18.250.92": 12,
    }
    assert looks_like["succeeded"] == 0
    assert "198.18.152.123" not in looks_like["sentence"]
    sources = answer["sources"]
    assert isinstance(sources, list)
    (owner,) = [row for row in sources if row["source"] == "198.18.152.123"]
    assert (owner["failed_logins"], owner["sign_ins"], owner["users"]) == (1, 8, ["owner"])


def test_who_guessed_at_first(app: Flask, shift: float) -> None:
    """In the period of the first alarm nobody has ten failures: it is spread over sources."""
    start = datetime.fromisoformat("2024-12-14T22:56Z").timestamp() + shift
    looks_like = why(app, start, start + 300)["looks_like"]
    assert isinstance(looks_like, dict)
    assert looks_like["kind"] == "guessing spread over sources"
    assert looks_like["evidence"]["failed_logins"] == 15

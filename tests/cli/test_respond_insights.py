"""What `why` says and asks before it queries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, current_app

from flask_errwatch import ErrWatch
from flask_errwatch.cli import respond
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.extension import AppState, state_of
from tests.doctor.scripted_aws import ScriptedAws
from tests.respond.scripts import FIRED, filter_entry, filters, knows, metric_entry

PRICE = "Logs Insights will scan about 412.00 GB: 2.06 USD at the price of us-east-1.\n"
ROWS = [[{"field": "client_ip", "value": "203.0.113.66"}, {"field": "lines", "value": "41"}]]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> ScriptedAws:
    """AWS, in which an alarm fired whose log group received 41 GB."""
    scripted = ScriptedAws()

    def app_and_aws() -> tuple[AppState, ScriptedAws]:
        return state_of(current_app), scripted

    monkeypatch.setattr(respond, "app_and_aws", app_and_aws)
    knows(scripted, metric=[metric_entry()])
    filters(scripted, filter_entry())
    for size in (10e9, 30e9, 1e9):
        sums(scripted, size)
    return scripted


def sums(aws: ScriptedAws, value: float) -> None:
    """Expects a call of GetMetricData."""
    result = {"Id": "values", "Timestamps": [FIRED], "Values": [value]}
    aws.answers("cloudwatch", "get_metric_data", {"MetricDataResults": [result]})


def why(*args: str, answer: str | None = None) -> Result:
    """The result of `why`, in which a person answers."""
    app = Flask("shop")
    ErrWatch(app)
    app.cli.add_command(errwatch)
    command = ["errwatch", "why", "not-found-error", *args]
    return app.test_cli_runner().invoke(args=command, input=answer)


def test_the_price_is_told_and_agreed_to_before_the_first_query(aws: ScriptedAws) -> None:
    """Whoever says no pays nothing, and is told of the other way."""
    result = why(answer="n\n")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{PRICE}Query? [y/N]: ")
    assert "Nothing was read: give --local" in result.stderr
    aws.assert_all_called()


def test_nobody_to_ask_means_no_query(aws: ScriptedAws) -> None:
    """In a pipe, for example."""
    result = why(answer="")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(
        "Error: No one answers the question: give --yes to query, or --local to read all lines.\n"
    )
    aws.assert_all_called()


@pytest.mark.parametrize(("args", "answer"), [(("--yes",), None), ((), "y\n")])
def test_the_story_comes_after_consent(
    aws: ScriptedAws, args: tuple[str, ...], answer: str | None
) -> None:
    """With what it cost. With `--yes` the price is told, too. JSON is alone on standard output."""
    queries: list[list[Any]] = [ROWS, ROWS, *([] for _ in range(11))]
    for number, rows in enumerate(queries):
        aws.answers("logs", "start_query", {"queryId": str(number)})
        response: dict[str, Any] = {"status": "Complete", "results": rows}
        response["statistics"] = {"bytesScanned": 1e9}
        aws.answers("logs", "get_query_results", response)
    sums(aws, 41)
    result = why("--json", *args, answer=answer)
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith(PRICE)
    story = json.loads(result.stdout)
    read = {"how": "insights", "bytes": 13_000_000_000, "dollars": 0.065, "exact": False}
    assert story["read"] == read
    assert story["counted"] == {"metric": 41, "lines": 41, "threshold": 10}
    aws.assert_all_called()


def test_a_call_that_is_not_allowed_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the action."""
    scripted = ScriptedAws()
    monkeypatch.setattr(respond, "app_and_aws", lambda: (state_of(current_app), scripted))
    scripted.refuses("cloudwatch", "describe_alarms", "AccessDenied")
    result = why()
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: cloudwatch:DescribeAlarms failed with AccessDenied (said so): Allow "
        "cloudwatch:DescribeAlarms in the IAM policy of this process's role.\n"
    )

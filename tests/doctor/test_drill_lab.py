"""The drill, end to end in the lab: real delivery, stored filters, alarms that fire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.lab import Lab


@pytest.fixture
def subscriber() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The URL of a subscriber on loopback, and the bodies that SNS posted there."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", bodies
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab whose minutes take a second."""
    with Lab(speed=60, settle=0.5, on_warning=lambda _: None) as running:
        yield running


def shop(**settings: object) -> Flask:
    """A shop whose lines go to the lab at once."""
    app = Flask("shop")
    app.config.update({f"ERRWATCH_{key}": value for key, value in settings.items()})
    app.config["ERRWATCH_SEND_INTERVAL"] = 0.1
    ErrWatch(app)
    app.cli.add_command(errwatch)
    return app


def drill(app: Flask, *arguments: str) -> Result:
    """Runs the command as a script does."""
    return app.test_cli_runner().invoke(args=["errwatch", "drill", "--yes", *arguments])


def test_drill_passes_every_stage_that_the_lab_has(
    lab: Lab, subscriber: tuple[str, list[dict[str, Any]]]
) -> None:
    """Marked lines arrive and are counted, the alarm fires, and the subscriber is notified."""
    url, bodies = subscriber
    app = shop(SNS_TOPIC="ops", SUBSCRIPTIONS=url)
    ErrWatch().bootstrap_alarms(app)
    lab.begin()
    result = drill(app, "--json", "--timeout", "60")
    document = json.loads(result.stdout)
    outcomes = {stage["name"]: stage["outcome"] for stage in document["stations"]}
    assert outcomes == {
        "CloudWatch Logs": "arrived",
        "metric": "arrived",
        "alarm": "arrived",
        "SNS": "arrived",
    }
    details = {stage["name"]: stage["detail"] for stage in document["stations"]}
    assert details["CloudWatch Logs"] == "11 of 11 lines were accepted."
    assert details["metric"] == "It counted 11 of 11 lines."
    assert details["alarm"].startswith("shop-rate-limit-error is in ALARM: ")
    assert details["SNS"].startswith("Successfully executed action arn:aws:sns:")
    assert all(stage["seconds"] > 0 for stage in document["stations"][:3])
    assert result.exit_code == 0
    subjects = [body.get("Subject", "") for body in bodies]
    assert any(subject.startswith('ALARM: "shop-rate-limit-error"') for subject in subjects)
    logged = boto3.client("logs").filter_log_events(logGroupName="shop")["events"]
    lines = [json.loads(entry["message"]) for entry in logged]
    marked = [line for line in lines if line.get("data", {}).get("drill") == document["drill"]]
    assert [line["detector"] for line in marked] == ["rate-limit-error"] * 11
    assert all("client_ip" not in line for line in marked)


@pytest.mark.stress
def test_drill_names_the_filter_that_is_missing(lab: Lab) -> None:
    """Lines arrive but are not counted. The likely reason is the missing filter."""
    app = shop()
    ErrWatch().bootstrap_alarms(app)
    boto3.client("logs").delete_metric_filter(
        logGroupName="shop", filterName="shop-rate-limit-error"
    )
    lab.begin()
    result = drill(app, "--detector", "rate-limit-error", "--timeout", "10")
    where, *lines = result.stdout.splitlines()
    assert where.startswith("Account 123456789012 in us-east-1, endpoint http://127.0.0.1:")
    assert lines[0].startswith("Drill drill-")
    assert lines[0].endswith(": 11 events of rate-limit-error.")
    assert lines[1] == (
        "They count as real ones: alarm shop-rate-limit-error will fire and notify no one."
    )
    assert lines[2].startswith("[1/4] CloudWatch Logs: arrived after ")
    assert lines[3] == (
        "[2/4] metric: missing: It counted 0 of 11 lines. Metric filter "
        "shop-rate-limit-error does not exist in shop: run `flask errwatch apply`."
    )
    assert lines[4].startswith("[3/4] alarm: missing: shop-rate-limit-error is in ")
    assert lines[4].endswith(
        "It needs 1 breaching periods of 300 s, and is evaluated once a minute: try a longer "
        "--timeout."
    )
    assert lines[5] == (
        "[4/4] SNS: unseen: The alarm has no topic: set ERRWATCH_SNS_TOPIC, and run `flask "
        "errwatch apply`."
    )
    assert result.exit_code == 1


@pytest.mark.usefixtures("lab")
def test_an_alarm_in_alarm_state_is_not_drilled() -> None:
    """Its state could not be distinguished from the drill's effect."""
    app = shop()
    ErrWatch().bootstrap_alarms(app)
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName="shop-rate-limit-error", StateValue="ALARM", StateReason="real"
    )
    result = drill(app)
    assert result.exit_code == 1
    # Shippers of earlier tests may write to stderr too.
    assert result.output.endswith(
        "Error: alarm = 'shop-rate-limit-error': It is in ALARM already: wait for OK, or drill "
        "another detector.\n"
    )


@pytest.mark.usefixtures("lab")
def test_nothing_is_sent_before_the_alarm_exists() -> None:
    """The error names the command to run first, and no log group is created."""
    result = drill(shop())
    assert result.output == (
        "Error: alarm = 'shop-rate-limit-error': It does not exist in AWS: run `flask errwatch "
        "apply`.\n"
    )
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []


@pytest.mark.usefixtures("lab")
def test_the_command_asks_for_confirmation() -> None:
    """People will be notified: without a yes nothing is sent."""
    app = shop()
    ErrWatch().bootstrap_alarms(app)
    result = app.test_cli_runner().invoke(args=["errwatch", "drill"], input="n\n")
    assert result.exit_code == 1
    assert "will fire and notify no one." in result.output
    unanswered = app.test_cli_runner().invoke(args=["errwatch", "drill"], input="")
    assert unanswered.exit_code == 1
    assert "Error: No one answers the question: give --yes." in unanswered.output
    assert boto3.client("logs").filter_log_events(logGroupName="shop")["events"] == []

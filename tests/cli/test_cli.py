"""`flask errwatch …`, as a user types it: real processes, a real server, real boto3."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import boto3
import pytest
from flask import Flask
from flask.cli import ScriptInfo
from flask.testing import FlaskCliRunner

from flask_errwatch import ErrWatch
from flask_errwatch.cli import errwatch as commands
from flask_errwatch.lab import Lab
from tests.lab.lab_bench import eventually

APP = """
from flask import Flask
from flask.cli import ScriptInfo
from flask_errwatch import ErrWatch

app = Flask("corner")
app.config["ERRWATCH_DETECTORS"] = {"not-found-error": {"threshold": 2, "period": 60}}
app.config.from_prefixed_env("CORNER")
errwatch = ErrWatch(app)
"""


def runner() -> FlaskCliRunner:
    """The command line of an app."""
    app = Flask("corner")
    ErrWatch(app)
    # The `flask` command finds the group by its entry point, but the runner of an app does not.
    app.cli.add_command(commands)
    return app.test_cli_runner()


def test_bootstrap_creates_and_reports_it() -> None:
    """A dry run changes nothing, a first run creates everything, a second changes nothing."""
    with Lab():
        plan = runner().invoke(args=["errwatch", "bootstrap", "--dry-run"])
        assert plan.output.splitlines()[-2] == "Plan: 19 to create, 0 to update, 0 unchanged."
        assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
        first = runner().invoke(args=["errwatch", "bootstrap"])
        assert first.output.splitlines()[-1] == "Applied: 19 created, 0 updated, 0 unchanged."
        assert len(boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]) == 8
        second = runner().invoke(args=["errwatch", "bootstrap"])
        assert second.output.splitlines()[-1].startswith("Nothing to change: 19 resources")
    assert (plan.exit_code, first.exit_code, second.exit_code) == (0, 0, 0)


def test_failure_is_a_message_and_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """An AWS that cannot be read ends the command with exit code 1 and a remedy."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    result = runner().invoke(args=["errwatch", "bootstrap"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "Give the process AWS credentials" in result.output
    assert "Traceback" not in result.output


def test_lab_needs_an_app_with_errwatch() -> None:
    """Without ErrWatch the command fails, and the message names the call that is missing."""
    app = Flask("bare")
    app.cli.add_command(commands)
    result = app.test_cli_runner().invoke(args=["errwatch", "lab"])
    assert result.exit_code == 1
    assert "Call ErrWatch(app), or init_app in its factory." in result.output


def test_lab_refuses_an_app_that_sets_its_own_journal() -> None:
    """An app that was configured before the lab started does not send to it."""
    result = runner().invoke(args=["errwatch", "lab"])
    assert result.exit_code == 1
    assert "ERRWATCH_ENDPOINT_URL = None: The lab needs its own value" in result.output


class Running:
    """`flask errwatch lab` in another process, and its output."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def finish(self, how: signal.Signals) -> int:
        """The exit code after a signal."""
        self.process.send_signal(how)
        code = self.process.wait(60)
        self._thread.join(60)
        return code


@contextmanager
def lab_of(folder: Path, *arguments: str) -> Iterator[Running]:
    """The command on a small app, killed at the end if it is still running."""
    (folder / "corner.py").write_text(APP)
    command = [sys.executable, "-m", "flask", "--app", "corner", "errwatch", "lab", *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "ERRWATCH_SEND_INTERVAL": "0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Running(process)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.stress
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_lab_serves_the_app_and_prints_its_alarms(tmp_path: Path, how: signal.Signals) -> None:
    """Prints what was created, the addresses and the alarm. Ends on a signal."""
    with lab_of(tmp_path, "--speed", "60") as running:
        assert eventually(lambda: "until Ctrl-C" in running.output), running.output
        address = re.search(r"answers at http://127\.0\.0\.1:(\d+)/", running.output)
        assert address is not None
        endpoint = re.search(r"export AWS_ENDPOINT_URL=(http://127\.0\.0\.1:\d+)", running.output)
        assert endpoint is not None
        assert re.search(
            r"^\+  created  alarm +corner-not-found-error", running.output, re.MULTILINE
        )
        alarm = re.compile(r"^\d\d:\d\d:00  ALARM  corner-not-found-error", re.MULTILINE)

        def fires() -> bool:
            # Repeated: three requests may fall into two minutes of the lab, each a second long.
            for _ in range(3):
                connection = HTTPConnection("127.0.0.1", int(address[1]), timeout=60)
                connection.request("GET", "/wp-login.php")
                assert connection.getresponse().status == 404
                connection.close()
            return alarm.search(running.output) is not None

        assert eventually(fires), running.output
        client = boto3.client(
            "cloudwatch",
            endpoint_url=endpoint[1],
            region_name="us-east-1",
            aws_access_key_id="lab",
            aws_secret_access_key="lab",
        )
        names = {alarm["AlarmName"] for alarm in client.describe_alarms()["MetricAlarms"]}
        assert "corner-not-found-error" in names
        assert running.finish(how) == 0, running.output
    assert "Traceback" not in running.output


def test_lab_command_loads_the_app_inside_the_lab() -> None:
    """The app's factory runs in the lab's environment. What that means is said first.

    Its name may be one of many apps, which `apply` refuses: no other app is in the lab.
    """

    def factory() -> Flask:
        app = Flask("app")
        ErrWatch(app)
        return app

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])

    def answers() -> bool:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 404
        except OSError:
            return False
        finally:
            connection.close()

    def interrupt() -> None:
        assert eventually(answers)
        os.kill(os.getpid(), signal.SIGTERM)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    result = runner().invoke(
        commands, ["lab", "--port", str(port)], obj=ScriptInfo(create_app=factory)
    )
    interrupter.join()
    assert result.exit_code == 0, result.output
    # With a topic, its policy and a subscription, so that alarms notify as in an account.
    assert "Applied: 22 created, 0 updated, 0 unchanged." in result.output
    assert re.search(
        r"^AWS is emulated at http://127\.0\.0\.1:\d+\. Nothing leaves this machine, and no mail "
        r"is sent\.\n",
        result.output,
        re.MULTILINE,
    )
    assert "until Ctrl-C" in result.output


def test_lab_refuses_a_wrong_port(tmp_path: Path) -> None:
    """A port that is in use is reported in one line."""
    with Lab() as other:
        port = other.endpoint.rpartition(":")[2]
        with lab_of(tmp_path, "--port", port) as running:
            assert running.process.wait(60) == 1
            assert eventually(lambda: "free.\n" in running.output), running.output
    # Before anything else: nothing was created, and nothing was emulated.
    assert running.output == (
        f"Error: --port = {port}: Address already in use. Give another port, or 0 for any that is "
        "free.\n"
    )

"""AWS Lambda with serverless-wsgi: a process with its environment, and events of API Gateway v2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.config import load
from flask_errwatch.delivery.journal.records import line_of
from flask_errwatch.doctor.checks import log_group_findings
from flask_errwatch.errors import ConfigurationError
from tests.fake_logs import FakeLogs
from tests.wsgi_driver import events_of

ROOT = Path(__file__).parents[2]
GROUP = "/aws/lambda/shop"
#: The environment variables of Lambda that the runtime for Python sets, without credentials.
LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "shop",
    "AWS_LAMBDA_LOG_GROUP_NAME": GROUP,
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
    "AWS_LAMBDA_LOG_LEVEL": "ERROR",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "LAMBDA_TASK_ROOT": "/var/task",
}


def api_event(path: str) -> dict[str, Any]:
    """A GET request as API Gateway sends it to a function (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "shop.example.com", "user-agent": "curl/8"},
        "requestContext": {
            "http": {"method": "GET", "path": path, "sourceIp": "192.0.2.7"},
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


class Function:
    """A running execution environment.

    Args:
        folder: The only folder that it may write to.
        environ: Variables in addition to those of Lambda.
    """

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self._answers, written = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.lambda_function", str(written)],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "TMPDIR": str(folder),
                "AWS_EC2_METADATA_DISABLED": "true",
                **LAMBDA,
                **environ,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[written],
        )
        os.close(written)
        self._reader = os.fdopen(self._answers, "rb")

    def invoke(self, path: str) -> int:
        """Invokes it with a request, and returns the status of the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(api_event(path)).encode() + b"\n")
        self.process.stdin.flush()
        status = json.loads(self._reader.readline())["statusCode"]
        assert isinstance(status, int)
        return status

    def kill(self) -> tuple[bytes, bytes]:
        """Removes it, as Lambda removes a frozen one, and returns its two outputs."""
        self.process.kill()
        written = self.process.communicate()
        self._reader.close()
        return written


@contextmanager
def function(folder: Path, **environ: str) -> Iterator[Function]:
    """A function that is killed at the end, if it was not before."""
    running = Function(folder, environ)
    try:
        yield running
    finally:
        if running.process.returncode is None:
            running.kill()


def test_each_failure_is_one_line_on_standard_output(tmp_path: Path) -> None:
    """With no setting at all. Nothing else is written, and nothing is left for later."""
    with function(tmp_path) as running:
        assert [running.invoke(path) for path in ("/ok", "/gone", "/crash")] == [200, 404, 500]
        out, _ = running.kill()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["event"], line["level"], line["status"]) for line in lines] == [
        ("Not Found Error", "WARN", 404),
        ("Critical Error", "FATAL", 500),
    ]
    crash = lines[1]
    assert crash["exception"]["message"] == "the kettle is empty"
    assert (crash["client_ip"], crash["path"]) == ("192.0.2.7", "/crash")
    # Without a timestamp of RFC 3339, Lambda takes a line for INFO, whatever its level.
    assert datetime.fromisoformat(crash["timestamp"]).utcoffset() is not None
    assert list(tmp_path.iterdir()) == []


def test_with_the_cloudwatch_sink_a_flush_sends_before_the_freeze(tmp_path: Path) -> None:
    """The recipe: a flush at the handler's end. Then a function may be removed at any time."""
    with FakeLogs() as fake:
        settings = {
            "ERRWATCH_SINKS": "cloudwatch",
            "ERRWATCH_LOG_GROUP": GROUP,
            "ERRWATCH_HEARTBEAT_SECONDS": "0",
            "AWS_ENDPOINT_URL": fake.url,
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
        }
        with function(tmp_path, **settings) as running:
            statuses = [running.invoke(path) for path in ("/crash", "/gone")]
            out, _ = running.kill()
        arrived = [json.loads(line.message) for line in fake.lines()]
    assert statuses == [500, 404]
    assert [(line["event"], line["level"]) for line in arrived] == [
        ("Critical Error", "FATAL"),
        ("Not Found Error", "WARN"),
    ]
    assert out == b""


def make_app() -> Flask:
    """An app with its lines in memory."""
    app = Flask("shop")
    app.config["ERRWATCH_SINKS"] = "memory"
    return app


@pytest.mark.parametrize(
    ("variable", "level"),
    [
        ("AWS_LAMBDA_FUNCTION_NAME", "FATAL"),
        ("LAMBDA_TASK_ROOT", "critical"),
        ("AWS_EXECUTION_ENV", "critical"),
    ],
)
def test_only_a_line_in_lambda_has_its_levels(
    variable: str, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hooks see the catalogue's own level everywhere. Other variables mean no function."""
    for name in LAMBDA:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "shop")
    app, seen = make_app(), []
    errwatch = ErrWatch(app)

    @errwatch.before_emit
    def see(event: dict[str, Any]) -> dict[str, Any]:
        seen.append(event["level"])
        return event

    @app.get("/crash")
    def crash() -> str:
        raise ValueError("the kettle is empty")

    assert app.test_client().get("/crash").status_code == 500
    (event,) = events_of(app)
    assert (seen, event["level"]) == (["critical"], level)
    assert list(event)[:3] == ["event", "detector", "level"]


@pytest.mark.parametrize(
    ("level", "is_critical"),
    [("critical", True), ("FATAL", True), ("error", False), ("ERROR", False), ("INFO", False)],
)
def test_both_names_of_a_level_are_read_back(level: str, is_critical: bool) -> None:  # noqa: FBT001 - the expected value
    """A journal's line is critical by either name, so that it is sent at once."""
    text = f'{{"level":"{level}","id":"018bcfe5-6800-7000-8000-000000000000"}}'.encode()
    assert line_of(text).critical is is_critical


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"LOG_GROUP": GROUP}, "a function of AWS Lambda has none, since it is frozen between"),
        ({"SINKS": "stdout"}, "only the sink 'cloudwatch' has them: turn the alarm off"),
    ],
)
def test_an_alarm_on_heartbeats_that_never_come_is_refused(
    settings: dict[str, object], reason: str
) -> None:
    """It would fire for ever."""
    keys = {f"ERRWATCH_{key}": value for key, value in settings.items()}
    with pytest.raises(ConfigurationError, match=reason):
        load({**keys, "ERRWATCH_SILENCE_ALARM": True}, {}, app_name="shop")
    assert load(keys, {}, app_name="shop").why_no_heartbeats is not None


def test_the_doctor_leaves_the_groups_retention_to_lambda() -> None:
    """A missing group is created by an invocation, and its retention is not ours to set."""
    config = load({"ERRWATCH_LOG_GROUP": GROUP}, {}, app_name="shop")
    (missing,) = log_group_findings(None, config)
    assert missing.remedy == (
        "Check ERRWATCH_LOG_GROUP, and invoke the function once: AWS Lambda then creates the group."
    )
    _, retention = log_group_findings({"logGroupName": GROUP}, config)
    assert (retention.level, retention.message) == (
        "ok",
        "Lines never expire. The log group belongs to AWS Lambda: set it there.",
    )

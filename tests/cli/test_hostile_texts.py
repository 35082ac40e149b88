"""What strangers stored stops no command, and is printed without hidden characters."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import boto3
import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch._text import HIDDEN
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.provision import Plan
from tests.cli.terminal import environment, flask

Shop = Callable[..., Plan]

APP = """
from flask import Flask
from flask_errwatch import ErrWatch

app = Flask("shop")
ErrWatch(app)
"""
#: An escape of the terminal, a C1 control, marks that reorder text, and characters without a width.
HOSTILE = "\x1b]0;owned\x07\x9b31m\u061c\u202ea\u200bb\u2066c\u3164d\ufe0fe\U000e0041"
FORGED = {"event": "Heartbeat", "app": "shop", "process": HOSTILE, "host": HOSTILE}


def hidden_in(output: str) -> set[str]:
    """The characters of the output that a terminal obeys or does not show."""
    texts = output.replace("\n", "")
    return {char for char in texts if not char.isprintable()} | set(re.findall(HIDDEN, texts))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the app `shop` is."""
    (tmp_path / "wsgi.py").write_text(APP)
    return tmp_path


def write(*lines: str) -> None:
    """Puts lines into the app's log group, 20 seconds apart, the last of them now."""
    logs = boto3.client("logs")
    logs.create_log_stream(logGroupName="shop", logStreamName="forged")
    now = round(time.time() * 1000)
    logs.put_log_events(
        logGroupName="shop",
        logStreamName="forged",
        logEvents=[
            {"timestamp": now - (len(lines) - number) * 20_000, "message": line}
            for number, line in enumerate(lines, start=1)
        ],
    )


def run(*arguments: str) -> str:
    """What `flask errwatch …` prints for the app `shop`. A traceback fails the test."""
    app = Flask("shop")
    ErrWatch(app)
    app.cli.add_command(errwatch)
    result = app.test_cli_runner().invoke(args=["errwatch", *arguments])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.output


def test_forged_lines_stop_neither_status_nor_doctor(shop: Shop) -> None:
    """Nested, deep, huge and foreign values count as nothing, and no hidden character is shown."""
    shop()
    figures: list[object] = [
        *("[" * 900 + "]" * 900, "[" * 10_000, '{"emitted": {"a": [1]}}', '{"emitted": true}'),
        *('{"emitted": -5}', '{"emitted": 1e300}', '{"emitted": 7, "dropped": "many"}', "9"),
    ]
    beats = [
        f'{json.dumps({**FORGED, "process": f"p{number}"})[:-1]}, "data": {value}}}'
        for number, value in enumerate(figures)
    ]
    types = [json.dumps({**FORGED, key: [[key]]}) for key in (*FORGED, "client_ip", "count", "id")]
    huge = json.dumps({**FORGED, "process": "huge", "data": {"emitted": 100, "x": "y" * 200_000}})
    address = {"client_ip": f"fe80::1%{HOSTILE}", "client_ip_source": HOSTILE}
    silent = json.dumps({**FORGED, "event": "Not Found Error", "process": "silent", **address})
    write(*types, *beats, huge, "{" * 10_000, *[silent] * 12)
    status, doctor = run("status"), run("doctor")
    assert "Delivery: 8 processes, 7 emitted, 0 delivered, 0 pending, 0 dropped; newest" in status
    assert "on ?]0;owned??31m??a?b?c?d?e?." in doctor
    assert "(such as fe80::1%?]0;owned??31m??a?b?c?d?e?)" in doctor
    assert hidden_in(status + doctor) == set()
    assert hidden_in(run("status", "--json") + run("doctor", "--json")) == set()


@pytest.fixture
def lab(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`flask errwatch lab` in a process, with both of its outputs in one pipe."""
    with subprocess.Popen(
        flask("lab"),
        cwd=folder,
        env=environment(PYTHONUNBUFFERED="1", AWS_DEFAULT_REGION="us-east-1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        yield process
        process.kill()


def read_until(process: subprocess.Popen[str], *texts: str) -> str:
    """What the process prints until each of the texts was there, or everything within a minute."""
    assert process.stdout is not None
    limit = threading.Timer(60, process.kill)
    limit.start()
    read = ""
    for line in process.stdout:
        read += line
        if all(text in read for text in texts):
            break
    limit.cancel()
    return read


def test_the_lab_prints_no_hidden_character(lab: subprocess.Popen[str]) -> None:
    """Neither of a request's path, nor of an alarm or a line that a client of the lab stored."""
    output = read_until(lab, "The app answers at")
    port = re.search(r"answers at http://127\.0\.0\.1:(\d+)/", output)
    endpoint = re.search(r"AWS_ENDPOINT_URL=(\S+)", output)
    assert port is not None, output
    assert endpoint is not None, output
    account = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
    session = boto3.session.Session(region_name="us-east-1", **account)
    session.client("cloudwatch", endpoint_url=endpoint[1]).put_metric_alarm(
        AlarmName=f"odd{HOSTILE[-6:]}",
        Namespace="Elsewhere",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    connection = HTTPConnection("127.0.0.1", int(port[1]), timeout=60)
    for path in ("/%1B%5B2J", "/%E2%80%AE%D8%9C%C2%9B31m", "/%F3%A0%81%81%E3%85%A4last"):
        connection.request("GET", path, headers={"User-Agent": "\x9b31m"})
        assert connection.getresponse().read()
    connection.close()
    output += read_until(
        lab, "last HTTP/1.1", "no metric filter or insight rule feeds its metric.\n"
    )
    lab.terminate()
    assert lab.stdout is not None
    output += lab.stdout.read()
    assert '"GET /%E2%80%AE%D8%9C%C2%9B31m HTTP/1.1" 404' in output
    assert "alarm oddc?d?e?: no metric filter or insight rule feeds its metric." in output
    assert hidden_in(output) == set()

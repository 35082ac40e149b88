"""Scripts of an app whose lines go to an endpoint, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.fake_logs import FakeLogs

#: An app, a job that fails, and a report. From 3.12 on Python warns of any fork by `__main__`
#: beside a thread: docs/delivery.md.
_APP = """
import contextlib, multiprocessing, os, signal, sys, threading, time, warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)
from flask import Flask
from flask_errwatch import ErrWatch
app = Flask("shop")
errwatch = ErrWatch(app)

@errwatch.watch("a job")
def fail():
    raise ValueError("broken")

def job(*_):
    with contextlib.suppress(ValueError):
        fail()

def report(*_):
    errwatch.report("critical-error", app=app)

def serve_a_request():
    app.test_client().get("/parent")
    assert errwatch.flush(50)

"""


def environment(fake: FakeLogs, folder: Path, **changed: str) -> dict[str, str]:
    """The environment of a process whose lines go to the endpoint."""
    return {
        **os.environ,
        "ERRWATCH_ENDPOINT_URL": fake.url,
        "ERRWATCH_REGION": "eu-central-1",
        "ERRWATCH_JOURNAL_DIR": str(folder / "journal"),
        "ERRWATCH_HEARTBEAT_SECONDS": "0",
        "ERRWATCH_SHUTDOWN_TIMEOUT": "50",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        **changed,
    }


def start(
    code: str, fake: FakeLogs, folder: Path, command: Sequence[str] = (), **changed: str
) -> subprocess.Popen[str]:
    """Starts the code after that of the app, as a script that a spawned child can import.

    Args:
        code: What follows the app.
        fake: The endpoint.
        folder: For the script and the journal.
        command: What starts the interpreter, if that is another program.
        **changed: Changes of the environment.
    """
    script = folder / "script.py"
    script.write_text(_APP + code, encoding="utf-8")
    return subprocess.Popen(
        [*command, sys.executable, str(script)],
        env=environment(fake, folder, **changed),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    code: str, fake: FakeLogs, folder: Path, command: Sequence[str] = (), **changed: str
) -> subprocess.CompletedProcess[str]:
    """The same, to its end: a minute is far too long."""
    with start(code, fake, folder, command, **changed) as process:
        try:
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def events(fake: FakeLogs) -> list[str]:
    """The events of the lines that arrived, in their order."""
    return [content(arrived.message)["event"] for arrived in fake.lines()]


def content(message: str) -> Mapping[str, str]:
    """A line as a dict."""
    parsed: dict[str, str] = json.loads(message)
    return parsed

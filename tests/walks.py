"""Counts the functions and files on three ways through the package: `python -m tests.walks`.

* one 404, from the WSGI callable to PutLogEvents, in a process that has served one before
* one alarm threshold, from the configuration to PutMetricAlarm (a whole `bootstrap_alarms`)
* one line of an access log, from `flask errwatch replay` to its result

A function counts once, however often it is called. `--hops` lists them in the order of their
first calls.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from moto.server import ThreadedMotoServer

import flask_errwatch
from flask_errwatch import ErrWatch
from flask_errwatch.cli import errwatch as commands
from tests.fake_logs import FakeLogs

PACKAGE = Path(flask_errwatch.__file__).parent
REGION = "eu-central-1"
ACCESS_LINE = '192.0.2.7 - - [25/Nov/2026:01:17:12 +0000] "GET /.env HTTP/1.1" 404 9 "-" "curl"\n'


class Recorder:
    """Records each function of the package that any thread calls while it is on."""

    def __init__(self) -> None:
        self.is_on = False
        self.hops: dict[tuple[str, str], None] = {}

    def install(self) -> None:
        """Profiles this thread and every thread that starts later."""
        threading.setprofile(self)
        sys.setprofile(self)

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Records a call. The interpreter calls this for every event of a thread."""
        code = frame.f_code
        if not self.is_on or event != "call" or code.co_name.startswith("<"):
            return
        path = Path(code.co_filename)
        if path.is_relative_to(PACKAGE):
            self.hops.setdefault((path.relative_to(PACKAGE).as_posix(), code.co_qualname))

    def walk(self, call: Callable[[], object]) -> list[tuple[str, str]]:
        """The functions that run during the call, in any thread, by file and name."""
        self.hops, self.is_on = {}, True
        call()
        self.is_on = False
        return list(self.hops)


class _EndOfWalk(FakeLogs):
    """An endpoint at which the walk ends: with the first PutLogEvents that is followed."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def answer(self, operation: str, body: bytes) -> dict[str, Any]:
        """Answers as the endpoint does."""
        if operation == "PutLogEvents":
            self._recorder.is_on = False
        return super().answer(operation, body)


def one_404(recorder: Recorder) -> list[tuple[str, str]]:
    """From the WSGI callable to PutLogEvents."""
    with _EndOfWalk(recorder) as logs, tempfile.TemporaryDirectory() as folder:
        app = Flask("shop")
        app.config.update(
            ERRWATCH_ENDPOINT_URL=logs.url,
            ERRWATCH_JOURNAL_DIR=folder,
            ERRWATCH_SEND_INTERVAL=1,
        )
        errwatch = ErrWatch(app)
        client = app.test_client()
        client.get("/missing")
        assert errwatch.flush(30, app=app)
        batches = logs.calls["PutLogEvents"]

        def serve() -> None:
            client.get("/missing")
            limit = time.monotonic() + 30
            while logs.calls["PutLogEvents"] == batches and time.monotonic() < limit:
                time.sleep(0.01)
            assert logs.calls["PutLogEvents"] > batches

        return recorder.walk(serve)


def one_threshold(recorder: Recorder) -> list[tuple[str, str]]:
    """From the configuration to PutMetricAlarm, in an empty account."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()

    def deploy(name: str = "shop") -> None:
        app = Flask(name)
        app.config.update(
            ERRWATCH_ALARM_THRESHOLD=20, ERRWATCH_ENDPOINT_URL=f"http://{host}:{port}"
        )
        plan = ErrWatch(app).bootstrap_alarms()
        assert plan.count("create") == 19

    try:
        deploy("another")
        return recorder.walk(deploy)
    finally:
        server.stop()


def one_access_line(recorder: Recorder) -> list[tuple[str, str]]:
    """From the command to its result."""
    app = Flask("shop")
    ErrWatch(app)
    app.cli.add_command(commands)
    runner = app.test_cli_runner()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "access.log"
        log.write_text(ACCESS_LINE)

        def replay() -> None:
            result = runner.invoke(args=["errwatch", "replay", str(log)])
            assert result.exit_code == 0, result.output

        replay()
        return recorder.walk(replay)


def main() -> int:
    """Prints the functions and files of each walk."""
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
    }
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    recorder = Recorder()
    recorder.install()
    for walk in (one_404, one_threshold, one_access_line):
        hops = walk(recorder)
        files = {file for file, _ in hops}
        print(f"{walk.__name__}: {len(hops)} functions in {len(files)} files")  # noqa: T201
        if "--hops" in sys.argv:
            print(*(f"  {file}: {name}" for file, name in hops), sep="\n")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`exception.new`: a critical failure that an app has not shown on this host for seven days."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_errwatch import Alarm, Detector, ErrWatch, event_recorded
from flask_errwatch.detectors import DEFAULT_DETECTORS
from flask_errwatch.patterns import parse
from flask_errwatch.testing import capture_events
from tests.delivery.scripts import environment, run, start
from tests.fake_logs import FakeLogs

#: Runs a script's clock for what it remembers eight days ahead.
_EIGHT_DAYS_LATER = """
import types
from flask_errwatch.delivery import transport
transport.time = types.SimpleNamespace(
    time=lambda: time.time() + 8 * 24 * 3600, monotonic=time.monotonic)
"""


@pytest.fixture
def fake() -> Iterator[FakeLogs]:
    """An endpoint."""
    with FakeLogs() as endpoint:
        yield endpoint


def _exceptions(fake: FakeLogs) -> list[dict[str, Any]]:
    return [json.loads(arrived.message)["exception"] for arrived in fake.lines()]


def _news(fake: FakeLogs) -> list[object]:
    return [exception.get("new") for exception in _exceptions(fake)]


def _app(**settings: object) -> tuple[Flask, ErrWatch]:
    app = Flask("shop")
    app.config.update({"ERRWATCH_SINKS": "memory", **settings})
    report = Detector(name="payment-failed", event="Payment Failed", level="critical")
    errwatch = ErrWatch(app, detectors=[*DEFAULT_DETECTORS, report])

    @app.get("/fail/<kind>")
    def fail(kind: str) -> str:
        if kind == "key":
            raise KeyError(kind)
        raise ValueError(kind)

    return app, errwatch


def _lines(app: Flask) -> list[dict[str, Any]]:
    return [json.loads(line) for line in app.extensions["errwatch"].delivery.memory.lines]


def _marks(app: Flask) -> list[object]:
    return [line["exception"].get("new") for line in _lines(app)]


def test_it_is_new_on_the_host_and_not_in_each_process(fake: FakeLogs, tmp_path: Path) -> None:
    """The first line has it, as the last key. A second process and a restart have none."""
    code = "\njob()\njob()\n"
    run(code, fake, tmp_path)
    run(code, fake, tmp_path)
    assert _news(fake) == [True, None, None, None]
    first, second = _exceptions(fake)[:2]
    assert [*first] == [*second, "new"]


def test_after_seven_days_without_it_it_is_new_again(fake: FakeLogs, tmp_path: Path) -> None:
    """A later process of the host says so, once."""
    run("\njob()\n", fake, tmp_path)
    run(f"{_EIGHT_DAYS_LATER}\njob()\njob()\n", fake, tmp_path)
    assert _news(fake) == [True, True, None]


def test_of_processes_that_fail_at_once_one_says_so(fake: FakeLogs, tmp_path: Path) -> None:
    """Two that wait for the same moment, and a child that each of them forks then."""
    code = "\nprint('ready', flush=True)\nos.read(0, 1)\nos.fork()\njob()\n"
    processes = []
    try:
        for _ in range(2):
            process = start(code, fake, tmp_path)
            processes.append(process)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("x")
            process.stdin.flush()
        for process in processes:
            process.communicate(timeout=60)
    finally:
        for process in processes:
            process.kill()
    assert fake.wait_for(4, 30)
    assert sorted(map(str, _news(fake))) == ["None"] * 3 + ["True"]


def test_without_a_usable_folder_nothing_is_new(fake: FakeLogs, tmp_path: Path) -> None:
    """What a process remembers alone, the next one would call new. The line is sent as ever."""
    (tmp_path / "file").write_text("")
    run("\njob()\n", fake, tmp_path, ERRWATCH_JOURNAL_DIR=str(tmp_path / "file"))
    assert _news(fake) == [None]


def test_a_file_that_is_unusable_costs_no_line(fake: FakeLogs, tmp_path: Path) -> None:
    """Here a folder is in its place, and stderr stays silent."""
    run("\njob()\n", fake, tmp_path)
    (file,) = (tmp_path / "journal").glob("*/fingerprints")
    file.unlink()
    file.mkdir()
    outcome = run("\njob()\n", fake, tmp_path)
    assert _news(fake) == [True, None]
    assert "flask-errwatch" not in outcome.stderr


def test_the_standard_output_has_no_mark_and_no_file(fake: FakeLogs, tmp_path: Path) -> None:
    """Nothing outlives the process there, as in AWS Lambda."""
    outcome = run("\njob()\n", fake, tmp_path, ERRWATCH_SINKS="stdout")
    (line,) = map(json.loads, outcome.stdout.splitlines())
    assert (line["event"], "new" in line["exception"]) == ("Critical Error", False)
    assert not (tmp_path / "journal").exists()


def test_neither_import_nor_init_app_touches_the_file(fake: FakeLogs, tmp_path: Path) -> None:
    """Nor does a failure that is not critical."""
    script = tmp_path / "script.py"
    script.write_text(
        "from flask import Flask\nfrom flask_errwatch import ErrWatch\n"
        "app = Flask('shop')\nerrwatch = ErrWatch(app)\n"
        "import os, pathlib\n"
        "folder = pathlib.Path(os.environ['ERRWATCH_JOURNAL_DIR'])\n"
        "print(folder.exists())\n"
        "app.test_client().get('/missing')\n"
        "print(folder.exists(), [*folder.glob('*/fingerprints')])\n"
    )
    outcome = subprocess.run(
        [sys.executable, str(script)],
        env=environment(fake, tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert outcome.stdout == "False\nTrue []\n"


def test_each_failure_is_new_once() -> None:
    """By its fingerprint: the message does not count, and the memory sink has it for tests."""
    app, _ = _app()
    for kind in ("key", "one", "two", "key"):
        app.test_client().get(f"/fail/{kind}")
    assert _marks(app) == [True, True, None, None]


def test_only_what_nobody_handled_is_new() -> None:
    """A failure that the app answers or reports is never marked, whatever its level is."""
    app, errwatch = _app()
    error = KeyError("x")
    errwatch.report("payment-failed", app=app, error=error)
    errwatch.report("critical-error", app=app, error=error)
    app.register_error_handler(ValueError, lambda _error: ("sorry", 500))
    app.test_client().get("/fail/value")
    assert _marks(app) == [None, None, None]


def test_hooks_do_not_see_it_and_receivers_do() -> None:
    """A hook can neither add nor remove it. An event that one drops leaves the failure new."""
    app, errwatch = _app()
    seen: list[bool] = []
    dropped: list[bool] = [True, False, False]

    @errwatch.before_emit
    def look(event: dict[str, Any]) -> dict[str, Any] | None:
        seen.append("new" in event["exception"])
        event["exception"]["new"] = "forged"
        return None if dropped.pop(0) else event

    received: list[object] = []

    def receive(_app: Flask, event: dict[str, Any]) -> None:
        received.append(event["exception"].get("new"))

    with event_recorded.connected_to(receive, sender=app):
        for _ in range(3):
            app.test_client().get("/fail/key")
    assert seen == [False, False, False]
    assert _marks(app) == received == [True, None]


def test_the_first_line_of_a_fold_has_it() -> None:
    """It is written at once. The line of those that follow has no mark."""
    app, errwatch = _app(ERRWATCH_COLLAPSE_SECONDS=60)
    for _ in range(3):
        app.test_client().get("/fail/key")
    errwatch.flush(app=app)
    assert [line["count"] for line in _lines(app)] == [1, 2]
    assert _marks(app) == [True, None]


def test_captured_events_have_it(tmp_path: Path) -> None:
    """A test of an app sees what is new since its start. No file is touched."""
    app, _ = _app(ERRWATCH_SINKS="cloudwatch", ERRWATCH_JOURNAL_DIR=str(tmp_path / "journal"))
    with capture_events() as events:
        for _ in range(2):
            app.test_client().get("/fail/key")
    assert [event["exception"].get("new") for event in events] == [True, None]
    assert not (tmp_path / "journal").exists()


def test_a_detector_may_count_new_failures() -> None:
    """As docs/capture.md shows it: only lines with the mark match its pattern."""
    detector = Detector(
        name="new-failure", where="$.exception.new IS TRUE", alarm=Alarm(threshold=0)
    )
    app, _ = _app()
    for _ in range(2):
        app.test_client().get("/fail/key")
    memory = app.extensions["errwatch"].delivery.memory
    matches = [parse(detector.pattern).matches(line.decode()) for line in memory.lines]
    assert matches == [True, False]

"""Where lines go without ERRWATCH_SINKS, which the first request or report of a process decides."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.delivery import SinkChoice
from flask_errwatch.extension import state_of
from tests.delivery.scripts import environment, events
from tests.fake_logs import FakeLogs

#: Run by Flask's own command, whose `--debug` sets `app.debug` after the factory has returned.
_FACTORY = """
import threading
from flask import Flask
from flask_errwatch import ErrWatch

errwatch = ErrWatch()

def create_app():
    app = Flask("shop")
    errwatch.init_app(app)

    @app.cli.command()
    def first():
        app.test_client().get("/first")
        app.test_client().get("/second")
        errwatch.flush(50)
        names = [thread.name for thread in threading.enumerate()]
        print("shipper" if "errwatch-shipper" in names else "no shipper")

    return app
"""


def flask(fake: FakeLogs, folder: Path, *options: str, **changed: str) -> str:
    """What a command of the app prints."""
    (folder / "shop.py").write_text(_FACTORY, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "shop", *options, "first"],
        env=environment(fake, folder, **changed),
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_developers_lines_stay_on_the_terminal(tmp_path: Path) -> None:
    """In debug mode nothing is sent, there is no journal, and no thread runs."""
    with FakeLogs() as fake:
        *lines, shipper = flask(fake, tmp_path, "--debug").splitlines()
        assert [json.loads(line)["path"] for line in lines] == ["/first", "/second"]
        assert shipper == "no shipper"
        assert not (tmp_path / "journal").exists()
        assert not fake.calls


def test_without_debug_mode_lines_are_sent(tmp_path: Path) -> None:
    """Plain `flask run` ships, and so does debug mode with the sink set."""
    with FakeLogs() as fake:
        assert flask(fake, tmp_path) == "shipper\n"
        assert flask(fake, tmp_path, "--debug", ERRWATCH_SINKS="cloudwatch") == "shipper\n"
        assert events(fake) == ["Not Found Error"] * 4


@pytest.mark.parametrize(
    ("settings", "environ", "chosen"),
    [
        ({"TESTING": True, "DEBUG": True}, {}, SinkChoice(("memory",), "app.testing is on")),
        ({"DEBUG": True}, {}, SinkChoice(("stdout",), "app.debug is on")),
        (
            {},
            {"AWS_LAMBDA_FUNCTION_NAME": "shop"},
            SinkChoice(("stdout",), "this is AWS Lambda"),
        ),
        ({}, {}, SinkChoice(("cloudwatch",), "app.debug and app.testing are off")),
        (
            {"DEBUG": True, "ERRWATCH_SINKS": "memory,stdout"},
            {},
            SinkChoice(("memory", "stdout"), "ERRWATCH_SINKS is set"),
        ),
    ],
)
def test_what_decides(
    settings: dict[str, object],
    environ: dict[str, str],
    chosen: SinkChoice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The test first, then debug mode, then Lambda; and before all of them the configuration."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    app = Flask("shop")
    sinks = settings.pop("ERRWATCH_SINKS", None)
    if sinks is not None:
        app.config["ERRWATCH_SINKS"] = sinks
    ErrWatch(app)
    app.config.update(settings)  # as fixtures and `flask --debug` do, after the factory
    assert state_of(app).delivery.choose_sinks() == chosen


def test_a_drill_sends_also_in_debug_mode() -> None:
    """A command may choose its sink. What is configured comes before it."""
    app, configured = Flask("shop"), Flask("shop")
    configured.config["ERRWATCH_SINKS"] = "memory"
    for one in (app, configured):
        ErrWatch(one)
        one.debug = True
        state_of(one).delivery.default_to("cloudwatch")
    assert state_of(app).delivery.choose_sinks().names == ("cloudwatch",)
    assert state_of(configured).delivery.choose_sinks().names == ("memory",)


def test_the_choice_stays_for_the_process() -> None:
    """It is made once: what changes later moves no line."""
    app = Flask("shop")
    app.testing = True
    errwatch = ErrWatch(app)
    before = threading.active_count()
    errwatch.report("critical-error", app=app)
    app.testing = False
    errwatch.report("critical-error", app=app)
    assert len(state_of(app).delivery.memory.lines) == 2
    assert threading.active_count() == before

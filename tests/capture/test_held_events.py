"""What was logged and is held until its request has ended, when the process ends before."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import pytest
from flask import Flask

from tests.wsgi_driver import events_of, serve, watched

#: A view logs an exception, and then the process ends in the middle of the request.
_SCRIPT = """
import logging, multiprocessing, os, signal, sys, threading, time
from flask import Flask
from flask_errwatch import ErrWatch
app = Flask("shop")
app.config.update(ERRWATCH_SINKS="stdout", ERRWATCH_LOGGED_ERRORS="root")
errwatch = ErrWatch(app)
logged = threading.Event()

@app.get("/")
def view():
    try:
        raise ValueError("declined")
    except ValueError:
        app.logger.exception("declined")
    logged.set()
    end()
    return ""

def request(*_):
    app.test_client().get("/")

def end():
    time.sleep(3600)

def request_in_a_thread():
    threading.Thread(target=request, daemon=True).start()
    logged.wait()

"""
ENDS: Mapping[str, str] = {
    "SIGTERM": """
def end():
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
request()
""",
    "SIGTERM, in another thread": """
request_in_a_thread()
os.kill(os.getpid(), signal.SIGTERM)
signal.pause()
""",
    "the end of the main thread": """
request_in_a_thread()
""",
    "a child of multiprocessing": """
child = multiprocessing.get_context("fork").Process(target=request_in_a_thread)
child.start()
child.join()
""",
    "a greenlet that is killed": """
import gevent
def end():
    gevent.sleep(3600)
greenlet = gevent.spawn(request)
gevent.sleep(0)
greenlet.kill()
os.kill(os.getpid(), signal.SIGKILL)
""",
    "a thread that leaves": """
def end():
    sys.exit()
thread = threading.Thread(target=request)
thread.start()
thread.join()
os.kill(os.getpid(), signal.SIGKILL)
""",
}


def _lines(code: str, **changed: str) -> list[dict[str, Any]]:
    settings = "".join(f"os.environ[{key!r}] = {value!r}\n" for key, value in changed.items())
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import os\n{settings}{_SCRIPT}{code}"],
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in {0, -signal.SIGTERM, -signal.SIGKILL}, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _logged(lines: Iterable[dict[str, Any]]) -> list[str]:
    """The messages of logged errors. An exit in a view has a line of its own."""
    return [line["data"]["message"] for line in lines if line["detector"] == "logged-error"]


def fail() -> NoReturn:
    """Raises."""
    raise ValueError("declined")


@pytest.mark.parametrize("end", ENDS)
def test_a_process_that_ends_in_the_middle_of_a_request(end: str) -> None:
    """What the request logged has its line, once."""
    assert _logged(_lines(ENDS[end])) == ["declined"]


def test_what_is_held_is_folded_before_the_folds_are_written() -> None:
    """With `ERRWATCH_COLLAPSE_SECONDS` the counts at the end of a process are exact, too."""
    code = "for _ in range(3):\n    logged.clear()\n    request_in_a_thread()\n"
    lines = _lines(code, ERRWATCH_COLLAPSE_SECONDS="60")
    assert [(line["detector"], line["count"]) for line in lines] == [
        ("logged-error", 1),
        ("logged-error", 2),
    ]


def test_a_child_does_not_write_what_its_parent_holds() -> None:
    """A view logs and forks. The line is the parent's alone."""
    lines = _lines(
        """
def end():
    if os.fork() == 0:
        sys.exit()
    os.wait()
request()
"""
    )
    assert _logged(lines) == ["declined"]


def test_without_a_thread_nothing_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job may never end, and then no thread would emit its events."""

    def refuse(_name: str, _target: object) -> object:
        raise RuntimeError("can't start new thread")

    app = Flask("shop")
    errwatch = watched(app, logged_errors=True)
    monkeypatch.setattr(app.extensions["errwatch"].delivery, "start_thread", refuse)
    with errwatch.watch("consumer"):
        try:
            fail()
        except ValueError:
            app.logger.exception("declined")
        assert [event["detector"] for event in events_of(app)] == ["logged-error"]


def test_a_flush_in_the_middle_of_a_request_writes_no_line_twice() -> None:
    """It is not known yet whether the exception gets a line of its own, and it does."""
    app = Flask("shop")
    errwatch = watched(app, logged_errors=True)

    @app.get("/")
    def view() -> NoReturn:
        try:
            fail()
        except ValueError:
            app.logger.exception("declined")
            assert errwatch.flush(10)
            raise

    serve(app)
    assert [event["detector"] for event in events_of(app)] == ["critical-error"]

"""Failures that no HTTP status shows: control flow, threads and executors."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import celery.exceptions
import click
import pytest
from flask import Flask, abort
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect

from flask_errwatch import ErrWatch
from flask_errwatch.capture import jobs, watched_threads
from tests.fake_logs import FakeLogs
from tests.wsgi_driver import events_of, serve, watched


def shop(**settings: object) -> tuple[Flask, ErrWatch]:
    """A watched app."""
    app = Flask("shop")
    return app, watched(app, **settings)


def fail(text: str = "row 3") -> None:
    """Raises."""
    raise ValueError(text)


def stand_in(name: str) -> BaseException:
    """An exception of a subclass of one whose library is not installed."""
    module, _, qualname = name.rpartition(".")
    base = type(qualname, (Exception,), {"__module__": module})
    error: BaseException = type("Subclass", (base,), {"__module__": "shop"})()
    return error


CONTROL_FLOW = [
    *(StopIteration(), StopAsyncIteration(), concurrent.futures.CancelledError()),
    *(asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt(), GeneratorExit()),
    *(click.exceptions.Exit(0), click.Abort(), click.UsageError("no"), click.FileError("x")),
    *(celery.exceptions.Retry(), celery.exceptions.Ignore(), celery.exceptions.Reject()),
    *map(
        stand_in,
        (
            *("typer.exceptions.Exit", "typer.exceptions.Abort", "typer.exceptions.TyperException"),
            *("huey.exceptions.CancelExecution", "huey.exceptions.RetryTask"),
            *("huey.exceptions.RateLimitExceeded", "huey.exceptions.TaskLockedException"),
            *("dramatiq.errors.Retry", "dramatiq.errors.RateLimitExceeded"),
            *("arq.worker.Retry", "arq.worker.RetryJob"),
            *("taskiq.exceptions.NoResultError", "taskiq.exceptions.TaskRejectedError"),
        ),
    ),
]


@pytest.mark.parametrize(
    "error",
    CONTROL_FLOW,
    ids=lambda error: (
        type(error).__mro__[0 if type(error).__module__ != "shop" else 1].__qualname__
    ),
)
def test_control_flow_is_no_failure(error: BaseException) -> None:
    """Exceptions by which Python and frameworks steer pass a watch, and have no event."""
    app, errwatch = shop()
    with pytest.raises(type(error)), errwatch.watch("job"):
        raise error
    assert events_of(app) == []


@pytest.mark.parametrize(
    "error",
    [
        celery.exceptions.SoftTimeLimitExceeded(),
        celery.exceptions.MaxRetriesExceededError(),
        NotFound(),
        EOFError(),
        BrokenPipeError(),
        stand_in("click.exceptions.Exitus"),
    ],
    ids=lambda error: type(error).__qualname__,
)
def test_failures_that_look_like_control_flow(error: Exception) -> None:
    """A time limit, the last retry and an `abort()` in a job that answers no request."""
    app, errwatch = shop()
    with pytest.raises(type(error)), errwatch.watch("job"):
        raise error
    assert len(events_of(app)) == 1


def test_an_answer_in_a_watched_function_of_a_view() -> None:
    """`abort()` and redirects are the request's responses: it has its own event, if any."""
    app, errwatch = shop()

    @app.route("/<int:number>")
    def view(number: int) -> str:
        with errwatch.watch("lookup"):
            if number:
                abort(number)
            raise RequestRedirect("http://localhost/1")

    for path in ("/404", "/500", "/0"):
        serve(app, path)
    assert [(event["detector"], event["status"]) for event in events_of(app)] == [
        ("not-found-error", 404),
        ("critical-error", 500),
    ]


def test_a_watched_generator_that_is_closed_elsewhere() -> None:
    """A generator may be closed in another context than it was started in."""
    app, errwatch = shop()

    @errwatch.watch("rows", app=app)
    def rows() -> Iterator[int]:
        yield 1
        yield 2

    running = rows()
    contextvars.copy_context().run(next, running)
    running.close()  # type: ignore[attr-defined]
    assert events_of(app) == []


def test_a_watch_that_has_ended_is_not_around_later_ones() -> None:
    """Whether it failed or not: it would keep its exception alive, and lend its fields."""
    _, errwatch = shop()
    with errwatch.watch("first"):
        """Nothing fails."""
    with pytest.raises(ValueError, match="row 3"), errwatch.watch("second"):
        fail()
    assert jobs._current_watch.get() is None


# Threads.


@pytest.fixture
def earlier_hook(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a hook gets that was there before the extension. No earlier app watches threads."""
    seen: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_value))
    watched_threads._watching.clear()
    return seen


def run(target: Callable[..., object], name: str = "resizer") -> None:
    """Runs a thread to its end."""
    thread = threading.Thread(target=target, name=name)
    thread.start()
    thread.join()


def test_a_thread_that_fails(earlier_hook: list[Any]) -> None:
    """It is a critical error with the thread's name. The earlier hook runs, once."""
    app, _ = shop(watch_threads=True)
    run(fail)
    (event,) = events_of(app)
    assert (event["event"], event["data"]) == ("Critical Error", {"job": "resizer"})
    assert event["exception"]["handled"] is False
    assert [type(error) for error in earlier_hook] == [ValueError]


def test_a_thread_that_is_watched_too(earlier_hook: list[Any]) -> None:
    """It has one line, by the name that the app gave it."""
    app, errwatch = shop(watch_threads=True)
    run(errwatch.watch("resize")(fail))
    assert [event["data"]["job"] for event in events_of(app)] == ["resize"]
    assert len(earlier_hook) == 1


def test_a_thread_that_leaves(earlier_hook: list[Any]) -> None:
    """`SystemExit` ends a thread and is no failure."""
    app, _ = shop(watch_threads=True)
    run(sys.exit)
    assert events_of(app) == []
    assert len(earlier_hook) <= 1


@pytest.mark.usefixtures("earlier_hook")
def test_the_first_app_that_asked_has_the_threads() -> None:
    """Python has one hook. An app that did not ask has no lines of threads."""
    silent, _ = shop()
    first, _ = shop(watch_threads=True)
    second, _ = shop(watch_threads=True)
    run(fail)
    assert [len(events_of(app)) for app in (silent, first, second)] == [0, 1, 0]


# Executors.


def test_a_thread_pool() -> None:
    """A future keeps its exception, so the function is watched."""
    app, errwatch = shop()
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(errwatch.watch("resize")(fail), "image 7")
        assert isinstance(future.exception(), ValueError)
    (event,) = events_of(app)
    assert event["data"] == {"job": "resize"}
    assert event["exception"]["message"] == "image 7"


MODULE = """
import os
from flask import Flask
from flask_errwatch import ErrWatch

app = Flask("shop")
errwatch = ErrWatch(app)

@errwatch.watch("resize")
def resize(name):
    raise ValueError(name)
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_process_pool(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that is decorated where it is defined is found by its name in the child."""
    (tmp_path / "resizing.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    with FakeLogs() as fake:
        monkeypatch.setenv("ERRWATCH_ENDPOINT_URL", fake.url)
        monkeypatch.setenv("ERRWATCH_REGION", "eu-central-1")
        monkeypatch.setenv("ERRWATCH_JOURNAL_DIR", str(tmp_path / "journal"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        module = importlib.import_module("resizing")
        try:
            with ProcessPoolExecutor(1, mp_context=get_context(method)) as executor:
                future = executor.submit(module.resize, "image 7")
                assert isinstance(future.exception(), ValueError)
                assert fake.wait_for(1, 60)
        finally:
            del sys.modules["resizing"]
        assert '"job":"resize"' in fake.lines()[0].message

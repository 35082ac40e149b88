"""`ErrWatch` itself: several apps, reports, jobs, and what start-up must not do."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_errwatch import (
    DEFAULT_DETECTORS,
    AlreadyInitialisedError,
    ConfigurationError,
    Detector,
    ErrWatch,
    ErrWatchError,
    NoAppError,
    Stats,
    UnknownDetectorError,
    event_recorded,
)
from tests.wsgi_driver import Event, environ_for, events_of, serve, watched


def make_app(name: str = "shop") -> Flask:
    app = Flask(name)
    app.config["ERRWATCH_SINKS"] = "memory"
    return app


def test_an_app_factory() -> None:
    """One extension object serves every app of a factory, each with its own state."""
    errwatch = ErrWatch()

    def create_app(name: str) -> Flask:
        app = make_app(name)
        errwatch.init_app(app)
        return app

    first, second = create_app("one"), create_app("two")
    serve(first, "/x")
    serve(second, "/y")
    serve(second, "/z")
    assert [event["app"] for event in events_of(first)] == ["one"]
    assert [event["path"] for event in events_of(second)] == ["/y", "/z"]
    assert [event["seq"] for event in events_of(second)] == [1, 2]
    assert (errwatch.stats(first).emitted, errwatch.stats(second).emitted) == (1, 2)


def test_the_configuration_is_read_once() -> None:
    """Changes after `init_app` have no effect."""
    app = make_app()
    errwatch = watched(app)
    app.config["ERRWATCH_RELEASE"] = "later"
    errwatch.report("client-error")
    assert "release" not in events_of(app)[0]


@pytest.mark.parametrize("other", [False, True])
def test_a_second_init_app(other: bool) -> None:  # noqa: FBT001 - a table
    """The same app twice is refused, by any object, and the first keeps working."""
    app = make_app()
    errwatch = watched(app)
    with pytest.raises(AlreadyInitialisedError, match="app = 'shop': Call init_app once per app"):
        (ErrWatch() if other else errwatch).init_app(app)
    serve(app, "/x")
    assert len(events_of(app)) == 1


def test_a_failed_init_app_may_be_repeated() -> None:
    """After a configuration error the app is unchanged."""
    app = make_app()
    before = app.wsgi_app
    app.config["ERRWATCH_RETENTION_DAYS"] = 8
    errwatch = ErrWatch()
    with pytest.raises(ErrWatchError):
        errwatch.init_app(app)
    assert app.wsgi_app == before
    app.config["ERRWATCH_RETENTION_DAYS"] = 7
    errwatch.init_app(app)
    assert errwatch.stats().emitted == 0


def test_every_error_has_one_base_class() -> None:
    """`except ErrWatchError` catches every exception of this library."""
    errwatch = watched(make_app())
    with pytest.raises(ErrWatchError):
        errwatch.report("no-such")
    assert issubclass(UnknownDetectorError, ErrWatchError)
    assert issubclass(NoAppError, ErrWatchError)
    assert issubclass(AlreadyInitialisedError, ErrWatchError)


def test_start_up_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`init_app` starts no thread and writes no file: the first request does."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    app = Flask("shop")
    app.config["ERRWATCH_JOURNAL_DIR"] = str(tmp_path / "journal")
    threads = threading.active_count()
    errwatch = ErrWatch(app)
    assert [*tmp_path.iterdir()] == []
    assert threading.active_count() == threads
    assert not app.extensions["errwatch"].delivery.is_running
    assert errwatch.stats() == Stats()
    assert errwatch.flush(0.1) is True


def test_a_good_first_request_starts_the_delivery() -> None:
    """The first request starts the delivery, whatever its response."""
    app = make_app()
    watched(app)
    app.get("/")(lambda: "welcome")
    delivery = app.extensions["errwatch"].delivery
    assert not delivery.is_running
    serve(app)
    assert delivery.is_running
    assert events_of(app) == []


def test_a_report_outside_any_context() -> None:
    """With a single app a report needs no context, and has no fields of a request."""
    app = make_app()
    errwatch = watched(app)
    identifier = errwatch.report("client-error", username="ann", tries=3)
    (event,) = events_of(app)
    assert event["id"] == identifier
    assert event["event"] == "Client Error"
    assert event["data"] == {"username": "ann", "tries": 3}
    assert {"path", "status", "client_ip", "exception"}.isdisjoint(event)


def test_a_report_without_data() -> None:
    """Without data the line has no key `data`."""
    app = make_app()
    watched(app).report("client-error")
    assert "data" not in events_of(app)[0]


class Value:
    """Calls a function when it is converted to a string."""

    def __init__(self, shown: Callable[[], object]) -> None:
        self._shown = shown

    def __str__(self) -> str:
        self._shown()
        return "shown"


def test_a_report_with_an_exception() -> None:
    """`error=` gives the line type, frames and fingerprint; who reports it has handled it."""
    app = Flask("shop")
    errwatch = watched(app)
    try:
        int("no number")
    except ValueError as error:
        errwatch.report("critical-error", error=error, order=7)
    errwatch.report("critical-error", error=KeyError("never raised"))
    errwatch.report("critical-error", error="only a text")
    raised, created, text = events_of(app)
    assert raised["exception"]["type"] == "ValueError"
    assert raised["exception"]["message"].endswith("'no number'")
    assert raised["exception"]["handled"] is True
    assert [frame["function"] for frame in raised["exception"]["frames"]] == [
        "test_a_report_with_an_exception"
    ]
    assert len(raised["exception"]["fingerprint"]) == 16
    assert raised["data"] == {"order": 7}
    assert created["exception"]["frames"] == []
    assert "data" not in created
    assert "exception" not in text
    assert text["data"] == {"error": "only a text"}


def test_a_value_that_reports_while_it_is_rendered() -> None:
    """The lines of a thread are numbered in the order in which they are written."""
    app = make_app()
    errwatch = watched(app)
    value = Value(lambda: errwatch.report("client-error", which="inner"))
    errwatch.report("client-error", which="outer", value=value)
    assert [(event["seq"], event["data"]["which"]) for event in events_of(app)] == [
        (1, "inner"),
        (2, "outer"),
    ]


def test_a_report_that_is_cut_short_by_its_value() -> None:
    """A value that ends the process leaves no gap in the numbers."""
    app = make_app()
    errwatch = watched(app)
    with pytest.raises(SystemExit):
        errwatch.report("client-error", value=Value(sys.exit))
    errwatch.report("client-error")
    assert [event["seq"] for event in events_of(app)] == [1]


def test_a_report_that_cannot_be_rendered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has no number, so no gap shows the loss: it is counted as dropped, and logged."""
    app = make_app()
    errwatch = watched(app)

    def late(*_: object) -> None:
        raise TimeoutError("an alarm of the app's own")

    with monkeypatch.context() as patched:
        patched.setattr("flask_errwatch.capture.rendering.RedactProcessor.__call__", late)
        errwatch.report("client-error", lost=True)
    errwatch.report("client-error")
    assert [event["seq"] for event in events_of(app)] == [1]
    assert errwatch.stats().dropped == 1
    assert "an alarm of the app's own" in capsys.readouterr().err


def test_a_report_inside_a_request() -> None:
    """A report from a view has the request's fields, and the request has no event."""
    app = make_app()
    errwatch = watched(app)

    @app.post("/login")
    def login() -> str:
        return errwatch.report("authentication-error", username="ann")

    answer = serve(app, "/login", REQUEST_METHOD="POST")
    (event,) = events_of(app)
    assert event["id"] == answer.body.decode()
    assert (event["method"], event["path"], event["route"]) == ("POST", "/login", "/login")
    assert "status" not in event


def test_a_report_inside_a_test_request_context() -> None:
    """Also a request that no server sent has its fields."""
    app = make_app()
    errwatch = watched(app)
    with app.test_request_context("/made-up"):
        errwatch.report("client-error")
    assert events_of(app)[0]["path"] == "/made-up"


def test_a_field_called_detector() -> None:
    """A field may be called `detector`: the detector's name is positional."""
    app = make_app()
    watched(app).report("client-error", detector="x", event="y", self="z")
    assert events_of(app)[0]["data"] == {"detector": "x", "event": "y", "self": "z"}


def test_the_app_that_is_meant() -> None:
    """`app=`, else the app of the context, else the only one."""
    errwatch = ErrWatch()
    first, second = make_app("one"), make_app("two")
    errwatch.init_app(first)
    errwatch.report("client-error", how="only")
    errwatch.init_app(second)
    with first.app_context():
        errwatch.report("client-error", how="context")
        errwatch.report("client-error", app=second, how="given")
    with pytest.raises(NoAppError):
        errwatch.report("client-error")
    assert [event["data"]["how"] for event in events_of(first)] == ["only", "context"]
    assert [event["data"]["how"] for event in events_of(second)] == ["given"]


def test_the_context_of_an_unwatched_app() -> None:
    """Inside the context of an app without the extension, no other app is guessed."""
    errwatch = watched(make_app())
    with Flask("stranger").app_context(), pytest.raises(NoAppError, match="'stranger'"):
        errwatch.report("client-error")


def test_the_only_app_is_gone() -> None:
    """The reference to the only app is weak: once it is collected, the error shows it."""
    errwatch = watched(make_app())
    gc.collect()
    with pytest.raises(NoAppError, match="init_app was called for 1 apps"):
        errwatch.stats()


def test_a_watched_job() -> None:
    """An exception that escapes is a critical error with the job's name, and is re-raised."""
    app = make_app()
    errwatch = watched(app)
    with pytest.raises(ZeroDivisionError), errwatch.watch("nightly-import"):
        _ = 1 // 0
    (event,) = events_of(app)
    assert event["event"] == "Critical Error"
    assert event["data"] == {"job": "nightly-import"}
    assert event["exception"]["type"] == "ZeroDivisionError"
    assert event["exception"]["handled"] is False
    assert event["exception"]["frames"][0]["function"] == "test_a_watched_job"
    assert "status" not in event


def test_a_job_that_works() -> None:
    """No exception, no event, and the return value passes."""
    app = make_app()
    errwatch = watched(app)

    @errwatch.watch("sum")
    def add(first: int, *, second: int) -> int:
        """Adds."""
        return first + second

    assert add(1, second=2) == 3
    assert (add.__name__, add.__doc__) == ("add", "Adds.")
    assert events_of(app) == []


def test_watch_as_a_decorator() -> None:
    """Every call is watched, nested ones included, and each failure has one line."""
    app = make_app()
    errwatch = watched(app)

    @errwatch.watch("down")
    def down(left: int) -> None:
        if left == 0:
            raise LookupError("bottom")
        down(left - 1)

    for _ in range(2):
        with pytest.raises(LookupError):
            down(3)
    assert [event["data"]["job"] for event in events_of(app)] == ["down", "down"]


def test_watch_on_a_coroutine_function() -> None:
    """The coroutine is watched while it runs, not when it is created."""
    app = make_app()
    errwatch = watched(app)

    @errwatch.watch("async-import")
    async def run(number: int) -> int:
        await asyncio.sleep(0)
        return 1 // number

    assert asyncio.run(run(1)) == 1
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run(0))
    (event,) = events_of(app)
    assert event["exception"]["frames"][-1]["function"] == "run"


def test_a_watch_around_a_watch() -> None:
    """One failure is one line, the innermost job's. A new exception on the way is another."""
    app = make_app()
    errwatch = watched(app)

    def inner() -> None:
        with errwatch.watch("inner"):
            raise LookupError("inside")

    with pytest.raises(LookupError), errwatch.watch("outer"), errwatch.watch("middle"):
        inner()
    assert [event["data"]["job"] for event in events_of(app)] == ["inner"]

    def translated() -> None:
        try:
            inner()
        except LookupError as error:
            raise ValueError("another") from error

    with pytest.raises(ValueError, match="another"), errwatch.watch("outer"):
        translated()
    assert [event["data"]["job"] for event in events_of(app)][1:] == ["inner", "outer"]


def test_an_exception_object_raised_again_later() -> None:
    """An exception that is kept and raised in a second run is a second failure."""
    app = make_app()
    errwatch = watched(app)
    kept = LookupError("a constant")
    for _ in range(2):
        with pytest.raises(LookupError), errwatch.watch("job"):
            raise kept
    assert len(events_of(app)) == 2


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_job_that_is_ended(kind: type[BaseException]) -> None:
    """A command that exits or is interrupted did not fail."""
    app = make_app()
    errwatch = watched(app)
    with pytest.raises(kind), errwatch.watch("command"):
        raise kind
    assert events_of(app) == []


def test_a_watch_that_cannot_find_the_app() -> None:
    """It raises before the job starts, never instead of the job's exception."""
    errwatch = ErrWatch()
    ran = []
    with pytest.raises(NoAppError), errwatch.watch("job"):
        ran.append(True)
    assert ran == []


def test_a_watch_needs_the_context_only_at_its_beginning() -> None:
    """The app is found when the job starts."""
    errwatch = ErrWatch()
    first, second = make_app("one"), make_app("two")
    errwatch.init_app(first)
    errwatch.init_app(second)
    job = errwatch.watch("job")
    with second.app_context():
        job.__enter__()
    error = LookupError("late")
    job.__exit__(LookupError, error, None)
    assert [event["data"]["job"] for event in events_of(second)] == ["job"]


def test_a_failure_of_the_library_in_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sink or a start that fails does not fail the view that reports."""
    app = make_app()
    errwatch = watched(app)
    delivery = app.extensions["errwatch"].delivery

    def broken(*_args: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(delivery, "ensure_running", broken)
    assert len(errwatch.report("client-error")) == 36
    assert "starting the delivery: OSError: disk" in capsys.readouterr().err


def test_an_async_receiver_is_awaited() -> None:
    """A receiver of the signal may be a coroutine function, as with Flask's own signals."""
    app = make_app()
    errwatch = watched(app)
    heard: list[Event] = []

    async def hear(_sender: Flask, event: Event) -> None:
        heard.append(event)

    with event_recorded.connected_to(hear, sender=app):
        errwatch.report("client-error")
    assert heard == events_of(app)


def test_sinks_of_a_testing_app() -> None:
    """An app under test has its lines in memory, also when TESTING is set after its factory."""
    app = Flask("shop")
    errwatch = ErrWatch(app)
    app.testing = True
    errwatch.report("client-error")
    assert len(events_of(app)) == 1


def test_a_fork_starts_a_new_count() -> None:
    """A forked process has its own identity in its lines, and its own count."""
    program = """
import os, sys
from flask import Flask
from flask_errwatch import ErrWatch
app = Flask("shop")
app.config["ERRWATCH_SINKS"] = "stdout"
errwatch = ErrWatch(app)
errwatch.report("client-error")
sys.stdout.flush()
child = os.fork()
if child == 0:
    errwatch.report("client-error")
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
errwatch.report("client-error")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    first, forked, last = map(json.loads, done.stdout.splitlines())
    assert [event["seq"] for event in (first, forked, last)] == [1, 1, 2]
    assert (first["pid"], first["process"]) == (last["pid"], last["process"])
    assert forked["pid"] != first["pid"]
    assert forked["process"] != first["process"]


def test_numbers_of_many_threads() -> None:
    """With many threads every line has its own number, and none is left out."""
    app = make_app()
    errwatch = watched(app)
    app.get("/")(lambda: str(1 // 0))

    def work() -> None:
        for _ in range(25):
            serve(app)
            errwatch.report("client-error")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(event["seq"] for event in events_of(app)) == [*range(1, 401)]


def test_several_threads_share_the_first_request() -> None:
    """The handlers of every thread's first request are observed, and observed once."""

    def refuse(_error: Exception) -> tuple[str, int]:
        return "no", 400

    app = make_app()
    watched(app)
    app.get("/")(lambda: str(1 // 0))
    app.register_error_handler(ZeroDivisionError, refuse)
    start = threading.Barrier(8)

    def work() -> None:
        start.wait(60)
        serve(app)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event["exception"]["handled"] for event in events_of(app)] == [True] * 8
    assert app.error_handler_spec[None][None][ZeroDivisionError] is refuse


def test_the_environ_is_left_as_it_was() -> None:
    """After the response no key of this library remains in the WSGI environment."""
    app = make_app()
    watched(app)
    app.get("/")(lambda: "welcome")
    environ = environ_for("/")
    body = app(environ, lambda *_args: lambda _data: None)
    assert b"".join(body) == b"welcome"
    body.close()  # type: ignore[attr-defined]
    assert not [key for key in environ if key.startswith("flask_errwatch")]


def test_an_operational_line_is_outside_the_catalogue() -> None:
    """The heartbeat has the same envelope, its figures under `data`, and sends no signal."""
    app = make_app()
    watched(app, release="1.2.3")
    heard: list[Event] = []

    def hear(_sender: Flask, event: Event) -> None:
        heard.append(event)

    with event_recorded.connected_to(hear, sender=app):
        app.extensions["errwatch"].recorder.emit_operational("Heartbeat", {"emitted": 0})
    (event,) = events_of(app)
    assert [*event] == (
        [
            "event",
            "level",
            "timestamp",
            "schema",
            "id",
            "data",
            "app",
            "release",
            "host",
            "pid",
            "process",
            "seq",
        ]
    )
    assert event["event"] == "Heartbeat"
    assert event["level"] == "info"
    assert event["data"] == {"emitted": 0}
    assert heard == []


def test_detectors_are_shared_by_the_apps_of_an_object() -> None:
    """The constructor's detectors are those of every app."""
    errwatch = ErrWatch(detectors=[Detector(name="login-failed", event="Login Failed")])
    app = make_app()
    errwatch.init_app(app)
    errwatch.report("login-failed")
    assert events_of(app)[0]["event"] == "Login Failed"


def test_detectors_and_configuration_are_wrong_at_once() -> None:
    """Conflicting detectors do not hide the problems of the configuration."""
    app = make_app()
    app.config.update(ERRWATCH_RETENTION_DAYS=8, ERRWATCH_SINKS="disk")
    clash = Detector(name="a", event="A", statuses=[404])  # type: ignore[arg-type]  # a list
    with pytest.raises(ConfigurationError) as raised:
        ErrWatch(app, detectors=[*DEFAULT_DETECTORS, clash])
    keys = [problem.key for problem in raised.value.problems]
    assert keys == ["statuses", "ERRWATCH_SINKS", "ERRWATCH_RETENTION_DAYS"]


@pytest.mark.parametrize("detectors", [None, 3, DEFAULT_DETECTORS[0], "critical-error"])
def test_detectors_of_another_type_are_refused(detectors: Any) -> None:
    """Anything but a list of detectors is a configuration error."""
    with pytest.raises(ConfigurationError, match="DEFAULT_DETECTORS"):
        ErrWatch(detectors=detectors)


def test_an_app_of_another_type_is_refused() -> None:
    """`app` is the application, also in `report`, where a field might be meant."""
    not_an_app: Any = "ios"
    with pytest.raises(NoAppError, match="Pass the Flask application"):
        ErrWatch(not_an_app)
    app = make_app()
    errwatch = watched(app)
    with pytest.raises(NoAppError, match="needs another name"):
        errwatch.report("critical-error", app=not_an_app)


def test_a_watched_generator_function_is_watched() -> None:
    """An exception that a generator raises during iteration is the job's failure."""
    app = make_app()
    errwatch = watched(app)

    @errwatch.watch("rows", app=app)
    def rows() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(rows())
    (event,) = events_of(app)
    assert event["data"] == {"job": "rows"}

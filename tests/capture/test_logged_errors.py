"""`ERRWATCH_LOGGED_ERRORS`: what becomes an event, what does not, and that nobody else notices."""

from __future__ import annotations

import gc
import json
import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from flask import Flask, request, stream_with_context
from werkzeug.exceptions import InternalServerError

from flask_errwatch import ErrWatch
from flask_errwatch.capture import held_events, logged_errors
from flask_errwatch.capture.held_events import HeldEvents
from flask_errwatch.detectors import DEFAULT_DETECTORS, Detector
from flask_errwatch.errors import ConfigurationError
from flask_errwatch.extension import state_of
from flask_errwatch.provision import desired_resources
from tests.wsgi_driver import Event, events_of, serve, watched

LOG = logging.getLogger("shop.payments")


@pytest.fixture(autouse=True)
def _no_earlier_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Records outside of requests go to the app of the test, from loggers as they are created."""
    logged_errors._observers.clear()
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):  # an earlier test's `dictConfig` disabled them
            monkeypatch.setattr(logger, "disabled", False)
    yield
    logged_errors._observers.clear()


def shop(**settings: object) -> tuple[Flask, ErrWatch]:
    """An app whose logged errors are events."""
    app = Flask("shop")
    return app, watched(app, **{"logged_errors": True, **settings})


def fail() -> NoReturn:
    """Raises."""
    raise ValueError("declined")


def roll_back() -> NoReturn:
    """Raises something else."""
    raise OSError("no rollback")


def names(app: Flask) -> list[str]:
    """The detectors of the events."""
    return [event["detector"] for event in events_of(app)]


def test_a_record_in_a_request() -> None:
    """The event has the request, the record and its exception. The exception was handled."""
    app, _ = shop()

    @app.route("/pay/<int:number>")
    def pay(number: int) -> str:
        try:
            fail()
        except ValueError:
            LOG.exception("payment %d failed: token=abc", number)
        return "later"

    assert serve(app, "/pay/7").status == "200 OK"
    (event,) = events_of(app)
    assert (event["event"], event["level"]) == ("Logged Error", "error")
    assert (event["route"], event["client_ip"]) == ("/pay/<int:number>", "192.0.2.7")
    where = event["data"].pop("where")
    assert where.endswith(f"test_logged_errors.py:{pay.__code__.co_firstlineno + 5} in pay")
    assert event["data"] == {
        "logger": "shop.payments",
        "level": "ERROR",
        "message": "payment 7 failed: token=[redacted]",
    }
    assert (event["exception"]["type"], event["exception"]["handled"]) == ("ValueError", True)
    assert event["exception"]["frames"][-1]["function"] == "fail"
    assert "status" not in event


def test_records_without_an_exception() -> None:
    """ERROR and CRITICAL are recorded, also outside of requests; WARNING is not."""
    app, _ = shop()
    LOG.warning("slow")
    LOG.error("wrong")
    LOG.critical("dead")
    assert [event["data"]["message"] for event in events_of(app)] == ["wrong", "dead"]
    assert all("exception" not in event for event in events_of(app))


def test_the_named_loggers() -> None:
    """A list has the loggers and those below them."""
    app, _ = shop(logged_errors=["shop.payments", "billing"])
    for name in ("shop", "shop.payments", "shop.payments.card", "shop.paymentsx", "billing.tax"):
        logging.getLogger(name).error("wrong")
    recorded = [event["data"]["logger"] for event in events_of(app)]
    assert recorded == ["shop.payments", "shop.payments.card", "billing.tax"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *((value, ("root",)) for value in (True, "true", "1", "yes")),
        *((value, ()) for value in (False, "", "0", "off")),
        ([], ()),
        ("shop, billing", ("shop", "billing")),
        (["shop"], ("shop",)),
    ],
)
def test_the_configuration(given: object, expected: tuple[str, ...]) -> None:
    """True is the root logger, and names may be a comma-separated string."""
    app, _ = shop(logged_errors=given)
    assert state_of(app).config.logged_errors == expected


def test_a_refused_configuration() -> None:
    """The remedy names what is allowed."""
    with pytest.raises(ConfigurationError, match="Use true, false or names of loggers"):
        shop(logged_errors=7)


# One failure, one line.


def log_and_raise() -> NoReturn:
    """Logs an exception, and raises it again."""
    try:
        fail()
    except ValueError:
        LOG.exception("declined")
        raise


def log_and_replace() -> NoReturn:
    """Logs an exception, and raises another because of it."""
    try:
        fail()
    except ValueError as error:
        LOG.exception("declined")
        raise LookupError("no payment") from error


def log_its_text_and_raise() -> NoReturn:
    """Logs only the text of an exception, and raises it again."""
    try:
        fail()
    except ValueError as error:
        LOG.error("declined: %s", error)  # noqa: TRY400 - as apps do
        raise


def log_and_leave_a_group() -> NoReturn:
    """Logs an exception, and raises a group that has it."""
    try:
        fail()
    except ValueError as error:
        LOG.exception("declined")
        raise ExceptionGroup("payments", [error]) from None


FAILURES = [fail, log_and_raise, log_and_replace, log_its_text_and_raise, log_and_leave_a_group]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("propagates", [False, True])
def test_an_exception_that_leaves_the_view(
    failure: Callable[[], NoReturn],
    propagates: bool,  # noqa: FBT001 - a table's column
) -> None:
    """It has the request's line alone, whoever logs it: the app, or Flask itself."""
    app, _ = shop()
    app.config["PROPAGATE_EXCEPTIONS"] = propagates
    app.add_url_rule("/", "view", failure)
    serve(app)
    assert names(app) == ["critical-error"]
    assert _held(app) == 0


def test_an_error_handler_that_logs() -> None:
    """One that answers with an error has the request's line, one that answers 200 the logged."""
    app, _ = shop()
    app.add_url_rule("/failed", "failed", fail)
    app.add_url_rule("/mended", "mended", fail)

    @app.errorhandler(ValueError)
    def answer(error: ValueError) -> tuple[str, int]:
        app.logger.error("answered: %s", error, exc_info=error)
        return "answered", 503 if request.path == "/failed" else 200

    serve(app, "/failed")
    serve(app, "/mended")
    assert [(event["detector"], event["path"]) for event in events_of(app)] == [
        ("critical-error", "/failed"),
        ("logged-error", "/mended"),
    ]


def test_a_handler_of_500_that_logs_what_it_gets() -> None:
    """Flask gives it a wrapper around the exception."""
    app, _ = shop()
    app.add_url_rule("/", "view", fail)

    @app.errorhandler(500)
    def answer(error: InternalServerError) -> tuple[str, int]:
        app.logger.error("answered", exc_info=error)
        return "answered", 500

    serve(app)
    assert names(app) == ["critical-error"]


def test_an_exception_that_the_view_answers_itself() -> None:
    """The request's line has no exception, so the logged one has a line too."""
    app, _ = shop()

    @app.route("/")
    def view() -> tuple[str, int]:
        try:
            fail()
        except ValueError:
            LOG.exception("declined")
        return "sorry", 500

    serve(app)
    assert names(app) == ["logged-error", "critical-error"]


def test_another_exception_of_the_same_request() -> None:
    """What goes wrong on the way has a line of its own."""
    app, _ = shop()

    @app.route("/")
    def view() -> NoReturn:
        try:
            fail()
        except ValueError:
            try:
                roll_back()
            except OSError:
                LOG.exception("rollback")
            raise

    serve(app)
    assert sorted((event["detector"], event["exception"]["type"]) for event in events_of(app)) == [
        ("critical-error", "ValueError"),
        ("logged-error", "OSError"),
    ]


@pytest.mark.parametrize("in_context", [True, False])
def test_a_stream_that_logs_and_raises(in_context: bool) -> None:  # noqa: FBT001 - a column
    """The body of a response belongs to its request."""
    app, _ = shop()

    @app.route("/")
    def view() -> Any:
        def parts() -> Iterator[str]:
            yield "one"
            log_and_raise()

        return app.response_class(stream_with_context(parts()) if in_context else parts())

    answer = serve(app)
    assert (answer.body, answer.closed) == (b"one", 1)
    assert names(app) == ["critical-error"]


def test_a_stream_that_goes_on() -> None:
    """What a stream logs and survives is recorded, at the latest when it is closed."""
    app, _ = shop()
    seen: list[int] = []

    @app.route("/")
    def view() -> Any:
        def parts() -> Iterator[str]:
            yield "one"
            try:
                fail()
            except ValueError:
                LOG.exception("declined")
            yield "two"

        return app.response_class(parts())

    answer = serve(app, on_byte=lambda: seen.append(len(events_of(app))))
    assert answer.body == b"onetwo"
    assert names(app) == ["logged-error"]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_watched_job(failure: Callable[[], NoReturn]) -> None:
    """A job's exception has one line, and a scheduler that logs it afterwards adds none."""
    app, errwatch = shop()
    try:
        errwatch.watch("nightly")(failure)()
    except Exception:
        logging.getLogger("scheduler").exception("Job nightly raised")
    assert names(app) == ["critical-error"]


def test_what_a_job_survives() -> None:
    """An exception that is logged and not raised is recorded, at the latest as the job ends."""
    app, errwatch = shop()
    with errwatch.watch("nightly"):
        try:
            fail()
        except ValueError:
            LOG.exception("declined")
    assert names(app) == ["logged-error"]


def test_a_job_inside_a_request() -> None:
    """What a job logs and the view raises later has the request's line."""
    app, errwatch = shop()

    @app.route("/")
    def view() -> NoReturn:
        with errwatch.watch("nightly"):
            try:
                fail()
            except ValueError as error:
                LOG.exception("declined")
                kept = error
        raise kept

    serve(app)
    assert names(app) == ["critical-error"]


def test_a_job_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that never returns waits at most `LONGEST_HOLD` for the line of what it logged."""
    monkeypatch.setattr(held_events, "LONGEST_HOLD", 0.0)
    monkeypatch.setattr(held_events, "_SWEEP", 0.01)
    app, errwatch = shop()
    with errwatch.watch("consumer"):
        try:
            fail()
        except ValueError:
            LOG.exception("declined")
        until(lambda: names(app) == ["logged-error"])
    assert names(app) == ["logged-error"]


def test_more_than_can_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that logs without end needs bounded memory, and nothing is lost."""
    monkeypatch.setattr(held_events, "_MOST", 3)
    app, errwatch = shop()
    with errwatch.watch("consumer"):
        for _ in range(5):
            try:
                fail()
            except ValueError:
                LOG.exception("declined")
        assert len(events_of(app)) == 2
    assert len(events_of(app)) == 5


def test_a_reported_exception() -> None:
    """An exception that the app reports and logs has the reported line."""
    app, _ = shop()
    recorder = state_of(app).recorder
    try:
        fail()
    except ValueError as error:
        recorder.report(recorder.catalogue.critical, {}, None, error)
        LOG.exception("declined")
    assert names(app) == ["critical-error"]


# Nobody else notices.


PROGRAM = """
import logging, logging.config, sys
from flask import Flask
from flask_errwatch import ErrWatch
app = Flask("shop")
app.config["ERRWATCH_SINKS"] = "memory"
if sys.argv[1] == "on":
    app.config["ERRWATCH_LOGGED_ERRORS"] = True
errwatch = ErrWatch(app)

@app.route("/")
def view():
    logging.getLogger("library").error("bad %s", "news")
    logging.getLogger("own").error("for itself")
    app.logger.error("of the app")
    1 / 0

class Broken(logging.Handler):
    def emit(self, record):
        try:
            1 / 0
        except ZeroDivisionError:
            self.handleError(record)

def nothing(): pass
def basic(): logging.basicConfig(format="BASIC %(message)s")
def configured():
    logging.config.dictConfig({
        "version": 1, "disable_existing_loggers": False,
        "formatters": {"f": {"format": "DICT %(name)s %(message)s"}},
        "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f"}},
        "loggers": {"own": {"handlers": ["h"], "propagate": False}},
        "root": {"handlers": ["h"], "level": "ERROR"}})
def broken():
    handler = Broken()
    logging.getLogger("library").addHandler(handler)
    logging.getLogger("library").error("before")
    logging.getLogger("library").removeHandler(handler)
def quiet(): logging.getLogger("library").disabled = True
def refusing(): logging.getLogger("library").addFilter(lambda record: False)

globals()[sys.argv[2]]()
app.test_client().get("/")
print(logging.getLogger().handlers, logging.getLogger("library").filters != [], app.logger.handlers)
if sys.argv[1] == "on":
    import json
    lines = app.extensions["errwatch"].delivery.memory.lines
    events = [json.loads(line) for line in lines]
    with open(sys.argv[3], "w") as file:
        json.dump([e.get("data", {}).get("logger", e["detector"]) for e in events], file)
"""


@pytest.mark.parametrize(
    ("setup", "loggers"),
    [
        ("nothing", ["library", "own", "shop", "critical-error"]),
        ("basic", ["library", "own", "shop", "critical-error"]),
        ("configured", ["library", "own", "shop", "critical-error"]),
        ("broken", ["library", "library", "own", "shop", "critical-error"]),
        ("quiet", ["own", "shop", "critical-error"]),
        ("refusing", ["own", "shop", "critical-error"]),
    ],
)
def test_the_output_of_the_app_is_the_same(setup: str, loggers: list[str], tmp_path: Any) -> None:
    """Logging's last resort, Flask's handler and the app's own write what they always did.

    Handlers that fail print the same call stack. A disabled logger and a filter that refuses are
    obeyed. Loggers that do not propagate are seen, and `dictConfig` changes nothing.
    """
    program, result = tmp_path / "program.py", tmp_path / "events.json"
    program.write_text(PROGRAM)
    outputs = [
        subprocess.run(
            [sys.executable, str(program), switch, setup, str(result)],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        for switch in ("off", "on")
    ]
    plain, observed = [(without_times(done.stdout), without_times(done.stderr)) for done in outputs]
    assert observed == plain
    assert json.loads(result.read_text()) == loggers


def without_times(text: str) -> str:
    """The output without times and addresses, which differ between any two runs."""
    return re.sub(r"\d{4}-\d\d-\d\d [\d:,]+|0x[0-9a-f]+", "", text)


def test_what_is_logged_while_a_record_is_handled() -> None:
    """A hook that logs an error for every event causes no event of its own."""
    app, errwatch = shop()

    @errwatch.before_emit
    def log(event: Event) -> Event:
        LOG.error("about to emit")
        return event

    LOG.error("wrong")
    assert [event["data"]["message"] for event in events_of(app)] == ["wrong"]


def test_what_libraries_log_while_lines_are_sent() -> None:
    """In the threads of this package nothing becomes an event, else an outage would feed itself."""
    app, _ = shop()
    for name in ("errwatch-shipper", "worker"):
        thread = threading.Thread(
            target=lambda: logging.getLogger("botocore").error("no connection"), name=name
        )
        thread.start()
        thread.join()
    assert len(events_of(app)) == 1


class Hostile:
    """Raises when it is shown."""

    def __str__(self) -> str:
        raise RuntimeError("not today")


@pytest.mark.parametrize(
    ("message", "arguments"), [("%s", (Hostile(),)), ("%d", ("text",)), (Hostile(), ())]
)
def test_a_record_that_cannot_be_formatted(
    message: object, arguments: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a line, and the caller never notices."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    app, _ = shop()
    logger = logging.Logger("alone")  # noqa: LOG001 - no handler of pytest sees its records
    logger.addHandler(logging.NullHandler())
    logger.error(message, *arguments)
    (event,) = events_of(app)
    assert event["data"]["logger"] == "alone"


def test_a_long_and_forged_message() -> None:
    """A message is one value on one line, cut to its bound."""
    app, _ = shop()
    LOG.error("a\nb\x1b[31m%s", "x" * 100_000)
    (line,) = state_of(app).delivery.memory.lines
    assert len(line) < 32 * 1024
    assert b"\n" not in line.rstrip(b"\n")
    assert b"\x1b" not in line


def test_the_app_of_the_context_has_the_record() -> None:
    """Outside of all contexts it is the first app that asked."""
    first, _ = shop()
    second, _ = shop()
    silent = Flask("silent")
    watched(silent)
    with second.app_context():
        LOG.error("second")
    with silent.app_context():
        LOG.error("nobody")
    LOG.error("first")
    messages = [
        [event["data"]["message"] for event in events_of(app)] for app in (first, second, silent)
    ]
    assert messages == [["first"], ["second"], []]


def test_a_finalizer_that_logs_during_a_request() -> None:
    """A record may come from anywhere, also while a context variable is being reset."""
    app, _ = shop()

    class Noisy:
        def __del__(self) -> None:
            LOG.error("gone")

    @app.route("/")
    def view() -> str:
        cycle: list[object] = [Noisy()]
        cycle.append(cycle)
        return "fine"

    gc.collect()
    for _ in range(3):
        serve(app)
    gc.collect()
    assert len(events_of(app)) == 3


# The catalogue.


def test_the_detector_exists_only_while_it_is_on() -> None:
    """Off, nothing is planned for it. On, it has a filter and an alarm like every detector."""
    app, _ = shop()
    off = Flask("shop")
    watched(off)
    for one, expected in ((app, 1), (off, 0)):
        state = state_of(one)
        resources = desired_resources(state.catalogue, state.config).alarms
        found = [alarm for alarm in resources if alarm.name == "shop-logged-error"]
        assert len(found) == expected
    with pytest.raises(ConfigurationError, match="There is no such detector"):
        watched(Flask("shop"), detectors={"logged-error": {"threshold": 3}})
    tuned, _ = shop(detectors={"logged-error": {"threshold": 3, "level": "critical"}})
    detector = state_of(tuned).catalogue.named("logged-error")
    assert (detector.level, getattr(detector.alarm, "threshold", None)) == ("critical", 3)


def test_a_detector_of_the_app_with_this_name() -> None:
    """It is used in place of ours."""
    own = Detector(name="logged-error", event="Shop Log", level="info", alarm=None)
    app = Flask("shop")
    app.config.update(ERRWATCH_SINKS="memory", ERRWATCH_LOGGED_ERRORS=True)
    ErrWatch(app, detectors=[*DEFAULT_DETECTORS, own])
    LOG.error("wrong")
    assert [event["event"] for event in events_of(app)] == ["Shop Log"]


def _held(app: Flask) -> int:
    """How many events are held for the app."""
    (observer,) = (reference() for reference in logged_errors._observers)
    assert observer is not None
    assert observer.app() is app
    held: HeldEvents | None = observer._held.peek()
    return 0 if held is None else len(held._held)


def until(holds: Callable[[], bool]) -> None:
    """Waits for a condition."""
    limit = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.01)

"""What detectors that claim exceptions by class do not get, and exceptions of odd classes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask, got_request_exception, request

from flask_errwatch import DEFAULT_DETECTORS, Detector, ErrWatch
from tests.wsgi_driver import environ_for, events_of, serve

SLOW = Detector(name="backend-slow", event="Backend Slow", exceptions=("builtins.TimeoutError",))


class StalledInput(io.BytesIO):
    """An input whose client sends nothing more."""

    def read(self, _size: int | None = -1, /) -> bytes:
        """Waits in vain."""
        raise TimeoutError("timed out")


def backend() -> Flask:
    """An app that reads uploads, and asks a backend that is slow."""
    app = Flask("shop")
    app.config.update(ERRWATCH_SINKS="memory", PROPAGATE_EXCEPTIONS=False)
    ErrWatch(app, detectors=(*DEFAULT_DETECTORS, SLOW))

    @app.post("/upload")
    def upload() -> str:
        return str(len(request.environ["wsgi.input"].read(10)))

    @app.get("/backend")
    def slow() -> str:
        raise TimeoutError("of the backend")

    @app.get("/odd")
    def odd() -> str:
        raise OddError("a bug")

    return app


class OddError(Exception):
    """An exception that has no module."""

    __module__ = 5  # type: ignore[assignment]


@pytest.mark.parametrize("answers", [None, 200, 400])
def test_a_client_that_stalls_its_upload(answers: int | None) -> None:
    """It is the client's failure whatever its class, and not that of the slow backend."""
    app = backend()
    if answers is not None:
        app.register_error_handler(TimeoutError, lambda _error: ("again", answers))
    environ = environ_for("/upload", REQUEST_METHOD="POST")
    environ["wsgi.input"] = StalledInput()
    body: Any = app(environ, lambda *_: lambda _data: None)
    b"".join(body)
    body.close()
    expected = {None: ["Client Error"], 200: [], 400: ["Client Error"]}[answers]
    assert [event["event"] for event in events_of(app)] == expected


def test_a_slow_backend() -> None:
    """An exception of the same class from elsewhere is claimed."""
    app = backend()
    serve(app, "/backend")
    assert [event["event"] for event in events_of(app)] == ["Backend Slow"]


def test_a_class_whose_module_is_no_text() -> None:
    """The crash has its line."""
    app = backend()
    serve(app, "/odd")
    (event,) = events_of(app)
    assert event["event"] == "Critical Error"
    assert event["exception"]["type"] == "5.OddError"
    assert app.extensions["errwatch"].recorder.guard.failures == 0


class BrokenApi:
    """A framework's object whose settings cannot be read."""

    @property
    def _default_error_handler(self) -> object:
        raise RuntimeError("not configured")

    def report(self, app: Flask) -> str:
        """Sends Flask's signal, and answers."""
        got_request_exception.send(app, exception=ValueError("answered"))
        return "fine"


def test_a_framework_that_cannot_be_read() -> None:
    """The receiver of Flask's signal never breaks the app."""
    app = backend()
    app.get("/api")(lambda: BrokenApi().report(app))
    assert serve(app, "/api").status == "200 OK"
    assert app.extensions["errwatch"].recorder.guard.failures == 1

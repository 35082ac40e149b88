"""The library keeps no request, environment or app alive."""

from __future__ import annotations

import gc
import io
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_errwatch import Detector, ErrWatch
from tests.capture.wsgi_apps import Start, failing, streaming
from tests.wsgi_driver import environ_for, events_of, serve, watched


def left_of(app: Flask, path: str) -> tuple[set[str], list[bool]]:
    """The keys that a request left in its environment, and whether it lives as long as its body."""
    requests: list[weakref.ref[Any]] = []
    app.before_request(lambda: requests.append(weakref.ref(request._get_current_object())))  # type: ignore[attr-defined]
    environ = environ_for(path)
    before = {*environ}
    gc.collect()
    gc.disable()
    try:
        body: Any = app(environ, lambda *_: lambda _data: None)
        b"".join(body)
        body.close()
        return {*environ} - before, [ref() is not None for ref in requests]
    except SystemExit:
        return {*environ} - before, []
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/good", None),
        ("/nowhere", None),
        ("/fine", None),
        ("/crash", "ZeroDivisionError"),
        ("/answered", "LookupError"),
        ("/exit", "SystemExit"),
    ],
)
def test_a_request_that_is_over_leaves_nothing(path: str, kind: str | None) -> None:
    """Holding the environment or the body keeps no more of the request alive than without us."""

    def build() -> Flask:
        app = streaming()
        app.testing = False
        app.logger.disabled = True
        app.add_url_rule("/crash", "crash", failing(ZeroDivisionError))
        app.add_url_rule("/fine", "fine", failing(KeyError))
        app.add_url_rule("/exit", "exit", failing(IndexError))
        app.register_error_handler(KeyError, lambda _error: "fine all the same")
        app.register_error_handler(IndexError, failing(SystemExit))
        return app

    app = build()
    watched(app)
    assert left_of(app, path) == left_of(build(), path)
    failures = [event for event in events_of(app) if "exception" in event]
    assert [(event["exception"]["type"], event["route"]) for event in failures] == (
        [] if kind is None else [(kind, path)]
    )


def test_an_outer_request_that_is_over_first_leaves_nothing() -> None:
    """A response that fails only for the outer app leaves nothing in the inner one."""
    inner, outer = Flask("inner"), Flask("outer")
    inner.config["ERRWATCH_SINKS"] = "memory"
    ErrWatch(inner, detectors=[Detector(name="login-failed", event="Login Failed")])
    inner.add_url_rule("/gone", "gone", lambda: ("gone", 404))
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/in": inner})  # type: ignore[method-assign]
    watched(outer)
    left, alive = left_of(outer, "/in/gone")
    assert (left & {"flask_errwatch.request_state"}, alive) == (set(), [])
    assert [len(events_of(app)) for app in (inner, outer)] == [0, 1]


def test_a_request_is_freed_without_the_garbage_collector() -> None:
    """The library keeps a request's environment in no cycle, as Flask itself ensures."""

    class Input(io.BytesIO):
        """An input that supports weak references."""

    app = streaming()
    app.testing = False
    watched(app)
    kept: list[weakref.ref[Input]] = []
    serve(app, "/good")
    gc.collect()
    gc.disable()
    try:
        for path in ("/good", "/missing", "/answered"):
            body = Input()
            kept.append(weakref.ref(body))
            environ: dict[str, Any] = {"wsgi.input": body}
            serve(app, path, **environ)
            del body, environ
        assert [ref() for ref in kept] == [None, None, None]
    finally:
        gc.enable()


class KeepsStart:
    """A WSGI app in the class style of PEP 3333: it is its own body and has `start_response`."""

    def __init__(self, environ: dict[str, Any], start: Start) -> None:
        self.environ, self.start = environ, start

    def __iter__(self) -> Iterator[bytes]:
        self.start("200 OK", [])
        yield b"body"


class Environ(dict[str, Any]):
    """An environment that supports weak references."""


@pytest.mark.parametrize("kind", ["nested", "class", "ok", "missing", "stream"])
def test_nothing_of_a_closed_request_waits_for_the_collector(kind: str) -> None:
    """A large upload is freed without the garbage collector, whatever the response."""
    app = Flask(__name__)
    app.add_url_rule("/ok", "ok", lambda: "fine")
    app.add_url_rule("/missing", "missing", lambda: ("gone", 404))
    app.add_url_rule("/stream", "stream", lambda: Response(iter([b"a", b"b"])))
    if kind == "class":
        app.wsgi_app = KeepsStart  # type: ignore[assignment,method-assign]
    watched(app)
    requests: list[weakref.ref[Any]] = []
    app.before_request(lambda: requests.append(weakref.ref(request._get_current_object())))  # type: ignore[attr-defined]
    served: Any = app
    if kind == "nested":
        served = Flask("outer")
        served.wsgi_app = DispatcherMiddleware(served.wsgi_app, {"/inner": app.wsgi_app})
        watched(served)
    path = {"nested": "/inner/ok", "class": "/"}.get(kind, f"/{kind}")
    environ = Environ(environ_for(path))
    alive = weakref.ref(environ)
    gc.collect()
    gc.disable()
    try:
        body = served(environ, lambda *_: None)
        assert b"".join(body)
        body.close()
        del environ
        assert [ref() for ref in requests] == [None] * (kind != "class")
        del body
        assert alive() is None
    finally:
        gc.enable()


def test_the_app_can_be_collected() -> None:
    """No global reference keeps an app alive."""
    errwatch = ErrWatch()
    app = Flask("short-lived")
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch.init_app(app)
    serve(app, "/x")
    ref = weakref.ref(app)
    del app
    gc.collect()
    assert ref() is None


@pytest.mark.parametrize("status", ["200 OK", "404 NOT FOUND"])
def test_an_environment_that_the_app_empties(status: str) -> None:
    """An app that empties its environment is served, and its failure is recorded."""
    app = Flask(__name__)

    def emptying(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        environ.clear()
        start_response(status, [])
        return iter([b"body"])

    app.wsgi_app = emptying  # type: ignore[method-assign]
    watched(app)
    assert serve(app).body == b"body"
    assert len(events_of(app)) == (status == "404 NOT FOUND")

"""Nested apps, nested requests and the threads of a middleware: each request has its event."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import deepcopy
from typing import Any

import pytest
from flask import Flask, request
from werkzeug import Response as BaseResponse
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.capture.wsgi_apps import (
    BrokenPipeInTheMiddleError,
    ContextError,
    Start,
    Wsgi,
    failing,
    streaming,
)
from tests.wsgi_driver import environ_for, events_of, serve, watched


def test_an_app_inside_another_apps_middleware() -> None:
    """An app mounted by DispatcherMiddleware: one request, one event, of the inner app."""
    inner, outer = Flask("inner"), Flask("outer")
    inner.config["PROPAGATE_EXCEPTIONS"] = True
    inner.get("/crash")(lambda: str(1 // 0))
    watched(inner)
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/inner": inner})  # type: ignore[method-assign]
    watched(outer)
    assert serve(outer, "/inner/nowhere").status == "404 NOT FOUND"
    assert isinstance(serve(outer, "/inner/crash").raised, ZeroDivisionError)
    assert serve(outer, "/nowhere").status == "404 NOT FOUND"
    assert [event["path"] for event in events_of(inner)] == ["/inner/nowhere", "/inner/crash"]
    assert [event["app"] for event in events_of(inner)] == ["inner", "inner"]
    assert [event["path"] for event in events_of(outer)] == ["/nowhere"]


@pytest.mark.parametrize(
    "copied",
    [
        deepcopy,
        dict,
        lambda environ: {key: str(value) for key, value in environ.items()},
    ],
)
def test_a_request_dispatched_with_a_copy_of_the_environment(
    copied: Callable[[dict[str, Any]], Any],
) -> None:
    """Whatever a copy does with our state, each request is answered and has its event."""
    inner, outer = Flask("inner"), Flask("outer")
    watched(inner)
    watched(outer)

    @inner.get("/fine")
    def fine() -> str:
        return "fine"

    @outer.get("/<path:path>")
    def pass_on(path: str) -> BaseResponse:
        environ = copied({**request.environ, "wsgi.errors": None, "werkzeug.request": None})
        environ["PATH_INFO"] = f"/{path}"
        return BaseResponse.from_app(inner, environ)

    assert serve(outer, "/fine").body == b"fine"
    assert serve(outer, "/nowhere").status == "404 NOT FOUND"
    assert [event["path"] for event in events_of(inner)] == ["/nowhere"]
    assert serve(outer, "/fine").body == b"fine"


def test_an_app_inside_an_app_inside_an_app() -> None:
    """However many middlewares a request passes, it has one event."""
    apps = [Flask(name) for name in ("inner", "middle", "outer")]
    for inner, app in zip([None, *apps], apps, strict=False):
        if inner is not None:
            app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/inner": inner})  # type: ignore[method-assign]
        watched(app)
    assert serve(apps[-1], "/inner/inner/nowhere").status == "404 NOT FOUND"
    assert [len(events_of(app)) for app in apps] == [1, 0, 0]


def test_an_app_called_before_another_one() -> None:
    """After an app was called within the same request, exceptions are noted for the outer app."""
    inner, outer = Flask("inner"), Flask("outer")
    inner.get("/")(lambda: "seen")
    watched(inner)
    outer.get("/")(lambda: str(1 // 0))
    outer.register_error_handler(ZeroDivisionError, lambda _error: ("no", 400))
    flask_app = outer.wsgi_app

    def asking(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        seen = inner(environ, lambda *_args: lambda _data: None)
        assert b"".join(seen) == b"seen"
        seen.close()  # type: ignore[attr-defined]  # Werkzeug's bodies have it
        return flask_app(environ, start_response)

    outer.wsgi_app = asking  # type: ignore[method-assign]
    watched(outer)
    serve(outer)
    assert events_of(inner) == []
    (event,) = events_of(outer)
    assert event["exception"]["handled"] is True


def test_an_app_called_with_a_copy_of_the_environment() -> None:
    """A view that forwards its request to another app: still one request, one event."""
    inner, outer = Flask("inner"), Flask("outer")
    watched(inner)
    watched(outer)

    @outer.get("/<path:path>")
    def forwarding(path: str) -> BaseResponse:
        return BaseResponse.from_app(inner, {**request.environ, "PATH_INFO": f"/v1/{path}"})

    assert serve(outer, "/nowhere").status == "404 NOT FOUND"
    assert [event["path"] for event in events_of(inner)] == ["/v1/nowhere"]
    assert events_of(outer) == []


def test_a_request_inside_another() -> None:
    """A view that makes a request: two requests, and each that fails has its event."""
    inner, outer = Flask("inner"), Flask("outer")
    watched(inner)
    watched(outer)
    inner.get("/crash")(lambda: str(1 // 0))

    @outer.errorhandler(KeyError)
    def asking_again(_error: KeyError) -> tuple[str, int]:
        serve(inner, "/crash")
        serve(inner, "/gone")
        return "no", 400

    @outer.get("/")
    def asking() -> str:
        raise KeyError(serve(inner, "/nowhere").status)

    assert serve(outer).status == "400 BAD REQUEST"
    assert [(event["path"], "exception" in event) for event in events_of(inner)] == [
        ("/nowhere", False),
        ("/crash", True),
        ("/gone", False),
    ]
    (event,) = events_of(outer)
    assert event["exception"]["message"] == "'404 NOT FOUND'"
    assert event["exception"]["handled"] is True


def test_requests_that_share_an_input() -> None:
    """A server, or a test, may pass two requests the same input: each has its event."""
    app = Flask(__name__)
    watched(app)
    nothing: dict[str, Any] = {"wsgi.input": io.BytesIO()}
    serve(app, "/one", **nothing)
    serve(app, "/two", **nothing)
    assert [event["path"] for event in events_of(app)] == ["/one", "/two"]


def test_requests_that_are_dispatched_by_hand() -> None:
    """Requests that a view dispatches itself, without WSGI, have no event."""
    app = Flask(__name__)
    watched(app)
    app.add_url_rule("/crash", "crash", failing(ValueError))
    app.register_error_handler(KeyError, lambda _error: (by_hand("/crash"), 400))

    @app.get("/batch/<how>")
    def by_hand(how: str) -> str:
        with app.test_request_context("/crash"):
            try:
                app.full_dispatch_request()
            except ValueError as error:
                app.handle_exception(error)
        if how == "fails":
            raise KeyError(how)
        return "done"

    assert serve(app, "/batch/works").status == "200 OK"
    assert events_of(app) == []
    assert serve(app, "/batch/fails").status == "400 BAD REQUEST"
    (event,) = events_of(app)
    assert (event["path"], event["exception"]["message"]) == ("/batch/fails", "'fails'")


Middleware = Callable[[Wsgi], Wsgi]


def in_a_thread(app: Wsgi) -> Wsgi:
    """Runs the app in another thread, as a middleware with a time limit does."""

    def run(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(app, environ, start).result()

    return run


def buffering(app: Wsgi) -> Wsgi:
    """Runs the app in a thread and sends its response when it is complete."""

    def run(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        started: list[Any] = []
        with ThreadPoolExecutor(1) as pool:
            got = pool.submit(app, environ, lambda *args: started.append(args[:2])).result()
        start(*started[-1])
        return [b"".join(got)]

    return run


def in_a_context(app: Wsgi) -> Wsgi:
    """Runs the app in a copy of the context."""
    return lambda environ, start: copy_context().run(app, environ, start)


def with_a_copy(app: Wsgi) -> Wsgi:
    """Passes the app a copy of the environment whose input can be read again."""

    def run(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        again = io.BytesIO(environ["wsgi.input"].read())
        return app({**environ, "wsgi.input": again}, start)

    return run


@pytest.mark.parametrize("middleware", [in_a_thread, buffering, in_a_context, with_a_copy])
def test_a_middleware_may_run_the_app_anywhere(middleware: Middleware) -> None:
    """In another thread, context or environment the exception is found, and once."""
    app, inner = streaming(), streaming()
    watched(inner)
    app.add_url_rule("/crash", "crash", failing(ZeroDivisionError))
    app.wsgi_app = middleware(DispatcherMiddleware(app.wsgi_app, {"/inner": inner}))  # type: ignore[assignment,method-assign]
    watched(app)
    for path in ("/crash", "/answered", "/inner/answered", "/inner/nowhere"):
        serve(app, path)
    assert [(event["path"], event["exception"]["type"]) for event in events_of(app)] == [
        ("/crash", "ZeroDivisionError"),
        ("/answered", "LookupError"),
    ]
    assert [(event["path"], "exception" in event) for event in events_of(inner)] == [
        ("/inner/answered", True),
        ("/inner/nowhere", False),
    ]


def test_two_requests_at_a_time_in_one_thread() -> None:
    """While a response is sent, the same thread serves others: each has its own event."""
    app = streaming()
    watched(app)
    shared: dict[str, Any] = {"wsgi.input": io.BytesIO()}
    parts = iter(app(environ_for("/middle", **shared), lambda *_: lambda _data: None))
    assert next(parts) == b"first "
    serve(app, "/answered", **shared)
    with pytest.raises(BrokenPipeInTheMiddleError):
        b"".join(parts)
    assert [(event["path"], event["status"]) for event in events_of(app)] == [
        ("/answered", 400),
        ("/middle", 200),
    ]


def test_a_failing_request_does_not_touch_the_others() -> None:
    """Others are served while an exception is handled, and have their events."""
    app = Flask(__name__)
    watched(app)
    met, go_on = threading.Event(), threading.Event()
    app.add_url_rule("/crash", "crash", lambda: str(1 // 0))
    app.add_url_rule("/fine", "fine", lambda: "fine")

    @app.errorhandler(ZeroDivisionError)
    def slow(_error: ZeroDivisionError) -> tuple[str, int]:
        met.set()
        assert go_on.wait(60)
        return "no", 400

    thread = threading.Thread(target=serve, args=(app, "/crash"))
    thread.start()
    try:
        assert met.wait(60)
        assert serve(app, "/fine").status == "200 OK"
        assert serve(app, "/nowhere").status == "404 NOT FOUND"
    finally:
        go_on.set()
        thread.join()
    assert [(event["path"], "exception" in event) for event in events_of(app)] == [
        ("/nowhere", False),
        ("/crash", True),
    ]


def test_an_unwatched_app_inside_a_watched_one() -> None:
    """Failures of a plain WSGI app in the middleware are the outer app's."""
    outer = Flask("outer")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/plain": Flask("plain")})  # type: ignore[method-assign]
    watched(outer)
    serve(outer, "/plain/x")
    assert [event["path"] for event in events_of(outer)] == ["/plain/x"]


def test_a_message_of_a_request_inside_another_is_its_own() -> None:
    """The message of an inner request's exception does not see the outer request."""
    inner = Flask("inner")
    watched(inner)

    @inner.get("/bob")
    def bob() -> str:
        raise ContextError

    outer = Flask("outer")

    @outer.get("/alice")
    def alice() -> str:
        serve(inner, "/bob")
        return "done"

    serve(outer, "/alice")
    (event,) = events_of(inner)
    assert event["exception"]["message"] == "on /bob"

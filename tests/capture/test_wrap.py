"""`ErrWatch.wrap`: what surrounds the app answers, and a request still has one event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask, request
from flask_socketio import SocketIO
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Request, Response

from flask_errwatch import ErrWatch, NoAppError
from tests.capture.wsgi_apps import Start, Wsgi
from tests.wsgi_driver import Event, events_of, serve, watched


def unwatched_shop() -> Flask:
    """An app without the extension."""
    app = Flask("shop")

    @app.get("/fine")
    def fine() -> str:
        return "fine"

    @app.get("/crash")
    def crash() -> str:
        return str(1 // 0)

    @app.get("/items/<int:number>")
    def item(number: int) -> tuple[str, int]:
        return f"no item {number}", 404

    return app


def shop() -> tuple[Flask, ErrWatch]:
    """A watched app."""
    app = unwatched_shop()
    return app, watched(app)


def gate(inner: Wsgi) -> Wsgi:
    """A middleware that answers some requests by itself, and fails for one."""

    def gated(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/admin":
            return Response("no", 401)(environ, start_response)
        if path == "/fails":
            raise RuntimeError("the middleware fails")
        return inner(environ, start_response)

    return gated


def buffering(inner: Wsgi) -> Wsgi:
    """A middleware that answers when the app has ended, and hides every failure of one path."""

    def buffered(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        response = Response.from_app(inner, dict(environ), buffered=True)
        if environ["PATH_INFO"] == "/items/7":
            response.status_code = 200
        return response(environ, start_response)

    return buffered


def seen(app: Flask) -> list[tuple[str, int, str]]:
    """Path, status and detector of each event."""
    return [(event["path"], event["status"], event["detector"]) for event in events_of(app)]


@pytest.mark.parametrize("inside", [False, True], ids=["around the app", "as its wsgi_app"])
def test_middleware_around_the_app(inside: bool) -> None:  # noqa: FBT001 - a case
    """Answers and failures of the middleware have an event; those of the app have one, as ever."""
    app, errwatch = shop()
    served: Wsgi = errwatch.wrap(gate(app.wsgi_app if inside else app))
    if inside:
        app.wsgi_app = served  # type: ignore[method-assign,assignment]
        served = app
    for path in ("/fine", "/admin", "/fails", "/crash", "/nowhere"):
        serve(served, path)
    assert seen(app) == [
        ("/admin", 401, "authentication-error"),
        ("/fails", 500, "critical-error"),
        ("/crash", 500, "critical-error"),
        ("/nowhere", 404, "not-found-error"),
    ]
    assert [event["exception"]["type"] for event in events_of(app) if "exception" in event] == [
        "RuntimeError",
        "ZeroDivisionError",
    ]


def test_an_app_under_a_dispatcher() -> None:
    """Paths that the dispatcher answers have an event, and those of the app have their route."""
    app, errwatch = shop()
    served = errwatch.wrap(DispatcherMiddleware(NotFound(), {"/shop": app}))
    for path in ("/shop/fine", "/shop/items/3", "/.env"):
        serve(served, path)
    assert seen(app) == [
        ("/shop/items/3", 404, "not-found-error"),
        ("/.env", 404, "not-found-error"),
    ]
    first: Event
    first, second = events_of(app)
    assert first["route"] == "/items/<int:number>"
    assert "route" not in second


def test_what_the_client_is_sent_decides() -> None:
    """A middleware that answers later may change the status: the last one is recorded."""
    app, errwatch = shop()
    served = errwatch.wrap(buffering(app))
    for path in ("/items/7", "/items/8", "/crash"):
        serve(served, path)
    assert seen(app) == [
        ("/items/8", 404, "not-found-error"),
        ("/crash", 500, "critical-error"),
    ]
    assert events_of(app)[0]["route"] == "/items/<int:number>"
    assert events_of(app)[1]["exception"]["type"] == "ZeroDivisionError"


def test_flask_socketio() -> None:
    """Engine.IO answers its own path without the app: with `wrap` its refusals have an event."""
    app, errwatch = shop()
    SocketIO(app, async_mode="threading")
    assert serve(app, "/socket.io/?EIO=9").status == "400 BAD REQUEST"
    assert seen(app) == []
    app.wsgi_app = errwatch.wrap(app.wsgi_app)  # type: ignore[method-assign,assignment]
    assert serve(app, "/socket.io/?EIO=9").status == "400 BAD REQUEST"
    assert serve(app, "/nowhere").status == "404 NOT FOUND"
    assert seen(app) == [
        ("/socket.io/", 400, "bad-request-error"),
        ("/nowhere", 404, "not-found-error"),
    ]


def test_wrapped_twice() -> None:
    """A callable that is wrapped again still has one event per request."""
    app, errwatch = shop()
    served = errwatch.wrap(gate(errwatch.wrap(gate(app))))
    for path in ("/admin", "/crash"):
        serve(served, path)
    assert seen(app) == [
        ("/admin", 401, "authentication-error"),
        ("/crash", 500, "critical-error"),
    ]


def test_the_outermost_of_two_wraps_decides() -> None:
    """What leaves the outermost callable is recorded, with the route that the app found."""
    app, errwatch = shop()
    served = errwatch.wrap(buffering(errwatch.wrap(gate(app))))
    for path in ("/items/7", "/items/8", "/crash"):
        serve(served, path)
    assert seen(app) == [
        ("/items/8", 404, "not-found-error"),
        ("/crash", 500, "critical-error"),
    ]
    assert events_of(app)[0]["route"] == "/items/<int:number>"
    assert events_of(app)[1]["exception"]["type"] == "ZeroDivisionError"


def test_a_request_that_the_app_makes_to_itself() -> None:
    """A request inside a view, with a copy of the environment, has an event of its own."""
    app, errwatch = shop()

    @app.get("/batch")
    def batch() -> str:
        environ = {**request.environ, "PATH_INFO": "/nowhere"}
        return Response.from_app(app.wsgi_app, environ, buffered=True).status

    served = errwatch.wrap(gate(app))
    assert serve(served, "/batch").body == b"404 NOT FOUND"
    assert seen(app) == [("/nowhere", 404, "not-found-error")]


def test_middleware_that_reads_the_request_first() -> None:
    """Middleware often makes a Werkzeug request of its own: the app's route is recorded."""
    app, errwatch = shop()

    def reading(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        assert Request(environ).path == "/items/3"
        return app(environ, start_response)

    serve(errwatch.wrap(reading), "/items/3")
    (event,) = events_of(app)
    assert event["route"] == "/items/<int:number>"


@pytest.mark.parametrize("path", ["/fine", "/admin", "/fails", "/crash", "/items/3"])
@pytest.mark.parametrize("middleware", [gate, buffering])
def test_wrapped_answers_are_the_same(path: str, middleware: Callable[[Wsgi], Wsgi]) -> None:
    """Status, headers, body and exceptions are those of the callable that was wrapped."""
    app, errwatch = shop()
    assert serve(errwatch.wrap(middleware(app)), path) == serve(middleware(unwatched_shop()), path)


def test_hooks_have_the_request_context() -> None:
    """Where the middleware passes the response on at once, hooks run in the app's context."""
    app, errwatch = shop()
    errwatch.enrich(lambda _event: {"view": request.endpoint})
    serve(errwatch.wrap(gate(app)), "/items/3")
    assert events_of(app)[0]["data"] == {"view": "item"}


def test_which_app_records() -> None:
    """With several apps, the one that records is named."""
    errwatch = ErrWatch()
    one, other = Flask("one"), Flask("other")
    for app in (one, other):
        app.config["ERRWATCH_SINKS"] = "memory"
        errwatch.init_app(app)
    dispatcher = DispatcherMiddleware(NotFound(), {"/one": one, "/other": other})
    with pytest.raises(NoAppError):
        errwatch.wrap(dispatcher)
    served = errwatch.wrap(dispatcher, app=one)
    for path in ("/.env", "/one/x", "/other/x"):
        serve(served, path)
    assert [event["path"] for event in events_of(one)] == ["/.env", "/one/x"]
    assert [event["path"] for event in events_of(other)] == ["/other/x"]

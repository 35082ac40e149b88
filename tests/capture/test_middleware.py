"""The middleware conforms to PEP 3333, and the event is emitted before the first byte."""

from __future__ import annotations

import functools
import io
import sys
from collections import UserDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, request, send_file, stream_with_context
from werkzeug.local import LocalProxy
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_errwatch import Detector, event_recorded
from flask_errwatch.detectors import Catalogue
from tests.capture.wsgi_apps import (
    BrokenPipeInTheMiddleError,
    ContextError,
    Serve,
    Start,
    Wsgi,
    failing,
    streaming,
    wrapping,
)
from tests.wsgi_driver import Event, FileWrapper, environ_for, events_of, lines_of, serve, watched


def test_a_stream_that_ends_well(both: Serve) -> None:
    """A good stream is passed on part by part, closed once, and has no event."""
    seen = both(streaming, "/good")
    assert seen.answer.body == b"ab"
    assert seen.answer.closed == 1
    assert seen.events == []


def test_a_stream_of_an_error_page(both: Serve) -> None:
    """A generated 404 has one event."""
    assert both(streaming, "/missing").event["status"] == 404


def test_a_stream_that_fails_in_the_middle(both: Serve) -> None:
    """The 200 was sent: the event has it, with the exception, the route and the frames."""
    seen = both(streaming, "/middle")
    assert seen.answer.body == b"first second "
    assert isinstance(seen.answer.raised, BrokenPipeInTheMiddleError)
    event = seen.event
    assert event["event"] == "Critical Error"
    assert event["status"] == 200
    assert event["route"] == "/middle"
    assert event["exception"]["message"] == "no part 3"
    assert event["exception"]["handled"] is False
    assert [frame["function"] for frame in event["exception"]["frames"]] == ["parts"]


def test_a_stream_that_fails_before_its_first_byte(both: Serve) -> None:
    """Nothing was sent: the server can still send 500, and the event has it."""
    event = both(streaming, "/at-once").event
    assert event["status"] == 500
    assert event["exception"]["message"] == "no part 1"


def test_an_error_page_that_fails_in_the_middle(both: Serve) -> None:
    """A request that fails twice has one event, that of its response."""
    event = both(streaming, "/missing-middle").event
    assert event["status"] == 404
    assert "exception" not in event


def test_hooks_run_once_for_a_request_that_fails_twice() -> None:
    """A request with an event gets no second one."""
    app = streaming()
    errwatch = watched(app)
    calls: list[Event] = []
    errwatch.enrich(calls.append)
    serve(app, "/missing-middle")
    assert len(calls) == 1


def test_a_stream_with_the_request_context(both: Serve) -> None:
    """`stream_with_context` keeps its context, and its failure has its event."""
    seen = both(streaming, "/with-context")
    assert seen.answer.body == b"/with-context"
    assert seen.event["exception"]["message"] == "/with-context"


@pytest.mark.parametrize("path", ["/good", "/missing", "/middle"])
def test_a_client_that_leaves_early(both: Serve, path: str) -> None:
    """A server that stops early closes the body once. A disconnect is not a failure."""
    seen = both(streaming, path, stop_after=1)
    assert seen.answer.closed == 1
    assert [event["status"] for event in seen.events] == ([404] if path == "/missing" else [])


def test_a_client_that_leaves_before_the_first_byte(both: Serve) -> None:
    """The event is emitted although no part of the body was requested."""
    assert both(streaming, "/missing", stop_after=0).event["status"] == 404


@pytest.mark.parametrize("path", ["/good", "/missing"])
def test_a_head_request(both: Serve, path: str) -> None:
    """HEAD: the same headers without a body, and a failure has its event."""
    seen = both(streaming, path, REQUEST_METHOD="HEAD")
    assert seen.answer.body == b""
    assert [event["method"] for event in seen.events] == (["HEAD"] if path == "/missing" else [])


def test_close_that_raises(both: Serve) -> None:
    """The body's `close` may fail too: the event has the status that was sent."""

    def build() -> Flask:
        app = Flask(__name__)

        @app.get("/")
        def home() -> Response:
            response = Response("done")

            @response.call_on_close
            def late() -> None:
                raise BrokenPipeInTheMiddleError("too late")

            return response

        return app

    seen = both(build)
    assert seen.answer.body == b"done"
    assert seen.event["status"] == 200
    assert seen.event["exception"]["message"] == "too late"


def test_a_close_that_raises_after_an_empty_body(both: Serve) -> None:
    """An empty body that ended was sent: the event has the status of the response."""

    def build() -> Flask:
        app = Flask(__name__)

        @app.get("/")
        def home() -> Response:
            response = Response(status=204)
            response.call_on_close(lambda: 1 // 0)
            return response

        return app

    assert both(build).event["status"] == 204


def test_the_event_comes_before_the_first_byte() -> None:
    """When the first byte is sent, the line of the failed response is with the sinks."""
    app = streaming()
    watched(app)
    seen: list[int] = []
    serve(app, "/missing", on_byte=lambda: seen.append(len(lines_of(app))))
    serve(app, "/nowhere", on_byte=lambda: seen.append(len(lines_of(app))))
    assert seen == [1, 2]


def test_the_servers_own_file_wrapper_stays_itself() -> None:
    """A server recognises its file wrapper by its type, also for an error page."""
    app = Flask(__name__)

    @app.get("/<int:status>")
    def file(status: int) -> Response:
        response = send_file(io.BytesIO(b"content"), mimetype="text/plain")
        response.status_code = status
        return response

    watched(app)
    environ = environ_for("/404")
    body = app(environ, lambda *_args: lambda _data: None)
    assert type(body) is FileWrapper
    assert serve(app, "/200").body == b"content"
    assert [event["status"] for event in events_of(app)] == [404]


class OnlyReads:
    """The least that a file for `wsgi.file_wrapper` has (PEP 3333)."""

    def __init__(self, content: bytes) -> None:
        self.read = io.BytesIO(content).read


@pytest.mark.parametrize("file", [io.BytesIO(b"one\ntwo\n"), OnlyReads(b"content")])
@pytest.mark.parametrize("wrapper", [lambda file, _size=0: file, functools.partial(lambda f: f)])
def test_what_a_wrapper_function_returns_stays_itself(file: Any, wrapper: Any) -> None:
    """UWSGI's file wrapper is a function that returns the file: the server gets this object."""

    def inner(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        body: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
        return body

    app = Flask(__name__)
    app.wsgi_app = inner  # type: ignore[method-assign]
    watched(app)
    environ = environ_for("/", **{"wsgi.file_wrapper": wrapper})
    assert app(environ, lambda *_args: lambda _data: None) is file
    assert events_of(app) == []


@pytest.mark.parametrize("path", ["/middle", "/raw"])
def test_a_stream_is_observed_also_beside_a_wrapper_function(both: Serve, path: str) -> None:
    """Under uWSGI a stream of Flask, or a generator, that fails in the middle has its event."""

    def build() -> Flask:
        app = streaming()
        inner = app.wsgi_app

        def raw(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
            if environ["PATH_INFO"] != "/raw":
                yield from inner(environ, start_response)
                return
            start_response("200 OK", [])
            yield b"first"
            raise RuntimeError("no second part")

        app.wsgi_app = raw  # type: ignore[method-assign]
        return app

    seen = both(build, path, **{"wsgi.file_wrapper": lambda file: file})
    assert seen.event["detector"] == "critical-error"


def test_writing_to_a_client_that_has_left() -> None:
    """When `write` raises because the client is gone, the app has not failed."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"first")
        write(b"second")
        return []

    def leaves() -> None:
        raise BrokenPipeError("the client is gone")

    app = Flask(__name__)
    app.wsgi_app = inner  # type: ignore[assignment]
    watched(app)
    assert serve(app, on_byte=leaves).error == "BrokenPipeError: the client is gone"
    assert events_of(app) == []


def test_a_body_with_a_length_stays_itself(both: Serve) -> None:
    """A server may use the length of a body: such a body is passed on unchanged."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("503 Service Unavailable", [])
        return [b"later"]

    app = wrapping(inner)()
    watched(app)
    assert app(environ_for("/"), lambda *_args: lambda _data: None) == [b"later"]
    assert both(wrapping(inner)).event["status"] == 503


def test_start_response_twice(both: Serve) -> None:
    """A second response with `exc_info`, before anything was sent, replaces the first."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [("X-First", "1")])
        try:
            int("none")
        except ValueError:
            start_response("500 Oh", [("X-Second", "2")], sys.exc_info())
        return [b"oh"]

    seen = both(wrapping(inner))
    assert seen.answer.headers == [("X-Second", "2")]
    assert seen.event["status"] == 500


def test_start_response_twice_for_a_good_response(both: Serve) -> None:
    """A failure that a second response replaces is not recorded."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("500 Oh", [])
        try:
            int("none")
        except ValueError:
            start_response("200 OK", [], sys.exc_info())
        return [b"fine"]

    assert both(wrapping(inner)).events == []


def test_start_response_too_late(both: Serve) -> None:
    """After the first byte the server raises `exc_info` again: the sent status counts."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"started"
        try:
            int("none")
        except ValueError:
            start_response("500 Oh", [], sys.exc_info())

    seen = both(wrapping(inner))
    assert isinstance(seen.answer.raised, ValueError)
    assert seen.event["status"] == 200
    assert seen.event["exception"]["type"] == "ValueError"


def test_a_generator_that_starts_its_response_late(both: Serve) -> None:
    """The status may come with the first part of the body: the event still comes first."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
        start_response("404 Gone Fishing", [])
        yield b"nobody"

    seen = both(wrapping(inner))
    assert seen.event["status"] == 404
    app = wrapping(inner)()
    watched(app)
    lines: list[int] = []
    serve(app, on_byte=lambda: lines.append(len(lines_of(app))))
    assert lines == [1]


def test_a_generator_that_yields_nothing(both: Serve) -> None:
    """A response without a body has its event when it ends."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
        start_response("404 Nothing", [])
        yield from ()

    assert both(wrapping(inner)).event["status"] == 404


@pytest.mark.parametrize(("status", "events"), [("200 OK", []), ("403 No", [403])])
def test_the_write_callable(both: Serve, status: str, events: list[int]) -> None:
    """`write` of PEP 3333 works, and the event still comes before the first byte."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        write = start_response(status, [])
        write(b"written")
        return [b" and returned"]

    seen = both(wrapping(inner))
    assert seen.answer.body == b"written and returned"
    assert [event["status"] for event in seen.events] == events
    app = wrapping(inner)()
    watched(app)
    lines: list[int] = []
    serve(app, on_byte=lambda: lines.append(len(lines_of(app))))
    assert lines == [len(events)]


def test_a_failure_after_write(both: Serve) -> None:
    """What was written was sent: the event has its status."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])(b"written")
        raise BrokenPipeInTheMiddleError("after it")

    assert both(wrapping(inner)).event["status"] == 200


def test_an_invalid_status(both: Serve) -> None:
    """An invalid status is passed on to the server."""

    def inner(_environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("oh no", [])
        return [b""]

    seen = both(wrapping(inner))
    assert seen.answer.status == "oh no"
    assert seen.events == []


def test_an_interrupt_is_not_a_failure() -> None:
    """Ctrl-C passes through and leaves no event."""
    app = Flask(__name__)

    @app.get("/")
    def home() -> str:
        raise KeyboardInterrupt

    watched(app)
    with pytest.raises(KeyboardInterrupt):
        serve(app)
    assert events_of(app) == []


def test_a_worker_timeout_leaves_an_event() -> None:
    """Gunicorn stops a hanging worker by SystemExit: the request has its event."""
    app = Flask(__name__)

    @app.get("/")
    def home() -> str:
        raise SystemExit(1)

    watched(app)
    with pytest.raises(SystemExit):
        serve(app)
    (event,) = events_of(app)
    assert event["exception"]["type"] == "SystemExit"


def test_a_websocket_is_not_a_failure() -> None:
    """Flask-Sock ends a websocket under Gunicorn by `StopIteration`. Any other is a failure."""
    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True

    class TakenOver(Response):
        def __call__(self, *_: object) -> Iterable[bytes]:
            raise StopIteration

    app.add_url_rule("/socket", "socket", TakenOver)
    app.add_url_rule("/view", "view", failing(StopIteration))
    app.add_url_rule("/teardown", "teardown", lambda: "fine")
    app.teardown_request(lambda _error: next(iter([])) if request.path == "/teardown" else None)
    watched(app)
    assert isinstance(serve(app, "/socket").raised, StopIteration)
    assert events_of(app) == []
    assert isinstance(serve(app, "/view").raised, StopIteration)
    assert isinstance(serve(app, "/teardown").raised, StopIteration)
    assert [event["route"] for event in events_of(app)] == ["/view", "/teardown"]


def test_exc_info_by_its_name(both: Serve) -> None:
    """PEP 3333 requires it by position, and servers accept it by name too."""

    def named(_environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("404 Not Found", [], exc_info=None)
        return [b"body"]

    assert both(wrapping(named)).event["status"] == 404


class Status(str):
    """A string that is not hashable."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "status", [Status("404 Not Found"), LocalProxy(lambda: "404 Not Found")], ids=["class", "proxy"]
)
def test_a_status_of_a_str_subclass(both: Serve, status: str) -> None:
    """Subclasses and proxies of strings are strings."""

    def odd(_environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start(status, [])
        return [b"body"]

    assert both(wrapping(odd)).event["status"] == 404


@pytest.mark.parametrize(
    ("status", "code", "detector"),
    [
        ("404 Not Found", 404, "not-found-error"),
        ("418", 418, "client-error"),
        ("599 Odd", 599, "critical-error"),
        ("302 Found", 302, None),
        ("4040 Not Found", 0, None),
        ("40 Not Found", 0, None),
        ("\u0664\u0660\u0664 Not Found", 0, None),
        ("Not Found", 0, None),
        ("", 0, None),
    ],
)
def test_what_claims_a_status_line(status: str, code: int, detector: str | None) -> None:
    """Three digits are a number, and the cached result is the same."""
    app = Flask(__name__)
    watched(app)
    claim = app.extensions["errwatch"].recorder.classify
    for number, owner in (claim(status), claim(status)):
        assert (number, owner.detector and owner.detector.name) == (code, detector)


def test_status_lines_that_a_client_chooses_take_no_memory() -> None:
    """The cache of status lines is bounded, and other lines are classified all the same."""
    app = Flask(__name__)
    watched(app)
    recorder = app.extensions["errwatch"].recorder
    long = "404 " + "x" * 10_000
    for status in (long, *(f"404 Not Found {number}" for number in range(1000))):
        assert recorder.classify(status)[0] == 404
    assert len(recorder._classified) == 256
    assert max(map(len, recorder._classified)) < 128


def test_proxy_fix_is_seen() -> None:
    """With Werkzeug's ProxyFix around the app, the address is the one that it set."""
    app = Flask(__name__)
    watched(app)
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    serve(app, "/x", HTTP_X_FORWARDED_FOR="198.51.100.4")
    (event,) = events_of(app)
    assert event["client_ip"] == "198.51.100.4"
    assert event["client_ip_source"] == "proxy-fix"


def test_a_report_from_a_stream_knows_its_request() -> None:
    """While a body is generated, a report still has the request's fields."""
    app = Flask(__name__)
    errwatch = watched(app)

    @app.get("/feed")
    def feed() -> Response:
        def parts() -> Iterator[str]:
            errwatch.report("client-error", step=1)
            yield "part"

        return Response(stream_with_context(parts()))

    serve(app, "/feed")
    (event,) = events_of(app)
    assert (event["path"], event["route"]) == ("/feed", "/feed")


def test_a_failure_of_the_library_never_reaches_the_app(
    both: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this library fails, the app still responds, and stderr shows the failure."""

    def broken(*_args: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(Catalogue, "for_status", broken)
    seen = both(streaming, "/missing")
    assert seen.answer.body == b"ab"
    assert seen.events == []
    assert "recording a response: RuntimeError: ours" in capsys.readouterr().err


@pytest.mark.parametrize("status", [b"404 Not Found", "4", "404nonsense", "", None])
def test_a_status_of_another_type_is_passed_on(both: Serve, status: Any) -> None:
    """It reaches the server unchanged, without an event."""

    def build() -> Flask:
        def odd(_environ: dict[str, Any], start: Start) -> Iterable[bytes]:
            start(status, [])
            yield b"body"

        app = Flask(__name__)
        app.wsgi_app = odd  # type: ignore[assignment]
        return app

    seen = both(build)
    assert (seen.answer.status, seen.answer.body, seen.events) == (status, b"body", [])


@pytest.mark.parametrize("status", ["odd", b"404 Not Found", 404, None])
def test_what_fails_after_an_odd_status_is_a_500(both: Serve, status: Any) -> None:
    """An exception has its event whatever status was sent before it."""

    def build() -> Flask:
        def odd(_environ: dict[str, Any], start: Start) -> Iterable[bytes]:
            start(status, [])
            yield b"first"
            raise BrokenPipeInTheMiddleError

        app = Flask(__name__)
        app.wsgi_app = odd  # type: ignore[assignment]
        return app

    (event,) = both(build).events
    assert (event["detector"], event["status"]) == ("critical-error", 500)


def without_a_start(_environ: dict[str, Any], _start: Start) -> Iterable[bytes]:
    """Fails without having called `start_response`."""
    yield b"first"
    raise BrokenPipeInTheMiddleError


class FailingToClose:
    """A body without a started response that raises when it is closed."""

    def __init__(self, _environ: dict[str, Any], _start: Start) -> None:
        """Called as a WSGI application."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"all"])

    def close(self) -> None:
        """Fails."""
        raise BrokenPipeInTheMiddleError


@pytest.mark.parametrize("odd", [without_a_start, FailingToClose])
def test_a_failure_without_a_response_has_an_event(both: Serve, odd: Wsgi) -> None:
    """The exception of an app that never called `start_response` passes, with its event."""

    def build() -> Flask:
        app = Flask(__name__)
        app.wsgi_app = odd  # type: ignore[assignment]
        return app

    seen = both(build)
    assert isinstance(seen.answer.raised, BrokenPipeInTheMiddleError)
    (event,) = seen.events
    assert event["exception"]["type"].endswith("BrokenPipeInTheMiddleError")


@pytest.mark.parametrize("has_hook", [False, True])
@pytest.mark.parametrize("is_handled", [False, True])
def test_the_line_is_of_the_request_as_it_was_answered(
    has_hook: bool,  # noqa: FBT001 - pytest gives it
    is_handled: bool,  # noqa: FBT001 - pytest gives it
) -> None:
    """Lazy messages see their request, and later changes by a teardown are in no line."""
    app = Flask(__name__)
    errwatch = watched(app)
    if has_hook:
        errwatch.enrich(lambda _event: None)

    @app.get("/early")
    def early() -> str:
        raise ContextError

    @app.teardown_request
    def late(error: BaseException | None) -> None:
        request.environ.update(PATH_INFO="/late", REQUEST_METHOD="PUT", REMOTE_ADDR="192.0.2.66")
        if error is not None:
            error.__traceback__ = None

    if is_handled:
        app.register_error_handler(ContextError, lambda _error: ("sorry", 503))
    serve(app, "/early")
    (event,) = events_of(app)
    assert (event["path"], event["method"], event["client_ip"]) == ("/early", "GET", "192.0.2.7")
    assert event["exception"]["message"] == "on /early"
    assert event["exception"]["where"].endswith(" in early")


def test_an_event_is_never_emitted_past_the_hooks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An event that a hook drops stays dropped, also after a failure of this library."""
    app = Flask(__name__)
    errwatch = watched(app)
    errwatch.before_emit(lambda _event: None)
    for_status = Catalogue.for_status
    failures = iter([RuntimeError("once")])

    def failing_once(catalogue: Catalogue, status: int) -> Detector | None:
        for failure in failures:
            raise failure
        return for_status(catalogue, status)

    monkeypatch.setattr(Catalogue, "for_status", failing_once)
    serve(app, "/missing")
    serve(app, "/missing")
    assert events_of(app) == []
    assert errwatch.stats(app).dropped == 1


def test_an_environment_that_is_not_a_dict() -> None:
    """PEP 3333 requires a dict. Another mapping works all the same."""
    app = Flask(__name__)
    watched(app)
    started: list[str] = []
    environ: Any = UserDict(environ_for("/missing"))

    def start(status: str, *_: object) -> Callable[[bytes], object]:
        started.append(status)
        return started.append  # type: ignore[return-value]  # never called

    body = app(environ, start)
    assert b"".join(body).startswith(b"<!doctype html>")
    assert started == ["404 NOT FOUND"]
    assert [event["path"] for event in events_of(app)] == ["/missing"]


def test_every_event_is_also_a_signal() -> None:
    """`event_recorded` is sent with the app and the event as in its line.

    A heartbeat is not an event.
    """
    app = Flask(__name__)
    other = Flask("other")
    watched(app)
    watched(other)
    heard: list[tuple[Flask, Event]] = []

    def hear(sender: Flask, event: Event) -> None:
        heard.append((sender, event))

    with event_recorded.connected_to(hear, sender=app):
        serve(app, "/x")
        serve(other, "/x")
        app.extensions["errwatch"].recorder.emit_operational("Heartbeat", {"pending": 0})
    assert [event["event"] for event in events_of(app)] == ["Not Found Error", "Heartbeat"]
    assert heard == [(app, events_of(app)[0])]


def test_a_receiver_that_raises_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken receiver is logged to stderr. Response and line are unchanged."""
    app = Flask(__name__)
    watched(app)

    def broken(_sender: Flask, **_: object) -> None:
        raise LookupError("receiver")

    with event_recorded.connected_to(broken, sender=app):
        assert serve(app, "/x").status == "404 NOT FOUND"
    assert len(events_of(app)) == 1
    assert "a receiver of event_recorded: LookupError: receiver" in capsys.readouterr().err


class Exhausted:
    """orjson without memory."""

    @staticmethod
    def dumps(_event: object) -> bytes:
        """Fails."""
        raise MemoryError("none left")


def test_an_event_that_cannot_be_rendered_changes_no_response(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The response is unchanged, stderr shows it once, and the next event has a line again."""
    app = Flask(__name__)
    errwatch = watched(app)
    with monkeypatch.context() as patch:
        patch.setattr("flask_errwatch.capture.rendering.orjson", Exhausted)
        for _ in range(2):
            assert serve(app, "/x").status == "404 NOT FOUND"
    assert events_of(app) == []
    assert errwatch.stats(app).last_error == "emitting a line: MemoryError: none left"
    message = "emitting a line: MemoryError: none left (logged once; counted in stats)"
    assert capsys.readouterr().err == f"flask-errwatch: {message}\n"
    serve(app, "/x")
    (event,) = events_of(app)
    assert event["seq"] == 3  # a gap: two events have no line

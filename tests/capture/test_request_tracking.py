"""Tracking requests: the app's response is passed on as it is, and each request ends once."""

from __future__ import annotations

import gc
import io
from collections.abc import Callable, Iterable, Iterator
from wsgiref.util import FileWrapper

import pytest
from flask import Flask

from flask_errwatch._guard import Guard
from flask_errwatch.capture.middleware import Middleware
from flask_errwatch.capture.redaction import Redactor, RequestRedactor
from flask_errwatch.capture.request_tracking import TrackRequests, route_fields
from tests.wsgi_driver import watched


class Noted:
    """Takes requests, as `RequestSlots` does, and the place of `Delivery`."""

    is_running = True

    def __init__(self) -> None:
        self.under_way: dict[int, tuple[str, str, int]] = {}
        self.ended = 0

    @property
    def requests(self) -> Noted:
        """Itself."""
        return self

    def ensure_running(self) -> None:
        """Does nothing."""

    def begin(self, method: str, path: str, mount: int) -> int:
        """Notes a request."""
        number = len(self.under_way) + self.ended
        self.under_way[number] = (method, path, mount)
        return number

    def end(self, number: int, /) -> None:
        """Notes its end: a second one fails."""
        del self.under_way[number]
        self.ended += 1


def _environ(path: str = "/", **more: object) -> dict[str, object]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SCRIPT_NAME": "", **more}


def _tracked(app: Callable[..., object], noted: Noted) -> Callable[..., Iterable[object]]:
    def wsgi_app(environ: object, start_response: object) -> Iterable[object]:
        assert len(noted.under_way) == 1
        return app(environ, start_response)  # type: ignore[return-value]  # any body

    return TrackRequests(wsgi_app, noted, Guard(), RequestRedactor(Redactor()))


class Reader:
    """What a file wrapper that is a function returns (uWSGI): an object with `read`."""

    def read(self) -> bytes:
        """Nothing."""
        return b""


#: Bodies, each with the file wrapper of a server.
_BODIES: dict[str, tuple[Callable[[], object], object]] = {
    "a list": (lambda: [b"a", b"b"], FileWrapper),
    "bytes": (lambda: b"ab", FileWrapper),
    "what the file wrapper returns": (lambda: FileWrapper(io.BytesIO(b"ab")), FileWrapper),
    "a file, from a function": (lambda: io.BytesIO(b"ab"), lambda given: given),
    "an object with only read, from a function": (Reader, lambda given: given),
}


@pytest.mark.parametrize("kind", _BODIES)
def test_a_body_that_a_server_recognises_is_passed_on(kind: str) -> None:
    """The server gets the very object. Its request ends when the app returns."""
    make_body, file_wrapper = _BODIES[kind]
    noted, body = Noted(), make_body()
    environ = {**_environ(), "wsgi.file_wrapper": file_wrapper}
    assert _tracked(lambda *_: body, noted)(environ, print) is body
    assert (noted.under_way, noted.ended) == ({}, 1)


def test_a_request_lasts_until_its_body_is_closed() -> None:
    """All parts are sent, the app's body is closed, and the request has ended after that."""
    noted = Noted()
    closed: list[int] = []

    def body() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(len(noted.under_way))

    response = _tracked(lambda *_: body(), noted)(_environ(), print)
    parts = iter(response)
    assert next(parts) == b"a"
    assert len(noted.under_way) == 1
    response.close()  # type: ignore[attr-defined]  # optional in PEP 3333
    assert (closed, noted.under_way, noted.ended) == ([1], {}, 1)
    response.close()  # type: ignore[attr-defined]
    assert noted.ended == 1


def test_a_body_that_no_server_closes_ends_when_it_is_dropped() -> None:
    """Some servers forget to close the body of a client that disconnected."""
    noted = Noted()
    response = _tracked(lambda *_: iter([b"a"]), noted)(_environ(), print)
    assert list(response) == [b"a"]
    assert len(noted.under_way) == 1
    del response
    gc.collect()
    assert (noted.under_way, noted.ended) == ({}, 1)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, StopIteration])
def test_an_exception_ends_the_request(error: type[BaseException]) -> None:
    """It is passed on, whatever it is."""
    noted = Noted()

    def failing(*_: object) -> object:
        raise error

    with pytest.raises(error):
        _tracked(failing, noted)(_environ(), print)
    assert (noted.under_way, noted.ended) == ({}, 1)


class Failing(Noted):
    """Fails in every way that the machine may."""

    def begin(self, method: str, path: str, mount: int) -> int:
        """Fails."""
        raise OSError(method, path, mount)


def test_a_failure_of_the_tracking_never_reaches_the_app(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The request is served, and stderr says once what failed."""
    app = TrackRequests(lambda *_: [b"fine"], Failing(), Guard(), RequestRedactor(Redactor()))
    for _ in range(2):
        assert app(_environ(), print) == [b"fine"]
        assert app({"REQUEST_METHOD": [], "PATH_INFO": 7}, print) == [b"fine"]
    assert capfd.readouterr().err.count("tracking a request") == 1


def test_what_a_client_chooses_is_bounded_redacted_and_printable() -> None:
    """Method and path are those of a line."""
    seen: list[tuple[str, str, int]] = []
    noted = Noted()

    def app(*_: object) -> object:
        seen.extend(noted.under_way.values())
        return []

    tracked = _tracked(app, noted)
    for environ in (
        _environ("/a b\n\x1b[31m", QUERY_STRING="password=hunter2"),
        _environ("/reset/token=abc", REQUEST_METHOD="G\tE\nT"),
        _environ("/orders", SCRIPT_NAME="/the shop"),
        _environ("/" + "x" * 5000),
    ):
        tracked(environ, print)
    assert seen[:3] == [
        ("GET", "/a%20b%0A%1B%5B31m", 0),
        (r"G\tE\nT", "/reset/token=[redacted]", 0),
        ("GET", "/the%20shop/orders", 11),
    ]
    assert seen[3][1] == "/" + "x" * 799 + "…[4201 more]"


def test_it_is_there_only_when_it_is_asked_for() -> None:
    """By default a request does not pass it."""
    assert type(_app().wsgi_app) is Middleware
    assert type(_app(ERRWATCH_TRACK_REQUESTS="on").wsgi_app) is TrackRequests


def _app(**settings: object) -> Flask:
    app = Flask("shop")
    app.testing = True
    app.config.update(settings)
    app.add_url_rule("/", view_func=lambda: "fine")
    watched(app)
    return app


def test_other_sinks_serve_without_tracking() -> None:
    """There is no journal that would survive the process."""
    app = _app(ERRWATCH_TRACK_REQUESTS=True)
    assert app.test_client().get("/").text == "fine"


@pytest.mark.parametrize(
    ("method", "path", "mount", "route"),
    [
        ("GET", "/sh%C3%B6p/", 10, "/"),
        ("POST", "/", 0, None),
        ("GET", "/missing", 0, None),
        ("G\\tT", "/", 0, None),
    ],
)
def test_the_route_of_a_request(method: str, path: str, mount: int, route: str | None) -> None:
    """It is that of the app's own path, and absent when the app has none."""
    assert route_fields(_app(), method, path, mount).get("route") == route

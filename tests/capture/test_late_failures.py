"""However a body fails after its response was started, the request has its event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from flask import Flask, Response
from werkzeug.local import LocalProxy
from werkzeug.wsgi import ClosingIterator

from flask_errwatch.capture.request_state import RequestState
from tests.wsgi_driver import environ_for, events_of, serve, watched


class LateError(Exception):
    """Raised after the response was started."""


LATE = f"{__name__}.LateError"


def fail(*_: object) -> None:
    """Fails."""
    raise LateError


def body_of(app: Flask, path: str = "/") -> Iterable[bytes]:
    """The body that the server gets."""
    return app(environ_for(path), lambda *_: lambda _data: None)


def test_the_body_of_a_failed_request_is_not_observed() -> None:
    """The request has its only event, so the body is passed on unchanged."""
    app = Flask(__name__)
    watched(app)
    assert type(body_of(app, "/nowhere")) is ClosingIterator
    assert len(events_of(app)) == 1


class Iterating(Response):
    """Replaces its encoded parts."""

    automatically_set_content_length = False

    def iter_encoded(self) -> Iterator[bytes]:
        """Fails when the server asks for a part."""
        return map(fail, super().iter_encoded())  # type: ignore[arg-type]


class FailingToClose(Response):
    """Raises when it is closed."""

    def close(self) -> None:
        """Fails."""
        super().close()
        raise LateError


def called_when_closed() -> Response:
    """A response with a function to call when it is closed."""
    response = Response("text")
    response.call_on_close(fail)
    return response


def generated() -> Iterator[str]:
    """A stream."""
    yield "text"
    raise LateError


def not_encodable() -> Response:
    """A response with a declared length, so that its parts are not encoded to count them."""
    return Response(["\ud800"], headers={"Content-Length": "3"})


def not_encodable_later() -> Response:
    """Like `not_encodable`, with bytes as its first part."""
    return Response([b"text", "\ud800"], headers={"Content-Length": "7"})  # type: ignore[arg-type]


class Closing(list[bytes]):
    """A list with a `close` method."""

    def close(self) -> None:
        """Fails."""
        raise LateError


@pytest.mark.parametrize(
    ("view", "error"),
    [
        (lambda: Iterating("text"), LATE),
        (lambda: FailingToClose("text"), LATE),
        (called_when_closed, LATE),
        (lambda: Response(generated()), LATE),
        (
            lambda: Response(generated(), content_type="text/event-stream"),
            LATE,
        ),
        (not_encodable, "UnicodeEncodeError"),
        (not_encodable_later, "UnicodeEncodeError"),
        (lambda: Response(Closing([b"text"])), LATE),
    ],
)
def test_a_body_that_can_fail_is_observed(view: Callable[[], Any], error: str) -> None:
    """However a response fails after it was started, the request has its event."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=view)
    watched(app)
    assert serve(app).raised is not None
    (event,) = events_of(app)
    assert event["exception"]["type"] == error
    assert event["route"] == "/"


def around(response: Response, iterable: Iterable[bytes], *close: Callable[[], Any]) -> Any:
    """A middleware in Werkzeug's style: another body with the response's own `close`."""
    assert list(response.response) == [b"text"]
    return ClosingIterator(iterable, [*close, response.close])


class Pretending:
    """Looks like a method of a response without being one."""

    def __init__(self, response: Response) -> None:
        self.__self__ = response

    def __call__(self) -> None:
        """Fails."""
        raise LateError


@pytest.mark.parametrize(
    "make",
    [
        lambda response: around(response, map(fail, [b"text"])),  # type: ignore[arg-type]
        lambda response: around(response, iter([b"text"]), fail),
        lambda response: ClosingIterator(response.iter_encoded(), [response.close, fail]),
        lambda response: ClosingIterator(response.iter_encoded(), [LocalProxy(lambda: fail)]),
        lambda response: ClosingIterator(response.iter_encoded(), [Pretending(response)]),
        lambda _response: ClosingIterator(map(fail, [b"text"])),  # type: ignore[arg-type]
    ],
)
def test_the_body_of_a_middleware_is_observed(
    make: Callable[[Response], Iterable[bytes]],
) -> None:
    """Werkzeug's iterator around another body, or with more to call, can fail as well."""
    app = Flask(__name__)

    def middleware(_environ: object, start_response: Callable[..., object]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return make(Response("text"))

    app.wsgi_app = middleware  # type: ignore[assignment,method-assign]
    watched(app)
    body = body_of(app)
    assert isinstance(body, RequestState)
    assert isinstance(serve(app).raised, LateError)
    assert len(events_of(app)) == 1

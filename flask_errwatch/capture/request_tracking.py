"""WSGI middleware that notes which requests are under way, for `ERRWATCH_TRACK_REQUESTS`.

It is around `Middleware`, and only there when the key is on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from flask_errwatch._fork import process_flag
from flask_errwatch._guard import Guard
from flask_errwatch.capture.events import method_of, path_of, short
from flask_errwatch.capture.middleware import is_passed_on
from flask_errwatch.capture.redaction import RequestRedactor

if TYPE_CHECKING:
    from flask import Flask

#: Characters of a path that are noted.
_PATH_LENGTH: Final = 800


class Requests(Protocol):
    """Takes the requests that are under way: what this needs of `RequestSlots`."""

    def begin(self, method: str, path: str, mount: int) -> int:
        """Notes a request and returns its number, for `end`. Never raises."""

    def end(self, number: int, /) -> None:
        """Notes its end. Never raises."""


class TrackingDelivery(Protocol):
    """What this needs of `Delivery`."""

    @property
    def is_running(self) -> bool:
        """Whether this process has opened its sinks."""

    @property
    def requests(self) -> Requests | None:
        """Takes the requests of this process, or None if its sinks cannot."""

    def ensure_running(self) -> None:
        """Opens this process's sinks, once."""


class TrackRequests:
    """Wraps a WSGI callable: notes each request when it begins, and its end.

    A request ends when the server closes its body. One whose body is complete, or a file that the
    server sends itself, ends when the callable returns: such a body is passed on unchanged.

    Args:
        wsgi_app: The callable to wrap.
        delivery: Takes the requests.
        guard: Keeps failures away from the app.
        redactor: Masks secrets in paths. No route is known yet, so those of the app that have a
            secret in them are found by their beginning.
    """

    def __init__(
        self,
        wsgi_app: Callable[..., Iterable[object]],
        delivery: TrackingDelivery,
        guard: Guard,
        redactor: RequestRedactor,
    ) -> None:
        self._wsgi_app = wsgi_app
        self._delivery = delivery
        self._guard = guard
        self._begin_guard = guard.suppress("tracking a request")
        self._redactor = redactor
        self._requests: Requests | None = None
        self._is_started = process_flag()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[Any]:
        """Responds as the wrapped callable does: same status, headers, body and exceptions."""
        if not isinstance(environ, dict):
            environ = dict(environ)  # as `Middleware` does
        if not self._is_started[0]:
            self._guard.run("starting the delivery", self._start)
        requests, number = self._requests, None
        if requests is not None:
            with self._begin_guard:
                number = self._begin(requests, environ)
        if requests is None or number is None:
            return self._wsgi_app(environ, start_response)
        try:
            body = self._wsgi_app(environ, start_response)
        except BaseException:
            requests.end(number)
            raise
        if is_passed_on(body, environ):
            requests.end(number)
            return body
        return _TrackedBody(body, requests, number)

    def _start(self) -> None:
        self._requests = None  # in a child that was forked, this is its parent's
        self._delivery.ensure_running()
        if self._delivery.is_running:
            self._requests = self._delivery.requests
            self._is_started[0] = 1

    def _begin(self, requests: Requests, environ: dict[str, Any]) -> int:
        path = path_of(environ, self._redactor, limit=_PATH_LENGTH)
        mount = environ.get("SCRIPT_NAME")
        length = len(path_of({"SCRIPT_NAME": mount}, self._redactor)) if mount else 0
        return requests.begin(method_of(environ, self._redactor), path, length)


class _TrackedBody:
    """The body of a request that is under way until the server closes it, or drops it."""

    __slots__ = ("_body", "_number", "_requests")

    def __init__(self, body: Iterable[object], requests: Requests, number: int) -> None:
        self._body = body
        self._requests = requests
        self._number: int | None = number

    def __iter__(self) -> Iterator[object]:
        return iter(self._body)

    def close(self) -> None:
        """Closes the body, as PEP 3333 requires of a server."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._end()

    def _end(self) -> None:
        number, self._number = self._number, None
        if number is not None:
            self._requests.end(number)

    def __del__(self) -> None:
        self._end()  # not every server closes the body of a client that disconnected


def route_fields(app: Flask, method: str, path: str, mount: int) -> dict[str, str]:
    """The `route` and the `endpoint` of a request, empty when no rule matches.

    Args:
        app: The app.
        method: The request's method.
        path: Its path, percent-encoded.
        mount: Length of the part of the path at which the app is mounted.

    Example:
        >>> from flask import Flask
        >>> app = Flask("shop", static_folder=None)
        >>> app.add_url_rule("/orders/<int:number>", "order", lambda number: "")
        >>> route_fields(app, "GET", "/shop/orders/7", 5)
        {'route': '/orders/<int:number>', 'endpoint': 'order'}
    """
    try:
        adapter = app.url_map.bind("localhost", script_name=unquote(path[:mount]) or "/")
        rule, _ = adapter.match(unquote(path[mount:]), method, return_rule=True)
    except (HTTPException, RoutingException):
        return {}
    return {"route": short(str(rule.rule)), "endpoint": short(str(rule.endpoint))}

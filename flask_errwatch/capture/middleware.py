"""WSGI middleware: observes the status and the exception of every response, whoever produced it.

A request fails when a detector claims the status of its response or its exception, or when no error
handler handled its exception. Signals of security extensions make events, too.

Values that apps and servers pass to each other are declared as `object` here, whatever PEP 3333
requires of them: they are passed on unchanged, and compiled code checks declared types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import ClosingIterator

from flask_errwatch._fork import process_flag
from flask_errwatch.capture.recorder import Recorder
from flask_errwatch.capture.request_state import (
    REQUEST_STATE,
    Environ,
    OutermostState,
    RequestState,
    StartResponse,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Middleware:
    """Wraps an app's `wsgi_app`: passes everything through and records failed requests.

    Args:
        wsgi_app: The callable to wrap.
        recorder: Builds and emits the events.
        first_request: Called before the first request that a process dispatches.
    """

    def __init__(
        self, wsgi_app: WSGIApplication, recorder: Recorder, first_request: Callable[[], None]
    ) -> None:
        self._wsgi_app: Callable[..., Iterable[object]] = wsgi_app
        self._recorder = recorder
        self._first_request = first_request
        self._is_started = process_flag()
        self._make_state: Callable[..., RequestState] = RequestState

    def __call__(self, environ: Any, start_response: StartResponse) -> Iterable[Any]:
        """Responds as the wrapped callable does: same status, headers, body and exceptions."""
        if not isinstance(environ, dict):
            # PEP 3333 requires a dict of servers, but not every caller passes one.
            environ = dict(environ)
        if not self._is_started[0]:
            self._start()
        outer = environ.get(REQUEST_STATE)
        if outer is not None and isinstance(outer, OutermostState) and outer.is_of(self._recorder):
            # The same request: its response is recorded where it leaves the outermost callable.
            return self._wsgi_app(environ, self._join(outer, environ, start_response))
        state = self._make_state(environ, start_response, self._recorder, outer)
        try:
            body = self._wsgi_app(environ, state.start_response)
        except BaseException as error:
            state.record_escaped(error)
            state.finish()
            raise
        # A request that failed has its event, so its body need not be observed. Werkzeug's iterator
        # has no length and is not a file: asking costs more than all the above.
        if (state.event is None or state.is_held) and (
            type(body) is ClosingIterator or not is_passed_on(body, environ)
        ):
            state.body = body
            return state
        state.emit()
        state.finish()
        return body

    def _join(
        self, outer: OutermostState, environ: Environ, start_response: StartResponse
    ) -> StartResponse:
        return outer.joined(environ, start_response)

    def _start(self) -> None:
        guard, delivery = self._recorder.guard, self._recorder.delivery
        guard.run("the first request", self._first_request)
        guard.run("starting the delivery", delivery.ensure_running)
        if delivery.is_running:
            self._is_started[0] = 1


class OutermostMiddleware(Middleware):
    """The middleware that `ErrWatch.wrap` puts around everything that surrounds the app.

    The app's own middleware joins its request, so that the response is recorded once, as it leaves
    the outermost callable.
    """

    def __init__(
        self, wsgi_app: WSGIApplication, recorder: Recorder, first_request: Callable[[], None]
    ) -> None:
        super().__init__(wsgi_app, recorder, first_request)
        self._make_state = OutermostState

    def _join(
        self, _outer: OutermostState, _environ: Environ, start_response: StartResponse
    ) -> StartResponse:
        return start_response  # another one is around this: the app's own middleware joins that


def is_passed_on(body: object, environ: Environ) -> bool:
    """Whether the server gets the body itself.

    A body with a length is complete already, and a server may use the length (PEP 3333,
    "Handling the Content-Length Header"). A server recognises what its own file wrapper returned
    and sends the file without Python ("Optional Platform-Specific File Handling"), so that must
    not be wrapped. Where the wrapper is a function (uWSGI), it returns the file itself, which has
    `read` and need not be iterable.

    Args:
        body: What the app returned.
        environ: The request's WSGI environment.
    """
    if hasattr(body, "__len__"):
        return True
    wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(wrapper, type):
        return isinstance(body, wrapper)
    return wrapper is not None and hasattr(body, "read")

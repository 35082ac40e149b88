"""WSGI middleware: observes the status and the exception of every response, whoever produced it.

A request fails when a detector claims the status of its response, or when no error handler handled
its exception. Its event is built when the response starts, while Flask's request context still
exists for the hooks. It is emitted when the app returns the response, before the first byte is
sent. A failure after that is recorded when it happens.

Values that apps and servers pass to each other are declared as `object` here, whatever PEP 3333
requires of them: they are passed on unchanged, and compiled code checks declared types.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wsgi import ClosingIterator

from flask_errwatch._fork import process_flag
from flask_errwatch._text import text_of
from flask_errwatch.capture.events import Event
from flask_errwatch.capture.recorder import Recorder

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[..., object]]

#: The lowest status line of a failed request.
_FIRST_FAILURE: Final = "4"

#: How a client that disconnects, or Ctrl-C on the server, ends a request.
_DISCONNECTS: Final = (GeneratorExit, KeyboardInterrupt)

#: The status that a server sends when the app sent none.
_SERVER_ERROR: Final = 500

#: WSGI environment key of the request's `RequestState`.
REQUEST_STATE: Final = "flask_errwatch.request_state"
#: WSGI environment key of Werkzeug's request while it is served.
_WERKZEUG_REQUEST: Final = "werkzeug.request"


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

    def __call__(self, environ: Any, start_response: StartResponse) -> Iterable[Any]:
        """Responds as the wrapped callable does: same status, headers, body and exceptions."""
        if not isinstance(environ, dict):
            # PEP 3333 requires a dict of servers, but not every caller passes one.
            environ = dict(environ)
        if not self._is_started[0]:
            self._start()
        state = RequestState(environ, start_response, self._recorder)
        try:
            body = self._wsgi_app(environ, state.start_response)
        except BaseException as error:
            state.record_escaped(error)
            state.finish()
            raise
        if state.event is not None:
            state.emit()  # A request has one event, so its body need not be observed.
        # Werkzeug's iterator has no length and is not a file: asking costs more than all the above.
        elif type(body) is ClosingIterator or not _is_passed_on(body, environ):
            state.body = body
            return state
        state.finish()
        return body

    def _start(self) -> None:
        guard, delivery = self._recorder.guard, self._recorder.delivery
        guard.run("the first request", self._first_request)
        guard.run("starting the delivery", delivery.ensure_running)
        if delivery.is_running:
            self._is_started[0] = 1


def _is_passed_on(body: object, environ: Environ) -> bool:
    """Whether the server gets the body itself.

    A body with a length is complete already, and a server may use the length (PEP 3333,
    "Handling the Content-Length Header"). A server recognises its own file wrapper and sends
    the file without Python ("Optional Platform-Specific File Handling"), so it must not be
    wrapped.
    """
    if hasattr(body, "__len__"):
        return True
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class RequestState:
    """One request in the middleware.

    The server iterates over it as the body, and the app calls it as the `write` of PEP 3333.

    Attributes:
        environ: The WSGI environment.
        outer: The state of the same request in the app around this one, or None.
        event: The event of the started response until it is emitted. Empty when a hook
            dropped it.
        is_recorded: Whether the request has its event.
        request: Werkzeug's request, which has the route, or None.
        error: The exception that reached Flask, handled or not.
        is_handled: Whether an error handler of the app handled the exception.
        context: The context of an exception that no error handler handled.
        is_sent: Whether a byte of the body was sent.
        body: The body that is observed. Empty after `finish`.
    """

    # Class attributes: a request that does not fail never sets them, and they cost it nothing.
    event: Event | None = None
    is_recorded = False
    request: object = None
    error: BaseException | None = None
    is_handled = False
    context: contextvars.Context | None = None
    is_sent = False
    body: Iterable[object] = ()
    _status: object = None

    _write: Callable[..., object]

    def __init__(self, environ: Environ, start_response: StartResponse, recorder: Recorder) -> None:
        self._started_at = time.perf_counter()
        self._recorder = recorder
        self._start_response = start_response
        self.environ = environ
        # An app mounted inside another app's middleware: one request, two states.
        outer = environ.get(REQUEST_STATE)
        self.outer: RequestState | None = outer if isinstance(outer, RequestState) else None
        environ[REQUEST_STATE] = self

    def note_unhandled(self, error: BaseException) -> None:
        """Notes an exception that no error handler handled (Flask's `got_request_exception`)."""
        self.error, self.is_handled, self.context = error, False, contextvars.copy_context()
        self.request = self.environ.get(_WERKZEUG_REQUEST)

    def note_handled(self, error: BaseException) -> None:
        """Notes an exception that an error handler of the app is about to answer."""
        if error is not self.error:
            self.error, self.is_handled, self.context = error, True, None
            self.request = self.environ.get(_WERKZEUG_REQUEST)

    def start_response(
        self, status: object, headers: object, /, exc_info: object = None
    ) -> Callable[..., object]:
        """Calls the server's `start_response` and builds the event if the status is a failure."""
        self._write = (
            self._start_response(status, headers)
            if exc_info is None
            else self._start_response(status, headers, exc_info)
        )
        # Only now: a server that has sent its headers raises above, and the first status counts.
        self._status = status
        self.event = None  # start_response was called again: forget the earlier response's event
        # Flask removes it when the request context ends.
        self.request = self.environ.get(_WERKZEUG_REQUEST)
        # A non-str status is for the server to reject. It must not raise here.
        if self.error is not None or type(status) is not str or status >= _FIRST_FAILURE:
            with self._recorder.record_guard:
                self._build_event(status, self.error, self.is_handled)
        return self

    def _build_event(self, status: object, error: BaseException | None, is_handled: bool) -> None:  # noqa: FBT001 - a fact
        """Builds the event while the request context exists, for hooks and lazy messages."""
        code, detector = self._recorder.classify(text_of(status))
        if error is not None and not is_handled:
            detector = self._recorder.catalogue.critical
        elif detector is None:
            return
        self.event = self._recorder.response_event(
            detector,
            self.environ,
            request=self.request,
            code=code or _SERVER_ERROR,
            seconds=time.perf_counter() - self._started_at,
            error=error,
            is_handled=is_handled,
        )

    def __call__(self, data: object, /) -> object:
        """Sends a part of the body by PEP 3333's `write`, after the event of the response."""
        self.emit()
        self.is_sent = True
        return self._write(data)

    def emit(self) -> None:
        """Emits the event, once per request."""
        event, self.event = self.event, None
        if event is None or self.is_recorded:
            return
        self.is_recorded = True
        outer = self.outer
        while outer is not None:
            outer.is_recorded = True
            outer = outer.outer
        with self._recorder.emit_guard:
            self._recorder.emit(event)

    def record_escaped(self, error: BaseException) -> None:
        """Records an exception that left the app: the server can only send 500 or stop."""
        if self.is_recorded or isinstance(error, _DISCONNECTS):
            return
        if isinstance(error, StopIteration) and self.error is None and self._status is None:
            return  # Gunicorn's signal that a websocket took over the connection
        self.event = None
        self._recorder.guard.run("recording an exception", self._build_escaped, error)
        self.emit()

    def _build_escaped(self, error: BaseException) -> None:
        status = self._status if self.is_sent else None
        if self.context is not None:
            # The request context has ended, but a copy of it still works.
            self.context.run(self._build_event, status, error, False)  # noqa: FBT003 - not handled
        else:
            self._build_event(status, error, is_handled=False)

    def __iter__(self) -> Iterator[object]:
        """Yields the parts of the body. The event of the response is emitted before the first."""
        try:
            for chunk in self.body:
                if self.event is not None:
                    self.emit()
                if chunk:
                    self.is_sent = True
                yield chunk
        except BaseException as error:
            self.record_escaped(error)
            raise
        if self.event is not None:
            self.emit()
        self.is_sent = True

    def close(self) -> None:
        """Closes the body, as PEP 3333 requires of a server."""
        if self.event is not None:
            self.emit()
        try:
            close = self.body.close  # type: ignore[attr-defined]  # optional in PEP 3333
        except AttributeError:
            self.finish()
            return
        try:
            close()
        except BaseException as error:
            self.record_escaped(error)
            raise
        finally:
            self.finish()

    def __deepcopy__(self, _memo: object) -> RequestState:
        """Returns itself: a copy of an environment belongs to the same request."""
        return self

    def finish(self) -> None:
        """Drops references to the request, so that it is freed without the garbage collector."""
        if self.outer is None:
            try:  # noqa: SIM105 - contextlib.suppress would cost every request more
                del self.environ[REQUEST_STATE]
            except KeyError:
                pass  # the app emptied the environment
        elif self.environ.get(REQUEST_STATE) is self:  # else the outer request has ended already
            self.environ[REQUEST_STATE] = self.outer
        self.error = self.context = self.request = None
        self.body = ()

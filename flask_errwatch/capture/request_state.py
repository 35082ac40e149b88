"""One request in the middleware: its status, its exception, the signals, and its event.

The event is built when the response starts, while Flask's request context still exists for the
hooks. It is emitted when the app returns the response, before the first byte is sent. A failure
after that is recorded when it happens. So an event of a request that did not fail waits for the end
of the body, if that is a stream.

Values that apps and servers pass to each other are declared as `object` here, whatever PEP 3333
requires of them: they are passed on unchanged, and compiled code checks declared types.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from flask_errwatch._guard import Guard
from flask_errwatch._text import text_of
from flask_errwatch.capture.events import Event
from flask_errwatch.capture.failures import (
    FIRST_FAILURE,
    SERVER_ERROR,
    AnsweredBy,
    Failure,
    Outcome,
    decisive_failure,
    outcome,
    unwrapped,
)
from flask_errwatch.capture.recorder import Recorder
from flask_errwatch.capture.security_events import SecuritySignals, response_header, with_security

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[..., object]]

#: The beginning of the lowest status line of a failed request.
_FAILURE: Final = "4"

#: How a client that disconnects, or Ctrl-C on the server, ends a request.
_DISCONNECTS: Final = (GeneratorExit, KeyboardInterrupt)

#: WSGI environment key of the request's `RequestState`.
REQUEST_STATE: Final = "flask_errwatch.request_state"
#: WSGI environment key of Werkzeug's request while it is served.
_WERKZEUG_REQUEST: Final = "werkzeug.request"


class RequestState:
    """One request in the middleware.

    The server iterates over it as the body, and the app calls it as the `write` of PEP 3333.

    Attributes:
        environ: The WSGI environment.
        outer: The state of the same request in the app around this one, or None.
        event: The event of the started response until it is emitted. Empty when a hook
            dropped it.
        is_held: Whether the event waits for the end of the body: the request did not fail, and its
            body is a stream, which may.
        is_recorded: Whether the request has its event.
        request: Werkzeug's request, which has the route, or None.
        failure: The exception that reached Flask, and who answers it.
        signals: What signals of security extensions showed, or None.
        is_sent: Whether a byte of the body was sent.
        body: The body that is observed. Empty after `finish`.
    """

    # Class attributes: a request that does not fail never sets them, and they cost it nothing.
    event: Event | None = None
    is_held = False
    is_recorded = False
    request: object = None
    failure: Failure | None = None
    signals: SecuritySignals | None = None
    is_sent = False
    body: Iterable[object] = ()
    _status: object = None
    _disconnect: OSError | None = None

    _write: Callable[..., object]

    def __init__(
        self,
        environ: Environ,
        start_response: StartResponse,
        recorder: Recorder,
        outer: object,
    ) -> None:
        self._started_at = time.perf_counter()
        self._recorder = recorder
        self._start_response = start_response
        self.environ = environ
        # An app mounted inside another app's middleware: one request, two states.
        self.outer: RequestState | None = outer if isinstance(outer, RequestState) else None
        environ[REQUEST_STATE] = self

    @property
    def guard(self) -> Guard:
        """Keeps failures away from the app."""
        return self._recorder.guard

    def note(self, error: BaseException, answered_by: AnsweredBy, request: object) -> None:
        """Notes an exception that reached Flask.

        Args:
            error: The exception.
            answered_by: Who answers it.
            request: Flask's request, in whose context this is called.
        """
        # Only an exception that may leave the app is recorded after its context has ended.
        is_handled = answered_by is AnsweredBy.HANDLER
        context = None if is_handled else contextvars.copy_context()
        later = Failure(error=unwrapped(error), answered_by=answered_by, context=context)
        self.failure = decisive_failure(self.failure, later)
        self.request = request

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
        self.request = self.environ.get(_WERKZEUG_REQUEST, self.request)
        # A non-str status is for the server to reject. It must not raise here.
        if (
            self.failure is not None
            or self.signals is not None
            or type(status) is not str
            or status >= _FAILURE
        ):
            with self._recorder.record_guard:
                self._build_event(status, headers)
        return self

    def _build_event(self, status: object, headers: object = ()) -> None:
        """Builds the event while the request context exists, for hooks and lazy messages."""
        code, found = self._recorder.classify(text_of(status))
        if self.failure is not None or self.signals is not None:
            found = self._outcome(found, code, headers)
        if found.detector is None:
            return
        is_failure = not 0 < code < FIRST_FAILURE
        self.is_held = not is_failure and response_header(headers, "content-length") is None
        self.event = self._recorder.response_event(
            found.detector,
            self.environ,
            request=self.request,
            code=code or SERVER_ERROR,
            seconds=time.perf_counter() - self._started_at,
            found=found,
        )

    def _outcome(self, of_status: Outcome, code: int, headers: object) -> Outcome:
        """What is recorded of a request with more than a status."""
        found, catalogue = of_status, self._recorder.catalogue
        if self.failure is not None:
            found = outcome(self.failure, code, catalogue, self.environ.get("wsgi.input"))
        if self.signals is not None:
            found = with_security(self.signals, found, code, headers, catalogue)
        return found

    def __call__(self, data: object, /) -> object:
        """Sends a part of the body by PEP 3333's `write`, after the event of the response."""
        self.emit()
        self.is_sent = True
        try:
            return self._write(data)
        except OSError as error:
            self._disconnect = error  # the client is gone, and what the app raises may be this
            raise

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
        if self.is_recorded or isinstance(error, _DISCONNECTS) or error is self._disconnect:
            return
        if isinstance(error, StopIteration) and self.failure is None and self._status is None:
            return  # Gunicorn's signal that a websocket took over the connection
        self.event = None
        self._recorder.guard.run("recording an exception", self._build_escaped, error)
        self.emit()

    def _build_escaped(self, error: BaseException) -> None:
        context = None if self.failure is None else self.failure.context
        self.failure = Failure(
            error=unwrapped(error), answered_by=AnsweredBy.NOBODY, context=context
        )
        status = self._status if self.is_sent else None
        if context is not None:
            # The request context has ended, but a copy of it still works.
            context.run(self._build_event, status)
        else:
            self._build_event(status)

    def __iter__(self) -> Iterator[object]:
        """Yields the parts of the body. The event of the response is emitted before the first."""
        try:
            for chunk in self.body:
                if self.event is not None and not self.is_held:
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
        self.failure = self.signals = self.request = self._disconnect = None
        self.body = ()


class OutermostState(RequestState):
    """A request in the outermost middleware, which the app's own middleware joins.

    Attributes:
        is_joined: Whether the app's own middleware has joined. Later calls of it are requests
            that the app itself makes with a copy of the environment.
    """

    is_joined = False

    def is_of(self, recorder: Recorder) -> bool:
        """Whether a middleware with this recorder is of the same app and request."""
        return recorder is self._recorder and not self.is_joined

    def joined(self, environ: Environ, start_response: StartResponse) -> StartResponse:
        """Joins the request: what surrounds the app may respond when Flask's context has ended.

        Args:
            environ: The environment that the app gets, which may be a copy.
            start_response: The callable that the app gets.
        """
        self.is_joined = True

        def start_noted_response(*args: object, **kwargs: object) -> Callable[..., object]:
            self.request = environ.get(_WERKZEUG_REQUEST)
            return start_response(*args, **kwargs)

        return start_noted_response

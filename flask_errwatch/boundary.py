"""The WSGI boundary: where it is seen what a request was answered, whoever answered it.

A failing request is one whose answer has a status that a detector claims, or whose exception
nobody answered. Its event is prepared when the answer starts, while Flask's request context
is still there for the hooks, and emitted when the app hands the answer over: before its first
byte leaves. What fails after that is recorded when it happens.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

from flask_errwatch.recorder import Prepared, Recorder

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo = (
        tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None
    )

#: Where the request under way keeps its `Call`, in its WSGI environment.
CALL = "flask_errwatch.call"


class Boundary:
    """Wraps an app's `wsgi_app`: passes everything through, and records what failed.

    Args:
        wsgi_app: The callable to wrap.
        recorder: Makes the events.
        first_request: Called once in each process, before its first request is dispatched.
    """

    def __init__(
        self, wsgi_app: WSGIApplication, recorder: Recorder, first_request: Callable[[], None]
    ) -> None:
        self._wsgi_app = wsgi_app
        self._recorder = recorder
        self._first_request = first_request

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers as the wrapped callable does: same status, headers, body and exceptions."""
        if not self._recorder.delivery.is_running:
            self._recorder.guard.run("the first request", self._first_request)
        call = Call(environ, start_response, self._recorder)
        environ[CALL] = call
        try:
            body = self._wsgi_app(environ, call.start_response)
        except BaseException as error:
            call.escaped(error)
            raise
        if call.prepared is not None:
            call.settle()
        if _cannot_fail(body, environ):
            return body
        return Body(body, call)


def _cannot_fail(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    """Whether the body is passed on as it is.

    A list has nothing to run. A server recognises its own file wrapper and sends the file
    without Python (PEP 3333, "Optional Platform-Specific File Handling"): it must stay itself.
    """
    if type(body) in (list, tuple):
        return True
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class Call:
    """One request on its way through the boundary.

    Attributes:
        prepared: The event of the answer that was started, until it is emitted.
        error: The exception that Flask met, or that a handler of the app answered.
        handled: Whether a handler of the app answered it.
        context: The context in which Flask met an exception that nobody answered.
        sent: Whether a byte of the body has left.
    """

    __slots__ = (
        *("environ", "prepared", "error", "handled", "context", "sent"),
        *("_start_response", "_recorder", "_started", "_status", "_outer", "_recorded"),
    )

    def __init__(
        self, environ: WSGIEnvironment, start_response: StartResponse, recorder: Recorder
    ) -> None:
        self.environ = environ
        self.prepared: Prepared | None = None
        self.error: BaseException | None = None
        self.handled = False
        self.context: contextvars.Context | None = None
        self.sent = False
        self._start_response = start_response
        self._recorder = recorder
        self._started = perf_counter()
        self._status = ""
        # An app mounted inside another one's middleware: one request, two boundaries.
        self._outer: Call | None = environ.get(CALL)
        self._recorded = False

    def met(self, error: BaseException) -> None:
        """Notes an exception that nobody answered (Flask's `got_request_exception`)."""
        self.error = error
        self.handled = False
        self.context = contextvars.copy_context()

    def answered_by_handler(self, error: BaseException) -> None:
        """Notes an exception that a handler of the app is about to answer."""
        if error is not self.error:
            self.error = error
            self.handled = True

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo = None, /
    ) -> Callable[[bytes], object]:
        """The server's `start_response`, with a look at the status on the way."""
        if status >= "4" or self.error is not None:
            self._recorder.guard.run("recording an answer", self._prepare, status)
        else:
            self.prepared = None
        self._status = status
        write = (
            self._start_response(status, headers)
            if exc_info is None
            else self._start_response(status, headers, exc_info)
        )
        return write if self.prepared is None else self._written_by(write)

    def _prepare(self, status: str) -> None:
        self.prepared = None
        code = int(status[:3])
        error, handled = self.error, self.handled
        if code >= 400 or (error is not None and not handled):
            self.prepared = self._event(code, error, handled=handled)

    def _written_by(self, write: Callable[[bytes], object]) -> Callable[[bytes], object]:
        """The old way to send a body (PEP 3333, "The write() Callable"): the line goes first."""

        def settle_and_write(data: bytes, /) -> object:
            self.settle()
            self.sent = True
            return write(data)

        return settle_and_write

    def settle(self) -> None:
        """Emits the prepared event, once."""
        prepared, self.prepared = self.prepared, None
        if prepared is not None and not self._recorded:
            self._mark_recorded()
            self._recorder.guard.run("emitting a line", self._recorder.emit, prepared)

    def escaped(self, error: BaseException) -> None:
        """Records an exception that left the app: the server can only send 500 or stop."""
        if self._recorded or isinstance(error, GeneratorExit | KeyboardInterrupt):
            return
        self._recorder.guard.run("recording an exception", self._record_escaped, error)

    def _record_escaped(self, error: BaseException) -> None:
        status = int(self._status[:3]) if self.sent else 500
        if self.context is not None and error is self.error:
            # The request context is gone by now, but not for who kept a view of it.
            self.prepared = self.context.run(self._event, status, error)
        else:
            self.prepared = self._event(status, error)
        self.settle()

    def _event(
        self, status: int, error: BaseException | None, *, handled: bool = False
    ) -> Prepared | None:
        seconds = perf_counter() - self._started
        return self._recorder.answered(
            self.environ, status, seconds=seconds, error=error, handled=handled
        )

    def _mark_recorded(self) -> None:
        call: Call | None = self
        while call is not None:
            call._recorded = True
            call = call._outer


class Body:
    """An answer's body that is watched while the server iterates over it."""

    __slots__ = ("_body", "_call")

    def __init__(self, body: Iterable[bytes], call: Call) -> None:
        self._body = body
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        call = self._call
        try:
            for chunk in self._body:
                if call.prepared is not None:
                    call.settle()
                if chunk:
                    call.sent = True
                yield chunk
        except BaseException as error:
            call.escaped(error)
            raise

    def close(self) -> None:
        """Closes the body, as PEP 3333 asks of a server."""
        call = self._call
        if call.prepared is not None:
            call.settle()
        close = getattr(self._body, "close", None)
        if close is None:
            return
        try:
            close()
        except BaseException as error:
            call.escaped(error)
            raise

"""The WSGI boundary: where it is seen what a request was answered, whoever answered it.

A failing request is one whose answer has a status that a detector claims, or whose exception
nobody answered. Its event is prepared when the answer starts, while Flask's request context
is still there for the hooks, and emitted when the app hands the answer over: before its first
byte leaves. What fails after that is recorded when it happens.

What apps and servers pass to each other is `object` here, whatever PEP 3333 says it is: it goes
through as it came, and compiled code checks what it declares.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wsgi import ClosingIterator

from flask_errwatch._fork import mark
from flask_errwatch._text import text_of
from flask_errwatch.capture.hooks import Event
from flask_errwatch.capture.recorder import Recorder

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[..., object]]

# Bound here: compiled code finds it so without a search.
_clock: Final = time.perf_counter
_CLOSING: Final = ClosingIterator

#: What fails begins here.
_FAILING: Final = "4"

#: How a client, or whoever stops the server by hand, ends a request.
_LEAVING: Final = (GeneratorExit, KeyboardInterrupt)

#: What a server sends where an app sent nothing.
_STOPPED: Final = 500

#: Where the request under way keeps its `Call`, in its WSGI environment.
CALL: Final = "flask_errwatch.call"
#: Where Werkzeug keeps the request while it is served.
_REQUEST: Final = "werkzeug.request"


class Boundary:
    """Wraps an app's `wsgi_app`: passes everything through, and records what failed.

    Args:
        wsgi_app: The callable to wrap.
        recorder: Makes the events.
        first_request: Called before the first request that a process dispatches.
    """

    def __init__(
        self, wsgi_app: WSGIApplication, recorder: Recorder, first_request: Callable[[], None]
    ) -> None:
        self._wsgi_app: Callable[..., Iterable[object]] = wsgi_app
        self._recorder = recorder
        self._first_request = first_request
        self._ready = mark()

    def answer(self, environ: Any, start_response: StartResponse) -> Iterable[Any]:
        """Answers as the wrapped callable does: same status, headers, body and exceptions."""
        if not isinstance(environ, dict):
            # PEP 3333 has a server give nothing else, and not all callers do.
            environ = dict(environ)
        if not self._ready[0]:
            self._get_ready()
        call = Call(environ, start_response, self._recorder)
        try:
            body = self._wsgi_app(environ, call.start_response)
        except BaseException as error:
            call.escaped(error)
            call.finish()
            raise
        if call.event is not None:
            call.settle()  # A request has one event: nothing more can come of its body.
        # Werkzeug's own has no length and is no file: to ask it would cost more than all the above.
        elif type(body) is _CLOSING or not _passes(body, environ):
            call.body = body
            return call
        call.finish()
        return body

    def _get_ready(self) -> None:
        guard, delivery = self._recorder.guard, self._recorder.delivery
        guard.run("the first request", self._first_request)
        guard.run("starting the delivery", delivery.ensure_running)
        if delivery.is_running:
            self._ready[0] = 1


def _passes(body: object, environ: Environ) -> bool:
    """Whether the body is passed on as it is.

    A body with a length is there already, and a server may look at the length (PEP 3333,
    "Handling the Content-Length Header"). A server recognises its own file wrapper and sends
    the file without Python ("Optional Platform-Specific File Handling"): it must stay itself.
    """
    if hasattr(body, "__len__"):
        return True
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class Call:
    """One request on its way through the boundary.

    The server iterates over it as over the body, and the app calls it as the `write` of PEP 3333.

    Attributes:
        environ: Its WSGI environment.
        outer: The same request at the boundary of an app around this one, if there is one.
        event: The event of the answer that was started, until it is emitted; an empty one
            when a hook dropped it.
        recorded: Whether the request has its event.
        request: Werkzeug's request, which knows the route; None where there is none.
        error: The exception that Flask met, or that a handler of the app answered.
        handled: Whether a handler of the app answered it.
        context: The context in which Flask met an exception that nobody answered.
        sent: Whether a byte of the body has left.
        body: The body that is watched; empty when that is over.
    """

    # Of the class: a request that does not fail leaves them so, and has them for nothing.
    event: Event | None = None
    recorded = False
    request: object = None
    error: BaseException | None = None
    handled = False
    context: contextvars.Context | None = None
    sent = False
    body: Iterable[object] = ()
    _status: object = None

    _write: Callable[..., object]

    def __init__(self, environ: Environ, start_response: StartResponse, recorder: Recorder) -> None:
        self._began = _clock()
        self._recorder = recorder
        self._start_response = start_response
        self.environ = environ
        # An app mounted inside another one's middleware: one request, two boundaries.
        outer = environ.get(CALL)
        self.outer: Call | None = outer if isinstance(outer, Call) else None
        environ[CALL] = self

    def met(self, error: BaseException) -> None:
        """Notes an exception that nobody answered (Flask's `got_request_exception`)."""
        self.error, self.handled, self.context = error, False, contextvars.copy_context()
        self.request = self.environ.get(_REQUEST)

    def answered_by_handler(self, error: BaseException) -> None:
        """Notes an exception that a handler of the app is about to answer."""
        if error is not self.error:
            self.error, self.handled, self.context = error, True, None
            self.request = self.environ.get(_REQUEST)

    def start_response(
        self, status: object, headers: object, /, exc_info: object = None
    ) -> Callable[..., object]:
        """The server's `start_response`, with a look at the status on the way."""
        self._write = (
            self._start_response(status, headers)
            if exc_info is None
            else self._start_response(status, headers, exc_info)
        )
        # Only now: a server whose headers are gone has raised, and its first status stays.
        self._status = status
        self.event = None  # of an answer that this one replaces
        # Kept, because Flask takes it away when it leaves the request.
        self.request = self.environ.get(_REQUEST)
        # What is no text is the server's business, but must not fail here.
        if self.error is not None or type(status) is not str or status >= _FAILING:
            with self._recorder.answering:
                self._prepare(status, self.error, self.handled)
        return self

    def _prepare(self, status: object, error: BaseException | None, handled: bool) -> None:  # noqa: FBT001 - a fact
        """Makes the event while the request's context is there, for hooks and lazy messages."""
        code, detector = self._recorder.claim(text_of(status))
        if error is not None and not handled:
            detector = self._recorder.catalogue.critical
        elif detector is None:
            return
        self.event = self._recorder.answered(
            detector,
            self.environ,
            request=self.request,
            code=code or _STOPPED,
            seconds=_clock() - self._began,
            error=error,
            handled=handled,
        )

    def __call__(self, data: object, /) -> object:
        """Sends a part of the body the old way of PEP 3333: the event of the answer goes first."""
        self.settle()
        self.sent = True
        return self._write(data)

    def settle(self) -> None:
        """Emits the event, once for a request."""
        event, self.event = self.event, None
        if event is None or self.recorded:
            return
        self.recorded = True
        outer = self.outer
        while outer is not None:
            outer.recorded = True
            outer = outer.outer
        with self._recorder.emitting:
            self._recorder.emit(event)

    def escaped(self, error: BaseException) -> None:
        """Records an exception that left the app: the server can only send 500 or stop."""
        if self.recorded or isinstance(error, _LEAVING):
            return
        if isinstance(error, StopIteration) and self.error is None and self._status is None:
            return  # Gunicorn's sign that the connection was taken over, by a websocket.
        self.event = None
        self._recorder.guard.run("recording an exception", self._prepare_escaped, error)
        self.settle()

    def _prepare_escaped(self, error: BaseException) -> None:
        status = self._status if self.sent else None
        if self.context is not None:
            # The request context is gone by now, but not for who kept a view of it.
            self.context.run(self._prepare, status, error, False)  # noqa: FBT003 - nobody handled it
        else:
            self._prepare(status, error, handled=False)

    def __iter__(self) -> Iterator[object]:
        """The parts of the body; the event of the answer goes before the first one."""
        try:
            for chunk in self.body:
                if self.event is not None:
                    self.settle()
                if chunk:
                    self.sent = True
                yield chunk
        except BaseException as error:
            self.escaped(error)
            raise
        if self.event is not None:
            self.settle()
        self.sent = True

    def close(self) -> None:
        """Closes the body, as PEP 3333 asks of a server."""
        if self.event is not None:
            self.settle()
        try:
            close = self.body.close  # type: ignore[attr-defined]  # asked for, not promised
        except AttributeError:
            self.finish()
            return
        try:
            close()
        except BaseException as error:
            self.escaped(error)
            raise
        finally:
            self.finish()

    def __deepcopy__(self, _memo: object) -> Call:
        """Itself: a copy of an environment is of the same request."""
        return self

    def finish(self) -> None:
        """Lets go of the request, which could otherwise be freed by the garbage collector only."""
        if self.outer is None:
            try:  # noqa: SIM105 - each request would pay for it
                del self.environ[CALL]
            except KeyError:
                pass  # somebody emptied the environment
        elif self.environ.get(CALL) is self:  # else the outer one is over already
            self.environ[CALL] = self.outer
        self.error = self.context = self.request = None
        self.body = ()

"""The WSGI boundary: where it is seen what a request was answered, whoever answered it.

A failing request is one whose answer has a status that a detector claims, or whose exception
nobody answered. Its event is prepared when the answer starts, while Flask's request context
is still there for the hooks, and emitted when the app hands the answer over: before its first
byte leaves. What fails after that is recorded when it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

from flask_errwatch._process import mark
from flask_errwatch.bodies import passes
from flask_errwatch.hooks import Event
from flask_errwatch.noted import REQUEST, forget_since, noted, noted_since
from flask_errwatch.recorder import Recorder

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo = (
        tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None
    )

#: What fails begins here, as a text and as a number.
_FAILING, _FAILING_CODE = "4", 400

#: What a server sends where an app sent nothing.
_STOPPED = 500

#: When the latest event of this thread or greenlet was emitted (`time.perf_counter`), and which
#: input its request had: of a copied WSGI environment it is the same.
_recorded: ContextVar[tuple[float, int]] = ContextVar("_recorded", default=(0.0, 0))
_INPUT = "wsgi.input"


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
        self._wsgi_app = wsgi_app
        self._recorder = recorder
        self._first_request = first_request
        self._ready = mark()

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers as the wrapped callable does: same status, headers, body and exceptions."""
        if not self._ready[0]:
            self._get_ready()
        call = Call(environ, start_response, self._recorder)
        try:
            body = self._wsgi_app(environ, call.start_response)
        except BaseException as error:
            call.escaped(error)
            raise
        if call.event is not None:
            call.settle()
            return body  # A request has one event: nothing more can come of it.
        return body if passes(body, environ) else Body(body, call)

    def _get_ready(self) -> None:
        guard, delivery = self._recorder.guard, self._recorder.delivery
        guard.run("the first request", self._first_request)
        guard.run("starting the delivery", delivery.ensure_running)
        if delivery.is_running:
            self._ready[0] = 1


def _number(status: object) -> int:
    """The number of a status line; 0 where it has none, which is the server's business."""
    return _parsed(status) if isinstance(status, str) else 0


@lru_cache(maxsize=256)
def _parsed(status: str) -> int:
    number = status.partition(" ")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) == 3 else 0


class Call:
    """One request on its way through the boundary.

    Attributes:
        event: The event of the answer that was started, until it is emitted; an empty one
            when a hook dropped it.
        sent: Whether a byte of the body has left.
    """

    # Of the class: a request that does not fail leaves them so, and has them for nothing.
    event: Event | None = None
    sent = False
    _status: object = None
    _request: object = None

    _write: Callable[[bytes], object]

    def __init__(
        self, environ: WSGIEnvironment, start_response: StartResponse, recorder: Recorder
    ) -> None:
        # No more than a request that does not fail needs.
        self._began = perf_counter()
        self._environ = environ
        self._start_response = start_response
        self._recorder = recorder

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo = None, /
    ) -> Callable[[bytes], object]:
        """The server's `start_response`, with a look at the status on the way."""
        if exc_info is None:
            self._write = self._start_response(status, headers)
        else:
            self._write = self._start_response(status, headers, exc_info)
        # Only now: a server whose headers are gone has raised, and its first status stays.
        self._status = status
        self.event = None  # of the answer that this one replaces
        # Kept, because Flask takes it away when it leaves the request.
        self._request = self._environ.get(REQUEST)
        # What is no text is the server's business, but must not fail here.
        if noted or status.__class__ is not str or status >= _FAILING:
            self._recorder.guard.run("recording an answer", self._started, status)
        return self.write

    def _started(self, status: object) -> None:
        code = _number(status)
        met = noted_since(self._began) if noted else None
        if met is None:
            self.event = self._made(code)
            return
        self.event = self._made(code, met.error, handled=met.context is None)
        if self.event is None:
            forget_since(self._began)

    def _made(
        self, code: int, error: BaseException | None = None, *, handled: bool = True
    ) -> Event | None:
        """Makes the event while the request's context is there, for hooks and lazy messages."""
        catalogue = self._recorder.catalogue
        if not handled:
            detector = catalogue.critical
        elif code >= _FAILING_CODE and (claiming := catalogue.for_status(code)) is not None:
            detector = claiming
        else:
            return None
        return self._recorder.answered(
            detector,
            self._environ,
            request=self._request,
            code=code or _STOPPED,
            seconds=perf_counter() - self._began,
            error=error,
            handled=handled,
        )

    def write(self, data: bytes, /) -> object:
        """Sends a part of the body the old way of PEP 3333: the event of the answer goes first."""
        self.settle()
        self.sent = True
        return self._write(data)

    def settle(self) -> None:
        """Emits the event, once for a request."""
        event, self.event = self.event, None
        if event is not None and not self._is_recorded():
            # For the boundary of an app around this one: one request, two boundaries.
            _recorded.set((perf_counter(), id(self._environ.get(_INPUT))))
            self._recorder.guard.run("emitting a line", self._recorder.emit, event)
        if noted:
            forget_since(self._began)

    def _is_recorded(self) -> bool:
        moment, whose = _recorded.get()
        return moment >= self._began and whose == id(self._environ.get(_INPUT))

    def escaped(self, error: BaseException) -> None:
        """Records an exception that left the app: the server can only send 500 or stop."""
        if self._is_recorded() or isinstance(error, GeneratorExit | KeyboardInterrupt):
            forget_since(self._began)
            return
        self.event = None
        self._recorder.guard.run("recording an exception", self._escaped, error)
        self.settle()

    def _escaped(self, error: BaseException) -> None:
        code = _number(self._status) if self.sent else _STOPPED
        met = noted_since(self._began)
        if met is not None:
            self._request = met.request
        if met is not None and met.context is not None:
            # The request context is gone by now, but not for who kept a view of it.
            self.event = met.context.run(self._made, code, error, handled=False)
        else:
            self.event = self._made(code, error, handled=False)

    def end(self) -> None:
        """Lets go of the request: who closed it may still hold its body."""
        self._request = None


class Body:
    """An answer's body that is watched while the server iterates over it.

    Apart from the call, which a body may refer to: as one object both would be a cycle.
    """

    __slots__ = ("_body", "_call")

    def __init__(self, body: Iterable[bytes], call: Call) -> None:
        self._body = body
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        """The parts of the body; the event of the answer goes before the first one."""
        call = self._call
        try:
            for chunk in self._body:
                if call.event is not None:
                    call.settle()
                if chunk:
                    call.sent = True
                yield chunk
        except BaseException as error:
            call.escaped(error)
            raise
        if call.event is not None:
            call.settle()
        call.sent = True

    def close(self) -> None:
        """Closes the body, as PEP 3333 asks of a server."""
        call = self._call
        if call.event is not None:
            call.settle()
        try:
            close = self._body.close  # type: ignore[attr-defined]  # asked for, not promised
        except AttributeError:
            call.end()
            return
        try:
            close()
        except BaseException as error:
            call.escaped(error)
            raise
        finally:
            call.end()

"""Observes the exceptions of an app: those that error handlers answer, and those that none does.

Flask sends `got_request_exception` for exceptions that no error handler answers, and no public API
shows the others. So each mapping in the documented `app.error_handler_spec` is replaced, once and
before the first request is dispatched, by an equal mapping that takes note when Flask finds a
handler in it. The same is done with the `error_handlers` of a framework that answers in Flask's
place (Flask-RESTX). The handlers are unchanged: so are their responses, their exceptions and the
tracebacks that show them. This module is the only one that uses internals of Flask.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any, Final

from flask import Flask, Request, has_request_context, request

from flask_errwatch._fork import PerProcess
from flask_errwatch.capture.failures import AnsweredBy
from flask_errwatch.capture.middleware import REQUEST_STATE, RequestState

Handler = Callable[[Any], Any]

#: Where Flask sends `got_request_exception`, by module and function.
_FLASK_SENDER: Final = ("flask.app", "handle_exception")


class _ObservedHandlers(dict[type[Exception], Handler]):
    """Error handlers by exception class. A lookup that finds a handler precedes its call."""

    def get(self, kind: type[Exception], default: Any = None, /) -> Any:
        handler = super().get(kind, default)
        if handler is not None:
            _note_answered(sys.exc_info()[1])
        return handler


class _ObservedFrameworkHandlers(OrderedDict[Any, Handler]):
    """Error handlers of a framework, which looks through them for the first that fits."""

    def keys(self) -> Any:  # typeshed's names of the views of this class are private
        self._note()
        return super().keys()

    def items(self) -> Any:
        self._note()
        return super().items()

    def _note(self) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, tuple(kind for kind in self if isinstance(kind, type))):
            _note_answered(error)


def observe_error_handlers(app: Flask) -> None:
    """Observes every error handler of the app, its blueprints and its frameworks.

    Call it right before the first request. Flask refuses to register handlers after it has
    dispatched one, so this sees all of them, however late or deep they were registered.
    """
    for handlers_by_code in app.error_handler_spec.values():
        for code, handlers in handlers_by_code.items():
            handlers_by_code[code] = _ObservedHandlers(handlers)
    for owner in _framework_owners(app):
        if isinstance(owner.error_handlers, OrderedDict):
            owner.error_handlers = _ObservedFrameworkHandlers(owner.error_handlers)


class HandlersObserver:
    """Observes the app's error handlers, once, before its first request is dispatched."""

    def __init__(self, app_ref: weakref.ref[Flask]) -> None:
        self._is_done = False
        self._app_ref = app_ref
        self._lock = PerProcess(threading.Lock)

    def __call__(self) -> None:
        """Observes them, unless that has been done."""
        with self._lock.get():
            app = self._app_ref()
            if app is None or self._is_done:
                return
            try:
                observe_error_handlers(app)
            finally:
                self._is_done = True  # also after a failure: nothing is wrapped twice


def _framework_owners(app: Flask) -> Iterator[Any]:
    """The objects of a framework, and its parts, that have error handlers of their own.

    Flask-RESTX replaces `app.handle_user_exception` by a `partial` of its own method and the
    earlier function. Each API does so once more.
    """
    handle: object = app.handle_user_exception
    while isinstance(handle, partial):
        api = getattr(handle.func, "__self__", None)
        for owner in (api, *getattr(api, "namespaces", ())):
            if hasattr(owner, "error_handlers"):
                yield owner
        handle = handle.args[0] if handle.args else None


def note_signal(_sender: object, exception: BaseException, **_: object) -> None:
    """Receiver of `got_request_exception`: notes the exception on the current request."""
    sender = _sender_of_signal(sys._getframe(1))  # noqa: SLF001 - documented
    _note(exception, AnsweredBy.UNKNOWN if sender is None else _answered_by(sender, exception))


def _sender_of_signal(frame: FrameType | None) -> FrameType | None:
    """The frame of the code that called blinker's `send`."""
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("blinker"):
        frame = frame.f_back
    return frame


def _answered_by(sender: FrameType, error: BaseException) -> AnsweredBy:
    """Who answers, as far as the sender of the signal shows it."""
    if (sender.f_globals.get("__name__"), sender.f_code.co_name) == _FLASK_SENDER:
        return AnsweredBy.NOBODY
    api = sender.f_locals.get("self")
    # Flask-RESTX: a handler for every exception. Flask-RESTful: responses by the class's name.
    has_default = getattr(api, "_default_error_handler", None) is not None
    responses = getattr(api, "errors", None)
    is_declared = isinstance(responses, dict) and type(error).__name__ in responses
    return AnsweredBy.HANDLER if has_default or is_declared else AnsweredBy.UNKNOWN


def _note_answered(error: BaseException | None) -> None:
    if error is not None:
        _note(error, AnsweredBy.HANDLER)


def _note(error: BaseException, answered_by: AnsweredBy) -> None:
    """Notes an exception on the current request's state, if the request passed the middleware."""
    if not has_request_context():
        return
    current: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    state = current.environ.get(REQUEST_STATE)
    if isinstance(state, RequestState):
        state.note(error, answered_by, current)

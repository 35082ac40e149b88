"""Observes the exceptions of an app: those that error handlers answer, and those that none does.

Flask sends `got_request_exception` for exceptions that no error handler answers, and no public API
shows the others. So each mapping in the documented `app.error_handler_spec` is replaced, once and
before the first request is dispatched, by an equal mapping that takes note when Flask finds a
handler in it. The same is done with the `error_handlers` of a framework that answers in Flask's
place (Flask-RESTX). One more such mapping takes note of exceptions that are answers themselves
(`HTTPException`), if a detector claims their class. The handlers are unchanged: so are their
responses, their exceptions and the tracebacks that show them. This module is the only one that uses
internals of Flask.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from types import FrameType
from typing import Any, Final

from flask import Flask
from werkzeug.exceptions import HTTPException

from flask_errwatch._guard import Guard
from flask_errwatch.capture.current_state import current_request_object, current_state
from flask_errwatch.capture.failures import AnsweredBy
from flask_errwatch.capture.request_state import RequestState
from flask_errwatch.detectors import Catalogue

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


class _ObservedAppHandlers(_ObservedHandlers):
    """The handlers that an app has for every exception, whatever its status and blueprint.

    It is true even if it is empty, so that Flask looks into it for each `HTTPException` that no
    earlier handler answers, class by class. It then takes note of those that a detector claims.
    """

    def __init__(
        self,
        handlers: dict[type[Exception], Handler],
        catalogue: Catalogue,
        guard: Guard,
    ) -> None:
        super().__init__(handlers)
        self._catalogue = catalogue
        self._guarded = guard.suppress("recognising an exception")

    def __bool__(self) -> bool:
        return True

    def get(self, kind: type[Exception], default: Any = None, /) -> Any:
        if kind is HTTPException:  # a class of every one of them
            with self._guarded:
                self._note_claimed(sys.exc_info()[1])
        handler = dict.get(self, kind, default)  # not by `super`: a 404 looks up five classes
        if handler is not None:
            _note_answered(sys.exc_info()[1])
        return handler

    def _note_claimed(self, error: BaseException | None) -> None:
        # For a crash Flask looks up a handler of InternalServerError.
        if isinstance(error, HTTPException):
            # The status is not known yet: a handler may answer with any.
            detector = self._catalogue.for_exception(error, HTTPStatus.BAD_REQUEST)
            if detector is not None:
                _note_answered(error)


def observe_error_handlers(app: Flask, catalogue: Catalogue, guard: Guard) -> None:
    """Observes every error handler of the app, its blueprints and its frameworks.

    Call it once, right before the first request. Flask refuses to register handlers after it has
    dispatched one, so this sees all of them, however late or deep they were registered.

    Args:
        app: The app.
        catalogue: Its detectors, which may claim exceptions.
        guard: Keeps failures away from the app.
    """
    for handlers_by_code in app.error_handler_spec.values():
        for code, handlers in handlers_by_code.items():
            handlers_by_code[code] = _ObservedHandlers(handlers)
    if catalogue.claims_exceptions:
        of_app = app.error_handler_spec[None]
        of_app[None] = _ObservedAppHandlers(of_app[None], catalogue, guard)
    for owner in _framework_owners(app):
        if isinstance(owner.error_handlers, OrderedDict):
            owner.error_handlers = _ObservedFrameworkHandlers(owner.error_handlers)


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
    state = current_state()
    if state is not None:
        sender = sys._getframe(1)  # noqa: SLF001 - documented
        state.guard.run("noting an exception", _note_sent, state, sender, exception)


def _note_sent(state: RequestState, frame: FrameType, error: BaseException) -> None:
    sender = _sender_of_signal(frame)
    answered_by = AnsweredBy.UNKNOWN if sender is None else _answered_by(sender, error)
    state.note(error, answered_by, current_request_object())


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
    """Notes an exception on the current request's state, if the request passed the middleware."""
    state = None if error is None else current_state()
    if error is not None and state is not None:
        state.note(error, AnsweredBy.HANDLER, current_request_object())

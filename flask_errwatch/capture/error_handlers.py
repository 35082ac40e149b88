"""Observes the exceptions that an app's own error handlers handle, by `app.error_handler_spec`.

This is the only use of a Flask internal. Flask sends `got_request_exception` only for exceptions
that no error handler handled, and no public API shows the others. So each mapping in the documented
`app.error_handler_spec` is replaced, once and before the first request is dispatched, by an equal
mapping that takes note when Flask finds a handler in it. The handlers are unchanged: so are their
responses, their exceptions and the tracebacks that show them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from flask import Flask, has_request_context, request
from werkzeug.exceptions import HTTPException

from flask_errwatch.capture.middleware import REQUEST_STATE, RequestState

Handler = Callable[[Any], Any]


class _ObservedHandlers(dict[type[Exception], Handler]):
    """Error handlers by exception class. A lookup that finds a handler precedes its call."""

    def get(self, kind: type[Exception], default: Any = None, /) -> Any:
        handler = super().get(kind, default)
        if handler is not None:
            note_handled(sys.exc_info()[1])
        return handler


def observe_error_handlers(app: Flask) -> None:
    """Observes every error handler of the app and its blueprints.

    Call it right before the first request. Flask refuses to register handlers after it has
    dispatched one, so this sees all of them, however late or deep they were registered.
    """
    for handlers_by_code in app.error_handler_spec.values():
        for code, handlers in handlers_by_code.items():
            handlers_by_code[code] = _ObservedHandlers(handlers)


def note_handled(error: BaseException | None) -> None:
    """Notes a handled exception on the current request. `abort()` is a response, not an error."""
    if error is None or isinstance(error, HTTPException):
        return
    state = current_state()
    if state is not None:
        state.note_handled(error)


def note_unhandled(_sender: object, exception: BaseException, **_: object) -> None:
    """Receiver of `got_request_exception`: notes an exception that no error handler handled."""
    state = current_state()
    if state is not None:
        state.note_unhandled(exception)


def current_state() -> RequestState | None:
    """The current request's state, if the request passed the middleware."""
    return request.environ.get(REQUEST_STATE) if has_request_context() else None

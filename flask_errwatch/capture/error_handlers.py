"""The one touch of Flask's inside: seeing the exceptions that an app's own handlers answer.

Flask sends `got_request_exception` only for exceptions that no handler answered, and nothing
public shows the others. So, once and before the first request is dispatched, each mapping in the
documented `app.error_handler_spec` is replaced by an equal one that notes when Flask finds a
handler in it. The handlers themselves stay what they are: what they answer, what they raise and
what a traceback shows of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from flask import Flask, has_request_context, request
from werkzeug.exceptions import HTTPException

from flask_errwatch.capture.middleware import CALL, Call

Handler = Callable[[Any], Any]


class _Noting(dict[type[Exception], Handler]):
    """Handlers by exception class; a handler that is found is about to answer."""

    def get(self, kind: type[Exception], default: Any = None, /) -> Any:
        handler = super().get(kind, default)
        if handler is not None:
            note_answered(sys.exc_info()[1])
        return handler


def watch_error_handlers(app: Flask) -> None:
    """Watches every error handler of the app and its blueprints.

    Flask refuses to register another one once it has dispatched a request, so that called
    right before the first it meets all of them, however late or deep they were registered.
    """
    for by_code in app.error_handler_spec.values():
        for code, handlers in by_code.items():
            by_code[code] = _Noting(handlers)


def note_answered(error: BaseException | None) -> None:
    """Notes the exception on the request under way. `abort()` is an answer, not an exception."""
    if error is None or isinstance(error, HTTPException):
        return
    call = current_call()
    if call is not None:
        call.answered_by_handler(error)


def note_unanswered(_sender: object, exception: BaseException, **_: object) -> None:
    """Notes an exception that no handler answered: the receiver of `got_request_exception`."""
    call = current_call()
    if call is not None:
        call.met(exception)


def current_call() -> Call | None:
    """The request under way in this context, if one passed the boundary."""
    return request.environ.get(CALL) if has_request_context() else None

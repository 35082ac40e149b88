"""The one touch of Flask's inside: seeing the exceptions that an app's own handlers answer.

Flask sends `got_request_exception` only for exceptions that no handler answered, and nothing
public shows the others. So, once and before the first request is dispatched, each entry of
the documented `app.error_handler_spec` is replaced by a function that notes the exception and
calls the handler: its answer, and whatever it raises, stay what they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from flask import Flask, has_request_context, request
from werkzeug.exceptions import HTTPException

from flask_errwatch.boundary import CALL, Call

Handler = Callable[[Any], Any]


def watch_error_handlers(app: Flask) -> None:
    """Wraps every error handler of the app and its blueprints.

    Flask refuses to register another one once it has dispatched a request, so that called
    right before the first it meets all of them, however late or deep they were registered.
    """
    for by_code in app.error_handler_spec.values():
        for by_class in by_code.values():
            for kind, handler in by_class.items():
                by_class[kind] = _noting(handler)


def _noting(handler: Handler) -> Handler:
    if iscoroutinefunction(handler):
        # Flask decides by this whether to await the handler, so the wrapper must be one too.
        asynchronous: Callable[[Any], Awaitable[Any]] = handler

        @wraps(handler)
        async def note_and_await(error: Exception) -> Any:
            note_answered(error)
            return await asynchronous(error)

        return note_and_await

    @wraps(handler)
    def note_and_call(error: Exception) -> Any:
        note_answered(error)
        return handler(error)

    return note_and_call


def note_answered(error: BaseException) -> None:
    """Notes the exception on the request under way. `abort()` is an answer, not an exception."""
    call = current_call()
    if call is not None and not isinstance(error, HTTPException):
        call.answered_by_handler(error)


def note_unanswered(_sender: object, exception: BaseException, **_: object) -> None:
    """Notes an exception that no handler answered: the receiver of `got_request_exception`."""
    call = current_call()
    if call is not None:
        call.met(exception)


def current_call() -> Call | None:
    """The request under way in this context, if one passed the boundary."""
    return request.environ.get(CALL) if has_request_context() else None

"""Recognises failures to read a request's body that are the client's or the network's.

A client that disconnects in the middle of an upload, or sends a bad chunk, makes `wsgi.input`
raise. Wrapping `wsgi.input` would show it, but would change what the app gets. The traceback shows
it too: the exception comes from the code of the server's own input.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Final

#: A value of `wsgi.input`. PEP 3333 requires only its methods.
Input = object

#: What a server's input raises when the connection breaks or the body is malformed, beside the
#: server's own classes (gunicorn). gevent and Werkzeug: OSError. Cheroot and eventlet: ValueError.
_RAISED: Final = (OSError, ValueError, EOFError)
#: Causes that are looked at.
_LONGEST: Final = 10
#: Inputs that are written in C leave no frame. uWSGI (plugins/python/wsgi_handlers.c): `error
#: during read(…) on wsgi.input`, `unable to receive chunked part`. mod_wsgi (mod_wsgi.c):
#: `Apache/mod_wsgi request data read error`.
_MESSAGES: Final = ("on wsgi.input", "unable to receive chunked part", "request data read error")


def is_transport_error(error: BaseException, wsgi_input: Input) -> bool:
    """Whether the server raised the exception while the app read the request's body.

    Args:
        error: An exception of the request, or one that was raised from it.
        wsgi_input: The request's `wsgi.input`.
    """
    for cause in _causes(error):
        is_of_its_kind = isinstance(cause, _RAISED) or _package(cause) == _package(wsgi_input)
        if is_of_its_kind and (
            _is_raised_by(wsgi_input, cause.__traceback__) or _has_message_of_c_input(cause)
        ):
            return True
    return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and its explicit causes: an app may name such a failure in its own words."""
    cause: BaseException | None = error
    for _ in range(_LONGEST):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


def _package(value: object) -> str:
    # A class may set it to anything.
    return str(type(value).__module__).partition(".")[0]


def _is_raised_by(wsgi_input: Input, traceback: TracebackType | None) -> bool:
    """Whether a frame of the traceback runs a method of the input, or of the socket under it."""
    parts = (wsgi_input, getattr(wsgi_input, "raw", wsgi_input))
    modules = {type(part).__module__ for part in parts}
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals.get("__name__") in modules:
            running = frame.f_locals.get("self")
            # By identity: an input may define any `__eq__`.
            if any(running is part for part in parts):
                return True
        traceback = traceback.tb_next
    return False


def _has_message_of_c_input(error: BaseException) -> bool:
    if not isinstance(error, OSError) or len(error.args) != 1:
        return False
    message = error.args[0]
    return type(message) is str and any(known in message for known in _MESSAGES)

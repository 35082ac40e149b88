"""The exceptions that Flask met in requests that are not over.

Nearly always there is none. A request finds that out by looking whether one set is empty, and
asks for more only when it is not.
"""

from __future__ import annotations

import weakref
from collections.abc import MutableMapping
from contextvars import Context, ContextVar
from time import perf_counter
from typing import Any

#: Where Werkzeug keeps the request while it is served, in its WSGI environment.
REQUEST = "werkzeug.request"
#: Where a request's environment keeps its own: they live no longer than it.
_KEY = "flask_errwatch.noted"


class Noted:
    """An exception on its way to an answer, or out of the app.

    Args:
        error: The exception.
        request: Werkzeug's request.
        context: The context in which nobody answered it; None where a handler of the app does.

    Attributes:
        at: When it was noted (`time.perf_counter`).
    """

    __slots__ = ("__weakref__", "at", "before", "context", "error", "request")

    def __init__(self, error: BaseException, request: object, context: Context | None) -> None:
        self.error: BaseException | None = error
        self.request = request
        self.context = context
        self.at = perf_counter()
        #: Of the same thread or greenlet: of this request, or of one around it.
        self.before = _latest.get()


#: Every one whose request is not over, in whatever thread. Empty, it says that there is none.
noted: set[weakref.ref[Noted]] = set()

#: The latest one of this thread or greenlet.
_latest: ContextVar[weakref.ref[Noted] | None] = ContextVar("_latest", default=None)


def note(
    error: BaseException, environ: MutableMapping[str, Any], context: Context | None = None
) -> None:
    """Notes an exception of the request under way.

    Args:
        error: The exception.
        environ: The request's environment.
        context: The context in which nobody answered it; None where a handler of the app does.
    """
    new = Noted(error, environ.get(REQUEST), context)
    environ.setdefault(_KEY, []).append(new)
    ref = weakref.ref(new, noted.discard)
    noted.add(ref)
    _latest.set(ref)


def is_noted(error: BaseException) -> bool:
    """Whether the exception is the latest one that was noted here."""
    ref = _latest.get()
    latest = None if ref is None else ref()
    return latest is not None and latest.error is error


def noted_since(began: float) -> Noted | None:
    """The latest one of the request that began then (`time.perf_counter`), if it has any."""
    ref = _latest.get()
    latest = None if ref is None else ref()
    return latest if latest is not None and latest.at >= began else None


def forget_since(began: float) -> None:
    """Lets go of all of the request that began then.

    The frames of an exception refer to the environment, which refers to what is noted.
    """
    ref = _latest.get()
    while ref is not None and (latest := ref()) is not None and latest.at >= began:
        noted.discard(ref)
        latest.error = latest.request = latest.context = None
        ref = latest.before
    _latest.set(ref)

"""Flask's contexts as they are now, found without `ContextVar.get`.

A finalizer or a signal handler may report, and may do so in the middle of a `ContextVar.reset`:
in CPython before 3.12 the collector runs there. A `get` at that moment puts the value that is just
being removed into the variable's cache, and a later `get` returns a freed object. `copy_context`
does not touch the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

from flask import Flask, Request
from flask import ctx as contexts

# Flask 3.2 merges the two; asking it for the old one would warn.
_KINDS = tuple(
    vars(contexts)[name] for name in ("RequestContext", "AppContext") if name in vars(contexts)
)


def current_app() -> Flask | None:
    """The app of the current context, if there is one."""
    for context in _current():
        app = context.app
        if isinstance(app, Flask):
            return app
    return None


def current_request() -> Request | None:
    """The request of the current context, if it is one of a request."""
    for context in _current():
        request = getattr(context, "request", None)
        if isinstance(request, Request):
            return request
    return None


def _current() -> Iterator[Any]:
    return (value for value in copy_context().values() if isinstance(value, _KINDS))

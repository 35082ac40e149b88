"""Flask's current contexts, found without `ContextVar.get`.

A finalizer or a signal handler may report, and may do so in the middle of a `ContextVar.reset`:
before CPython 3.12 the garbage collector runs there. A `get` at that moment caches the value that
is just being removed, and a later `get` returns a freed object. `copy_context` does not use the
cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

from flask import Flask, Request
from flask import ctx as contexts

# Flask 3.2 merges the two classes. Access to the old name would warn.
_CONTEXT_TYPES = tuple(
    vars(contexts)[name] for name in ("RequestContext", "AppContext") if name in vars(contexts)
)


def current_app() -> Flask | None:
    """The app of the current context, or None."""
    for context in _current_contexts():
        app = context.app
        if isinstance(app, Flask):
            return app
    return None


def current_request() -> Request | None:
    """The request of the current context, or None."""
    for context in _current_contexts():
        request = getattr(context, "request", None)
        if isinstance(request, Request):
            return request
    return None


def _current_contexts() -> Iterator[Any]:
    return (value for value in copy_context().values() if isinstance(value, _CONTEXT_TYPES))

"""Scopes: a request or a job. At its end it is known which of its exceptions have a line.

Only `logged_errors` needs them. While nothing listens, no scope is opened.
"""

from __future__ import annotations

import weakref
from contextvars import ContextVar, copy_context
from typing import Protocol


class ScopeListener(Protocol):
    """Called when it is known which exceptions of a scope have a line."""

    def settle(self, scope: Scope, error: BaseException | None) -> None:
        """Called when no other exception of the scope can be recorded any more.

        Args:
            scope: The scope.
            error: The exception that leaves it, or None.
        """


_current: ContextVar[Scope | None] = ContextVar("flask_errwatch_scope", default=None)
_listeners: weakref.WeakSet[ScopeListener] = weakref.WeakSet()


class Scope:
    """One request or job.

    Args:
        owner: The listener that a request belongs to, or None for that of the scope around it.

    Attributes:
        outer: The scope around this one, or None.
        owner: The listener of the request, or None outside of requests.
    """

    def __init__(self, owner: ScopeListener | None = None) -> None:
        outer = _current.get()
        self.outer: Scope | None = outer
        self.owner: ScopeListener | None = outer.owner if owner is None and outer else owner

    def enter(self) -> None:
        """Makes it the current scope."""
        _current.set(self)

    def leave(self) -> None:
        """Makes the scope around it the current one again, until `enter`."""
        _current.set(self.outer)

    def end(self, error: BaseException | None) -> None:
        """Leaves it for ever.

        Args:
            error: The exception that leaves it, or None.
        """
        self.leave()
        self.settle(error)

    def settle(self, error: BaseException | None) -> None:
        """Called when no exception can be recorded any more, except the one that leaves it.

        Args:
            error: The exception that leaves it, or None.
        """
        for listener in list(_listeners):
            listener.settle(self, error)


def listen(listener: ScopeListener) -> None:
    """Registers the listener, referenced weakly, for every scope."""
    _listeners.add(listener)


def open_scope(owner: ScopeListener | None = None) -> Scope | None:
    """Opens a scope inside the current one. None if nothing listens."""
    if not _listeners:
        return None
    scope = Scope(owner)
    scope.enter()
    return scope


def current_scope() -> Scope | None:
    """The current scope, or None. Not by `ContextVar.get`, see `contexts`."""
    return copy_context().get(_current)

"""Makes each request a scope (`scopes`), the streaming of its body included."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import ClosingIterator

from flask_errwatch.capture.scopes import Scope, ScopeListener

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class RequestScopes:
    """WSGI middleware inside the one that records: requests and responses pass unchanged.

    Args:
        wsgi_app: The callable to wrap.
        owner: The listener of the app.
    """

    def __init__(self, wsgi_app: WSGIApplication, owner: ScopeListener) -> None:
        self._wsgi_app: Callable[..., Iterable[Any]] = wsgi_app
        self._owner = owner

    def __call__(self, environ: object, start_response: object) -> Iterable[Any]:
        """Responds as the wrapped callable does."""
        scope = Scope(self._owner)
        scope.enter()
        try:
            body = self._wsgi_app(environ, start_response)
        except BaseException as error:
            scope.end(error)
            raise
        if type(body) is ClosingIterator:  # what Flask's streams are; a file is never one
            scope.leave()
            scope.settle(None)  # what a stream is about to raise has not been logged yet
            parts = _Parts(body, scope)
            return ClosingIterator(parts, parts.end)
        scope.end(None)
        return body


class _Parts:
    """The parts of a body, each produced inside the scope of its request."""

    def __init__(self, body: ClosingIterator, scope: Scope) -> None:
        self._body = body
        self._scope = scope
        self._error: BaseException | None = None

    def __iter__(self) -> _Parts:
        return self

    def __next__(self) -> bytes:
        self._scope.enter()
        try:
            return next(self._body)
        except StopIteration:
            raise
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._scope.leave()

    def close(self) -> None:
        """Closes the body."""
        self._scope.enter()
        try:
            self._body.close()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._scope.leave()

    def end(self) -> None:
        """Ends the scope, after everything was closed."""
        self._scope.end(self._error)

"""Small apps for each kind of failure, and the types of their tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Flask, Response, request, stream_with_context

from tests.wsgi_driver import Both

Serve = Callable[..., Both]

Start = Callable[..., Any]

Wsgi = Callable[[dict[str, Any], Start], Iterable[bytes]]


class BrokenPipeInTheMiddleError(Exception):
    """Raised by a failing generator."""


class ContextError(Exception):
    """An exception whose message needs the request."""

    def __str__(self) -> str:
        return f"on {request.path}"


def streaming() -> Flask:
    """An app with generated bodies."""
    app = Flask(__name__)

    def parts(*words: bytes) -> Iterator[bytes]:
        yield from words
        raise BrokenPipeInTheMiddleError(f"no part {len(words) + 1}")

    bodies: dict[str, Callable[[], Response]] = {
        "good": lambda: Response(iter([b"a", b"b"])),
        "missing": lambda: Response(iter([b"a", b"b"]), status=404),
        "middle": lambda: Response(parts(b"first ", b"second ")),
        "missing-middle": lambda: Response(parts(b"first "), status=404),
        "at-once": lambda: Response(parts()),
    }
    for name, view in bodies.items():
        app.add_url_rule(f"/{name}", name, view)

    @app.get("/answered")
    def answered() -> str:
        raise LookupError("answered")

    @app.errorhandler(LookupError)
    def answer(_error: LookupError) -> tuple[str, int]:
        return "answer", 400

    @app.get("/with-context")
    def with_context() -> Response:
        def named() -> Iterator[str]:
            yield request.path
            raise BrokenPipeInTheMiddleError(request.path)

        return Response(stream_with_context(named()))

    return app


def wrapping(inner: Wsgi) -> Callable[[], Flask]:
    """Builds apps with this callable as their `wsgi_app`, as an inner middleware."""

    def build() -> Flask:
        app = Flask(__name__)
        app.wsgi_app = inner  # type: ignore[assignment]
        return app

    return build


def failing(kind: type[BaseException]) -> Callable[..., str]:
    """Returns a view or handler that raises."""

    def fail(*_: object) -> str:
        raise kind

    return fail

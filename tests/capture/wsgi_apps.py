"""Little apps that fail in the ways an app can, and what tests of them are typed with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Flask, Response, request, stream_with_context

from tests.wsgi_driver import Both

Serve = Callable[..., Both]

Start = Callable[..., Any]

Wsgi = Callable[[dict[str, Any], Start], Iterable[bytes]]


class BrokenPipeInTheMiddleError(Exception):
    """What a failing generator raises."""


class ContextError(Exception):
    """Its message needs the request."""

    def __str__(self) -> str:
        return f"on {request.path}"


def streaming() -> Flask:
    """An app whose bodies are generated."""
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
    """Makes apps whose `wsgi_app` is that callable: what a middleware inside may do."""

    def build() -> Flask:
        app = Flask(__name__)
        app.wsgi_app = inner  # type: ignore[assignment]
        return app

    return build


def failing(kind: type[BaseException]) -> Callable[..., str]:
    """A view or handler that raises."""

    def fail(*_: object) -> str:
        raise kind

    return fail

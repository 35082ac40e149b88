"""The bare app that is measured, with one path for each kind of response."""

from __future__ import annotations

import io
import logging
import time
from typing import TYPE_CHECKING

from flask import Flask, abort

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: The path of each kind of response.
PATHS = {"200": "/products", "404": "/wp-login.php", "403": "/admin", "500": "/checkout"}

_HEAD = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "page=2",
    "SERVER_NAME": "shop.example.com",
    "SERVER_PORT": "443",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "192.0.2.7",
    "REMOTE_PORT": "50123",
    "HTTP_HOST": "shop.example.com",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "HTTP_ACCEPT_LANGUAGE": "en-GB,en;q=0.5",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
    "HTTP_CONNECTION": "keep-alive",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "https",
    "wsgi.input": io.BytesIO(),
    "wsgi.errors": io.StringIO(),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


def make_app() -> Flask:
    """Creates the bare app, in which Flask's own log of a 500 is discarded.

    By default Flask formats a traceback for its own log, and a tool that prevents that looks
    cheap. So here only the tool that is measured formats one.
    """
    app = Flask(__name__)
    logger = logging.getLogger(app.name)  # before Flask adds a handler
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    app.add_url_rule("/products", view_func=products)
    app.add_url_rule("/admin", view_func=admin)
    app.add_url_rule("/checkout", view_func=checkout)
    return app


def products() -> str:
    """Answers 200."""
    return "Two products."


def admin() -> str:
    """Answers 403."""
    abort(403)


def checkout() -> str:
    """Answers 500: raises an exception five frames deep."""
    return _order("A-1")


def _order(number: str) -> str:
    return _pay(number, cents=1999)


def _pay(number: str, cents: int) -> str:
    return _charge({"order": number, "cents": cents})


def _charge(payment: dict[str, object]) -> str:
    return _ask_bank(payment)


def _ask_bank(payment: dict[str, object]) -> str:
    raise RuntimeError(f"no answer from the bank for {payment['order']}")


def serve(app: WSGIApplication, path: str, query: str = "page=2") -> str:
    """Serves one request as a server would. Returns its status."""
    statuses: list[str] = []

    def start_response(status: str, _headers: object, _exc_info: object = None, /) -> object:
        statuses.append(status)
        return statuses.append

    body = app({**_HEAD, "PATH_INFO": path, "QUERY_STRING": query}, start_response)  # type: ignore[arg-type]
    b"".join(body)
    close = getattr(body, "close", None)
    if close is not None:
        close()
    return statuses[-1]


def nanoseconds(app: WSGIApplication, path: str, count: int) -> float:
    """What one of so many requests took, in time of this thread."""
    begun = time.thread_time_ns()
    for _ in range(count):
        serve(app, path)
    return (time.thread_time_ns() - begun) / count

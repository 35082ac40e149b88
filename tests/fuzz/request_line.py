"""Request to line: the WSGI callable of a real app, under requests that no browser sends."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Flask, Response, abort, redirect, request
from hypothesis import strategies as st

from flask_errwatch import ErrWatch
from tests.fuzz.inputs import latin
from tests.valid_lines import check as check_line
from tests.wsgi_driver import serve

_ROUTES = (
    *("/", "/crash/", "/report/", "/status/", "/status/404", "/status/500", "/reset/", "/number/"),
    *("/moved", "/form", "//", ""),
)
_PATHS = (
    *(b"404", b"500", b"429", b"..", b";jsessionid=", b"?", b"#", b"//", b"token=", b"%2f", b"/"),
)
_HEADERS = (
    *("HTTP_HOST", "HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"),
    *("HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_X_REQUEST_ID", "HTTP_TRACEPARENT", "HTTP_X_"),
    *("HTTP_X_AMZN_TRACE_ID", "CONTENT_TYPE", "CONTENT_LENGTH", "REMOTE_ADDR", "REMOTE_USER"),
    *("HTTP_RANGE", "HTTP_IF_MATCH", "HTTP_ACCEPT", "HTTP_TRANSFER_ENCODING", "SCRIPT_NAME"),
)
_VALUES = (
    *(b"192.0.2.1", b"2001:db8::1", b"for=", b"unknown", b", ", b";", b"application/json"),
    *(b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded", b"-1", b"99999"),
    *(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", b"Root=1-5759e988", b"Basic "),
    *(b"--x\r\n", b'{"a": ', b"1e999", b"NaN", b"password=", b"null", b"a=b&", b"x" * 5000),
)


class Request(NamedTuple):
    """A request, as a server passes it.

    Attributes:
        method: The method.
        path: The path, in latin-1.
        query: The query, in latin-1.
        environ: Further keys of the WSGI environment.
        body: The body.
    """

    method: str
    path: str
    query: str
    environ: dict[str, str]
    body: bytes


REQUESTS = st.builds(
    Request,
    method=st.one_of(st.sampled_from(["GET", "POST", "HEAD", "OPTIONS"]), latin((b"GET",), 3)),
    path=st.tuples(st.sampled_from(_ROUTES), latin(_PATHS)).map("".join),
    query=latin(_VALUES, 4),
    environ=st.dictionaries(st.sampled_from(_HEADERS), latin(_VALUES, 5), max_size=6),
    body=st.one_of(st.just(b""), latin(_VALUES, 6).map(lambda text: text.encode("latin-1"))),
)


def _report(_text: str) -> None:
    """What the app reports, unless the extension is there."""


def _build() -> Flask:
    """An app that takes over what a request sends, into answers, exceptions and reports."""
    app = Flask("fuzzed")
    app.extensions["report"] = _report

    @app.route("/crash/<path:text>", methods=["GET", "POST"])
    def crash(text: str) -> str:
        raise RuntimeError(text, request.query_string) from KeyError(request.headers)

    @app.route("/report/<path:text>", methods=["GET", "POST"])
    def report(text: str) -> str:
        app.extensions["report"](text)
        return "ok"

    @app.route("/status/<int:status>", methods=["GET", "POST"])
    def answer(status: int) -> Response:
        return Response("as asked", status=status)

    @app.route("/reset/<token>", methods=["GET", "POST"])
    def reset(token: str) -> str:
        abort(410, token)

    @app.route("/number/<float:number>")
    def number(number: float) -> str:
        return str(1 / number)

    @app.route("/moved")
    def moved() -> Any:
        return redirect(request.query_string.decode("latin-1"))

    @app.route("/form", methods=["GET", "POST"])
    def form() -> dict[str, str]:
        return {**request.form, "json": str(request.get_json(silent=False))}

    return app


def _watched() -> Flask:
    app = _build()
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch = ErrWatch(app)

    def report(text: str) -> None:
        errwatch.report(
            "client-error",
            text=text,
            query=request.query_string,
            headers=dict(request.headers),
            body=request.get_data(),
            cookies=request.cookies,
        )

    app.extensions["report"] = report
    return app


_PLAIN, _WATCHED = _build(), _watched()


def check(value: Request) -> None:
    """The answer is that of the app alone, and a failure is one valid line of bounded size."""
    memory = _WATCHED.extensions["errwatch"].delivery.memory
    memory.lines.clear()
    environ: dict[str, Any] = {
        **value.environ,
        "REQUEST_METHOD": value.method,
        "PATH_INFO": value.path,
        "QUERY_STRING": value.query,
        "body": value.body,
    }
    alone, answer = (serve(app, **environ) for app in (_PLAIN, _WATCHED))
    assert answer == alone
    status = 500 if answer.raised is not None else int(answer.status.partition(" ")[0])
    lines = list(memory.lines)
    reported = [line for line in lines if b'"status"' not in line]
    assert len(lines) - len(reported) == (400 <= status <= 599)
    assert len(reported) <= 1
    for line in lines:
        event = check_line(line)
        assert event["detector"]
        assert event.get("status", status) == status
    guard = _WATCHED.extensions["errwatch"].recorder.guard
    assert guard.last_error is None, guard.last_error

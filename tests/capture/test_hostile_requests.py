"""3,784 hostile requests in eight placements: no answer, line, detector or secret is wrong.

All of them are a stress case. The plain suite sends every tenth.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask, Response, abort, request

from flask_errwatch import ErrWatch
from tests.valid_lines import check
from tests.wsgi_driver import Answer, serve

REQUESTS = Path(__file__).parents[3] / "shared" / "data" / "hostile_requests.jsonl.gz"

SECRET = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cD1fG3hJ5"
#: In a text: before and after what is hostile, since a long text is cut.
BEFORE, AFTER = f"ghp_{SECRET} ", f" token={SECRET}"

#: The statuses that the app answers in turn, with the detector of each.
DETECTORS = {
    400: "bad-request-error",
    401: "authentication-error",
    403: "authentication-error",
    404: "not-found-error",
    405: "method-not-allowed-error",
    409: "client-error",
    410: "not-found-error",
    413: "client-error",
    414: "client-error",
    415: "client-error",
    418: "client-error",
    422: "bad-request-error",
    429: "rate-limit-error",
    431: "client-error",
    451: "client-error",
    500: "critical-error",
    502: "critical-error",
    503: "critical-error",
}
STATUSES = [status for status in DETECTORS if status not in {413, 414, 431}]


class Hostile(NamedTuple):
    """A request of the file. All texts are latin-1 views of bytes.

    Attributes:
        number: Its number in the file.
        method: The method.
        target: Path and query.
        headers: The headers.
        body: The body.
    """

    number: int
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: str

    @property
    def status(self) -> int:
        """The status that the app is asked for, in turn."""
        return STATUSES[self.number % len(STATUSES)]

    @property
    def payload(self) -> str:
        """All that is hostile, in one text."""
        values = [value for name, value in self.headers if name.lower() not in {"host", "accept"}]
        return " ".join([self.target, self.body, *values])


def _requests() -> list[Hostile]:
    with gzip.open(REQUESTS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Hostile(
            number,
            row["method"],
            row["target"],
            [(name, value) for name, value in row["headers"]],
            row["body"] or "",
        )
        for number, row in enumerate(rows)
    ]


def _environ(hostile: Hostile) -> dict[str, Any]:
    """The request's own headers, as a server passes them."""
    environ: dict[str, Any] = {}
    for name, value in hostile.headers:
        key = name.upper().replace("-", "_")
        plain = key in {"CONTENT_TYPE", "CONTENT_LENGTH"}
        environ[key if plain else f"HTTP_{key}"] = value
    return environ


def _answer(hostile: Hostile, **environ: Any) -> dict[str, Any]:
    """A request for the status whose turn it is."""
    return {"PATH_INFO": f"/answer/{hostile.status}", **environ}


def _in_path(hostile: Hostile) -> dict[str, Any]:
    return {"PATH_INFO": f"/none/{BEFORE}{hostile.payload}{AFTER}"}


def _in_query(hostile: Hostile) -> dict[str, Any]:
    return _answer(hostile, QUERY_STRING=f"token={SECRET}&{hostile.payload}&password={SECRET}")


def _in_headers(hostile: Hostile) -> dict[str, Any]:
    more = {
        "HTTP_REFERER": f"https://example.com/?token={SECRET}&{hostile.payload}",
        "HTTP_X_FORWARDED_FOR": hostile.payload,
        "HTTP_X_REQUEST_ID": hostile.payload,
        "HTTP_COOKIE": f"session={SECRET}; {hostile.payload}",
        "HTTP_AUTHORIZATION": f"Bearer {SECRET}",
    }
    return _answer(hostile, **{**more, **_environ(hostile)})


def _in_user_agent(hostile: Hostile) -> dict[str, Any]:
    return _answer(hostile, HTTP_USER_AGENT=f"{BEFORE}{hostile.payload}{AFTER}")


def _in_method(hostile: Hostile) -> dict[str, Any]:
    method = hostile.method if hostile.number % 2 else hostile.payload
    return {"PATH_INFO": f"/reset/{SECRET}", "REQUEST_METHOD": method}


def _in_body(hostile: Hostile) -> dict[str, Any]:
    return _posted(f"/answer/{hostile.status}", hostile, dict(_environ(hostile)))


def _in_exception(hostile: Hostile) -> dict[str, Any]:
    return _posted("/raise", hostile, {})


def _in_report(hostile: Hostile) -> dict[str, Any]:
    return _posted("/report", hostile, {})


def _posted(path: str, hostile: Hostile, environ: dict[str, Any]) -> dict[str, Any]:
    body = f"{BEFORE}{hostile.payload}{AFTER}".encode("latin-1")
    posted = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body)), "body": body}
    return {**environ, "PATH_INFO": path, **posted}


PLACEMENTS: dict[str, Callable[[Hostile], dict[str, Any]]] = {
    "path": _in_path,
    "query": _in_query,
    "headers": _in_headers,
    "user agent": _in_user_agent,
    "method": _in_method,
    "body": _in_body,
    "exception": _in_exception,
    "report": _in_report,
}


def _app() -> Flask:
    app = Flask("hostile")

    @app.route("/answer/<int:status>", methods=["GET", "POST"])
    def answer(status: int) -> Response:
        request.get_data()
        if status % 2 == 0:
            abort(status)
        return Response("refused", status=status)

    @app.get("/reset/<token>")
    def reset(token: str) -> str:
        abort(404, token)

    @app.post("/raise")
    def crash() -> str:
        text = request.get_data().decode("latin-1")
        raise RuntimeError(text) from ValueError(text)

    @app.post("/report")
    def report() -> str:
        text = request.get_data().decode("latin-1")
        app.extensions["report"](
            text=text, password=SECRET, nested={"api_key": [SECRET], "list": [text, {text: 1}]}
        )
        return "reported"

    app.extensions["report"] = lambda **_: None
    return app


def _watched() -> Flask:
    app = _app()
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch = ErrWatch(app)
    app.extensions["report"] = lambda **data: errwatch.report("client-error", **data)
    return app


def _wrong(name: str, answer: Answer, lines: list[bytes]) -> Iterator[str]:
    """What is wrong with the lines of an answer."""
    status = 500 if answer.raised is not None else int(answer.status[:3])
    expected = "client-error" if name == "report" else DETECTORS.get(status)
    if len(lines) != (expected is not None):
        yield f"{len(lines)} lines for a {status}"
    for line in lines:
        if SECRET.encode() in line:
            yield "a secret"
        event = check(line)
        if event["detector"] != expected:
            yield f"{event['detector']}, not {expected}"
        if event.get("status", status) != status:
            yield f"{event['status']}, not {status}"


def _sent(name: str, requests: list[Hostile]) -> list[str]:
    """What is wrong after all requests were sent to the app with and without the extension."""
    plain, watched = _app(), _watched()
    memory = watched.extensions["errwatch"].delivery.memory
    found: list[str] = []
    for hostile in requests:
        environ = PLACEMENTS[name](hostile)
        alone = serve(plain, **environ)
        memory.lines.clear()
        answer = serve(watched, **PLACEMENTS[name](hostile))
        if answer != alone:
            found.append(f"{hostile.number}: another answer")
        found += [f"{hostile.number}: {wrong}" for wrong in _wrong(name, answer, [*memory.lines])]
    return found


@pytest.fixture(scope="module")
def hostile_requests() -> list[Hostile]:
    """All requests of the file."""
    if not REQUESTS.exists():
        pytest.skip("the hostile requests are kept outside the project and are missing here")
    return _requests()


@pytest.mark.parametrize("name", PLACEMENTS)
def test_some_hostile_requests(
    name: str, hostile_requests: list[Hostile], caplog: pytest.LogCaptureFixture
) -> None:
    """Every tenth: no changed answer, no invalid line, no wrong detector, no planted secret."""
    caplog.set_level("CRITICAL", "hostile")
    assert _sent(name, hostile_requests[::10]) == []


@pytest.mark.stress
@pytest.mark.parametrize("name", PLACEMENTS)
def test_all_hostile_requests(
    name: str, hostile_requests: list[Hostile], caplog: pytest.LogCaptureFixture
) -> None:
    """Each: no changed answer, no invalid line, no wrong detector, no planted secret."""
    caplog.set_level("CRITICAL", "hostile")
    assert len(hostile_requests) == 3784
    assert _sent(name, hostile_requests) == []

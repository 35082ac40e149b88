"""Uploads that the client breaks, under real servers: they are the client's failures."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_errwatch.capture.request_body import is_transport_error
from tests.stress.harness import Child, wait_until

_PYTHON = (sys.executable, "-m")
_GUNICORN = (
    *(*_PYTHON, "gunicorn", "--no-control-socket", "-w", "1", "-b", "127.0.0.1:0"),
    *("tests.capture.upload_app:app", "-k"),
)
SERVERS = {
    "sync": (*_GUNICORN, "sync"),
    "gthread": (*_GUNICORN, "gthread", "--threads", "2"),
    "gevent": (*_GUNICORN, "gevent"),
    "flask run": (*_PYTHON, "flask", "--app", "tests.capture.upload_app", "run", "--port", "0"),
    "uwsgi": (
        *(str(Path(sys.executable).with_name("uwsgi")), "--http-socket", "127.0.0.1:0"),
        *("--master", "--need-app", "--die-on-term", "--http-chunked-input", "--socket-timeout"),
        *("2", "--module", "tests.capture.upload_app:app", "--virtualenv", sys.prefix),
    ),
}
BAD_CHUNK = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\nbad"
CUT_CHUNK = b"Transfer-Encoding: chunked\r\n\r\n400\r\nonly this"
CUT_BODY = b"Content-Length: 1000\r\n\r\nonly this"


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A real server, with its lines in its output."""
    folder = tmp_path_factory.mktemp("server")
    env = {"PATH": os.environ["PATH"], "ERRWATCH_SINKS": "stdout", "PYTHONUNBUFFERED": "1"}
    child = Child(SERVERS[request.param], env, folder / "output")
    try:
        sent(child, b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        yield child
    finally:
        child.kill()


def sent(child: Child, message: bytes) -> bytes:
    """Sends raw bytes, then ends the sending side. Returns what came back."""
    with socket.create_connection(("127.0.0.1", child.port()), timeout=20) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        try:
            while part := connection.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass
    return b"".join(parts)


def lines(child: Child) -> list[dict[str, Any]]:
    """The lines in the output of the server."""
    return [
        json.loads(text[text.index("{") :])
        for text in child.output.splitlines()
        if '"event":' in text and "{" in text
    ]


@pytest.mark.parametrize("body", [BAD_CHUNK, CUT_CHUNK, CUT_BODY], ids=["bad", "cut", "short"])
@pytest.mark.parametrize("view", ["flask", "stream", "input", "named", "watched"])
def test_a_broken_upload_is_never_critical(server: Child, view: str, body: bytes) -> None:
    """However the app reads a body that the client breaks, no Critical Error is recorded."""
    before = len(lines(server))
    answer = sent(server, b"POST /%s HTTP/1.1\r\nHost: x\r\n" % view.encode() + body)
    if answer[9:10] in {b"4", b"5"}:
        assert wait_until(lambda: len(lines(server)) > before, 10), server.output
    new = lines(server)[before:]
    assert len(new) <= 1
    for line in new:
        assert line["detector"] in {"client-error", "bad-request-error"}, line
        if line["status"] >= 500:
            assert line["detector"] == "client-error"
            assert line["exception"]["handled"] is False


def test_a_fault_of_the_app_after_the_upload_is_critical(server: Child) -> None:
    """An error of the same class that the app's own code raises stays a Critical Error."""
    before = len(lines(server))
    request = b"POST /bug HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    assert b" 500 " in sent(server, request)[:20]
    assert wait_until(lambda: len(lines(server)) > before, 10)
    (line,) = lines(server)[before:]
    assert (line["detector"], line["exception"]["type"]) == ("critical-error", "OSError")


@pytest.mark.parametrize(
    "message",
    [
        "error during read(4096) on wsgi.input",
        "timeout during readline(10) on wsgi.input",
        "unable to receive chunked part",
        "Apache/mod_wsgi request data read error: Partial results are valid.",
    ],
)
def test_inputs_that_are_written_in_c(message: str) -> None:
    """UWSGI and mod_wsgi leave no frame: their messages are known."""
    assert is_transport_error(OSError(message), object())
    assert not is_transport_error(RuntimeError(message), object())
    assert not is_transport_error(OSError(5, message), object())

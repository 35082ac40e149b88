"""Fixtures: a lab without its own thread, plain boto3 clients of it, and an HTTP subscriber."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from flask_errwatch._aws import Aws, Patience
from flask_errwatch.lab import Lab
from tests.lab.lab_bench import Bench, Cloud


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab in whose block `begin` was not called."""
    with Lab() as running:
        yield running


@pytest.fixture
def aws(lab: Lab) -> Aws:
    """The library's AWS client, calling the lab."""
    return Aws(endpoint_url=lab.endpoint, patience=Patience(connect=5, read=30, attempts=1))


@pytest.fixture
def cloud(lab: Lab) -> Cloud:
    """The lab as its users see it: the `lab` fixture has set the environment."""
    assert lab.endpoint
    return Cloud()


@pytest.fixture
def bench(aws: Aws, cloud: Cloud) -> Bench:
    """An emulator whose clock is the real one, from the last whole minute on."""
    return Bench(aws, cloud.start)


@pytest.fixture
def posted() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The URL of an endpoint on loopback, and the bodies posted to it."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", bodies
    server.shutdown()
    server.server_close()
    thread.join()

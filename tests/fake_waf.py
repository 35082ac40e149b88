"""An AWS WAF endpoint on loopback with the real limits of IP sets, which no emulator has.

In a test, in its own process's threads::

    with FakeWaf() as waf:
        waf.service.add("shop-blocked-ipv4", "IPV4")
        ...  # AWS_ENDPOINT_URL_WAFV2=waf.url, beside moto's URL in AWS_ENDPOINT_URL
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import orjson

from tests.fake_logs_service import AnswerError
from tests.fake_waf_service import Waf

if TYPE_CHECKING:
    from typing import Self

_REGION = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/wafv2/")


class FakeWaf:
    """The endpoint, in threads of this process, on a port that the system chose.

    Args:
        write_interval: Seconds between two calls of one action that writes, as the service
            enforces it. 0 means no limit, for tests of something else.

    Attributes:
        url: The endpoint's URL.
        service: The sets and web ACLs.
        calls: The names of all calls, in their order.
        denied: Actions that are answered with an error of IAM.
        fails: How many calls of an action are answered with an internal error from now on.
    """

    def __init__(self, write_interval: float = 0.0) -> None:
        self.service = Waf(write_interval)
        self.calls: list[str] = []
        self.denied: set[str] = set()
        self.fails: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.02,), name="fake-waf", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, operation: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
        """The result of a call."""
        self.calls.append(operation)
        if operation in self.denied:
            message = f"User: me is not authorized to perform: wafv2:{operation} on resource: x"
            raise AnswerError(400, "AccessDeniedException", message)
        if self.fails[operation]:
            self.fails[operation] -= 1
            raise AnswerError(500, "WAFInternalErrorException", "an internal error")
        return self.service.call(operation, region, request)


def _handler_of(fake: FakeWaf) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            """Answers one call."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            region = _REGION.search(self.headers.get("Authorization", ""))
            try:
                answer = fake.answer(operation, region[1] if region else "", orjson.loads(body))
                self._send(200, answer)
            except AnswerError as error:
                self._send(error.status, {"__type": error.code, "message": error.message})

        def _send(self, status: int, result: dict[str, Any]) -> None:
            content = orjson.dumps(result)
            self.send_response_only(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Logs nothing."""

    return Handler

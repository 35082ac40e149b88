"""A CloudWatch Logs endpoint on loopback with the real limits and faults that tests switch.

In a test, in its own process's threads::

    with FakeLogs() as fake:
        ...  # endpoint_url=fake.url
        fake.switch("500")

For measurements, `with FakeLogsProcess() as fake:` has the same methods in a separate process, so
that its work does not disturb the measured one.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import orjson

from tests.fake_logs_service import AnswerError, Arrived, Logs

if TYPE_CHECKING:
    from typing import Self

_ROOT = Path(__file__).parents[1]

#: `hang` reads the request and never responds. `lost-reply` accepts the batch and hangs up.
#: `refuse` closes the port.
Mode = Literal["ok", "500", "throttle", "deny", "expired", "hang", "lost-reply", "refuse"]

_FAULTS = {
    "500": (500, "InternalFailure", "an internal error"),
    "throttle": (400, "ThrottlingException", "Rate exceeded"),
    "deny": (400, "AccessDeniedException", "not authorized to perform this"),
    "expired": (400, "ExpiredTokenException", "The security token is expired"),
}


#: How STS, which is at the same endpoint, begins its calls, and what it answers (AWS STS API
#: Reference, GetCallerIdentity).
_STS = b"Action=GetCallerIdentity&"
_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    "<GetCallerIdentityResult><Account>{account}</Account></GetCallerIdentityResult>"
    "</GetCallerIdentityResponse>"
)


class HangUpError(Exception):
    """The connection must end without a response."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._open: set[socket.socket] = set()
        self._calls = 0
        self._changed = threading.Condition()
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores errors of clients that have disconnected."""

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """Within the block, a call is answered."""
        with self._changed:
            self._calls += 1
        try:
            yield
        finally:
            with self._changed:
                self._calls -= 1
                self._changed.notify_all()

    def hang_up(self) -> None:
        """Ends every connection, as when a host goes down, but lets calls have their answers."""
        with self._changed:
            self._changed.wait_for(lambda: self._calls == 0, timeout=5)
        for connection in list(self._open):
            with contextlib.suppress(OSError):  # it has already ended
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 256 * 1024

    def answer(self, operation: str, body: bytes) -> Any:
        """The result of a call, for JSON."""
        raise NotImplementedError

    def identity(self) -> str:
        """The answer of STS."""
        raise NotImplementedError

    def do_POST(self) -> None:
        """Answers one call."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if body.startswith(_STS):
            try:
                self._write(200, "text/xml", self.identity().encode())
            except HangUpError:
                self.close_connection = True
            return
        with cast("_Server", self.server).call():
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        operation = self.headers.get("X-Amz-Target", self.path).rpartition(".")[2]
        try:
            self._send(200, self.answer(operation, body))
        except AnswerError as error:
            self._send(error.status, {"__type": error.code, "message": error.message})
        except HangUpError:
            self.close_connection = True

    def _send(self, status: int, result: Any) -> None:
        content = orjson.dumps(result, default=list)
        self._write(status, "application/x-amz-json-1.1", content)

    def _write(self, status: int, kind: str, content: bytes) -> None:
        head = (
            f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Logs nothing."""


class FakeLogs:
    """The endpoint, in threads of this process, on a port that the system chose.

    Args:
        keep: Characters of each message to keep, or None for all.

    Attributes:
        url: The endpoint's URL.
        calls: How often each operation was called, whatever the response.
        refusals: The error messages for batches that broke a limit.
        account: The account, as STS names it. None: STS does not answer.
        asked: How often STS was called.
    """

    def __init__(self, keep: int | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self.refusals: list[str] = []
        self.account: str | None = "111122223333"
        self.asked = 0
        self._logs = Logs(keep)
        self._mode: Mode = "ok"
        self._times: int | None = None
        self._switched = threading.Event()
        self._switching = threading.Lock()
        self._server = self._bound(0)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._switched.set()  # ends the calls that hang
        if self._mode == "refuse":
            self._server.server_close()
        else:
            self._close()

    def switch(self, mode: Mode, times: int | None = None) -> None:
        """Changes how calls are answered, and hangs up on those that hang.

        Args:
            mode: See `Mode`.
            times: Calls after which it is `ok` again, or None for no end.
        """
        with self._switching:
            before, self._mode, self._times = self._mode, mode, times
            self._switched.set()
            self._switched = threading.Event()
            closed = self._server if mode == "refuse" != before else None
            if closed is not None:
                port = closed.server_port
                closed.shutdown()
                closed.server_close()
                self._server = self._bound(port)  # bound to reserve it, but not listening
            elif before == "refuse" != mode:
                self._listen()
        if closed is not None:
            closed.hang_up()  # outside of the lock, which calls that are being answered need

    def slow_streams(self, seconds: float) -> None:
        """Makes each CreateLogStream take that long."""
        self._logs.create_stream_seconds = seconds

    def lines(self, since: int = 0) -> list[Arrived]:
        """The accepted log events in order, from the given index on."""
        return self._logs.arrived[since:]

    def count(self) -> int:
        """How many log events were accepted."""
        return len(self._logs.arrived)

    def wait_for(self, count: int, timeout: float) -> bool:
        """Waits until that many log events were accepted, and returns whether they were."""
        with self._logs.changed:
            return self._logs.changed.wait_for(lambda: self.count() >= count, timeout)

    def delete_group(self, name: str) -> None:
        """Deletes a log group and its streams, but not the events that arrived."""
        with self._logs.changed:
            self._logs.groups.pop(name, None)

    def delete_streams(self) -> None:
        """Deletes every log stream, but not the events that arrived."""
        with self._logs.changed:
            for streams in self._logs.groups.values():
                streams.clear()

    def identity(self) -> str:
        """The answer of STS."""
        self.asked += 1
        if self.account is None:
            raise HangUpError
        return _IDENTITY.format(account=self.account)

    def answer(self, operation: str, body: bytes) -> dict[str, Any]:
        """The response to a call in the current mode."""
        with self._switching:
            self.calls[operation] += 1
            mode, switched = self._mode, self._switched
            if self._times is not None:
                self._times -= 1
                if self._times <= 0:
                    self._mode, self._times = "ok", None
        if mode == "hang":
            switched.wait()
            raise HangUpError
        if mode in _FAULTS:
            raise AnswerError(*_FAULTS[mode])
        try:
            result = self._logs.call(operation, orjson.loads(body))
        except AnswerError as error:
            if error.code == "InvalidParameterException":
                self.refusals.append(error.message)
            raise
        if mode == "lost-reply":
            raise HangUpError
        return result

    def _bound(self, port: int) -> _Server:
        server = _Server(("127.0.0.1", port), _handler_of(self), bind_and_activate=False)
        server.server_bind()
        return server

    def _listen(self) -> None:
        self._server.server_activate()
        threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="fake-logs", daemon=True
        ).start()

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()


def _handler_of(fake: FakeLogs) -> type[_Handler]:
    class Handler(_Handler):
        def answer(self, operation: str, body: bytes) -> Any:
            return fake.answer(operation, body)

        def identity(self) -> str:
            return fake.identity()

    return Handler


class FakeLogsProcess:
    """The endpoint in a separate process, with the methods of `FakeLogs`.

    Args:
        keep: Characters of each message to keep, or None for all.
    """

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fake_logs", json.dumps(self._keep)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.url, self._port = json.loads(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def switch(self, mode: Mode, times: int | None = None) -> None:
        """See `FakeLogs.switch`."""
        self._ask("switch", mode, times)

    def slow_streams(self, seconds: float) -> None:
        """See `FakeLogs.slow_streams`."""
        self._ask("slow_streams", seconds)

    def lines(self, since: int = 0) -> list[Arrived]:
        """See `FakeLogs.lines`."""
        return [Arrived(*line) for line in self._ask("lines", since)]

    def count(self) -> int:
        """See `FakeLogs.count`."""
        return int(self._ask("count"))

    def wait_for(self, count: int, timeout: float) -> bool:
        """See `FakeLogs.wait_for`."""
        return bool(self._ask("wait_for", count, timeout))

    def delete_group(self, name: str) -> None:
        """See `FakeLogs.delete_group`."""
        self._ask("delete_group", name)

    def delete_streams(self) -> None:
        """See `FakeLogs.delete_streams`."""
        self._ask("delete_streams")

    @property
    def calls(self) -> Counter[str]:
        """See `FakeLogs`."""
        return Counter(self._ask("calls"))

    @property
    def refusals(self) -> list[str]:
        """See `FakeLogs`."""
        return list(self._ask("refusals"))

    def _ask(self, name: str, *arguments: object) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        try:
            connection.request("POST", f"/{name}", orjson.dumps(arguments))
            return orjson.loads(connection.getresponse().read())
        finally:
            connection.close()


def _control_of(fake: FakeLogs) -> type[_Handler]:
    class Control(_Handler):
        def answer(self, operation: str, body: bytes) -> Any:
            member = getattr(fake, operation.removeprefix("/"))
            return member(*orjson.loads(body)) if callable(member) else member

    return Control


def main() -> None:
    """Serves until standard input ends, which it does when the parent process ends."""
    with FakeLogs(json.loads(sys.argv[1])) as fake:
        control = _Server(("127.0.0.1", 0), _control_of(fake))
        threading.Thread(target=control.serve_forever, daemon=True).start()
        sys.stdout.write(json.dumps([fake.url, control.server_port]) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()

"""A server as in PEP 3333, small enough to observe everything that an app does to it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask

from flask_errwatch import ErrWatch

if TYPE_CHECKING:
    import pytest

Build = Callable[[], Flask]
Event = dict[str, Any]


@dataclass
class Answer:
    """A response as a server saw it. Equal responses are equal in every byte."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    error: str = ""
    closed: int = 0
    raised: BaseException | None = field(default=None, compare=False)


class FileWrapper:
    """A server's file wrapper: the server recognises it and sends the file itself."""

    def __init__(self, file: io.BufferedIOBase, size: int = 8192) -> None:
        self.file = file
        self.size = size

    def __iter__(self) -> FileWrapper:
        return self

    def __next__(self) -> bytes:
        data = self.file.read(self.size)
        if not data:
            raise StopIteration
        return data

    def close(self) -> None:
        """Closes the file."""
        self.file.close()


def environ_for(path: str, **environ: object) -> dict[str, object]:
    """A WSGI environment. Keyword arguments override its keys."""
    bare, _, query = path.partition("?")
    body = environ.pop("body", b"")
    assert isinstance(body, bytes)
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": bare,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        **environ,
    }


class Server:
    """One request on its way, from the server's side.

    Args:
        on_byte: Called before a byte of the answer leaves.
    """

    def __init__(self, on_byte: Callable[[], None]) -> None:
        self.answer = Answer()
        self._on_byte = on_byte

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """The callable of PEP 3333, which refuses what a server must refuse."""
        if exc_info is None:
            assert not self.answer.status, "start_response was called twice without exc_info"
        elif self.answer.body:
            raise exc_info[1].with_traceback(exc_info[2])
        self.answer.status, self.answer.headers = status, list(headers)
        return self.write

    def write(self, data: bytes) -> None:
        """Sends a part of the body."""
        if data and not self.answer.body:
            self._on_byte()
        self.answer.body += data

    def send(self, body: Iterable[bytes], stop_after: int | None) -> None:
        """Sends the body and closes it, whatever happens."""
        try:
            for number, chunk in enumerate(body):
                if number == stop_after:
                    break
                self.write(chunk)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                self.answer.closed += 1
                close()


def serve(
    app: Callable[..., Any],
    path: str = "/",
    *,
    stop_after: int | None = None,
    on_byte: Callable[[], None] = lambda: None,
    **environ: Any,
) -> Answer:
    """Serves one request.

    Args:
        app: The WSGI callable.
        path: The path, with a query string if wanted.
        stop_after: The client leaves after so many parts of the body.
        on_byte: Called before a byte of the answer leaves.
        **environ: More of the WSGI environment; `body` is the request's body.
    """
    server = Server(on_byte)
    try:
        server.send(app(environ_for(path, **environ), server.start_response), stop_after)
    except Exception as error:  # noqa: BLE001 - what a server does with it is to be seen
        server.answer.raised = error
        server.answer.error = f"{type(error).__name__}: {error}"
    return server.answer


def watched(app: Flask, **settings: object) -> ErrWatch:
    """The extension on the app, with its lines in memory."""
    app.config.setdefault("ERRWATCH_SINKS", "memory")
    app.config.update({f"ERRWATCH_{key.upper()}": value for key, value in settings.items()})
    return ErrWatch(app)


def lines_of(app: Flask) -> list[bytes]:
    """The lines of a watched app, oldest first."""
    return list(app.extensions["errwatch"].delivery.memory.lines)


def events_of(app: Flask) -> list[Event]:
    """The lines of a watched app as they parse."""
    return [json.loads(line) for line in lines_of(app)]


@dataclass
class Both:
    """The watched app and its response, which equals that of the app without the extension."""

    app: Flask
    answer: Answer

    @property
    def events(self) -> list[Event]:
        """What the watched app recorded, oldest first."""
        return events_of(self.app)

    @property
    def event(self) -> Event:
        """The only event."""
        (event,) = self.events
        return event


@dataclass
class LogRecords:
    """What was logged: logger, level, message, exception."""

    records: list[tuple[str, int, str, str]]

    @classmethod
    def of(cls, caplog: pytest.LogCaptureFixture) -> LogRecords:
        """The records that were captured until now."""
        return cls(
            [
                (
                    record.name,
                    record.levelno,
                    record.getMessage(),
                    repr(record.exc_info[1]) if record.exc_info else "",
                )
                for record in caplog.records
            ]
        )

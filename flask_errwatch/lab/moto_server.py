"""moto's server on loopback, in a thread of this process."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from typing import Any

from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.lab.moto_operations import add_missing_operations

HOST = "127.0.0.1"


class LabMissingError(ErrWatchError):
    """A lab cannot be created because moto is not installed."""


class MotoServer:
    """An empty AWS on a free port.

    Raises:
        LabMissingError: When moto's server is not installed.
    """

    def __init__(self) -> None:
        from werkzeug.serving import make_server

        application, handler = _moto()
        self._server = make_server(HOST, 0, application, threaded=True, request_handler=handler)
        port = self._server.server_port
        self.endpoint = f"http://{HOST}:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},  # how soon `close` is noticed
            name="errwatch-lab-server",
            daemon=True,
        )
        self._thread.start()
        # moto stores everything in module globals: an earlier lab's resources would still exist.
        connection = HTTPConnection(HOST, port, timeout=30)
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
        connection.close()

    def close(self) -> None:
        """Stops the server and its thread."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _moto() -> tuple[Any, type[Any]]:
    """Imports moto's WSGI application and a request handler that does not log each call."""
    try:
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
    except ImportError as error:
        remedy = "Install the extra: pip install 'flask-errwatch[lab]'."
        raise LabMissingError(Problem(key="lab", value=str(error), remedy=remedy)) from error

    add_missing_operations()

    class QuietHandler(MotoRequestHandler):
        def log(self, *_: object) -> None:
            """Logs nothing: the lab itself makes several calls a second."""

    return DomainDispatcherApplication(create_backend_app), QuietHandler

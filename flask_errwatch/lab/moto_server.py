"""moto's server on loopback, in a thread of this process."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any

from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.lab.moto_operations import add_missing_operations

HOST = "127.0.0.1"

#: The service in the credential scope of a signature (IAM User Guide, AWS Signature Version 4).
_SIGNED_SERVICE = re.compile(r"Credential=[^,]*/([a-z0-9-]+)/aws4_request")


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
        from moto.moto_server import werkzeug_app
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
    except ImportError as error:
        remedy = "Install the extra: pip install 'flask-errwatch[lab]'."
        raise LabMissingError(Problem(key="lab", value=str(error), remedy=remedy)) from error

    add_missing_operations()
    # It prints what a request names as its service, as it came.
    vars(werkzeug_app)["print"] = lambda *_: None

    class QuietHandler(MotoRequestHandler):
        def log(self, *_: object) -> None:
            """Logs nothing: the lab itself makes several calls a second."""

    class Dispatcher(DomainDispatcherApplication):
        def get_application(self, environ: Any) -> Any:
            """The application of the request's service, also where moto has no such service."""
            try:
                return super().get_application(environ)
            except AttributeError:  # how moto fails without a backend
                return _service_missing

    return Dispatcher(create_backend_app), QuietHandler


def _service_missing(environ: Mapping[str, Any], start_response: Any) -> list[bytes]:
    """Answers as the services that speak JSON do, which are most of those that moto lacks."""
    signed = _SIGNED_SERVICE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    name = signed[1] if signed else "this service"
    error = {"__type": "ValidationError", "message": f"The lab does not emulate {name}."}
    start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps(error).encode()]

"""moto's server on loopback, and the environment in which everything talks to it alone."""

from __future__ import annotations

import os
import tempfile
import threading
from http.client import HTTPConnection
from types import TracebackType
from typing import Any

from flask_errwatch.errors import ErrWatchError, Problem

HOST = "127.0.0.1"
REGION = "us-east-1"

#: What could lead a client elsewhere, or to a person's own credentials.
_MISLEADING = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
)


class LabMissingError(ErrWatchError):
    """The lab was asked for and moto is not installed."""


class Server:
    """An empty AWS on a port that the system chooses, in a thread of this process.

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
        # moto keeps what it holds in its modules: what an earlier lab left would still stand.
        connection = HTTPConnection(HOST, port, timeout=30)
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
        connection.close()

    def close(self) -> None:
        """Stops answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _moto() -> tuple[Any, type[Any]]:
    """The WSGI application of moto, and a request handler that does not log each call."""
    try:
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
    except ImportError as error:
        remedy = "Install the extra: pip install 'flask-errwatch[lab]'."
        raise LabMissingError(Problem(key="lab", value=str(error), remedy=remedy)) from error

    class Quiet(MotoRequestHandler):
        def log(self, *_: object) -> None:
            """Says nothing: a lab makes several calls a second of its own."""

    return DomainDispatcherApplication(create_backend_app), Quiet


class Environment:
    """The process environment in which AWS is the lab, for this process and its children.

    Credentials are made up, the journal lies in a folder of its own so that lines of the lab
    and real ones never mix, and proxies are kept out of the way. Leaving restores everything.

    Args:
        endpoint: The lab's address.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._before: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="errwatch-lab-")

    @property
    def exports(self) -> dict[str, str]:
        """What another shell needs, so that the AWS CLI or a script there talks to the lab."""
        return {
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_ACCESS_KEY_ID": "lab",
            "AWS_SECRET_ACCESS_KEY": "lab",
            "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", REGION),
        }

    @property
    def settings(self) -> dict[str, str]:
        """What points this library at the lab."""
        return {
            "ERRWATCH_ENDPOINT_URL": self._endpoint,
            "ERRWATCH_SINKS": "cloudwatch",
            "ERRWATCH_JOURNAL_DIR": self._folder.name,
        }

    def __enter__(self) -> None:
        self._before = dict(os.environ)
        for name in [*_MISLEADING, *(n for n in os.environ if n.startswith("AWS_ENDPOINT_URL_"))]:
            os.environ.pop(name, None)
        os.environ.update(self.exports)
        os.environ.update(self.settings)
        os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
        os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = HOST

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.environ.clear()
        os.environ.update(self._before)
        self._folder.cleanup()

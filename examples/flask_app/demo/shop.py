"""The shop as it is served for real: gunicorn with two worker processes, on loopback."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

WORKERS = 2

_CONFIG = Path(__file__).parents[1] / "gunicorn.conf.py"
_START = 30.0
_STOP = 15.0


class ShopFailedError(Exception):
    """The shop did not start; the message is what gunicorn wrote."""


@contextmanager
def served(environ: Mapping[str, str]) -> Iterator[int]:
    """Serves the shop as long as the block lasts; gives the port.

    Args:
        environ: What is added to this process's environment.

    Raises:
        ShopFailedError: When it does not answer in time.
    """
    # The socket is made here and inherited, so that the port is ours from the first moment on.
    with socket.create_server(("127.0.0.1", 0)) as listener, TemporaryFile("w+") as output:
        port = int(listener.getsockname()[1])
        command = [sys.executable, "-m", "gunicorn", "--config", str(_CONFIG)]
        command += ["--bind", f"fd://{listener.fileno()}", "--workers", str(WORKERS)]
        process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
            [*command, "examples.flask_app.wsgi:app"],
            env={**os.environ, "SHOP_SECRET_KEY": secrets.token_hex(), **environ},
            pass_fds=[listener.fileno()],
            stdout=output,
            stderr=output,
        )
        try:
            _wait_until_healthy(process, port, output)
            yield port
        finally:
            _stop(process)


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, output: IO[str]) -> None:
    limit = time.monotonic() + _START
    while time.monotonic() < limit and process.poll() is None:
        # The kernel takes the connection at once; it is answered when a worker is there.
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            pass  # Not yet: the loop's conditions say how long that may go on.
        finally:
            connection.close()
    output.seek(0)
    raise ShopFailedError(output.read()[-2000:] or "The shop did not answer.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Asks it to stop, which sends the lines it still has, and makes sure."""
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

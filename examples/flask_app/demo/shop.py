"""Serves the shop as in production: gunicorn with two worker processes, on loopback."""

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
    """The shop did not start. The message is the output of gunicorn."""


@contextmanager
def served(environ: Mapping[str, str]) -> Iterator[int]:
    """Serves the shop inside the `with` block, and yields the port.

    Args:
        environ: Variables to add to the environment of this process.

    Raises:
        ShopFailedError: If it does not answer in time.
    """
    # gunicorn inherits the socket, so no other process can take the port meanwhile.
    with socket.create_server(("127.0.0.1", 0)) as listener, TemporaryFile("w+") as output:
        port = int(listener.getsockname()[1])
        command = [sys.executable, "-m", "gunicorn", "--config", str(_CONFIG)]
        command += ["--bind", f"fd://{listener.fileno()}", "--workers", str(WORKERS)]
        process = subprocess.Popen(  # noqa: S603 - no external input
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
        # The kernel accepts the connection at once, and a worker answers it later.
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            pass  # Not ready yet: the loop's conditions limit the time.
        finally:
            connection.close()
    output.seek(0)
    raise ShopFailedError(output.read()[-2000:] or "The shop did not answer.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stops gunicorn, which sends its pending lines first. Kills it if it does not stop in time."""
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

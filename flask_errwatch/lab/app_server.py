"""Serves an app beside a lab until it is interrupted: what `flask errwatch lab` does."""

from __future__ import annotations

import os
import shlex
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from flask_errwatch._text import one_line
from flask_errwatch.config import Config
from flask_errwatch.errors import ConfigurationError, ErrWatchError, Problem
from flask_errwatch.lab.clock import Clock
from flask_errwatch.lab.lab import Lab
from flask_errwatch.lab.moto_server import HOST

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class PortUnavailableError(ErrWatchError):
    """The lab cannot serve the app at the port that was asked for."""


def listen(port: int) -> socket.socket:
    """Listens at the port on loopback, before anything else of a lab is made.

    Args:
        port: The port. 0 lets the system choose.

    Raises:
        PortUnavailableError: When another program uses it, or this user may not.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        remedy = f"{reason}. Give another port, or 0 for any that is free."
        raise PortUnavailableError(Problem(key="--port", value=port, remedy=remedy)) from error


def check_app_uses_lab(lab: Lab, config: Config) -> None:
    """Checks that the app's lines go to the lab and nowhere else in AWS.

    Args:
        lab: The lab that is running.
        config: The app's configuration, read inside the lab's environment.

    Raises:
        ConfigurationError: Naming each key that the app itself sets to another value.
    """
    actual = {
        "ERRWATCH_ENDPOINT_URL": config.endpoint_url,
        "ERRWATCH_JOURNAL_DIR": config.journal_dir,
        "ERRWATCH_SINKS": "cloudwatch" if "cloudwatch" in (config.sinks or ()) else config.sinks,
    }
    remedy = "The lab needs its own value: let this one come from the environment, not the app."
    problems = [
        Problem(key=key, value=actual[key], remedy=remedy)
        for key, required in lab.environment.settings.items()
        if actual[key] != required
    ]
    if problems:
        raise ConfigurationError(*problems)


def serve_app(
    lab: Lab,
    app: WSGIApplication,
    config: Config,
    *,
    listener: socket.socket,
    echo: Callable[[str], object],
    app_path: str | None = None,
) -> None:
    """Serves the app and judges its lines, until Ctrl-C or SIGTERM.

    Args:
        lab: The lab, before `begin`.
        app: The app, bootstrapped in the lab.
        config: Its configuration.
        listener: Where the app answers, as `listen` returns it.
        echo: Prints a line.
        app_path: What `flask --app` was given, for the commands of another shell.
    """
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Logs the request line as it was sent.

            Werkzeug decodes its path, and prints marks that reorder text.
            """
            self.log("info", '"%s" %s %s', one_line(self.requestline), code, size)

    port = listener.getsockname()[1]
    server: Any = make_server(
        *(HOST, port, app), threaded=True, request_handler=Handler, fd=listener.fileno()
    )
    try:
        with suppress(KeyboardInterrupt), _sigterm_interrupts():
            clock = lab.begin(config.region)
            # Since `begin`, the exports have the lab's clock too.
            address = f"The app answers at http://{HOST}:{port}/ until Ctrl-C."
            echo(f"\n{shell_exports(lab, config, app_path)}\n\n{address}\n{_caption(clock)}\n")
            server.serve_forever()
    finally:
        server.server_close()


def _caption(clock: Clock) -> str:
    """What the times mean that are printed from now on."""
    pace = "real time" if clock.speed == 1 else f"{clock.speed:g} times as fast as real time"
    return f"Times of alarms are those of the lab's clock, which is {pace}."


def shell_exports(lab: Lab, config: Config, app_path: str | None = None) -> str:
    """The lines for another shell, in which AWS is the lab afterwards, and commands to try."""
    variables = lab.environment.exports
    if config.region is not None:
        variables["AWS_DEFAULT_REGION"] = config.region
    flask = "flask" if app_path is None else f"flask --app {shlex.quote(app_path)}"
    exports = [f"  export {name}={value}" for name, value in variables.items()]
    return "\n".join(
        [
            "To use the lab from another shell:",
            *exports,
            f"  {flask} errwatch status",
            "  aws cloudwatch describe-alarms",
        ]
    )


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does, so that the lab is shut down properly."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)

"""Serves an app beside a lab until it is interrupted: what `flask errwatch lab` does."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch._text import one_line
from flask_errwatch.config import Config
from flask_errwatch.errors import ConfigurationError, Problem
from flask_errwatch.lab.lab import Lab
from flask_errwatch.lab.moto_server import HOST
from flask_errwatch.provision.service_groups import owner_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


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


def create_service_group(config: Config) -> None:
    """Creates the app's log group if an AWS service owns it, as the service does in an account.

    Args:
        config: The app's configuration, read inside the lab's environment.
    """
    if owner_of(config.log_group) is not None:
        aws = Aws.from_config(config, PROVISIONING)
        aws.call("logs", "create_log_group", logGroupName=config.log_group)


def serve_app(
    lab: Lab, app: WSGIApplication, config: Config, *, port: int, echo: Callable[[str], object]
) -> None:
    """Serves the app and judges its lines, until Ctrl-C or SIGTERM.

    Args:
        lab: The lab, before `begin`.
        app: The app, bootstrapped in the lab.
        config: Its configuration.
        port: The port on loopback. 0 lets the system choose.
        echo: Prints a line.

    Raises:
        OSError: When the port is not available.
    """
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Logs the request line as it was sent.

            Werkzeug decodes its path, and prints marks that reorder text.
            """
            self.log("info", '"%s" %s %s', one_line(self.requestline), code, size)

    server: Any = make_server(HOST, port, app, threaded=True, request_handler=Handler)
    try:
        with suppress(KeyboardInterrupt), _sigterm_interrupts():
            lab.begin(config.region)
            # Since `begin`, the exports have the lab's clock too.
            address = f"The app answers at http://{HOST}:{server.server_port}/ until Ctrl-C."
            echo(f"\n{shell_exports(lab, config)}\n\n{address}\n")
            server.serve_forever()
    finally:
        server.server_close()


def shell_exports(lab: Lab, config: Config) -> str:
    """The lines for another shell after which the AWS CLI and scripts there use the lab."""
    variables = lab.environment.exports
    if config.region is not None:
        variables["AWS_DEFAULT_REGION"] = config.region
    exports = [f"  export {name}={value}" for name, value in variables.items()]
    return "\n".join(
        ["To use the lab from another shell:", *exports, "  aws cloudwatch describe-alarms"]
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

"""Serves an app beside a lab, until it is interrupted: what `flask errwatch lab` does."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING, Any

from flask_errwatch.config import Config
from flask_errwatch.errors import ConfigurationError, Problem
from flask_errwatch.lab.lab import Lab
from flask_errwatch.lab.server import HOST
from flask_errwatch.simulation import Transition

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Say = Callable[[str], object]


def check_led_to(lab: Lab, config: Config) -> None:
    """Makes sure that the app's lines go to the lab, and to nothing but the lab.

    Args:
        lab: The lab that is running.
        config: The app's configuration, read inside the lab's environment.

    Raises:
        ConfigurationError: Naming each key that the app sets itself to something else.
    """
    found = {
        "ERRWATCH_ENDPOINT_URL": config.endpoint_url,
        "ERRWATCH_JOURNAL_DIR": config.journal_dir,
        "ERRWATCH_SINKS": "cloudwatch" if "cloudwatch" in (config.sinks or ()) else config.sinks,
    }
    remedy = "The lab needs its own value: let this one come from the environment, not the app."
    problems = [
        Problem(key=key, value=found[key], remedy=remedy)
        for key, wanted in lab.environment.settings.items()
        if found[key] != wanted
    ]
    if problems:
        raise ConfigurationError(*problems)


def serve(lab: Lab, app: WSGIApplication, config: Config, *, port: int, say: Say) -> None:
    """Serves the app and judges its lines, until Ctrl-C or SIGTERM.

    Args:
        lab: The lab, not begun yet.
        app: The app, bootstrapped in the lab.
        config: Its configuration.
        port: Where to serve it on loopback; 0 lets the system choose.
        say: Takes what is to be printed.

    Raises:
        OSError: When the port cannot be had.
    """
    from werkzeug.serving import make_server

    server: Any = make_server(HOST, port, app, threaded=True)
    try:
        with suppress(KeyboardInterrupt), _interruptible():
            lab.begin(config.region)
            say(f"\nThe app answers at http://{HOST}:{server.server_port}/ until Ctrl-C.\n")
            server.serve_forever()
    finally:
        server.server_close()


def how_to_reach(lab: Lab, config: Config) -> str:
    """Lines for another shell, after which the AWS CLI and scripts there talk to the lab."""
    variables = lab.environment.exports
    if config.region is not None:
        variables["AWS_DEFAULT_REGION"] = config.region
    exports = [f"  export {name}={value}" for name, value in variables.items()]
    return "\n".join(
        ["To look at it from another shell:", *exports, "  aws cloudwatch describe-alarms"]
    )


def told(transition: Transition) -> str:
    """A transition as one line; one that calls somebody says why.

    Example:
        >>> told(Transition("shop-critical-error", 1_700_000_000, "OK", "ALARM", "11 > 10."))
        '22:13:20  ALARM  shop-critical-error: 11 > 10.'
    """
    moment = datetime.fromtimestamp(transition.at, UTC)
    why = f": {transition.reason}" if transition.new == "ALARM" else ""
    return f"{moment:%H:%M:%S}  {transition.new:<5}  {transition.alarm}{why}"


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that what was started is stopped."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

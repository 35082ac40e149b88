"""Every app that is measured: bare Flask, the floor of the job, ours, and the alternatives."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, got_request_exception

from benchmarks import peers
from benchmarks.app import make_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """An app with or without a tool.

    Attributes:
        name: Its name in the tables.
        make: Creates the app, and a function that waits until its threads are idle.
        needs: Modules that it requires. The extra `bench` installs them.
        sends: Where its lines or spans go.
    """

    name: str
    make: Callable[[], tuple[Flask, peers.Settle]]
    needs: tuple[str, ...] = ()
    sends: str = "nowhere"

    @property
    def missing(self) -> str:
        """Why it cannot be measured here, or an empty string."""
        return absence(self.needs)


def absence(modules: Iterable[str]) -> str:
    """Which of the modules are not installed, or an empty string."""
    absent = [name for name in modules if not _is_installed(name)]
    return f"skipped: needs {', '.join(absent)} (extra `bench`)" if absent else ""


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # its parent package is missing
        return False


def _bare() -> tuple[Flask, peers.Settle]:
    return make_app(), _nothing


def _nothing() -> None:
    """Settles an app that buffers nothing."""


def _ours() -> tuple[Flask, peers.Settle]:
    """Every default: redaction, journal, heartbeat, the `cloudwatch` sink."""
    from flask_errwatch import ErrWatch

    app = make_app()
    errwatch = ErrWatch(app)
    return app, lambda: errwatch.flush(30)


def _ours_as_it_is() -> tuple[Flask, peers.Settle]:
    """The same without compiled modules: imports the package from source."""
    spec = find_spec("flask_errwatch")
    assert spec is not None
    assert spec.origin is not None
    package = str(Path(spec.origin).parent)

    def only_source(path: str) -> FileFinder:
        if not path.startswith(package):
            raise ImportError(path)  # not in our package
        return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, only_source)
    return _ours()


def is_compiled() -> bool:
    """Whether the compiled modules of flask-errwatch are in use, as in a release."""
    from flask_errwatch.capture import middleware

    return not str(middleware.__file__).endswith(".py")


def _floor() -> tuple[Flask, peers.Settle]:
    app = make_app()
    app.wsgi_app = _Floor(app)  # type: ignore[method-assign]  # Flask's documented way
    return app, _nothing


class _Floor:
    """The minimum that does the job: 15 keys, one serialisation, one write, no safety at all."""

    def __init__(self, app: Flask) -> None:
        import orjson

        self._app: WSGIApplication = app.wsgi_app
        self._dumps = orjson.dumps
        self._descriptor = os.open(os.devnull, os.O_WRONLY)
        self._error: BaseException | None = None
        got_request_exception.connect(self._note, sender=app, weak=False)

    def _note(self, _sender: object, exception: BaseException, **_: object) -> None:
        self._error = exception

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun = time.perf_counter()

        def start(status: str, headers: Any, exc_info: Any = None, /) -> Any:
            if status >= "4":
                self._write(environ, status, time.perf_counter() - begun)
            return start_response(status, headers, exc_info)

        return self._app(environ, start)

    def _write(self, environ: WSGIEnvironment, status: str, seconds: float) -> None:
        get = environ.get
        event = {
            "event": "Not Found Error" if status < "5" else "Critical Error",
            "level": "warning",
            "timestamp": time.time(),
            "schema": 1,
            "id": os.urandom(16).hex(),
            "status": int(status[:3]),
            "method": get("REQUEST_METHOD"),
            "path": get("PATH_INFO"),
            "client_ip": get("REMOTE_ADDR"),
            "user_agent": get("HTTP_USER_AGENT"),
            "duration_ms": seconds * 1000,
            "app": "shop",
            "host": "web-1",
            "pid": 4711,
            "seq": 1,
        }
        error, self._error = self._error, None
        if error is not None:
            frames, traceback = [], error.__traceback__
            while traceback is not None:
                code = traceback.tb_frame.f_code
                frames.append((code.co_filename, traceback.tb_lineno, code.co_name))
                traceback = traceback.tb_next
            event["exception"] = {"type": type(error).__name__, "frames": frames}
        os.write(self._descriptor, self._dumps(event) + b"\n")


BARE = Variant(name="bare Flask", make=_bare)
CONTROL = Variant(name="bare Flask again (control)", make=_bare)
FLOOR = Variant(name="floor of the job", make=_floor, needs=("orjson",), sends="/dev/null")
OURS = Variant(name="flask-errwatch", make=_ours, sends="journal, loopback endpoint")
AS_IT_IS = Variant(
    name="flask-errwatch, not compiled", make=_ours_as_it_is, sends="journal, loopback endpoint"
)

#: In the order of the tables.
VARIANTS = (
    CONTROL,
    FLOOR,
    OURS,
    AS_IT_IS,
    Variant(
        name="logging + python-json-logger",
        make=peers.stdlib,
        needs=("pythonjsonlogger",),
        sends="/dev/null",
    ),
    Variant(
        name="structlog, text traceback",
        make=peers.structlog_text,
        needs=("structlog",),
        sends="/dev/null",
    ),
    Variant(
        name="structlog, dict traceback",
        make=peers.structlog_dict,
        needs=("structlog",),
        sends="/dev/null",
    ),
    Variant(
        name="watchtower, stub client",
        make=peers.watchtower,
        needs=("watchtower",),
        sends="a stub client",
    ),
    Variant(
        name="watchtower, sending",
        make=peers.watchtower_sending,
        needs=("watchtower",),
        sends="the loopback endpoint",
    ),
    Variant(
        name="Powertools Logger",
        make=peers.powertools,
        needs=("aws_lambda_powertools",),
        sends="/dev/null",
    ),
    Variant(
        name="OpenTelemetry Flask, batch",
        make=peers.opentelemetry,
        needs=("opentelemetry.instrumentation.flask", "opentelemetry.sdk"),
        sends="a stub exporter",
    ),
    Variant(
        name="sentry-sdk, defaults",
        make=peers.sentry,
        needs=("sentry_sdk",),
        sends="a stub transport",
    ),
)

BY_NAME = {variant.name: variant for variant in (BARE, *VARIANTS)}

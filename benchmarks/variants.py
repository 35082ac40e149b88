"""Every app that is measured: bare, the floor of the job, ours, and what people use instead."""

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
    """An app with or without something on it.

    Attributes:
        name: As it stands in the tables.
        make: Makes the app, and what waits until all that its threads have to do is done.
        needs: Modules without which it cannot be measured; the extra `bench` brings them.
        sends: What its lines or spans go to.
    """

    name: str
    make: Callable[[], tuple[Flask, peers.Settle]]
    needs: tuple[str, ...] = ()
    sends: str = "nowhere"

    @property
    def missing(self) -> str:
        """A sentence that says why it cannot be measured here; empty when it can."""
        return absence(self.needs)


def absence(modules: Iterable[str]) -> str:
    """A sentence that says which of the modules are not installed; empty when all are."""
    absent = [name for name in modules if not _is_there(name)]
    return f"skipped: needs {', '.join(absent)} (extra `bench`)" if absent else ""


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a parent of it is missing
        return False


def _bare() -> tuple[Flask, peers.Settle]:
    return make_app(), _nothing


def _nothing() -> None:
    """What is to be done for an app that keeps nothing back."""


def _ours() -> tuple[Flask, peers.Settle]:
    """Every default: redaction, journal, heartbeat, the `cloudwatch` sink."""
    from flask_errwatch import ErrWatch

    app = make_app()
    errwatch = ErrWatch(app)
    return app, lambda: errwatch.flush(30)


def _ours_as_it_is() -> tuple[Flask, peers.Settle]:
    """The same, as it runs where there is no compiled wheel: its modules are found as source."""
    spec = find_spec("flask_errwatch")
    assert spec is not None
    assert spec.origin is not None
    package = str(Path(spec.origin).parent)

    def only_source(path: str) -> FileFinder:
        if not path.startswith(package):
            raise ImportError(path)  # somebody else's
        return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, only_source)
    return _ours()


def is_compiled() -> bool:
    """Whether flask-errwatch is compiled here, as in the wheels of a release."""
    from flask_errwatch.capture import middleware

    return not str(middleware.__file__).endswith(".py")


def _floor() -> tuple[Flask, peers.Settle]:
    app = make_app()
    app.wsgi_app = _Floor(app)  # type: ignore[method-assign]  # Flask's documented way
    return app, _nothing


class _Floor:
    """The least that does the job: 15 keys, one serialisation, one write; no safety whatever."""

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

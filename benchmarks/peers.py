"""The alternatives, each set up as in its own documentation.

All of them log only failing requests, where that can be configured. Except for one watchtower
variant their transports are stubs, so their figures are lower bounds.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, got_request_exception, request

from benchmarks.app import make_app

Settle = Callable[[], object]


def module(name: str) -> Any:
    """Imports a module that may not be installed and may have no types."""
    return importlib.import_module(name)


def _facts(response: Response) -> dict[str, Any]:
    """The fields of an access log."""
    return {
        "status": response.status_code,
        "method": request.method,
        "path": request.path,
        "endpoint": request.endpoint,
        "client_ip": request.remote_addr,
        "user_agent": request.headers.get("User-Agent"),
    }


def _after_each_4xx(app: Flask, log: Callable[[dict[str, Any]], object]) -> None:
    """Logs every 4xx. A 500 is logged where its exception is handled."""

    @app.after_request
    def log_failure(response: Response) -> Response:
        if 400 <= response.status_code < 500:
            log(_facts(response))
        return response


def stdlib() -> tuple[Flask, Settle]:
    """`logging` with python-json-logger: Flask's own logger gets the handler."""
    app = make_app()
    handler = logging.FileHandler(os.devnull)
    names = "%(asctime)s %(levelname)s %(name)s %(message)s"
    handler.setFormatter(module("pythonjsonlogger.json").JsonFormatter(names))
    app.logger.addHandler(handler)
    _after_each_4xx(app, lambda facts: app.logger.warning("request failed", extra=facts))
    return app, handler.flush


def _structlog(traceback: str) -> tuple[Flask, Settle]:
    import orjson

    structlog = module("structlog")
    app = make_app()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            getattr(structlog.processors, traceback),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(open(os.devnull, "wb")),  # noqa: SIM115, PTH123 - for as long as the process lives
        cache_logger_on_first_use=True,
    )
    log = structlog.get_logger()
    _after_each_4xx(app, lambda facts: log.warning("request failed", **facts))

    def log_exception(_sender: object, exception: BaseException, **_: object) -> None:
        facts = {"method": request.method, "path": request.path, "endpoint": request.endpoint}
        log.error("unhandled exception", exc_info=exception, status=500, **facts)

    got_request_exception.connect(log_exception, sender=app, weak=False)
    return app, _nothing


def structlog_text() -> tuple[Flask, Settle]:
    """The traceback as text, rendered by orjson."""
    return _structlog("format_exc_info")


def structlog_dict() -> tuple[Flask, Settle]:
    """The traceback as dicts with the locals, which is the default, rendered by orjson."""
    return _structlog("dict_tracebacks")


class _NoLogs:
    """A client that accepts every batch."""

    def put_log_events(self, **_batch: object) -> dict[str, object]:
        return {}


def watchtower() -> tuple[Flask, Settle]:
    """The handler with its queue, and a client that sends nothing."""
    return _watchtower(boto3_client=_NoLogs(), create_log_group=False)


def watchtower_sending() -> tuple[Flask, Settle]:
    """The same with boto3's client, which sends to the endpoint of the environment."""
    return _watchtower()


def _watchtower(**options: object) -> tuple[Flask, Settle]:
    app = make_app()
    handler = module("watchtower").CloudWatchLogHandler("shop", send_interval=2, **options)
    app.logger.addHandler(handler)
    _after_each_4xx(app, app.logger.warning)
    return app, handler.flush


def powertools() -> tuple[Flask, Settle]:
    """Powertools' Logger in an error handler."""
    from werkzeug.exceptions import HTTPException

    app = make_app()
    stream = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for as long as the process lives
    log = module("aws_lambda_powertools").Logger(service="shop", stream=stream)

    @app.errorhandler(HTTPException)
    def log_failure(error: HTTPException) -> HTTPException:
        cause = getattr(error, "original_exception", None)
        facts = {"status": error.code, "method": request.method, "path": request.path}
        facts |= {"endpoint": request.endpoint, "client_ip": request.remote_addr}
        if cause is None:
            log.warning("request failed", **facts)
        else:
            log.error("unhandled exception", exc_info=cause, **facts)
        return error

    return app, _nothing


class _NoSpans:
    """An exporter that accepts every span."""

    def export(self, _spans: object) -> Any:
        return module("opentelemetry.sdk.trace.export").SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Does nothing."""

    def force_flush(self, _timeout_millis: int = 0) -> bool:
        return True


def opentelemetry() -> tuple[Flask, Settle]:
    """OpenTelemetry's Flask instrumentation with the batch processor. Records every request."""
    app = make_app()
    provider = module("opentelemetry.sdk.trace").TracerProvider()
    export = module("opentelemetry.sdk.trace.export")
    provider.add_span_processor(export.BatchSpanProcessor(_NoSpans()))
    flask = module("opentelemetry.instrumentation.flask")
    flask.FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    return app, provider.force_flush


def sentry() -> tuple[Flask, Settle]:
    """sentry-sdk with its defaults."""
    sdk = module("sentry_sdk")
    transport = type(
        "NoTransport",
        (module("sentry_sdk.transport").Transport,),
        {"capture_envelope": lambda _self, _envelope: None},
    )
    sdk.init(dsn="https://key@sentry.invalid/1", transport=transport)
    return make_app(), sdk.flush


def _nothing() -> None:
    """Settles a tool that buffers nothing."""

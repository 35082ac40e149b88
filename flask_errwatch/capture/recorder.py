"""Builds, renders and emits the events of one app.

fields (events) -> hooks -> keyed hashes, if configured -> redaction -> `seq` -> rendering
-> sinks (delivery) -> signal
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog
from flask import Flask, Request
from werkzeug.routing import Rule

from flask_errwatch._fork import PerProcess
from flask_errwatch._guard import Guard
from flask_errwatch._lambda import LEVELS, is_lambda
from flask_errwatch.capture import events
from flask_errwatch.capture.client_address import address_rule
from flask_errwatch.capture.events import Classified, Event
from flask_errwatch.capture.exceptions import exception_fields, mark_new
from flask_errwatch.capture.failures import FIRST_FAILURE, Outcome
from flask_errwatch.capture.hiding import hiding
from flask_errwatch.capture.hooks import Hooks
from flask_errwatch.capture.identity import Process, tags_of
from flask_errwatch.capture.redaction import Redactor, RequestRedactor
from flask_errwatch.capture.rendering import EventDict, RedactProcessor, render
from flask_errwatch.capture.signed_in import signed_in_user
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue, Detector

if TYPE_CHECKING:
    from flask_errwatch.capture.collapse import Collapser
    from flask_errwatch.capture.request_classifier import RequestClassifier

#: Bounds of the cache of status lines: entries, and characters of each.
_CACHED_LINES: Final = 256
_CACHED_LENGTH: Final = 128
#: The fields of a request whose classification failed: it is not excused.
_UNCLASSIFIED: Final = ("library", "none", "unknown", 1)


class LineSink(Protocol):
    """Takes the lines of one app: what the recorder needs of `Delivery`."""

    @property
    def is_running(self) -> bool:
        """Whether this process has opened its sinks."""

    def ensure_running(self) -> None:
        """Opens this process's sinks, once."""

    def write(self, line: bytes) -> bool:
        """Writes the line to every sink and returns whether all of them accepted it."""

    def note_dropped(self) -> None:
        """Counts an event that has no line."""

    def is_new_failure(self, fingerprint: str) -> bool:
        """Notes a critical failure, and returns whether the app has not shown it for seven days."""

    def start_thread(self, name: str, target: Callable[[], None]) -> object:
        """Starts a daemon thread."""

    def before_flush(self, write: Callable[[], None]) -> None:
        """Calls the function before lines are flushed, and as the process ends."""

    def before_end(self, write: Callable[[], None]) -> None:
        """Calls the function only as the process ends, before those of `before_flush`."""

    def flush_before_os_exit(self) -> None:
        """Sends what is pending if this process may end without running any more of our code."""


class Recorder:
    """Builds and emits the events of one app. Its failures never reach the app.

    Args:
        app: The sender of the signal, weakly referenced.
        root: The folder of the app's own code.
        config: The app's configuration.
        catalogue: The app's detectors, configured.
        hooks: The functions that users registered, shared with the extension.
        guard: Keeps failures away from the app.
        delivery: Takes the lines.
    """

    def __init__(
        self,
        app: Flask,
        *,
        root: str,
        config: Config,
        catalogue: Catalogue,
        hooks: Hooks,
        guard: Guard,
        delivery: LineSink,
    ) -> None:
        self.guard = guard
        self.record_guard = guard.suppress("recording a response")
        self.emit_guard = guard.suppress("emitting a line")
        self.delivery = delivery
        self.catalogue = catalogue
        self.root = root
        #: Called with every exception that an event shows.
        self.when_recorded: list[Callable[[BaseException], object]] = []
        # By status line: an app has few of them, unless a client may choose them.
        self._classified: dict[str, tuple[int, Outcome]] = {}
        # By detector name: each event of the detector starts as a copy.
        self._heads = {
            detector.name: events.head(detector)
            for detector in (catalogue.critical, *catalogue)
            if detector.event is not None
        }
        self._hooks = hooks
        self._config = config
        # Made for the first failing request: the import stays cheap, and the URL map is complete.
        self._classifier: RequestClassifier | None = None
        self._addresses = address_rule(config.trusted_proxies, config.client_header)
        self._records_user = config.user
        self._level_names = LEVELS if is_lambda(os.environ) else {}
        self._app = app_ref = weakref.ref(app)
        redactor = Redactor(config.redact_keys, email=config.redact_email)
        #: Masks secrets in what a request sends.
        self.request_redactor = RequestRedactor(redactor, lambda: _rules(app_ref()))
        self._hide = hiding(config, self.request_redactor)
        tags = tags_of(config)
        self._process = PerProcess(lambda: Process(tags))
        self._redact = RedactProcessor(redactor)
        self._collapser = self._new_collapser(config.collapse_seconds)
        # Every part is given explicitly: structlog's global configuration belongs to the app.
        self._logger: _EventLogger = structlog.wrap_logger(
            self,
            processors=(
                self._redact,
                self._add_identity,
                render,
            ),
            wrapper_class=_EventLogger,
            context_class=dict,
        ).bind()

    def _new_collapser(self, seconds: float) -> Collapser | None:
        """Folds events, if that is configured."""
        if not seconds:
            return None
        from flask_errwatch.capture.collapse import Collapser
        from flask_errwatch.capture.fold_fields import fold_fields

        fields = fold_fields(self.catalogue)
        return Collapser(seconds, self._write, self._write_folded, self.delivery, fields)

    def classify(self, status: str) -> tuple[int, Outcome]:
        """Returns the number of a status line, or 0, and the outcome of it alone."""
        classified = self._classified.get(status)
        if classified is None:
            number = status.partition(" ")[0]
            is_code = number.isascii() and number.isdigit() and len(number) == 3
            code = int(number) if is_code else 0
            detector = self.catalogue.for_status(code) if code >= FIRST_FAILURE else None
            classified = code, Outcome(detector=detector)
            if len(self._classified) < _CACHED_LINES and len(status) < _CACHED_LENGTH:
                self._classified[status] = classified
        return classified

    def _new_event(self, detector: Detector) -> Event:
        return self._process.get().clock.stamp(dict(self._heads[detector.name]))

    def response_event(
        self,
        detector: Detector,
        environ: Mapping[str, Any],
        *,
        request: object,
        code: int,
        seconds: float,
        found: Outcome,
    ) -> Event:
        """Builds the event of a response. It is empty when a hook dropped it.

        Args:
            detector: The detector that claims the response.
            environ: The request's WSGI environment.
            request: Werkzeug's request, which has the route, or None.
            code: The status that the client was sent, or 500 when nothing was sent.
            seconds: How long the request took.
            found: The exception behind the response, and what else is known.
        """
        fields = self._new_event(detector)
        fields["status"] = code
        rule = getattr(request, "url_rule", None)
        classified = self.guard.run(
            "classifying a request", self._classified_request, environ, request, code
        )
        events.add_request(
            fields,
            environ,
            self._addresses,
            rule,
            self.request_redactor,
            _UNCLASSIFIED if classified is None else classified,
        )
        user = found.user
        if user is not None:
            fields.pop("user", None)
        elif self._records_user and "user" not in fields:
            user = self.guard.run("reading the signed-in user", signed_in_user, request)
        if user:
            fields["user"] = user
            fields = events.in_order(fields)
        fields["duration_ms"] = int(seconds * 1_000_000) / 1000.0
        error = found.error
        if error is not None:
            fields["exception"] = exception_fields(error, root=self.root, handled=found.is_handled)
            self._note_recorded(error)
        if found.data is not None:
            fields["data"] = dict(found.data)
        return self._hooks.apply(fields, self.guard)

    def _classified_request(
        self, environ: Mapping[str, Any], request: object, code: int
    ) -> Classified:
        if self._classifier is None:
            from flask_errwatch.capture.request_classifier import RequestClassifier

            self._classifier = RequestClassifier(self._app(), self._config)
        return self._classifier.classified(environ, request, code)

    def report(
        self,
        detector: Detector,
        data: Mapping[str, Any],
        request: Request | None,
        error: BaseException | None = None,
        *,
        handled: bool = False,
    ) -> str:
        """Emits an event that no HTTP status shows, and returns its id.

        Args:
            detector: The detector of the event.
            data: The reported fields.
            request: The current request, if there is one.
            error: The exception that is the reason, if there is one.
            handled: Whether whoever reports the exception handled it.
        """
        self.guard.run("starting the delivery", self.delivery.ensure_running)
        fields = self._new_event(detector)
        self.guard.run(
            "recording a report", self._emit_report, fields, data, request, error, handled
        )
        return str(fields["id"])

    def reported_event(
        self,
        detector: Detector,
        data: Mapping[str, Any],
        request: Request | None,
        error: BaseException | None,
        *,
        handled: bool,
    ) -> Event:
        """Builds the event of a report, to be emitted later. It is empty when a hook dropped it."""
        return self._reported(self._new_event(detector), data, request, error, handled)

    def _emit_report(
        self,
        fields: Event,
        data: Mapping[str, Any],
        request: Request | None,
        error: BaseException | None,
        handled: bool,  # noqa: FBT001 - passed on by the guard
    ) -> None:
        if error is not None:
            self._note_recorded(error)
        self.emit(self._reported(fields, data, request, error, handled))

    def _reported(
        self,
        fields: Event,
        data: Mapping[str, Any],
        request: Request | None,
        error: BaseException | None,
        handled: bool,  # noqa: FBT001 - passed on
    ) -> Event:
        if request is not None:
            rule = request.url_rule
            events.add_request(
                fields, request.environ, self._addresses, rule, self.request_redactor
            )
        if error is not None:
            fields["exception"] = exception_fields(error, root=self.root, handled=handled)
        if data:
            fields["data"] = dict(data)
        return self._hooks.apply(fields, self.guard)

    def _note_recorded(self, error: BaseException) -> None:
        for listener in self.when_recorded:
            self.guard.run("noting an exception", listener, error)

    def emit(self, event: Event) -> bool:
        """Renders the event, writes its line to the sinks and sends the signal.

        Args:
            event: The event. An empty one was dropped by a hook, and is counted.

        Returns:
            Whether the sinks accepted the line.
        """
        if not event:
            self.delivery.note_dropped()
            return False
        if "exception" in event and event["level"] == "critical":
            self.guard.run("recognising a failure", mark_new, event["exception"], self.delivery)
        if self._hide is not None:
            self._hide(event)
        collapser = self._collapser
        is_accepted = self._write(event) if collapser is None else collapser.take(event)
        if events.event_recorded.receivers and "detector" in event:
            self.guard.run("a receiver of event_recorded", self._send_signal, event)
        return is_accepted

    def _write_folded(self, event: Event) -> object:
        # With the time of the window's end: no two lines of a fold are in one window.
        self._process.get().clock.stamp(event)
        return self.guard.run("writing a line", self._write, event)

    def _write(self, event: Event) -> bool:
        """Renders the event and returns whether the sinks accepted its line."""
        if "data" in event or "exception" in event:
            try:
                line = self._logger.render(event)
            except Exception:
                self.delivery.note_dropped()  # it has no `seq`, so no gap would show the loss
                raise
        else:  # nothing to redact: every value was built here
            line = render(None, "", self._add_identity(None, "", event))
        return self.delivery.write(line)

    def _add_identity(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """Adds the process's fields and the number of the line. Hooks never see Lambda's levels.

        This runs after all foreign code: a value may report while it is rendered, or end the
        process, and a gap in the numbers must mean a lost line. (A signal handler that raises in
        the few microseconds between here and the sink leaves a gap nonetheless.)
        """
        process = self._process.get()
        event.update(process.fields)
        event["seq"] = process.next_seq()
        if self._level_names:
            event["level"] = self._level_names.get(event["level"], event["level"])
        return event

    def emit_operational(self, event_name: str, data: Mapping[str, object]) -> bool:
        """Emits a line outside the catalogue, such as the heartbeat.

        Returns:
            Whether the sinks accepted the line.
        """
        fields = self._process.get().clock.stamp(events.operational_head(event_name))
        fields["data"] = dict(data)
        return self.emit(fields)

    def _send_signal(self, event: Event) -> None:
        app = self._app()
        if "seq" not in event:  # it was folded, and has no line yet
            event = dict(self._redact(None, "", event))
        if app is not None:
            events.event_recorded.send(app, _async_wrapper=app.ensure_sync, event=dict(event))


def _rules(app: Flask | None) -> Iterable[Rule]:
    return () if app is None else app.url_map.iter_rules()


class _EventLogger(structlog.BoundLoggerBase):
    """structlog's bound logger with a single method: events have no levels to choose from."""

    def render(self, event: Event) -> bytes:
        """Passes the event through the processors and returns its line."""
        # Not by `_process_event`: it copies a context that we do not have, and costs as much as
        # the rest.
        processed: Any = event
        for processor in self._processors:
            processed = processor(None, "", processed)
        line: bytes = processed
        return line

"""The way of one app's events: built, shown to the hooks, rendered, handed over.

fields (events) -> hooks -> redacted, numbered, rendered (rendering) -> sinks (delivery) -> signal
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, Final, Protocol

import structlog
from flask import Flask, Request

from flask_errwatch._fork import PerProcess
from flask_errwatch._guard import Guard
from flask_errwatch.capture import events
from flask_errwatch.capture.exceptions import exception_fields
from flask_errwatch.capture.hooks import Event, Hooks
from flask_errwatch.capture.identity import Process
from flask_errwatch.capture.redaction import Redactor
from flask_errwatch.capture.rendering import EventDict, Redact, render
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue, Detector

#: What fails begins here.
_FAILING: Final = 400
#: What is kept of status lines: so many, none so long.
_MOST_CLAIMS: Final = 256
_LONG_CLAIM: Final = 128


class Transport(Protocol):
    """What takes the lines of one app."""

    @property
    def is_running(self) -> bool:
        """Whether this process has opened its sinks."""

    def ensure_running(self) -> None:
        """Opens this process's sinks, once."""

    def write(self, line: bytes) -> bool:
        """Hands the line to the sinks; whether none of them refused it."""

    def note_dropped(self) -> None:
        """Counts an event that has no line."""


class Recorder:
    """Makes and hands over the events of one app. Nothing in it may reach the app as an error.

    Args:
        app: Weakly referenced; it is the sender of the signal.
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
        delivery: Transport,
    ) -> None:
        self.guard = guard
        self.answering = guard.over("recording an answer")
        self.emitting = guard.over("emitting a line")
        self.delivery = delivery
        self.catalogue = catalogue
        # By status line: an app has few of them, unless a client may choose them.
        self._claims: dict[str, tuple[int, Detector | None]] = {}
        # By name of detector: a copy is made for each of its events.
        self._heads = {each.name: events.head(each) for each in (catalogue.critical, *catalogue)}
        self._hooks = hooks
        self._trusted = config.trusted_proxies
        self._root = root
        self._app = weakref.ref(app)
        tags = {
            key: value
            for key, value in (
                ("app", config.app_name),
                ("environment", config.environment),
                ("release", config.release),
            )
            if value is not None
        }
        self._process = PerProcess(lambda: Process(tags))
        # A logger of its own in every part: structlog's configuration is the app's.
        self._foreign: _EventLogger = structlog.wrap_logger(
            self,
            processors=(Redact(Redactor(config.redact_keys)), self._numbered, render),
            wrapper_class=_EventLogger,
            context_class=dict,
        ).bind()

    def claim(self, status: str) -> tuple[int, Detector | None]:
        """The number of a status line, 0 where it has none, and the detector that claims it."""
        known = self._claims.get(status)
        if known is None:
            number = status.partition(" ")[0]
            is_code = number.isascii() and number.isdigit() and len(number) == 3
            code = int(number) if is_code else 0
            known = code, self.catalogue.for_status(code) if code >= _FAILING else None
            if len(self._claims) < _MOST_CLAIMS and len(status) < _LONG_CLAIM:
                self._claims[status] = known
        return known

    def _begun(self, detector: Detector) -> Event:
        return self._process.get().stamps.stamped(dict(self._heads[detector.name]))

    def answered(
        self,
        detector: Detector,
        environ: Mapping[str, Any],
        *,
        request: object,
        code: int,
        seconds: float,
        error: BaseException | None,
        handled: bool,
    ) -> Event:
        """The event of an answer that the detector claims; an empty one when a hook dropped it.

        Args:
            detector: What claims it.
            environ: The request's WSGI environment.
            request: Werkzeug's request, which knows the route; None where there is none.
            code: The status that the client was sent, or 500 when nothing was.
            seconds: How long it took.
            error: The exception behind the answer, if there was one.
            handled: Whether a handler of the app answered the exception.
        """
        fields = self._begun(detector)
        fields["status"] = code
        events.add_request(fields, environ, self._trusted, getattr(request, "url_rule", None))
        fields["duration_ms"] = int(seconds * 1_000_000) / 1000.0
        if error is not None:
            fields["exception"] = exception_fields(error, root=self._root, handled=handled)
        return self._hooks.apply(fields, self.guard)

    def reported(
        self,
        detector: Detector,
        data: Mapping[str, Any],
        request: Request | None,
        error: BaseException | None = None,
    ) -> str:
        """Emits an event that no answer shows, and returns its id.

        Args:
            detector: What it belongs to.
            data: The reported fields.
            request: The request it happened in, if in one.
            error: The exception that a watched job let escape, if that is what happened.
        """
        fields = self._begun(detector)
        self.guard.run("recording a report", self._report, fields, data, request, error)
        return str(fields["id"])

    def _report(
        self,
        fields: Event,
        data: Mapping[str, Any],
        request: Request | None,
        error: BaseException | None,
    ) -> None:
        if request is not None:
            events.add_request(fields, request.environ, self._trusted, request.url_rule)
        if error is not None:
            fields["exception"] = exception_fields(error, root=self._root, handled=False)
        if data:
            fields["data"] = dict(data)
        self.emit(self._hooks.apply(fields, self.guard))

    def emit(self, event: Event) -> bool:
        """Renders the event, hands its line to the sinks, and sends the signal.

        Returns:
            Whether the sinks took it; an empty event is one that a hook dropped.
        """
        if not event:
            self.delivery.note_dropped()
            return False
        if "data" in event or "exception" in event:
            try:
                text = self._foreign.rendered(event)
            except Exception:
                self.delivery.note_dropped()  # it has no number, so no gap would tell
                raise
        else:  # nothing but what we built
            text = render(None, "", self._numbered(None, "", event))
        taken = self.delivery.write(text)
        if events.event_recorded.receivers and "detector" in event:
            self.guard.run("a receiver of event_recorded", self._tell, event)
        return taken

    def _numbered(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """Says which line of which process it is.

        After all that is foreign: a value may report while it is shown, or end the process, and
        a gap in the numbers is to be a line that was lost. (A signal handler that raises in the
        few microseconds from here to the sink leaves one all the same.)
        """
        process = self._process.get()
        event.update(process.fields)
        event["seq"] = process.number()
        return event

    def operational(self, phrase: str, data: Mapping[str, object]) -> bool:
        """Emits a line outside the catalogue, such as the heartbeat; whether it was taken."""
        fields = self._process.get().stamps.stamped(events.operational_head(phrase))
        fields["data"] = dict(data)
        return self.emit(fields)

    def _tell(self, event: Event) -> None:
        app = self._app()
        if app is not None:
            events.event_recorded.send(app, _async_wrapper=app.ensure_sync, event=dict(event))


class _EventLogger(structlog.BoundLoggerBase):
    """structlog's bound logger with one method: events have no levels to choose from."""

    def rendered(self, event: Event) -> bytes:
        """What the processors make of the event: its line."""
        # Not by `_process_event`: there is no context to copy, and it costs as much as the rest.
        made: Any = event
        for processor in self._processors:
            made = processor(None, "", made)
        line: bytes = made
        return line

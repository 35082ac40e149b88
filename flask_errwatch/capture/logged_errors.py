"""`ERRWATCH_LOGGED_ERRORS`: records at ERROR or above become events of `logged-error`.

Not by a handler. One at the root logger would silence `logging.lastResort`, Flask's own handler
and `logging.basicConfig`, all of which ask whether there is a handler, and `dictConfig` would
remove it. So the question that every logger asks last, `Logger.filter`, is observed, once per
process: loggers, handlers, levels and their output are unchanged.
"""

from __future__ import annotations

import logging
import sys
import threading
import weakref
from typing import Any, Final

from flask import Flask

from flask_errwatch._fork import PerProcess
from flask_errwatch._text import plain_text
from flask_errwatch.capture.contexts import current_app, current_request
from flask_errwatch.capture.events import Event, short
from flask_errwatch.capture.exceptions import source_file
from flask_errwatch.capture.failures import unwrapped
from flask_errwatch.capture.held_events import HeldEvents
from flask_errwatch.capture.recorded_errors import RecordedErrors, tokens_of
from flask_errwatch.capture.recorder import Recorder
from flask_errwatch.capture.scopes import Scope, current_scope, listen
from flask_errwatch.detectors import LOGGED_ERROR

#: Characters of a message that are kept until it is redacted, and cut further.
_MESSAGE_LENGTH = 8192
#: Threads of this package are named so. What AWS's libraries log in them is about our own lines.
_OWN_THREADS = "errwatch-"


class LoggedErrors:
    """Turns records of an app's loggers into events.

    Args:
        app: The app, referenced weakly.
        names: The loggers: a record of one of them, or of one below it, is an event.
        recorder: Builds and emits the events.
    """

    def __init__(self, app: Flask, names: tuple[str, ...], recorder: Recorder) -> None:
        self.app = weakref.ref(app)
        self._names = names
        self._recorder = recorder
        self._recorded = RecordedErrors()
        self._held = PerProcess(lambda: HeldEvents(self._emit, recorder.delivery.start_thread))
        self._busy: set[int] = set()
        recorder.delivery.before_end(self.emit_held)

    def is_about(self, record: logging.LogRecord) -> bool:
        """Whether the record is of one of the loggers or of one below them."""
        return any(
            name in {"root", record.name} or record.name.startswith(f"{name}.")
            for name in self._names
        )

    def handle(self, record: logging.LogRecord) -> None:
        """Records an event. What is logged in the meantime, in the same thread, is ignored."""
        thread = threading.get_ident()
        if thread in self._busy or threading.current_thread().name.startswith(_OWN_THREADS):
            return
        self._busy.add(thread)
        try:
            self._recorder.guard.run("recording a logged error", self._handle, record)
        finally:
            self._busy.discard(thread)

    def _handle(self, record: logging.LogRecord) -> None:
        error, subjects = _exceptions_of(record)
        if self._recorded.knows(subjects):
            return
        detector = self._recorder.catalogue.named(LOGGED_ERROR.name)
        event = self._recorder.reported_event(
            detector, _fields(record, self._recorder.root), current_request(), error, handled=True
        )
        self._recorder.delivery.ensure_running()
        scope = current_scope()
        if event and subjects and scope is not None:
            tokens = [subject.__dict__ for subject in subjects]
            self._held.get().hold(event, tokens, scope)
        else:
            self._recorder.emit(event)

    def note_recorded(self, error: BaseException) -> None:
        """Drops the events about an exception that has a line of its own now."""
        tokens = self._recorded.note(error)
        held = self._held.peek()
        if held is not None:
            held.drop(tokens)

    def settle(self, scope: Scope, error: BaseException | None) -> None:
        """Emits what was logged in a scope and is not recorded, see `HeldEvents`."""
        held = self._held.peek()
        if held is not None:
            held.settle(scope, [] if error is None else tokens_of(error))

    def emit_held(self) -> None:
        """Emits all that this process holds: it ends, perhaps in the middle of a request."""
        held = self._held.peek()
        if held is not None:
            held.emit_all()

    def _emit(self, event: Event) -> None:
        self._recorder.guard.run("emitting a logged error", self._recorder.emit, event)


def _exceptions_of(record: logging.LogRecord) -> tuple[BaseException | None, list[BaseException]]:
    """The exception that the record shows, and all that the record is about.

    A record without `exc_info` that is logged while an exception is handled is about that one:
    `logger.error("import failed: %s", error)`.
    """
    info: object = record.exc_info
    shown = info[1] if isinstance(info, tuple) and len(info) == 3 else None
    error = shown if isinstance(shown, BaseException) else None
    subject = sys.exc_info()[1] if error is None else error
    if subject is None:
        return None, []
    return error, [subject, unwrapped(subject)]


def _fields(record: logging.LogRecord, root: str) -> dict[str, object]:
    file = source_file(plain_text(record.pathname), root)
    name = record.filename if file is None else file.name
    return {
        "logger": short(plain_text(record.name)),
        "level": short(plain_text(record.levelname)),
        "message": _message(record),
        "where": short(f"{name}:{record.lineno} in {record.funcName}"),
    }


def _message(record: logging.LogRecord) -> str:
    try:
        return short(record.getMessage(), _MESSAGE_LENGTH)
    except Exception:  # noqa: BLE001 - an argument does not fit the message, or its __str__ raised
        is_text = isinstance(record.msg, str)
        return short(record.msg, _MESSAGE_LENGTH) if is_text else "<it cannot be shown>"


#: In the order in which their apps were initialised.
_observers: list[weakref.ref[LoggedErrors]] = []
_plain_filter: Final = logging.Logger.filter


def watch_logged_errors(observer: LoggedErrors) -> None:
    """Hands the records of every logger to the observer, which is referenced weakly.

    A record belongs to the current app. Outside of all contexts it belongs to the first that asked.
    """
    _observers[:] = [reference for reference in _observers if reference() is not None]
    _observers.append(weakref.ref(observer))
    listen(observer)
    logging.Logger.filter = _observed_filter  # type: ignore[assignment, method-assign]


def _observed_filter(logger: logging.Logger, record: logging.LogRecord) -> Any:
    """`Logger.filter`, which is asked once per record, after the logger's level.

    It returns before the first handler is called, so that no traceback that a handler prints
    shows it.
    """
    passed: object = _plain_filter(logger, record)
    level: object = record.levelno
    if passed and isinstance(level, int) and level >= logging.ERROR:
        # Since Python 3.12 a filter may replace the record.
        _observe(passed if isinstance(passed, logging.LogRecord) else record)
    return passed


def _observe(record: logging.LogRecord) -> None:
    app, scope = current_app(), current_scope()
    owner = scope.owner if app is None and scope is not None else None
    for reference in tuple(_observers):
        observer = reference()
        if observer is None or not observer.is_about(record):
            continue
        if app in {None, observer.app()} and owner in {None, observer}:
            observer.handle(record)
            return

"""`ERRWATCH_WATCH_THREADS`: an exception that ends a thread is a critical error.

Python has one hook for all threads, so their failures belong to the first app that has the key on
and still exists.
"""

from __future__ import annotations

import threading
import weakref
from typing import NamedTuple

from flask import Flask

from flask_errwatch.capture.control_flow import is_failure
from flask_errwatch.capture.jobs import failure_recorder
from flask_errwatch.capture.recorded_errors import RecordedErrors
from flask_errwatch.capture.recorder import Recorder


class _Watching(NamedTuple):
    """An app that asked for its threads to be watched."""

    app: weakref.ref[Flask]
    recorder: Recorder
    recorded: RecordedErrors


_watching: list[_Watching] = []


def watch_threads(app: Flask, recorder: Recorder) -> None:
    """Records exceptions that end threads, unless an app that asked before does.

    Args:
        app: The app, referenced weakly.
        recorder: Records the exceptions.
    """
    recorded = RecordedErrors()
    recorder.when_recorded.append(recorded.note)
    _watching[:] = [one for one in _watching if one.app() is not None]
    _watching.append(_Watching(weakref.ref(app), recorder, recorded))
    if not isinstance(threading.excepthook, _Hook):
        threading.excepthook = _Hook()


class _Hook:
    """`threading.excepthook`: records the exception, then calls the hook that was set before."""

    def __init__(self) -> None:
        self._before = threading.excepthook

    def __call__(self, args: threading.ExceptHookArgs) -> None:
        """Called by Python with the exception that ends a thread."""
        one = next((one for one in _watching if one.app() is not None), None)
        if one is not None:
            one.recorder.guard.run("recording a failure of a thread", _record, one, args)
        self._before(args)


def _record(one: _Watching, args: threading.ExceptHookArgs) -> None:
    error = args.exc_value
    # A watch inside the thread may have recorded it.
    if error is not None and is_failure(error) and not one.recorded.knows([error]):
        name = "thread" if args.thread is None else args.thread.name
        failure_recorder(one.recorder)({"job": name}, error)

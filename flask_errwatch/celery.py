"""Records failures of Celery tasks: `from flask_errwatch.celery import watch`."""

from __future__ import annotations

import sys
import time
import weakref
from collections import deque
from typing import Any

from celery import Celery, signals
from celery.exceptions import NotRegistered
from flask import Flask

from flask_errwatch.capture.jobs import Watch, failure_recorder
from flask_errwatch.capture.recorded_errors import RecordedErrors
from flask_errwatch.extension import AppState, ErrWatch

__all__ = ["watch"]

#: Seconds between the two signals for one end of a task, at most.
_SAME_END = 5.0

#: Celery's signals refer to their receivers weakly: these live as long as their Celery app.
_watched: weakref.WeakKeyDictionary[Celery, _Tasks] = weakref.WeakKeyDictionary()


def watch(celery_app: Celery, errwatch: ErrWatch, *, app: Flask | None = None) -> None:
    """Watches every task of a Celery app: each failure becomes a Critical Error line.

    The line has the task's name under `data.job`, and its `task_id`, `queue` and `retries`. A task
    that is retried, ignored or rejected has not failed, nor has one that raises an exception of its
    `throws`. Lines are sent before a child process of a pool ends. A second call for the same
    Celery app replaces the first.

    Args:
        celery_app: The Celery app. Tasks of other Celery apps are not watched.
        errwatch: The extension.
        app: The Flask app, if the extension was initialised on several.

    Example:
        >>> from flask import Flask
        >>> from celery import Celery
        >>> from flask_errwatch import ErrWatch
        >>> app = Flask("shop")
        >>> errwatch = ErrWatch(app)
        >>> watch(Celery("shop"), errwatch)
    """
    tasks = _Tasks(celery_app, errwatch, app)
    _watched[celery_app] = tasks
    signals.task_prerun.connect(tasks.begin)
    signals.task_failure.connect(tasks.fail)
    signals.task_postrun.connect(tasks.end)
    signals.task_internal_error.connect(tasks.fail)
    signals.task_unknown.connect(tasks.refuse)


class _Tasks:
    """The receivers of Celery's signals for one Celery app."""

    def __init__(self, celery_app: Celery, errwatch: ErrWatch, app: Flask | None) -> None:
        self._celery_app = weakref.ref(celery_app)
        self._errwatch = errwatch
        self._app = None if app is None else weakref.ref(app)
        self._running: dict[str, Watch] = {}
        self._recorded = RecordedErrors()
        self._ended: deque[tuple[str, type, float]] = deque(maxlen=100)

    def begin(self, sender: Any, task_id: str, **_: object) -> None:
        """Receives `task_prerun`."""
        if self._is_ours(sender):
            watch = self._watch_of(sender.name, _details(task_id, sender.request))
            watch.__enter__()
            self._running[task_id] = watch

    def fail(self, sender: Any, task_id: str, exception: BaseException, **_: object) -> None:
        """Receives `task_failure` and `task_internal_error`.

        The first is sent in the process that ran the task. For a task whose process was lost or
        took too long, it is sent in the worker's main process. Celery sends both for an error of
        its own.
        """
        if not self._is_ours(sender):
            return
        error = _original(exception)
        if self._recorded.knows([error, exception]):
            return
        self._recorded.note(error)
        watch = self._running.get(task_id)
        if watch is not None:
            watch.record(error)
        elif not self._is_repeated(task_id, error):
            self._record(sender.name, _details(task_id, sender.request), error)

    def end(self, sender: Any, task_id: str, **_: object) -> None:
        """Receives `task_postrun`."""
        watch = self._running.pop(task_id, None) if self._is_ours(sender) else None
        if watch is not None:
            watch.__exit__(None, None, None)

    def refuse(self, sender: Any, name: str, id: str, **_: object) -> None:  # noqa: A002 - Celery's name
        """Receives `task_unknown`: a task that this worker has no code for never runs."""
        if self._is_ours(sender):
            self._record(name, {"task_id": id}, NotRegistered(name))

    def _is_ours(self, sender: Any) -> bool:
        """Whether a task, or a worker's consumer, is of the Celery app that is watched."""
        return getattr(sender, "app", None) is self._celery_app()

    def _is_repeated(self, task_id: str, error: BaseException) -> bool:
        """Whether this is the second signal for the end of a task in another process.

        Celery sends one when a time limit is exceeded and one when the process has ended, each with
        an exception of its own. The broker may deliver the task again, which can fail again.
        """
        now = time.monotonic()
        repeated = any(
            (task_id, type(error)) == (known_id, kind) and now - at < _SAME_END
            for known_id, kind, at in tuple(self._ended)
        )
        self._ended.append((task_id, type(error), now))
        return repeated

    def _record(self, name: str, details: dict[str, object], error: BaseException) -> None:
        watch = self._watch_of(name, details)
        with watch:
            watch.record(error)

    def _watch_of(self, name: str, details: dict[str, object]) -> Watch:
        return Watch(name, lambda: failure_recorder(self._state().recorder), details)

    def _state(self) -> AppState:
        app = None if self._app is None else self._app()
        return self._errwatch._state(app, "celery.watch")  # noqa: SLF001 - of the same package


def _details(task_id: str, request: Any) -> dict[str, object]:
    delivery_info = getattr(request, "delivery_info", None) or {}
    return {
        "task_id": task_id,
        "queue": delivery_info.get("routing_key"),
        "retries": getattr(request, "retries", None),
    }


def _original(exception: BaseException) -> BaseException:
    """The exception that the task raised, where Celery had to replace it to pickle it."""
    raised = sys.exc_info()[1]
    is_replaced = type(exception).__name__ == "UnpickleableExceptionWrapper"
    return raised if is_replaced and raised is not None else exception

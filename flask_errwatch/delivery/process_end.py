"""Stops the deliveries of a process when it ends, in each of the ways that run Python code.

=====================================  ============================================================
process                                what runs at its end
=====================================  ============================================================
an interpreter, a child that returns   `atexit`
a child of `multiprocessing`           its finalizers. From Python 3.13 on also `atexit`, without
                                       the functions that its parent had registered
a child of Celery's prefork pool       the signal `worker_process_shutdown`, then `os._exit`
SIGTERM with its default action        `flask_errwatch.delivery.sigterm`
any other `os._exit`, `kill -9`        nothing: the lines wait for another process
=====================================  ============================================================

So each process registers its own end, at its first line. No module is imported to find out how a
process ends: it is looked up in `sys.modules`.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
import weakref
from typing import Protocol

from flask_errwatch._fork import after_fork, process_flag
from flask_errwatch.delivery.threads import are_greenlets

#: Finalizers run in the order of their priority: those of the app, which may report, run before.
_LAST = -1_000_000

_loaded_in = os.getpid()
_is_registered = process_flag()
_has_forked = process_flag()


class Stoppable(Protocol):
    """What is stopped: a delivery."""

    @property
    def shutdown_timeout(self) -> float:
        """Seconds that `stop` may take."""
        ...

    def stop(self, deadline: float) -> None:
        """Sends what is pending, until a time of the monotonic clock."""
        ...


_running: weakref.WeakSet[Stoppable] = weakref.WeakSet()


def stop_at_end(delivery: Stoppable) -> None:
    """Registers the delivery to be stopped when this process ends."""
    _running.add(delivery)
    if not _is_registered[0]:
        # A signal handler that raises in between registers it twice: `stop_all` allows that.
        _register()
        _is_registered[0] = 1


def stop_all(*_: object, **__: object) -> None:
    """Stops every delivery once, all together within the longest of their timeouts."""
    begun = time.monotonic()
    timeout = max((delivery.shutdown_timeout for delivery in _running), default=0.0)
    if continues_greenlets():
        timeout = 0.0
    for delivery in list(_running):
        delivery.stop(begun + timeout)
        # Afterwards: a signal handler that interrupts it and ends the process goes on with it.
        _running.discard(delivery)


def has_forked() -> bool:
    """Whether this process has children, whose lines may be left to it."""
    return bool(_has_forked[0])


def may_end_by_os_exit() -> bool:
    """Whether this process is a fork that may end with `os._exit`, of which no hook is told.

    A work horse of RQ and a child that the app forks itself are such processes.
    """
    if os.getpid() == _loaded_in or _is_child_of_multiprocessing():
        return False
    return not (_is_child_of_billiard() and "celery.signals" in sys.modules)


def continues_greenlets() -> bool:
    """Whether this process would continue greenlets of its parent while it waits.

    Under gevent a child has them all. A server's greenlet would accept requests in a child that
    then ends. So such a child waits for nothing, and its lines wait for its parent.
    """
    return are_greenlets() and (_is_child_of_multiprocessing() or _is_child_of_billiard())


def _register() -> None:
    atexit.register(stop_all)
    if _is_child_of_multiprocessing() or _is_child_of_billiard():
        # billiard, which is Celery's multiprocessing, runs the same finalizers.
        sys.modules["multiprocessing.util"].Finalize(None, stop_all, exitpriority=_LAST)
    signals = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(stop_all, weak=False, dispatch_uid=__name__)


def _is_child_of_multiprocessing() -> bool:
    module = sys.modules.get("multiprocessing.process")
    return module is not None and module.parent_process() is not None


def _is_child_of_billiard() -> bool:
    module = sys.modules.get("billiard.process")
    # It has no public function for this.
    return module is not None and module.current_process()._parent_pid is not None  # noqa: SLF001


def _note_fork() -> None:
    _has_forked[0] = 1


after_fork(in_parent=_note_fork)

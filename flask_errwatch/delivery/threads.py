"""Daemon threads that leave the process's signals to the app's threads, and its forks intact."""

from __future__ import annotations

import _thread
import contextlib
import importlib
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any, TypeVar

from flask_errwatch._fork import after_fork

_T = TypeVar("_T")

#: The system sends these to the very thread that caused them.
_FAULTS = {
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS", "SIGABRT")
    if hasattr(signal, name)  # Windows has four of them
}

#: The threads that were started here and run, by the number that Python's import locks note.
_running: set[int] = set()
#: The greenlets that were started here.
_greenlets: weakref.WeakSet[Any] = weakref.WeakSet()
#: Seconds that a greenlet without work sleeps at a time.
_LONG = 3600.0


def are_greenlets() -> bool:
    """Whether threads are greenlets of one thread, as under gevent."""
    return not isinstance(_thread.start_new_thread, BuiltinFunctionType)


def start_daemon_thread(name: str, target: Callable[[], None]) -> threading.Thread:
    """Starts a daemon thread that handles no signal of the process and never keeps it from ending.

    A signal to the process is handled in any thread that does not block it (signal(7)). Python's
    own handlers do not mind. uWSGI's handler ends the interpreter from within the thread that it
    interrupts, and hangs when that is not the main one.
    """
    thread = threading.Thread(target=_noted(target), name=name, daemon=True)
    _without_signals(thread.start)
    return thread


def start_brief_thread(target: Callable[[], None]) -> int:
    """Like `start_daemon_thread`, for a thread that ends while the process goes on.

    It is unknown to `threading`: under gevent a forked child continues its parent's greenlets, and
    `threading`, which has forgotten them, would print an error when one of them ends.

    Returns:
        The thread's number.

    Raises:
        RuntimeError: When the system or the interpreter can start no thread.
    """
    return _without_signals(lambda: _thread.start_new_thread(_noted(target), ()))


def _without_signals(start: Callable[[], _T]) -> _T:
    """Starts a thread, which inherits what the thread that starts it blocks meanwhile."""
    # Under gevent a thread is a greenlet of the app's thread, which must get its signals. Threads
    # of Windows block none.
    if are_greenlets() or not hasattr(signal, "pthread_sigmask"):
        return start()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # A program that it starts (boto3 does so for `credential_process`) inherits what it
        # blocks, and may wait for children. A handler of the app may raise in this call already.
        signal.pthread_sigmask(
            signal.SIG_BLOCK, signal.valid_signals() - _FAULTS - {signal.SIGCHLD}
        )
        return start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _noted(target: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        if are_greenlets():
            _run_in_greenlet(target)
        else:
            _running.add(threading.get_ident())
            try:
                target()
            finally:
                _running.discard(threading.get_ident())

    return run


def _run_in_greenlet(target: Callable[[], None]) -> None:
    gevent: Any = sys.modules.get("gevent")
    if gevent is None:  # another library of greenlets
        target()
        return
    started_in = os.getpid()
    _greenlets.add(gevent.getcurrent())
    try:
        target()
    except gevent.GreenletExit:
        if os.getpid() == started_in:
            raise
        # Never to end: `threading`, which has forgotten it, would print an error in the child.
        while True:
            time.sleep(_LONG)


def _end_greenlets() -> None:
    """Ends what the greenlets of the parent are doing, which gevent continues in a child.

    They would take the responses to their parent's calls from the connection that both share.
    """
    for greenlet in [*_greenlets]:
        greenlet.kill(block=False)


def _forget_half_imported() -> None:
    """Forgets the modules that a thread of ours was importing when this process was forked.

    This process does not have that thread: whoever imports such a module here, the app included,
    would wait for it without end. Forgotten, a module is imported again. Python has no function for
    that, and no fork may wait for an import: boto3 takes a good part of a second, on a slow disk
    many.
    """
    gone = _running - {threading.get_ident()}
    _running.clear()
    # Should another Python keep its locks elsewhere, only such a child is affected.
    with contextlib.suppress(AttributeError):
        locks = importlib._bootstrap._module_locks  # type: ignore[attr-defined]  # noqa: SLF001
        for name, reference in list(locks.items()):
            if getattr(reference(), "owner", None) in gone:
                locks.pop(name, None)
                # With its modules: the new package does not know them.
                for module in [*sys.modules]:
                    if module == name or module.startswith(f"{name}."):
                        del sys.modules[module]


after_fork(in_child=_forget_half_imported)
after_fork(in_child=_end_greenlets)

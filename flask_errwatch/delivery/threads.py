"""Daemon threads that leave the process's signals to the app's threads."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable
from types import BuiltinFunctionType

#: The system sends these to the very thread that caused them.
_FAULTS = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL),
    *(signal.SIGTRAP, signal.SIGSYS, signal.SIGABRT),
}


def start_daemon_thread(name: str, target: Callable[[], None]) -> threading.Thread:
    """Starts a daemon thread that handles no signal of the process and never keeps it from ending.

    A signal to the process is handled in any thread that does not block it (signal(7)). Python's
    own handlers do not mind. uWSGI's handler ends the interpreter from within the thread that it
    interrupts, and hangs when that is not the main one.
    """

    def run() -> None:
        # Under gevent a thread is a greenlet of the app's thread, which must get its signals.
        if isinstance(_thread.start_new_thread, BuiltinFunctionType):
            # A program that it starts (boto3 does so for `credential_process`) inherits what it
            # blocks, and may wait for children.
            blocked = signal.valid_signals() - _FAULTS - {signal.SIGCHLD}
            signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
        target()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread

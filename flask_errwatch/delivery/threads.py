"""A thread of our own, which leaves the process's signals to the app's threads."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable
from types import BuiltinFunctionType

#: Sent by the system to the very thread that did something wrong.
_OWN_FAULTS = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL),
    *(signal.SIGTRAP, signal.SIGSYS, signal.SIGABRT),
}


def lasting_thread(name: str, target: Callable[[], None]) -> threading.Thread:
    """A started daemon thread: it never keeps a process from ending, and takes no signal.

    A signal to the process is handled in any thread that does not block it (signal(7)). Python's
    own handlers do not mind; uWSGI's ends the interpreter from within the thread it interrupts,
    and hangs when that is not the main one.
    """

    def quietly() -> None:
        # Under gevent a thread is a greenlet of the app's own, which is to have its signals.
        if isinstance(_thread.start_new_thread, BuiltinFunctionType):
            # A program that it starts (boto3 does so for `credential_process`) blocks what it
            # blocks, and may wait for children of its own.
            for_the_app = signal.valid_signals() - _OWN_FAULTS - {signal.SIGCHLD}
            signal.pthread_sigmask(signal.SIG_BLOCK, for_the_app)
        target()

    thread = threading.Thread(target=quietly, name=name, daemon=True)
    thread.start()
    return thread

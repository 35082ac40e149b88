"""Sends the lines of a process that a SIGTERM ends, unless something else handles it.

Waitress, uvicorn and `flask run` leave SIGTERM its default action, which ends the process without
running any of its code. The handler stops the deliveries and then lets the default action end the
process: whoever waits for it sees that a signal ended it.

It is never installed over another handler, and a handler that is installed later replaces it. The
other signals keep their action. After SIGINT Python runs `atexit`. SIGHUP has no common meaning: it
asks many programs to reload, and the end of a terminal ends no service.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
from types import FrameType
from typing import Any

from flask_errwatch._fork import after_fork
from flask_errwatch.delivery.process_end import stop_all
from flask_errwatch.delivery.threads import are_greenlets

#: Servers in C that embed Python and handle signals themselves. The module of each exists only
#: inside of it.
_EMBEDDING = ("uwsgi", "mod_wsgi")

#: Not empty in a child whose parent had the handler (or was process 1, where none is installed).
_inherited: list[bool] = []


def stop_at_sigterm() -> None:
    """Lets a SIGTERM stop the deliveries first, where it has its default action."""
    if any(module in sys.modules for module in _EMBEDDING):
        return
    handler = signal.getsignal(signal.SIGTERM)
    if handler is signal.SIG_DFL and os.getpid() == 1:
        # The system ignores the default action in the first process of a container, which goes on,
        # but not in its children.
        _inherited.append(True)
    elif handler is signal.SIG_DFL:
        # Another thread and a sub-interpreter cannot install one.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGTERM, _stop_and_end)
    else:
        _stop_after_uvicorn(getattr(handler, "__self__", None))


def stop_at_inherited_sigterm() -> None:
    """The same in a child that has lines, if its parent had the handler."""
    if _inherited:
        stop_at_sigterm()


def _stop_and_end(_number: int, _frame: FrameType | None) -> None:
    # A second one ends the process at once.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if are_greenlets():
        # The handler runs in the greenlet that was interrupted, perhaps the hub, which cannot wait.
        _thread.start_new_thread(_stop_all_and_end, ())
    else:
        _stop_all_and_end()


def _stop_all_and_end() -> None:
    try:
        stop_all()
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def _stop_after_uvicorn(server: Any) -> None:
    """Stops the deliveries at the end of a uvicorn that imports the app as it runs.

    At its end uvicorn restores the handler that it found, the default action, and raises the signal
    again: no code runs after its `shutdown`.
    """
    uvicorn = sys.modules.get("uvicorn")
    if uvicorn is None or not isinstance(server, uvicorn.Server) or "shutdown" in vars(server):
        return
    import asyncio

    shutdown = server.shutdown

    async def shutdown_and_stop(*args: object, **kwargs: object) -> None:
        await shutdown(*args, **kwargs)
        await asyncio.to_thread(stop_all)

    server.shutdown = shutdown_and_stop


def _restore_default_action() -> None:
    """A child without lines ends at once, also while its main thread runs code in C."""
    if signal.getsignal(signal.SIGTERM) is _stop_and_end:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _inherited.append(True)


after_fork(in_child=_restore_default_action)

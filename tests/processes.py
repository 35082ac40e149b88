"""Child processes, and what the system reports of a process."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


def in_a_child(holds: Callable[[], bool]) -> bool:
    """Whether `holds` is true in a child process that was forked without Python's handlers.

    CPython does not know that the child has only one thread. If another thread had just asked for
    the interpreter lock, the child hands it over and waits for that thread without end
    (ceval_gil.c, `drop_gil`). Such a child is ended, and another one forked.
    """
    for seconds in (2, 10, 60):
        child = ctypes.PyDLL(None).fork()
        if child == 0:
            status = 1
            try:
                status = 0 if holds() else 1
            finally:
                os._exit(status)
        exit_status = _wait(child, seconds)
        if exit_status is not None:
            return exit_status == 0
    return False


def _wait(child: int, seconds: float) -> int | None:
    """The exit status of a child; None if it did not end in time and was killed."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def blocked_in(thread: int) -> set[int]:
    """The numbers of the signals that a thread of this process blocks, as the system has it."""
    status = Path(f"/proc/self/task/{thread}/status").read_text()
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigBlk")]
    return {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1}

"""Child processes, and what the system reports of a process."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path


def in_a_child(holds: Callable[[], bool]) -> bool:
    """Whether `holds` is true in a child process that was forked without Python's handlers."""
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        is_true = False
        try:
            is_true = holds()
        finally:
            os._exit(0 if is_true else 1)
    return os.waitpid(child, 0)[1] == 0


def blocked_in(thread: int) -> set[int]:
    """The numbers of the signals that a thread of this process blocks, as the system has it."""
    status = Path(f"/proc/self/task/{thread}/status").read_text()
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigBlk")]
    return {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1}

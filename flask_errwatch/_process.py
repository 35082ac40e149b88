"""What belongs to one process: values made anew after a fork, and the process's identity.

A fork is noticed at use, because not every server that forks runs the handlers of
`os.register_at_fork` (uWSGI does not).
"""

from __future__ import annotations

import itertools
import mmap
import os
import socket
import sys
from collections.abc import Callable, Mapping
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


def _wiped_on_fork() -> mmap.mmap | None:
    """A page of memory that the system fills with zeros in every child; None where it cannot."""
    if sys.platform != "linux":
        return None
    page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        page.madvise(_WIPE_ON_FORK)
    except OSError:
        return None
    try:
        page.madvise(_NO_ADVICE)
    except OSError:
        return page
    return None  # an emulator that takes every advice and follows none


# madvise(2), MADV_WIPEONFORK, since Linux 4.14; Python has no name for it.
_WIPE_ON_FORK, _NO_ADVICE = 18, -1
_page = _wiped_on_fork()
_pid = 0


def current_pid() -> int:
    """`os.getpid()`, without asking the system where memory tells whether there was a fork.

    Example:
        >>> current_pid() == os.getpid()
        True
    """
    global _pid  # noqa: PLW0603 - it belongs to the page
    if _page is None:
        return os.getpid()
    if not _page[0]:
        _pid = os.getpid()
        _page[0] = 1
    return _pid


class PerProcess(Generic[T]):
    """A value that every process makes for itself, at its first use.

    Args:
        make: Makes the value. Two threads may both call it at the same first use, and one of
            the two values is thrown away: it must do nothing but construct.

    Example:
        >>> numbers = PerProcess(list)
        >>> numbers.get() is numbers.get()
        True
    """

    __slots__ = ("_held", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._held: dict[int, T] = {}

    def get(self) -> T:
        """This process's value. Needs no lock: a lock may be held across a fork for ever."""
        pid = current_pid()
        if pid not in self._held:
            # setdefault is atomic: all threads leave with the same value.
            self._held.setdefault(pid, self._make())
            for other in [held for held in list(self._held) if held != pid]:
                self._held.pop(other, None)
        return self._held[pid]

    def peek(self) -> T | None:
        """This process's value if it was made, else None."""
        return self._held.get(current_pid())


class Process:
    """Who writes the lines.

    Args:
        tags: What else every line says.

    Attributes:
        fields: Its part of every line: the tags, the machine's name, the process id, and a
            random token that tells a process id used again apart; from the system, since a
            fork copies the state of `random`.
        numbers: Counts its lines from 1; `next` is atomic.
        random: Random numbers, seeded by the system for the same reason.
    """

    def __init__(self, tags: Mapping[str, object]) -> None:
        self.fields: Mapping[str, object] = {
            **tags,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": os.urandom(4).hex(),
        }
        self.numbers = itertools.count(1)
        self.random = Random()  # noqa: S311 - for ids, which are no secrets

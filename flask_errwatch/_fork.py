"""Values that belong to one process: each process makes its own, also after a fork.

A fork is noticed at use, because not every server that forks runs the handlers of
`os.register_at_fork` (uWSGI does not).
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Mark(Protocol):
    """One number, `mark[0]`, that is 0 in every process until that process has set it to 1."""

    def __getitem__(self, index: int, /) -> int: ...

    def __setitem__(self, index: int, value: int, /) -> None: ...


def mark() -> Mark:
    """A mark; to look at it takes no call, where the system can empty memory in every child.

    Example:
        >>> here = mark()
        >>> here[0]
        0
        >>> here[0] = 1
        >>> here[0]
        1
    """
    if sys.platform != "linux":
        return _MarkByPid()
    try:
        # A page of memory that the system fills with zeros in every child.
        page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page.madvise(_WIPE_ON_FORK)
    except OSError:
        return _MarkByPid()
    try:
        page.madvise(_NO_ADVICE)
    except OSError:
        return page
    return _MarkByPid()  # an emulator that takes every advice and follows none


# madvise(2), MADV_WIPEONFORK, since Linux 4.14; Python has no name for it.
_WIPE_ON_FORK, _NO_ADVICE = 18, -1


class _MarkByPid:
    """The same by asking the system who this is, every time."""

    def __init__(self) -> None:
        self._set_in = 0

    def __getitem__(self, _index: int, /) -> int:
        return int(self._set_in == os.getpid())

    def __setitem__(self, _index: int, value: int, /) -> None:
        self._set_in = os.getpid() if value else 0


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

    __slots__ = ("_here", "_made", "_make", "_value")

    _value: T

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}
        self._here = mark()

    def get(self) -> T:
        """This process's value. Needs no lock: a lock may be held across a fork for ever."""
        if not self._here[0]:
            pid = os.getpid()
            # setdefault is atomic: all threads leave with the same value.
            self._value = self._made.setdefault(pid, self._make())
            self._here[0] = 1
            for other in [made for made in list(self._made) if made != pid]:
                self._made.pop(other, None)
        return self._value

    def peek(self) -> T | None:
        """This process's value if it was made, else None."""
        return self._value if self._here[0] else None

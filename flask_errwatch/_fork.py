"""Values that belong to one process: each process creates its own, also after a fork.

And whether the system is one that forks.

A fork is detected on use, because not every server that forks runs the handlers of
`os.register_at_fork` (uWSGI does not).
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


def _has_record_locks() -> bool:
    try:
        import fcntl  # noqa: F401
    except ImportError:  # Windows
        return False
    return True


#: Whether the system has record locks, and reports whether a pipe has room.
HAS_POSIX = _has_record_locks()


def after_fork(
    *, in_child: Callable[[], None] | None = None, in_parent: Callable[[], None] | None = None
) -> None:
    """Has the functions called after each fork, where there are forks: Windows has none.

    Args:
        in_child: Called in the child.
        in_parent: Called in its parent.
    """
    register = getattr(os, "register_at_fork", None)
    if register is not None:
        calls = {"after_in_child": in_child, "after_in_parent": in_parent}
        register(**{when: call for when, call in calls.items() if call is not None})


class ProcessFlag(Protocol):
    """A number, `flag[0]`, that is 0 in every process until that process sets it to 1."""

    def __getitem__(self, index: int, /) -> int: ...

    def __setitem__(self, index: int, value: int, /) -> None: ...


def process_flag() -> ProcessFlag:
    """Creates a flag. Where the system can clear memory in a child, reading it takes no call.

    Example:
        >>> flag = process_flag()
        >>> flag[0]
        0
        >>> flag[0] = 1
        >>> flag[0]
        1
    """
    if sys.platform != "linux":
        return _FlagByPid()
    try:
        # A page of memory that the system fills with zeros in every child.
        page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page.madvise(_WIPE_ON_FORK)
    except OSError:
        return _FlagByPid()
    try:
        page.madvise(_INVALID_ADVICE)
    except OSError:
        return page
    return _FlagByPid()  # an emulator that accepts any advice and follows none


# madvise(2), MADV_WIPEONFORK, since Linux 4.14. Python has no name for it.
_WIPE_ON_FORK, _INVALID_ADVICE = 18, -1


class _FlagByPid:
    """A process flag that compares the process id on every read."""

    def __init__(self) -> None:
        self._set_in = 0

    def __getitem__(self, _index: int, /) -> int:
        return int(self._set_in == os.getpid())

    def __setitem__(self, _index: int, value: int, /) -> None:
        self._set_in = os.getpid() if value else 0


class PerProcess(Generic[T]):
    """A value that every process creates for itself on first use.

    Args:
        create: Creates the value and must have no other effect: two threads may both call it
            on first use, and one of the two values is discarded.

    Example:
        >>> numbers = PerProcess(list)
        >>> numbers.get() is numbers.get()
        True
    """

    __slots__ = ("_create", "_is_created", "_value", "_values")

    _value: T

    def __init__(self, create: Callable[[], T]) -> None:
        self._create = create
        self._values: dict[int, T] = {}
        self._is_created = process_flag()

    def get(self) -> T:
        """This process's value. Takes no lock: a lock may be held across a fork for ever."""
        if not self._is_created[0]:
            pid = os.getpid()
            # setdefault is atomic: all threads get the same value.
            self._value = self._values.setdefault(pid, self._create())
            self._is_created[0] = 1
            for other in [known for known in list(self._values) if known != pid]:
                self._values.pop(other, None)
        return self._value

    def peek(self) -> T | None:
        """This process's value if it has been created, else None."""
        return self._value if self._is_created[0] else None

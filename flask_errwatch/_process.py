"""What belongs to one process: values made anew after a fork, and the process's identity.

A fork is noticed by `os.getpid()` at use, because not every server that forks runs the
handlers of `os.register_at_fork` (uWSGI does not).
"""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


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
        pid = os.getpid()
        if pid not in self._held:
            # setdefault is atomic: all threads leave with the same value.
            self._held.setdefault(pid, self._make())
            for other in [held for held in list(self._held) if held != pid]:
                self._held.pop(other, None)
        return self._held[pid]

    def peek(self) -> T | None:
        """This process's value if it was made, else None."""
        return self._held.get(os.getpid())


@dataclass(frozen=True, slots=True)
class Process:
    """Who writes the lines.

    Attributes:
        fields: Its part of every line: the machine's name, the process id, and a random token
            that tells a process id used again apart; from the system, since a fork copies the
            state of `random`.
        numbers: Counts its lines from 1; `next` is atomic.
    """

    fields: Mapping[str, object] = field(
        default_factory=lambda: {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": os.urandom(4).hex(),
        }
    )
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

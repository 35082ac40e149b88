"""The one place where an exception is kept away from the app: it is counted and told.

The sensor must not break what it watches. Whatever of ours, or of a hook, might raise on a
request runs through a `Guard`; everything the operator must know goes through `tell`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from flask_errwatch._text import described, one_line

Args = TypeVarTuple("Args")
T = TypeVar("T")


class Guard:
    """Runs what may fail; a failure is counted, told once on stderr, and goes no further.

    Attributes:
        failures: How many calls failed in this process.
        last_error: What the last one said, or None.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.last_error: str | None = None
        self._told: set[str] = set()

    def run(self, where: str, call: Callable[[*Args], T], /, *args: *Args) -> T | None:
        """What the call returns, or None when it raised.

        Args:
            where: What failed, as the operator is told it; told once.
            call: The callable.
            *args: What it is called with.
        """
        with self.over(where):
            return call(*args)
        return None

    def over(self, where: str) -> Guarded:
        """The same for a block: `with guard.over("a step"): …`, again and again.

        Args:
            where: What failed, as the operator is told it; told once.
        """
        return Guarded(self, where)

    def note(self, where: str, error: BaseException) -> None:
        """Counts a failure that somebody else caught, and tells of it."""
        self.failures += 1
        self.last_error = f"{where}: {described(error)}"
        self.tell(where, f"{self.last_error} (told once; counted in stats)")

    def tell(self, key: str, text: str) -> None:
        """Writes one line on stderr, the first time that `key` is told in this process."""
        if key not in self._told:
            self._told.add(key)
            tell(text)

    def forget(self, key: str) -> None:
        """Lets `key` be told again, when what it told of is over."""
        self._told.discard(key)


class Guarded:
    """The one place where an exception ends: it is counted and told, and the block is left."""

    def __init__(self, guard: Guard, where: str) -> None:
        self._guard = guard
        self._where = where

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        # By its type: what it says of its class may be a lie.
        if error is None or not issubclass(type(error), Exception):
            return False
        self._guard.note(self._where, error)
        return True


def tell(text: str) -> None:
    """Writes one line on stderr, whole; a closed stderr is no reason to fail."""
    stream = sys.stderr
    if stream is None:
        return
    try:
        stream.write(f"flask-errwatch: {one_line(text)}\n")
        stream.flush()
    except (OSError, ValueError):
        return

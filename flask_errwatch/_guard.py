"""The only place that swallows exceptions: they are counted, and logged once to stderr.

The sensor must not break the app that it observes. Every operation of this package, or of a hook,
that may raise during a request runs through a `Guard`. Everything that the operator must know is
written by `warn`.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from typing import TextIO, TypeVar, TypeVarTuple

from flask_errwatch._text import described, one_line

Args = TypeVarTuple("Args")
T = TypeVar("T")

#: Seconds that a message waits for room.
_PATIENCE = 0.05


class Guard:
    """Runs operations that may fail. A failure is counted, logged once and swallowed.

    Attributes:
        failures: Number of failures in this process.
        last_error: Step, type and message of the last failure, or None.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.last_error: str | None = None
        self._warned: set[str] = set()

    def run(self, step: str, call: Callable[[*Args], T], /, *args: *Args) -> T | None:
        """Returns the result of the call, or None when it raised.

        Args:
            step: Name of the operation, for the message. Its failures are logged once.
            call: The callable.
            *args: Its arguments.
        """
        with self.suppress(step):
            return call(*args)
        return None

    def suppress(self, step: str) -> GuardedBlock:
        """Like `run`, for a block: `with guard.suppress("a step"): …`. It can be used repeatedly.

        Args:
            step: Name of the operation, for the message. Its failures are logged once.
        """
        return GuardedBlock(self, step)

    def note_failure(self, step: str, error: BaseException) -> None:
        """Counts and logs a failure that the caller caught."""
        self.failures += 1
        self.last_error = f"{step}: {described(error)}"
        self.warn_once(step, f"{self.last_error} (logged once; counted in stats)")

    def warn_once(self, key: str, text: str) -> None:
        """Writes one line to stderr, once per `key` in this process."""
        if key not in self._warned:
            self._warned.add(key)
            warn(text)


class GuardedBlock:
    """The context manager of `Guard.suppress`."""

    def __init__(self, guard: Guard, step: str) -> None:
        self._guard = guard
        self._step = step

    def __enter__(self) -> None:
        """No set-up needed."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        # By `type`: an exception's `__class__` may be forged.
        if error is None or not issubclass(type(error), Exception):
            return False
        self._guard.note_failure(self._step, error)
        return True


def warn(text: str) -> None:
    """Writes one whole line to stderr.

    It is left out if stderr is closed, broken, or has no room within `_PATIENCE`: a pipe that
    no one reads must not stop a request.
    """
    stream = sys.stderr
    if stream is None:
        return
    try:
        if _has_room(stream):
            stream.write(f"flask-errwatch: {one_line(text)}\n")
            stream.flush()
    except Exception:  # noqa: BLE001 - the app may have put any object there
        return


def _has_room(stream: TextIO) -> bool:
    try:
        _, writable, _ = select.select((), (stream.fileno(),), (), _PATIENCE)
    except (AttributeError, OSError, ValueError):
        return True  # in memory, or for the write to tell
    return bool(writable)

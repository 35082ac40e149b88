"""Events of logged exceptions that wait until it is known whether the exception has a line anyway.

A view that logs an exception and raises it again has failed once. When the record arrives,
it is not known yet whether the exception will be recorded, so its event is held. It is dropped when
the exception is recorded, and emitted when its request or job has ended without that, after
`LONGEST_HOLD`, or as the process ends.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask_errwatch.capture.events import Event
from flask_errwatch.capture.recorded_errors import Token, share_an_exception
from flask_errwatch.capture.scopes import Scope

#: Longest time in seconds that an event is held: a job may run for ever.
LONGEST_HOLD = 5.0
#: Seconds between two looks at the events that are held.
_SWEEP = 0.5
#: Events that are held at a time. Further ones are emitted at once.
_MOST = 1000

#: Starts a daemon thread by its name and function.
StartThread = Callable[[str, Callable[[], None]], object]


@dataclass(kw_only=True, slots=True)
class _Held:
    """An event, the exceptions that it is about, and the scope that it waits for, if any."""

    event: Event
    tokens: list[Token]
    scope: Scope | None
    until: float


class HeldEvents:
    """The events that one process holds for an app.

    Args:
        emit: Emits an event.
        start_thread: Starts the thread that emits what was held for too long.
    """

    # Every event is popped before it is emitted or dropped, which is atomic: no lock is needed,
    # and a signal handler may log in the middle of anything here.

    def __init__(self, emit: Callable[[Event], object], start_thread: StartThread) -> None:
        self._emit = emit
        self._start_thread = start_thread
        self._held: dict[int, _Held] = {}
        self._numbers = itertools.count()
        self._lock = threading.RLock()
        self._is_sweeping = False

    def hold(self, event: Event, tokens: list[Token], scope: Scope) -> None:
        """Holds an event, or emits it if that is impossible."""
        if len(self._held) >= _MOST:
            self._emit(event)
            return
        until = time.monotonic() + LONGEST_HOLD
        self._held[next(self._numbers)] = _Held(
            event=event, tokens=tokens, scope=scope, until=until
        )
        with self._lock:
            if self._is_sweeping:
                return
            try:
                self._start_thread("errwatch-held-events", self._sweep)
                self._is_sweeping = True
            except RuntimeError:  # the system has no thread for us, or the process ends
                self.emit_all()

    def drop(self, tokens: list[Token]) -> None:
        """Drops the events about an exception that has got a line of its own."""
        self._take(lambda held: share_an_exception(held.tokens, tokens))

    def settle(self, scope: Scope, escaping: list[Token]) -> None:
        """Emits the events of the scope, unless a scope around it may still record them.

        Args:
            scope: The scope.
            escaping: The exceptions that leave it. Who is around it may record them.
        """
        for held in list(self._held.values()):
            if held.scope is scope:
                held.scope = scope.outer
                if scope.outer is None and not share_an_exception(held.tokens, escaping):
                    held.until = 0.0
        self._emit_due()

    def emit_all(self) -> None:
        """Emits everything."""
        for held in self._take(lambda _held: True):
            self._emit(held.event)

    def _emit_due(self) -> None:
        now = time.monotonic()
        for held in self._take(lambda held: held.until <= now):
            self._emit(held.event)

    def _take(self, matches: Callable[[_Held], bool]) -> list[_Held]:
        numbers = [number for number, held in list(self._held.items()) if matches(held)]
        taken = [self._held.pop(number, None) for number in numbers]
        return [held for held in taken if held is not None]

    def _sweep(self) -> None:
        """Runs in the thread until nothing is held."""
        while True:
            time.sleep(_SWEEP)
            self._emit_due()
            with self._lock:
                if not self._held:
                    self._is_sweeping = False
                    return

"""When to try again: capped exponential back-off with jitter, and who is told of it."""

from __future__ import annotations

import random

#: Seconds: the first wait, and the longest one.
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
#: A single failure is ordinary; from this one on the circuit is open and the operator is told.
OPENS_AT = 2

#: From the system: the state of `random` is the application's, and a fork copies it.
_JITTER = random.SystemRandom()


class Breaker:
    """Counts failures in a row. While it is open, lines only go to the journal.

    Example:
        >>> breaker = Breaker()
        >>> breaker.failed(100.0), breaker.may_try(100.1), breaker.may_try(111.0)
        (False, False, True)
        >>> breaker.failed(111.0), breaker.is_open
        (True, True)
        >>> breaker.succeeded(), breaker.is_open
        (True, False)
    """

    def __init__(self) -> None:
        self._failures = 0
        self._try_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether sending has failed more than once in a row."""
        return self._failures >= OPENS_AT

    def may_try(self, now: float) -> bool:
        """Whether the wait is over; `now` is in seconds of a monotonic clock."""
        return now >= self._try_at

    def failed(self, now: float) -> bool:
        """Notes a failure; whether it opened the circuit."""
        self._failures += 1
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._failures - 1, 10))
        # "Equal jitter": at least half the wait, so that many processes do not try as one
        # (AWS Architecture Blog, Exponential Backoff And Jitter).
        self._try_at = now + longest * (0.5 + _JITTER.random() / 2)
        return self._failures == OPENS_AT

    def succeeded(self) -> bool:
        """Notes a success; whether it closed the circuit."""
        was_open = self.is_open
        self._failures = 0
        self._try_at = 0.0
        return was_open

    def hurry(self) -> None:
        """Lets the next try come at once: the process ends, or somebody waits."""
        self._try_at = 0.0

"""Capped exponential back-off with jitter, and when the operator is notified of failures."""

from __future__ import annotations

import random

#: Seconds: the first wait, and the longest one.
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
#: A single failure is ordinary. From this one on the circuit is open and the operator is notified.
OPENS_AT = 2

#: From the system: the state of `random` belongs to the application, and a fork copies it.
_JITTER = random.SystemRandom()


class Backoff:
    """Counts failures in a row and decides when the next try may come.

    Example:
        >>> backoff = Backoff()
        >>> backoff.failed(100.0), backoff.may_try(100.1), backoff.may_try(111.0)
        (False, False, True)
        >>> backoff.failed(111.0), backoff.is_open
        (True, True)
        >>> backoff.succeeded(), backoff.is_open
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
        """Whether the wait is over. `now` is in seconds of a monotonic clock."""
        return now >= self._try_at

    def failed(self, now: float) -> bool:
        """Records a failure and returns whether it opened the circuit."""
        self._failures += 1
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._failures - 1, 10))
        # "Equal jitter": at least half the wait, so that many processes do not try at once
        # (AWS Architecture Blog, Exponential Backoff And Jitter).
        self._try_at = now + longest * (0.5 + _JITTER.random() / 2)
        return self._failures == OPENS_AT

    def succeeded(self) -> bool:
        """Records a success and returns whether it closed the circuit."""
        was_open = self.is_open
        self._failures = 0
        self._try_at = 0.0
        return was_open

    def reset(self) -> None:
        """Ends the wait, because the process ends or a caller flushes. Failures still count."""
        self._try_at = 0.0

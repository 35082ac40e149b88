"""The heartbeat: a line a minute, which makes zeros real and a dead sensor visible."""

from __future__ import annotations

from collections.abc import Callable


class Heartbeat:
    """Beats once an interval.

    A metric filter's default value is only published for minutes in which some line came in
    (AWS, Creating metrics from log events using filters): without a heartbeat, a quiet app
    has no zeros but no data.

    Args:
        interval: Seconds between two beats; 0 means none.
        beat: Emits the line.
    """

    def __init__(self, interval: float, beat: Callable[[], None]) -> None:
        self._interval = interval
        self._beat = beat
        self._next: float | None = None

    def __call__(self, now: float) -> None:
        """Beats when it is time; `now` is in seconds of a monotonic clock."""
        if self._next is None:
            self._next = now + self._interval
        if self._interval and now >= self._next:
            self._next = now + self._interval
            self._beat()

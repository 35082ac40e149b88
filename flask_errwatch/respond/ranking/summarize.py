"""Reads the lines of a window twice, and sums them up. Pure: the lines come from the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from flask_errwatch.respond.ranking.first_reading import FirstReading, IsCounted
from flask_errwatch.respond.ranking.lines import Line
from flask_errwatch.respond.ranking.order import NO_LEAST, Least
from flask_errwatch.respond.ranking.second_reading import PRECISE, SecondReading
from flask_errwatch.respond.ranking.summary import Event, Summary
from flask_errwatch.respond.ranking.window import Window

#: A line with its time, in seconds since the epoch.
TimedEvent = tuple[float, Event]
#: A request of an access log: its time in seconds since the epoch, its source, its status.
Answer = tuple[float, str, int]

#: Sources of each order that get a row, by default.
SOURCES: Final = PRECISE


def summarize(
    read: Callable[[], Iterable[TimedEvent]],
    is_counted: IsCounted,
    *,
    window: Window,
    sources: int = SOURCES,
    least: Least = NO_LEAST,
) -> Summary:
    """Sums up the lines of a window, in a bounded amount of memory.

    Args:
        read: Yields the app's lines of the window, of the hour before and of what followed, in any
            order: all of them, whether the alarm counts them or not. It is called twice.
        is_counted: Whether the alarm counts a line.
        window: The time that is asked about.
        sources: How many of the most suspicious sources get a row, of those that guess most and of
            those with most lines.
        least: What a source must have to get one.

    Example:
        >>> line = {"client_ip": "192.0.2.7", "status": 404, "path": "/.env", "suspicion": 2}
        >>> window = Window(start=0, end=60)
        >>> summary = summarize(lambda: [(0.5, line)], lambda _: True, window=window)
        >>> summary.sources[0].source, summary.sources[0].suspicion, summary.lines
        ('192.0.2.7', 2.0, 1)
    """
    first = FirstReading(window, is_counted)
    for at, event in read():
        first.add(at, Line.of(event))
    second = SecondReading(first, sources, least)
    for at, event in read():
        second.add(at, Line.of(event))
    return second.summary()

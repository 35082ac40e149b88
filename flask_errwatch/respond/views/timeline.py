"""The bars of a timeline: the lines of one source over the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask_errwatch.respond.ranking.summary import Minute, Summary

#: More bars would be too thin on a phone.
_MOST: Final = 120
_MINUTE: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """The lines of one step.

    Attributes:
        start: In seconds since the epoch.
        lines: Lines.
        suspicion: The sum of their `suspicion`.
        place: Where it begins, in percent of the timeline.
        height: In percent of the highest bar.
    """

    start: int
    lines: int
    suspicion: float
    place: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """The lines of one source over time.

    Attributes:
        start: Its first moment, in seconds since the epoch.
        end: Its end.
        step: Seconds of one bar.
        bars: Steps with lines, in the order of their times.
    """

    start: int
    end: int
    step: int
    bars: tuple[Bar, ...]

    @property
    def highest(self) -> int:
        """The lines of the highest bar."""
        return max((bar.lines for bar in self.bars), default=0)

    @property
    def is_suspicious(self) -> bool:
        """Whether one of its lines is."""
        return any(bar.suspicion for bar in self.bars)

    @property
    def width(self) -> float:
        """The width of a bar, in percent of the timeline."""
        return 100 * self.step / (self.end - self.start)


def timeline(summary: Summary) -> Timeline:
    """The timeline of the first source.

    Args:
        summary: Whose `minutes` are drawn.
    """
    minutes = summary.minutes
    start = int(min([summary.window.start, *(minute.start for minute in minutes)]))
    start -= start % _MINUTE
    end = max([summary.window.end, *(minute.start + _MINUTE for minute in minutes)])
    in_window = max(1, -int((start - end) // _MINUTE))
    step = _MINUTE * -(-in_window // _MOST)
    until = start + step * -(-in_window * _MINUTE // step)
    return Timeline(start=start, end=until, step=step, bars=_bars(minutes, start, until, step))


def _bars(minutes: Sequence[Minute], start: int, end: int, step: int) -> tuple[Bar, ...]:
    sums: dict[int, tuple[int, float]] = {}
    for minute in minutes:
        begin = minute.start - (minute.start - start) % step
        lines, suspicion = sums.get(begin, (0, 0.0))
        sums[begin] = (lines + minute.lines, suspicion + minute.suspicion)
    highest = max((lines for lines, _ in sums.values()), default=0) or 1
    return tuple(
        Bar(
            start=begin,
            lines=lines,
            suspicion=suspicion,
            place=100 * (begin - start) / (end - start),
            height=100 * lines / highest,
        )
        for begin, (lines, suspicion) in sorted(sums.items())
    )

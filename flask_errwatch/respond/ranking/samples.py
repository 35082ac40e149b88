"""What is shown of one source: its first lines, and its lines over time."""

from __future__ import annotations

from collections import Counter
from typing import Final

from flask_errwatch.respond.ranking.lines import Line, text
from flask_errwatch.respond.ranking.summary import Event, Minute

#: The fields of a line that are shown of it.
_SHOWN: Final = (
    *("event", "detector", "timestamp", "id", "status", "method", "path", "route", "client_ip"),
    *("user", "user_agent", "referrer", "path_class", "suspicion", "request_id", "count"),
    "release",
)


class Samples:
    """A few lines of the first source, and its lines over time.

    Args:
        most: Lines that are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[float, Event]] = []
        self._lines: Counter[int] = Counter()
        self._suspicion: dict[int, float] = {}

    def add(self, at: float, line: Line) -> None:
        """Adds a line of the window that the alarm counts."""
        minute = int(at // 60) * 60
        self._lines[minute] += line.weight
        self._suspicion[minute] = self._suspicion.get(minute, 0) + line.suspicion
        if len(self._kept) < self._most or at < self._kept[-1][0]:
            self._kept.append((at, _sample(line.event)))
            self._kept = sorted(self._kept, key=lambda kept: kept[0])[: self._most]

    @property
    def events(self) -> tuple[Event, ...]:
        """The earliest lines, in the order of their times."""
        return tuple(event for _, event in self._kept)

    @property
    def minutes(self) -> tuple[Minute, ...]:
        """The minutes that have lines, in their order."""
        return tuple(
            Minute(start=start, lines=lines, suspicion=self._suspicion[start])
            for start, lines in sorted(self._lines.items())
        )


def _sample(event: Event) -> Event:
    """The fields of a line that are shown, cut: texts and numbers alone."""
    shown: dict[str, object] = {}
    for field in _SHOWN:
        value = event.get(field)
        if isinstance(value, str):
            shown[field] = text(event, field) or ""
        elif isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 1 << 63):
            shown[field] = value
    return shown

"""The alarms to evaluate, by the moment of their evaluation."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from flask_errwatch.simulation.alarm_state import AlarmWatch
from flask_errwatch.simulation.log_alarms import LogAlarmWatch

#: An alarm on metrics or lines. A composite alarm follows those.
Watch = AlarmWatch | LogAlarmWatch


class Agenda:
    """Moments in order, each with the alarms that are evaluated then."""

    def __init__(self) -> None:
        self._due: dict[int, set[Watch]] = {}
        self._moments: list[int] = []

    def add(self, moment: int, watches: Iterable[Watch]) -> None:
        """Adds alarms to those of a moment."""
        due = self._due.get(moment)
        if due is None:
            due = self._due[moment] = set()
            heapq.heappush(self._moments, moment)
        due.update(watches)

    def until(self, end: int) -> Iterator[tuple[int, set[Watch]]]:
        """Removes and yields every moment up to that second, in order."""
        while self._moments and self._moments[0] <= end:
            moment = heapq.heappop(self._moments)
            yield moment, self._due.pop(moment)

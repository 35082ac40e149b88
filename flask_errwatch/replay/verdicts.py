"""What the lines of each alarm look like: the logs are read again, for the times of alarms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from flask_errwatch.detectors import Detector
from flask_errwatch.replay.gathering.gathered import MISSING, Gathered
from flask_errwatch.replay.session import Session
from flask_errwatch.respond.answer.rules import suspicion_threshold, verdict
from flask_errwatch.respond.answer.verdict import Verdict
from flask_errwatch.respond.ranking.first_reading import FirstReading, IsCounted
from flask_errwatch.respond.ranking.second_reading import SecondReading
from flask_errwatch.respond.ranking.summary import Event
from flask_errwatch.respond.ranking.window import BASELINE, Window
from flask_errwatch.simulation import MINUTE, FiredAlarm, JudgedLog

#: Alarms whose lines are looked at: the worst of each name, then the newest.
MOST = 100
_WORST = 10
# Sources of each order that get a row.
_SOURCES = 10
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class AlarmVerdicts:
    """The verdicts of a log.

    Attributes:
        by_alarm: By the name of the detector or alarm, and the time that it fired.
        left_out: How many alarms have none, since there are too many.
    """

    by_alarm: Mapping[tuple[str, FiredAlarm], Verdict]
    left_out: int = 0

    def of(self, name: str, alarm: FiredAlarm) -> Verdict | None:
        """The verdict on an alarm."""
        return self.by_alarm.get((name, alarm))


#: Where no log was read again.
NO_VERDICTS = AlarmVerdicts({})


@dataclass(frozen=True, slots=True)
class _Asked:
    """An alarm that is asked about, with the detector whose lines it counts."""

    name: str
    alarm: FiredAlarm
    detector: Detector

    def window(self, end: int) -> Window:
        """From the first line that made it fire until it ended."""
        until = end if self.alarm.span.end is None else self.alarm.span.end
        return Window(start=self.alarm.span.since, end=max(until, self.alarm.span.start))


def has_alarms(judged: JudgedLog) -> bool:
    """Whether there is an alarm whose lines can be looked at."""
    return next(_fired(judged), None) is not None


def verdicts(session: Session, judged: JudgedLog) -> AlarmVerdicts:
    """Looks at the lines of the worst and of the newest alarms. Reads the logs twice.

    Args:
        session: What was read. Its logs can be read again.
        judged: The judged log.
    """
    gathered = session.gathered
    fired = [*_fired(judged)]
    asked = _chosen(fired)
    filters = _FiltersOf(gathered)
    app_name = gathered.detectors.desired.app_name
    windows = [one.window(judged.end or 0) for one in asked]
    firsts = [
        FirstReading(window, filters.is_counted_by(one.detector.resource_name(app_name)))
        for one, window in zip(asked, windows, strict=True)
    ]
    concerned = _concerned(windows)
    _read(session, concerned, firsts)
    seconds = [SecondReading(first, _SOURCES) for first in firsts]
    _read(session, concerned, seconds)
    threshold = suspicion_threshold(gathered.detectors.catalogue)
    by_alarm = {
        (one.name, one.alarm): verdict(second.summary(), threshold_of_suspicion=threshold)
        for one, second in zip(asked, seconds, strict=True)
    }
    return AlarmVerdicts(by_alarm, len(fired) - len(asked))


def _chosen(fired: Iterable[_Asked]) -> list[_Asked]:
    """The worst alarms of each name, and the newest of all others, up to `MOST`."""
    worst: list[_Asked] = []
    others: list[_Asked] = []
    ranks: Counter[str] = Counter()
    for asked in sorted(fired, key=lambda asked: -(asked.alarm.span.peak or 0.0)):
        (worst if ranks[asked.name] < _WORST else others).append(asked)
        ranks[asked.name] += 1
    newest_first = (
        sorted(group, key=lambda asked: -asked.alarm.span.start) for group in (worst, others)
    )
    return [*chain(*newest_first)][:MOST]


def _concerned(windows: Sequence[Window]) -> Callable[[int], tuple[int, ...]]:
    """The numbers of the windows for which the lines of a minute are read."""

    @lru_cache(_REMEMBERED)
    def of_minute(minute: int) -> tuple[int, ...]:
        return tuple(
            number
            for number, window in enumerate(windows)
            # A guess may succeed after the window.
            if window.start - BASELINE - MINUTE < minute < window.end + BASELINE
        )

    return of_minute


def _read(
    session: Session,
    concerned: Callable[[int], tuple[int, ...]],
    readings: Sequence[FirstReading] | Sequence[SecondReading],
) -> None:
    """Reads the logs once, each line for every window that it concerns."""
    for at, line in session.lines(lambda minute: bool(concerned(minute))):
        for number in concerned(int(at // MINUTE) * MINUTE):
            readings[number].add(at, line)


def _fired(judged: JudgedLog) -> Iterator[_Asked]:
    """The alarms that count lines of a detector."""
    for detector in judged.detectors:
        for alarm in detector.alarms:
            yield _Asked(detector.detector.name, alarm, detector.detector)
    for other in judged.others:
        if other.detector is not None:
            for alarm in other.alarms:
                yield _Asked(other.name, alarm, other.detector)


class _FiltersOf:
    """The metric filters that a line matches, found once for each line."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._event: Event = {}
        self._filters: frozenset[str] = frozenset()

    def is_counted_by(self, name: str) -> IsCounted:
        """Whether the filter of this name counts a line."""
        return lambda event: name in self.of(event)

    def of(self, event: Event) -> frozenset[str]:
        """The names of the filters."""
        if event is not self._event:
            self._event, self._filters = event, self._found(event)
        return self._filters

    def _found(self, event: Event) -> frozenset[str]:
        gathered = self._gathered
        try:
            values = tuple(event.get(field, MISSING) for field in gathered.kinds.fields)
            return gathered.kind_of(values).filters
        except TypeError:  # a list or an object, where a filter reads a value
            return gathered.kinds.of(dict(event)).filters

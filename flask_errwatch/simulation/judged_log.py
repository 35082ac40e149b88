"""The result of judging a whole log, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from flask_errwatch.detectors import Detector
from flask_errwatch.simulation.conditions import AlarmCondition
from flask_errwatch.simulation.inputs import Unjudged
from flask_errwatch.simulation.names import NameCount

_DAY = 86_400


class Span(NamedTuple):
    """The time that an alarm was in ALARM.

    Attributes:
        start: When it went to ALARM, in seconds since the epoch.
        end: When it left ALARM, or None when the log ends before.
        peak: Its farthest datapoint, None where it had none.
        since: The first second of the lines that made it fire.
    """

    start: int
    end: int | None
    peak: float | None
    since: int


class Offence(NamedTuple):
    """What a source did that made an alarm on sources fire.

    Attributes:
        source: The client's address, or `peer ADDRESS` where the client is not known.
        since: The first second of the minute of its first line that the alarm counted.
        lines: Its lines from then until the alarm.
        value: What those that the alarm counted add up to.
    """

    source: str
    since: int
    lines: int
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FiredAlarm:
    """One time that an alarm would have fired on the log.

    A log alarm fires once for each source.

    Attributes:
        span: When it was in ALARM.
        sources: The clients with the most lines.
        paths: The paths with the most lines.
        offences: Of an alarm on sources, what those did for which it fired.
    """

    span: Span
    sources: tuple[NameCount, ...]
    paths: tuple[NameCount, ...]
    offences: tuple[Offence, ...] = ()


class Worst(NamedTuple):
    """The period with the highest value.

    Attributes:
        start: Its first second, since the epoch.
        end: The second after its last.
        value: The alarm's statistic, or the number of lines without an alarm.
    """

    start: int
    end: int
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedDetector:
    """What one detector saw in the log, and the alarm on its metric.

    Attributes:
        detector: The detector, configured.
        condition: When its metric alarm fires, or None when no such alarm was judged.
        lines: How many lines it counted.
        periods: Periods on the clock that have such a line, by the first second.
        worst: Its worst period, None without a line.
        alarms: The alarms in order of time.
        alarms_per_day: Per day of `JudgedLog.days`. A log of less than a day counts as one
            day.
    """

    detector: Detector
    condition: AlarmCondition | None
    lines: int
    periods: dict[int, int]
    worst: Worst | None
    alarms: tuple[FiredAlarm, ...]
    alarms_per_day: float


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedAlarm:
    """An alarm beside those on the detectors' own metrics: of one source, busy, or silent.

    Attributes:
        name: Its name without the app's.
        condition: When it fires, in words.
        alarms: The alarms in order of time.
        alarms_per_day: As of a detector.
        detector: Of an alarm on sources, the detector whose lines it counts.
        threshold: What is compared. None for a composite alarm.
        worst: The period with its farthest value. None for a composite alarm, without data, and for
            a log alarm that did not fire.
    """

    name: str
    condition: str
    alarms: tuple[FiredAlarm, ...]
    alarms_per_day: float
    detector: Detector | None = None
    threshold: float | None = None
    worst: Worst | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedLog:
    """A whole log, judged.

    Attributes:
        start: First second of its first minute, since the epoch, or None without a line.
        end: The second after its last minute.
        period: Seconds of a period, for detectors without an alarm.
        lines: How many lines were judged.
        heartbeat: Whether quiet minutes were judged as zeros.
        gaps: Start and end of each gap of more than a week without a line. Gaps do not count as
            days of the log: one line with a wrong clock would turn it into years.
        detectors: In the order of the catalogue.
        others: The further alarms that are created, in the order of the plan.
        unjudged: The alarms that the log cannot decide, by their names without the app's.
    """

    start: int | None
    end: int | None
    period: int
    lines: int
    heartbeat: bool
    gaps: tuple[tuple[int, int], ...]
    detectors: tuple[JudgedDetector, ...]
    others: tuple[JudgedAlarm, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()

    @property
    def days(self) -> float:
        """How long the log is, without its gaps."""
        return days_of(self.start, self.end, self.gaps)


def days_of(start: int | None, end: int | None, gaps: Iterable[tuple[int, int]]) -> float:
    """The days from start to end, without the gaps. A log without lines has 0."""
    if start is None or end is None:
        return 0.0
    return (end - start - sum(after - before for before, after in gaps)) / _DAY

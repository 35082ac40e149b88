"""The summary of a replay: a row for each detector and further alarm, the most alarms first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from flask_errwatch.alarms import SourceAlarm
from flask_errwatch.simulation import (
    Advice,
    FiredAlarm,
    JudgedAlarm,
    JudgedDetector,
    JudgedLog,
    Worst,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SummaryRow:
    """A detector with its alarm, or a further alarm.

    Attributes:
        detector: The detector. None for an alarm that counts no lines of one.
        alarm: The alarm where it is not the one on the detector's own metric.
        advice: The advice for this alarm, where it was asked for.
        notifies: Whether the alarm notifies. False without an alarm.
    """

    detector: JudgedDetector | None
    alarm: JudgedAlarm | None
    advice: Advice | None
    notifies: bool

    @property
    def is_further(self) -> bool:
        """Whether the alarm is a further one: not the one that the detector declares."""
        if self.alarm is None:
            return False
        return self.detector is None or not isinstance(self.detector.detector.alarm, SourceAlarm)

    @property
    def name(self) -> str:
        """The detector's name, or that of a further alarm."""
        if self.detector is None or self.is_further:
            return self.alarm_name
        return self.detector.detector.name

    @property
    def alarm_name(self) -> str:
        """The alarm's name without the app's."""
        if self.alarm is not None:
            return self.alarm.name
        return "" if self.detector is None else self.detector.detector.name

    @property
    def lines(self) -> int:
        """The lines of the detector."""
        return 0 if self.detector is None else self.detector.lines

    @property
    def alarms(self) -> tuple[FiredAlarm, ...]:
        """The alarms in order of time."""
        if self.alarm is not None:
            return self.alarm.alarms
        return () if self.detector is None else self.detector.alarms

    @property
    def worst_alarms(self) -> tuple[FiredAlarm, ...]:
        """The alarms, those with the farthest peak first."""
        condition = None if self.detector is None or self.alarm else self.detector.condition
        sign = 1 if condition is not None and condition.is_worse(0, 1) else -1
        return tuple(
            sorted(self.alarms, key=lambda one: (sign * (one.span.peak or 0.0), one.span.start))
        )

    @property
    def alarms_per_day(self) -> float:
        """How many that is a day."""
        if self.alarm is not None:
            return self.alarm.alarms_per_day
        return 0.0 if self.detector is None else self.detector.alarms_per_day

    @property
    def worst(self) -> Worst | None:
        """The period with the highest value of what the alarm compares."""
        if self.alarm is not None:
            return self.alarm.worst
        return None if self.detector is None else self.detector.worst

    @property
    def condition(self) -> str | None:
        """When the alarm fires, in words. None when no alarm was judged."""
        if self.alarm is not None:
            return self.alarm.condition
        if self.detector is None or self.detector.condition is None:
            return None
        return str(self.detector.condition)

    @property
    def threshold(self) -> float | None:
        """The threshold of the alarm. None for a composite alarm, or without an alarm."""
        if self.alarm is not None:
            return self.alarm.threshold
        if self.detector is None or self.detector.condition is None:
            return None
        return self.detector.condition.threshold

    @property
    def advised(self) -> int | None:
        """The advised threshold. None without one, and where no line shows that it fits."""
        return None if self.advice is None or not self.lines else self.advice.threshold

    @property
    def hides_critical(self) -> bool:
        """Whether the advised threshold misses alarms on critical lines."""
        return (
            self.advice is not None
            and bool(self.advice.missed)
            and self.advice.detector.level == "critical"
        )


def summary(
    judged: JudgedLog, advice: Iterable[Advice], quiet: AbstractSet[str]
) -> tuple[SummaryRow, ...]:
    """The rows, those with the most alarms first, then those with the highest value.

    Args:
        judged: The judged log.
        advice: The advice, where it was asked for.
        quiet: The alarms that notify no one, by their names without the app's.
    """
    rows = [*_rows(judged, {one.alarm: one for one in advice}, quiet)]
    return tuple(sorted(rows, key=lambda row: (-len(row.alarms), -_highest(row), -row.lines)))


def _highest(row: SummaryRow) -> float:
    return 0.0 if row.worst is None else row.worst.value


def _rows(
    judged: JudgedLog, advice: dict[str, Advice], quiet: AbstractSet[str]
) -> Iterator[SummaryRow]:
    """The rows in the order of the catalogue."""
    detectors = {one.detector.name: one for one in judged.detectors}
    on_sources: dict[str, JudgedAlarm] = {}
    further: list[JudgedAlarm] = []
    for other in judged.others:
        if other.detector is not None and isinstance(other.detector.alarm, SourceAlarm):
            on_sources[other.detector.name] = other
        else:
            further.append(other)
    for name, detector in detectors.items():
        own = on_sources.get(name)
        alarm = name if own is None else own.name
        is_judged = own is not None or detector.condition is not None
        yield SummaryRow(
            detector=detector,
            alarm=own,
            advice=advice.get(alarm),
            notifies=is_judged and alarm not in quiet,
        )
    for other in further:
        yield SummaryRow(
            detector=None if other.detector is None else detectors[other.detector.name],
            alarm=other,
            advice=advice.get(other.name),
            notifies=other.name not in quiet,
        )

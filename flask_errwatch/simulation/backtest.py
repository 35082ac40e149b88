"""From the tally of a log to the alarms that it would have raised."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from flask_errwatch.alarms import Alarm, BusyAlarm
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.simulation.alarm_state import Transition
from flask_errwatch.simulation.alarms import AlarmRule, decisive
from flask_errwatch.simulation.judge import Judge
from flask_errwatch.simulation.matching import Outcome
from flask_errwatch.simulation.metrics import MINUTE
from flask_errwatch.simulation.tally import Named, Tally

_APP = "log"
_DAY = 86_400
_LONGEST_GAP = 7 * _DAY
# Minutes that are counted before they are evaluated together.
_TOGETHER = 1_000


class Span(NamedTuple):
    """From when to when an alarm stood.

    Attributes:
        start: When it went to ALARM, in seconds since the epoch.
        end: When it went back; None when the log ends before.
        peak: Its farthest datapoint, None where it had none.
        since: From when on the lines count that raised it.
    """

    start: int
    end: int | None
    peak: float | None
    since: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RaisedAlarm:
    """One alarm that the log would have raised.

    Args:
        span: From when to when.
        sources: The clients with the most lines.
        paths: The paths with the most lines.
    """

    span: Span
    sources: tuple[Named, ...]
    paths: tuple[Named, ...]


class Worst(NamedTuple):
    """The period with the most.

    Attributes:
        start: Its first second, since the epoch.
        end: The second after its last.
        value: The alarm's statistic, or the lines where there is no alarm.
    """

    start: int
    end: int
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectorReplay:
    """What one detector saw in the log.

    Args:
        detector: The detector, configured.
        rule: Its alarm as it is judged; None without one.
        lines: How many lines it took.
        periods: Periods on the clock that have such a line, by the first second.
        worst: Its worst period, None without a line.
        alarms: The alarms in order of time.
        alarms_per_day: Of the log's days (`Replay.days`); a log of less than a day counts as one.
    """

    detector: Detector
    rule: AlarmRule | None
    lines: int
    periods: dict[int, int]
    worst: Worst | None
    alarms: tuple[RaisedAlarm, ...]
    alarms_per_day: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """A whole log, judged.

    Args:
        start: First second of its first minute, since the epoch; None without a line.
        end: The second after its last minute.
        period: Seconds of a period, for detectors without an alarm.
        lines: How many lines were judged.
        heartbeat: Whether quiet minutes were judged as zeros.
        gaps: Where no line is for more than a week, from when to when: no days of the log, or
            one line with a wrong clock would make years of it.
        detectors: In the order of the catalogue.
    """

    start: int | None
    end: int | None
    period: int
    lines: int
    heartbeat: bool
    gaps: tuple[tuple[int, int], ...]
    detectors: tuple[DetectorReplay, ...]

    @property
    def days(self) -> float:
        """How long the log is, without its gaps."""
        return _days(self.start, self.end, self.gaps)


def _days(start: int | None, end: int | None, gaps: Iterable[tuple[int, int]]) -> float:
    if start is None or end is None:
        return 0.0
    return (end - start - sum(after - before for before, after in gaps)) / _DAY


def replay(
    tally: Tally, catalogue: Catalogue, *, period: int = 300, heartbeat: bool = True
) -> Replay:
    """Judges a log that was tallied.

    The alarms are created at the log's first minute and evaluated to the end of its last one:
    what stands then has no end. With a heartbeat they are evaluated on until they settle.

    Args:
        tally: Its detectors are those of the catalogue, in this order.
        catalogue: The detectors, configured (`Catalogue.configured`).
        period: Seconds of a period, for detectors without an alarm.
        heartbeat: Whether a minute without a line has zeros, as that of an app with its
            heartbeat on (`Judge.beat`); otherwise it has no data.

    Raises:
        JudgeError: When an alarm has no threshold or period.
    """
    judge = Judge.for_catalogue(Catalogue(tuple(map(judgeable, catalogue))), _APP)
    outcomes = [judge.match(line_of(detector)) for detector in catalogue]
    outcomes += [judge.match("{}")]
    transitions = judged(judge, tally, outcomes, heartbeat=heartbeat)
    reports = {report.name: report for report in judge.reports()}
    minutes = tally.minutes
    start, end = (minutes[0], minutes[-1] + MINUTE) if minutes else (None, None)
    gaps = tuple(tally.gaps(_LONGEST_GAP))
    days = max(1.0, _days(start, end, gaps))
    found: list[DetectorReplay] = []
    for index, detector in enumerate(catalogue):
        name = detector.resource_name(_APP)
        report = reports[name]
        height = report.height.datapoint.value if report.height else None
        spans = [] if report.alarm is None else spans_of(report.alarm, transitions, height)
        if report.alarm is not None and report.alarm.is_worse(0, 1):
            # What lacks lines after the log's end lacks them because it ends.
            spans = [span for span in spans if span.start <= minutes[-1] + MINUTE]
        alarms = tuple(raised(tally, index, span) for span in spans)
        at = period if report.alarm is None else report.alarm.period
        lines = tally.total(index)
        worst = None
        if lines and report.peak is not None:
            since, until, value = report.peak.datapoint
            worst = Worst(since, until, value or 0.0)
        elif lines:
            until, most = max(tally.sliding(index, at), key=lambda each: (each[1], -each[0]))
            worst = Worst(until - at, until, float(most))
        found += [
            DetectorReplay(
                detector=detector,
                rule=report.alarm,
                lines=lines,
                periods=tally.periods(index, at),
                worst=worst,
                alarms=alarms,
                alarms_per_day=len(alarms) / days,
            )
        ]
    return Replay(
        start=start,
        end=end,
        period=period,
        lines=tally.lines,
        heartbeat=heartbeat,
        gaps=gaps,
        detectors=tuple(found),
    )


def judgeable(detector: Detector) -> Detector:
    """The detector with an alarm that a log of lines can decide.

    Of one that also looks at all requests, its failures alone; none where CloudWatch's model
    of what is usual decides.
    """
    alarm = detector.alarm
    if isinstance(alarm, BusyAlarm):
        return dataclasses.replace(detector, alarm=alarm.errors)
    return dataclasses.replace(detector, alarm=alarm if isinstance(alarm, Alarm) else None)


def line_of(detector: Detector) -> str:
    """The shortest line that the detector's pattern matches: what the app would have written."""
    return orjson.dumps({"event": detector.event}).decode()


def judged(
    judge: Judge, tally: Tally, outcomes: Sequence[Outcome], *, heartbeat: bool
) -> list[Transition]:
    """Every transition, when the judge sees the tally minute by minute.

    Args:
        judge: Made for the purpose; it is advanced to the end of the last minute, and with a
            heartbeat on until no alarm sees a line any more.
        tally: What is judged.
        outcomes: What a line of each detector gives, then what any other line gives.
        heartbeat: Whether quiet minutes have zeros.
    """
    transitions: list[Transition] = []
    minutes = tally.minutes
    if heartbeat and minutes:
        judge.beat(minutes[0])
    for place, minute in enumerate(minutes, 1):
        for outcome, lines in zip(outcomes, tally.row(minute), strict=True):
            if lines:
                judge.count(minute * 1000, outcome, lines)
        if place % _TOGETHER == 0 or place == len(minutes):
            transitions += judge.advance(minute + MINUTE)
    if heartbeat and minutes:
        rules = [report.alarm for report in judge.reports() if report.alarm is not None]
        settled = max((rule.horizon + rule.interval for rule in rules), default=0)
        transitions += judge.advance(minutes[-1] + MINUTE + settled)
    return transitions


def spans_of(
    rule: AlarmRule, transitions: Sequence[Transition], height: float | None
) -> list[Span]:
    """From when to when the alarm stood.

    Args:
        rule: The alarm.
        transitions: Those of it are taken.
        height: The farthest datapoint of the alarm that stands at the end, if any.
    """
    spans: list[Span] = []
    begun: Transition | None = None
    for each in transitions:
        if each.alarm != rule.name:
            continue
        if each.new == "ALARM":
            begun = each
        elif begun is not None:
            peak = each.peak.datapoint.value if each.peak else None
            spans += [Span(begun.at, each.at, peak, _since(rule, begun))]
            begun = None
    if begun is not None:
        spans += [Span(begun.at, None, height, _since(rule, begun))]
    return spans


def _since(rule: AlarmRule, begun: Transition) -> int:
    """When the lines that raised it began: across gaps, the alarm looks far back."""
    looked_at = decisive(rule, begun.datapoints)
    return looked_at[0].start if looked_at else begun.at - rule.period


def raised(tally: Tally, detector: int, span: Span) -> RaisedAlarm:
    """The alarm with the names of who raised it."""
    minutes = tally.minutes
    end = minutes[-1] + MINUTE if span.end is None else span.end
    return RaisedAlarm(
        span=span,
        sources=tally.sources(detector, span.since, end),
        paths=tally.paths(detector, span.since, end),
    )

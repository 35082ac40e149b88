"""`flask errwatch drill`: marked events through the real path, and when each station had them.

The events are counted as real ones are, or the drill would prove nothing: the alarm goes off,
and whoever it tells is told. Each carries the drill's id in `data.drill`.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import Alarm, Catalogue, Detector
from flask_errwatch.doctor import drill_stages as stages
from flask_errwatch.doctor.drill_stages import Station, Watched
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.provision import from_aws as actual
from flask_errwatch.provision.resources import MetricAlarm

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_SEVERITY = ("info", "warning", "error", "critical")
#: Lines of one drill; more would be a load test.
MOST_LINES = 1000
#: Seconds that AWS's own steps may take, beside the periods of the alarm.
_GRACE = 300.0


class DrillRefusedError(ErrWatchError):
    """The drill could not prove anything, or would do more than a drill may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How the drill waits.

    Attributes:
        every: Seconds between two looks at AWS.
        clock: Monotonic seconds.
        pause: Waits so many seconds.
    """

    every: float = 2.0
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """The app's own way out.

    Attributes:
        report: Records an event of the detector, with these data.
        stats: The delivery's figures.
    """

    report: Callable[[str, dict[str, object]], object]
    stats: Callable[[], Stats]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drill:
    """A drill that may begin.

    Attributes:
        id: What marks its events, under `data.drill`.
        detector: Whose events are sent.
        alarm: The detector's alarm, as it stands.
        lines: How many events make one period breach.
        waves: How many periods must breach.
        timeout: Seconds that it may take.
    """

    id: str
    detector: Detector
    alarm: MetricAlarm
    lines: int
    waves: int
    timeout: float

    def __str__(self) -> str:
        times = f" in each of {self.waves} periods" if self.waves > 1 else ""
        told = ", ".join(self.alarm.alarm_actions) or "nobody"
        return (
            f"Drill {self.id}: {self.lines} events of {self.detector.name}{times}.\n"
            f"They count as real ones: alarm {self.alarm.name} will go off, and tell {told}."
        )

    def run(
        self, aws: Aws, config: Config, sender: Sender, pace: Pace | None = None
    ) -> Iterator[Station]:
        """Sends the events and follows them; each station as soon as it is known.

        Args:
            aws: The account and region.
            config: The app's configuration.
            sender: The app's own way out.
            pace: How to wait.
        """
        pace = pace or Pace()
        watched = Watched(
            id=self.id,
            config=config,
            detector=self.detector,
            alarm=self.alarm,
            lines=self.lines,
            begun=datetime.now(UTC),
            stats=sender.stats,
        )
        watched.remember(aws)
        waves = _Waves(self, sender, pace)
        for name in stages.NAMES:
            yield _followed(name, aws, watched, waves, pace, limit=waves.begun + self.timeout)


class _Waves:
    """Sends the events of a period, then those of the next when it is time."""

    def __init__(self, drill: Drill, sender: Sender, pace: Pace) -> None:
        self.begun = pace.clock()
        self._drill = drill
        self._sender = sender
        self._clock = pace.clock
        self._sent = 0
        self.send_what_is_due()

    def send_what_is_due(self) -> None:
        period = self._drill.alarm.period or 0
        passed = self._clock() - self.begun
        while self._sent < self._drill.waves and passed >= self._sent * period:
            self._sent += 1
            for _ in range(self._drill.lines):
                self._sender.report(self._drill.detector.name, {"drill": self._drill.id})


def _followed(
    name: str, aws: Aws, watched: Watched, waves: _Waves, pace: Pace, *, limit: float
) -> Station:
    """Looks until the station has what it waits for, the time is over, or it cannot be seen."""
    while True:
        waves.send_what_is_due()
        sight = stages.look(name, aws, watched)
        now = pace.clock()
        if sight.outcome is not None:
            was_there = sight.outcome in {"arrived", "refused"}
            seconds = round(now - waves.begun, 1) if was_there else None
            return Station(name=name, outcome=sight.outcome, seconds=seconds, detail=sight.text)
        if now >= limit:
            detail = f"{sight.text} {stages.likely_reason(name, aws, watched)}"
            return Station(name=name, outcome="missing", seconds=None, detail=detail)
        pace.pause(min(pace.every, limit - now))


def prepared(
    aws: Aws,
    catalogue: Catalogue,
    config: Config,
    *,
    detector: str | None = None,
    timeout: float | None = None,
) -> Drill:
    """A drill of the named detector, or of the one that does the least harm.

    That is the least severe one that alarms at a fixed threshold, and of those the one that
    needs the fewest events.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        detector: The detector's name.
        timeout: Seconds that the drill may take; None is the alarm's periods and five minutes.

    Raises:
        DrillRefusedError: When the alarm cannot be made to go off by so many lines, is in ALARM
            already, or does not stand; or when this process sends nothing to CloudWatch.
        UnknownDetectorError: When there is no such detector.
        AwsCallError: When the alarm cannot be read.
    """
    if config.sinks is not None and "cloudwatch" not in config.sinks:
        sinks = ", ".join(config.sinks) or "none"
        _refuse("ERRWATCH_SINKS", sinks, "A drill sends through the cloudwatch sink: run it there.")
    chosen = _least_harmful(catalogue) if detector is None else catalogue.named(detector)
    if not isinstance(chosen.alarm, Alarm):
        names = ", ".join(each.name for each in _drillable(catalogue)) or "none"
        _refuse("detector", chosen.name, f"Only fixed thresholds can be drilled: of {names}.")
    alarm = _standing(aws, chosen.resource_name(config.app_name))
    waves = alarm.datapoints_to_alarm or alarm.evaluation_periods or 1
    periods = (alarm.period or 0) * (alarm.evaluation_periods or 1)
    return Drill(
        id=f"drill-{os.urandom(6).hex()}",
        detector=chosen,
        alarm=alarm,
        lines=_lines_to_breach(alarm),
        waves=waves,
        timeout=periods + _GRACE if timeout is None else timeout,
    )


def _refuse(key: str, value: object, remedy: str) -> None:
    raise DrillRefusedError(Problem(key=key, value=value, remedy=remedy))


def _drillable(catalogue: Catalogue) -> Sequence[Detector]:
    return [each for each in catalogue if isinstance(each.alarm, Alarm)]


def _least_harmful(catalogue: Catalogue) -> Detector:
    drillable = _drillable(catalogue)
    if not drillable:
        _refuse("detectors", "none", "No detector alarms at a fixed threshold: declare an Alarm.")
    return min(drillable, key=_harm)


def _harm(detector: Detector) -> tuple[int, float]:
    alarm = detector.alarm
    assert isinstance(alarm, Alarm)  # noqa: S101 - only such are asked about
    return _SEVERITY.index(detector.level), alarm.threshold or 0.0


def _standing(aws: Aws, name: str) -> MetricAlarm:
    """The alarm as it stands, which need not be as it is declared."""
    found = aws.call("cloudwatch", "describe_alarms", AlarmNames=[name])
    listed = found.get("MetricAlarms", ())
    if not listed:
        _refuse("alarm", name, "It does not stand in AWS: run `flask errwatch apply`.")
    alarm = actual.metric_alarm(listed[0])
    if alarm.state is not None and alarm.state.value == "ALARM":
        _refuse("alarm", name, "It is in ALARM already: wait for OK, or drill another detector.")
    return alarm


def _lines_to_breach(alarm: MetricAlarm) -> int:
    """How many lines make one period breach, when nothing else comes in."""
    threshold, operator = alarm.threshold, alarm.comparison_operator
    if alarm.statistic not in {"Sum", "SampleCount"} or threshold is None:
        remedy = "Only a Sum or SampleCount above a threshold grows with lines: use another."
        _refuse("alarm", alarm.name, remedy)
    assert threshold is not None  # noqa: S101 - refused above
    if operator == "GreaterThanThreshold":
        lines = max(1, math.floor(threshold) + 1)
    elif operator == "GreaterThanOrEqualToThreshold":
        lines = max(1, math.ceil(threshold))
    else:
        _refuse("alarm", alarm.name, "It goes off when there are too few: use another detector.")
    if lines > MOST_LINES:
        remedy = f"It takes {lines} lines of at most {MOST_LINES}: use another detector."
        _refuse("alarm", alarm.name, remedy)
    return lines

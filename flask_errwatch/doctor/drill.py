"""`flask errwatch drill`: sends marked events the real way and reports when each stage has them.

The events are counted like real ones, or the drill would prove nothing: the alarm fires, and its
subscribers are notified. Each event has the drill's id in `data.drill`.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask_errwatch._fork import HAS_POSIX
from flask_errwatch._text import counted
from flask_errwatch.config import Config
from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import Alarm, Catalogue, Detector
from flask_errwatch.doctor import drill_stages as stages
from flask_errwatch.doctor.drill_stages import DrillRun, Reading, Stage
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.notification import app_alarm_name
from flask_errwatch.provision.resources import CompositeAlarm, MetricAlarm

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_SEVERITY = ("info", "warning", "error", "critical")
#: Lines of one drill. More would be a load test.
MAX_LINES = 1000
#: Seconds that AWS's own steps may take, in addition to the periods of the alarm.
GRACE = 300.0


class DrillRefusedError(ErrWatchError):
    """The drill could not prove anything, or would do more than a drill may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How the drill waits.

    Attributes:
        interval: Seconds between two observations of a stage.
        clock: Returns monotonic seconds.
        sleep: Waits so many seconds.
    """

    interval: float = 2.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, kw_only=True, slots=True)
class Reporter:
    """The app's own delivery.

    Attributes:
        report: Reports an event of the detector with this data.
        stats: Returns the delivery's figures.
    """

    report: Callable[[str, dict[str, object]], object]
    stats: Callable[[], Stats]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drill:
    """A drill that is ready to run.

    Attributes:
        id: The mark of its events, under `data.drill`.
        detector: The detector whose events are sent.
        alarm: The detector's alarm as it is in AWS.
        notifier: The alarm that notifies: the same, or the composite alarm of the app.
        events_per_period: How many events make one period breach.
        periods: How many periods must breach.
        timeout: Seconds for all stages together.
    """

    id: str
    detector: Detector
    alarm: MetricAlarm
    notifier: MetricAlarm | CompositeAlarm
    events_per_period: int
    periods: int
    timeout: float

    def __str__(self) -> str:
        events = counted(self.events_per_period, "event")
        periods = f" in each of {self.periods} periods" if self.periods > 1 else ""
        targets = ", ".join(self.notifier.alarm_actions) or "no one"
        return (
            f"Drill {self.id}: {events} of {self.detector.name}{periods}.\n"
            f"They count as real ones: alarm {self.alarm.name} will fire and notify {targets}."
        )

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages."""
        return stages.STAGES

    def run(
        self, aws: Aws, config: Config, reporter: Reporter, pace: Pace | None = None
    ) -> Iterator[Stage]:
        """Sends the events and yields each stage as soon as its outcome is known.

        Args:
            aws: The account and region.
            config: The app's configuration.
            reporter: The app's own delivery.
            pace: How to wait.
        """
        pace = pace or Pace()
        run = DrillRun(
            id=self.id,
            config=config,
            detector=self.detector,
            alarm=self.alarm,
            notifier=self.notifier,
            lines=self.events_per_period,
            start=datetime.now(UTC),
            stats=reporter.stats,
        )
        run.read_baseline(aws)
        schedule = _Schedule(self, reporter, pace)
        for name in stages.STAGES:
            yield follow(
                name,
                stages.reading(name, aws, run),
                pace,
                start=schedule.start,
                limit=schedule.start + self.timeout,
                meanwhile=schedule.send_due,
            )


class _Schedule:
    """Sends the events of the first period, then those of each further period when it begins."""

    def __init__(self, drill: Drill, reporter: Reporter, pace: Pace) -> None:
        self.start = pace.clock()
        self._drill = drill
        self._reporter = reporter
        self._clock = pace.clock
        self._sent = 0
        self.send_due()

    def send_due(self) -> None:
        period = self._drill.alarm.period or 0
        elapsed = self._clock() - self.start
        while self._sent < self._drill.periods and elapsed >= self._sent * period:
            self._sent += 1
            for _ in range(self._drill.events_per_period):
                self._reporter.report(self._drill.detector.name, {"drill": self._drill.id})


def follow(
    name: str,
    reading: Reading,
    pace: Pace,
    *,
    start: float,
    limit: float,
    meanwhile: Callable[[], object] = lambda: None,
) -> Stage:
    """Observes a stage until the events arrive, the time is over, or it cannot be read.

    Args:
        name: The stage.
        reading: How it is observed.
        pace: How to wait.
        start: When the first event was sent, by the pace's clock.
        limit: When to give up, by the same clock.
        meanwhile: Called before each observation.
    """
    while True:
        meanwhile()
        observation = stages.observe(reading)
        outcome, now = observation.outcome, pace.clock()
        if outcome is not None:
            has_time = outcome in {"arrived", "refused"}
            seconds = round(now - start, 1) if has_time else None
            return Stage(name=name, outcome=outcome, seconds=seconds, detail=observation.text)
        if now >= limit:
            detail = f"{observation.text} {stages.likely_reason(reading)}"
            return Stage(name=name, outcome="missing", seconds=None, detail=detail)
        pace.sleep(min(pace.interval, limit - now))


def prepare_drill(
    aws: Aws,
    catalogue: Catalogue,
    config: Config,
    *,
    detector: str | None = None,
    timeout: float | None = None,
) -> Drill:
    """Creates a drill of the named detector, or else of the one that does the least harm.

    That is the least severe detector with a fixed threshold that notifies, and of those the one
    that needs the fewest events.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        detector: The detector's name.
        timeout: Seconds for all stages. None means the alarm's periods and five minutes.

    Raises:
        DrillRefusedError: When so many lines cannot make the alarm fire, when it is in ALARM
            already or does not exist, or when this process sends nothing to CloudWatch.
        UnknownDetectorError: When the catalogue has no such detector.
        AwsCallError: When the alarm cannot be read.
    """
    refuse_without_cloudwatch(config)
    chosen = _least_harmful(catalogue) if detector is None else catalogue.named(detector)
    if chosen.alarm is None or not _is_drillable(chosen):
        names = ", ".join(candidate.name for candidate in _drillable(catalogue)) or "none"
        remedy = f"Only detectors that count lines of their own can be drilled: {names}."
        raise refusal("detector", chosen.name, remedy)
    alarm = _read_alarm(aws, chosen.resource_name(config.app_name))
    seconds = (alarm.period or 0) * (alarm.evaluation_periods or 1)
    return Drill(
        id=f"drill-{os.urandom(6).hex()}",
        detector=chosen,
        alarm=alarm,
        notifier=_read_app_alarm(aws, config)
        if config.notify == "app" and chosen.alarm.notifies
        else alarm,
        events_per_period=_lines_to_breach(alarm),
        periods=alarm.datapoints_to_alarm or alarm.evaluation_periods or 1,
        timeout=seconds + GRACE if timeout is None else timeout,
    )


def refuse_without_cloudwatch(config: Config) -> None:
    """Raises DrillRefusedError when this process sends nothing to CloudWatch."""
    if config.sinks is not None and "cloudwatch" not in config.sinks:
        sinks = ", ".join(config.sinks) or "none"
        remedy = "A drill sends through the cloudwatch sink: run it there."
        raise refusal("ERRWATCH_SINKS", sinks, remedy)
    if not HAS_POSIX:
        remedy = "The cloudwatch sink needs POSIX: run the drill on Linux or macOS."
        raise refusal("system", sys.platform, remedy)


def refusal(key: str, value: object, remedy: str) -> DrillRefusedError:
    """The error that says why a drill cannot be run, and what to do."""
    return DrillRefusedError(Problem(key=key, value=value, remedy=remedy))


def _drillable(catalogue: Catalogue) -> Sequence[Detector]:
    return [detector for detector in catalogue if _is_drillable(detector)]


def _is_drillable(detector: Detector) -> bool:
    """Whether a known number of its own lines makes its alarm fire.

    A report has none of the fields of a request, so a condition on those would not match it.
    """
    is_counted = detector.event is not None and detector.where is None and detector.value is None
    return is_counted and isinstance(detector.alarm, Alarm)


def _least_harmful(catalogue: Catalogue) -> Detector:
    drillable = _drillable(catalogue)
    if not drillable:
        remedy = "No detector counts its own lines with a fixed threshold: declare an Alarm."
        raise refusal("detectors", "none", remedy)
    return min(drillable, key=_harm)


def _harm(detector: Detector) -> tuple[bool, int, float]:
    """Orders detectors: one that does not notify would not prove the last stage."""
    alarm = detector.alarm if isinstance(detector.alarm, Alarm) else Alarm()
    return not alarm.notifies, _SEVERITY.index(detector.level), alarm.threshold or 0.0


def _read_alarm(aws: Aws, name: str) -> MetricAlarm:
    """Returns the alarm as it is in AWS, which may differ from its declaration."""
    alarms = aws.call("cloudwatch", "describe_alarms", AlarmNames=[name]).get("MetricAlarms", ())
    if not alarms:
        raise refusal("alarm", name, "It does not exist in AWS: run `flask errwatch apply`.")
    alarm = from_aws.metric_alarm(alarms[0])
    refuse_if_in_alarm(alarm, "wait for OK, or drill another detector")
    return alarm


def _read_app_alarm(aws: Aws, config: Config) -> CompositeAlarm:
    """Returns the composite alarm that notifies for the app's alarms."""
    name = app_alarm_name(config.app_name)
    response = aws.call(
        "cloudwatch", "describe_alarms", AlarmNames=[name], AlarmTypes=["CompositeAlarm"]
    )
    alarms = response.get("CompositeAlarms", ())
    if not alarms:
        raise refusal("alarm", name, "It does not exist in AWS: run `flask errwatch apply`.")
    alarm = from_aws.composite_alarm(alarms[0])
    refuse_if_in_alarm(alarm, "it would not notify again before it is OK")
    return alarm


def refuse_if_in_alarm(alarm: MetricAlarm | CompositeAlarm, advice: str) -> None:
    """Raises DrillRefusedError when the alarm is in ALARM, with what to do about it."""
    if alarm.state is not None and alarm.state.value == "ALARM":
        raise refusal("alarm", alarm.name, f"It is in ALARM already: {advice}.")


def _lines_to_breach(alarm: MetricAlarm) -> int:
    """Returns how many lines make one period breach, if nothing else is counted."""
    threshold = alarm.threshold
    if alarm.statistic not in {"Sum", "SampleCount"} or threshold is None:
        remedy = "Only a Sum or SampleCount above a threshold grows with lines: use another."
        raise refusal("alarm", alarm.name, remedy)
    match alarm.comparison_operator:
        case "GreaterThanThreshold":
            lines = max(1, math.floor(threshold) + 1)
        case "GreaterThanOrEqualToThreshold":
            lines = max(1, math.ceil(threshold))
        case _:
            remedy = "It fires when there are too few: use another detector."
            raise refusal("alarm", alarm.name, remedy)
    if lines > MAX_LINES:
        remedy = f"It takes {lines} lines, more than {MAX_LINES}: use another detector."
        raise refusal("alarm", alarm.name, remedy)
    return lines

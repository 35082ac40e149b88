"""`flask errwatch drill --scan`: a rehearsed scan, followed to the message that names it.

The lines are those of a scanner with a documentation address (192.0.2.0/24, RFC 5737), which no
client has. Each has the drill's id in `data.drill`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask_errwatch._text import counted
from flask_errwatch.alarms import SourceAlarm
from flask_errwatch.capture.events import in_order
from flask_errwatch.config import Config
from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.doctor.drill import (
    GRACE,
    MAX_LINES,
    Pace,
    Reporter,
    follow,
    refusal,
    refuse_if_in_alarm,
    refuse_without_cloudwatch,
)
from flask_errwatch.doctor.drill_stages import Stage
from flask_errwatch.doctor.scan_stages import SCAN_STAGES, ScanRun, SourceAlarmInAws, reading
from flask_errwatch.errors import AwsCallError
from flask_errwatch.patterns import parse
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.resources import LogAlarm, MetricAlarm
from flask_errwatch.provision.source_alarms import declared_alarm_names

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws
    from flask_errwatch.capture.recorder import Recorder

#: The suspicion of each line: that of a probe, the highest there is.
_SUSPICION = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanDrill:
    """A rehearsal of a scan that is ready to run.

    Attributes:
        id: The mark of its lines, under `data.drill`.
        address: The client address of its lines.
        detector: The detector whose source alarm fires.
        carrier: The detector of the lines: the one that claims 404.
        alarm: The source alarm as it is in AWS.
        lines: How many lines make it fire.
        timeout: Seconds for all stages together.
    """

    id: str
    address: str
    detector: Detector
    carrier: Detector
    alarm: SourceAlarmInAws
    lines: int
    timeout: float

    def __str__(self) -> str:
        targets = ", ".join(self.alarm.alarm_actions) or "no one"
        return (
            f"Drill {self.id}: {counted(self.lines, 'suspicious line')} of {self.address}.\n"
            f"They count as real ones: {self.alarm.kind} {self.alarm.name} will fire and notify "
            f"{targets}."
        )

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages."""
        return SCAN_STAGES

    def run(
        self, aws: Aws, config: Config, reporter: Reporter, pace: Pace | None = None
    ) -> Iterator[Stage]:
        """Sends the lines and yields each stage as soon as its outcome is known.

        Args:
            aws: The account and region.
            config: The app's configuration.
            reporter: The app's own delivery (`scan_reporter`).
            pace: How to wait.
        """
        pace = pace or Pace()
        run = ScanRun(
            id=self.id,
            address=self.address,
            config=config,
            detector=self.detector,
            alarm=self.alarm,
            lines=self.lines,
            start=datetime.now(UTC),
            stats=reporter.stats,
        )
        run.read_baseline(aws)
        start = pace.clock()
        for number in range(self.lines):
            reporter.report(self.carrier.name, scan_fields(self.id, self.address, number))
        for name in SCAN_STAGES:
            limit = start + self.timeout
            yield follow(name, reading(name, aws, run), pace, start=start, limit=limit)


def scan_fields(drill: str, address: str, number: int) -> dict[str, object]:
    """The fields of a line of the drill, beside those that every line has."""
    return {
        "status": 404,
        "method": "GET",
        "path": f"/{drill}/{number}/.env",
        "client_ip": address,
        "user_agent": "flask-errwatch drill",
        "agent": "scanner",
        "referrer": "none",
        "path_class": "probe",
        "suspicion": _SUSPICION,
        "data": {"drill": drill},
    }


def scan_reporter(recorder: Recorder, catalogue: Catalogue, stats: Callable[[], Stats]) -> Reporter:
    """Reports lines of a scan through the app's own delivery.

    Args:
        recorder: The app's recorder.
        catalogue: The app's detectors.
        stats: Returns the delivery's figures.
    """

    def report(name: str, fields: dict[str, object]) -> object:
        recorder.delivery.ensure_running()
        event = recorder.reported_event(catalogue.named(name), {}, None, None, handled=False)
        data = {**event.get("data", {}), **fields["data"]}  # type: ignore[dict-item]  # `scan_fields`
        whole = {**event, **fields, "data": data}
        # An event that a hook dropped is empty, and stays so.
        return recorder.emit({**in_order(whole), **whole} if event else event)

    return Reporter(report=report, stats=stats)


def prepare_scan_drill(
    aws: Aws,
    catalogue: Catalogue,
    config: Config,
    *,
    detector: str | None = None,
    timeout: float | None = None,
) -> ScanDrill:
    """Creates a rehearsal of a scan.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        detector: A detector with a `SourceAlarm`. None means the first that has one.
        timeout: Seconds for all stages. None means the alarm's window and five minutes.

    Raises:
        DrillRefusedError: When no source alarm would fire, or this process sends nothing to
            CloudWatch.
        UnknownDetectorError: When the catalogue has no such detector.
        AwsCallError: When the alarm cannot be read.
    """
    refuse_without_cloudwatch(config)
    chosen = _with_source_alarm(catalogue, detector)
    carrier = catalogue.for_status(404)
    if carrier is None:
        raise refusal("detectors", "none", "No detector claims 404, so a scan writes no line.")
    drill, address = f"drill-{os.urandom(6).hex()}", f"192.0.2.{1 + os.urandom(1)[0] % 254}"
    sample = {"event": carrier.event, **scan_fields(drill, address, 0)}
    if not parse(chosen.pattern).matches(json.dumps(sample)):
        remedy = f"A suspicious 404 does not match {chosen.pattern}: choose another detector."
        raise refusal("detector", chosen.name, remedy)
    alarm = _read_alarm(aws, chosen.resource_name(config.app_name))
    if isinstance(alarm, MetricAlarm):
        refuse_if_in_alarm(alarm, "it would not fire again before it is OK")
    return ScanDrill(
        id=drill,
        address=address,
        detector=chosen,
        carrier=carrier,
        alarm=alarm,
        lines=_lines_above(alarm, chosen),
        timeout=_window(alarm) + GRACE if timeout is None else timeout,
    )


def _with_source_alarm(catalogue: Catalogue, name: str | None) -> Detector:
    having = [detector for detector in catalogue if isinstance(detector.alarm, SourceAlarm)]
    if not having:
        remedy = "No detector has a SourceAlarm: declare one, or set ERRWATCH_DEFAULTS=0.2."
        raise refusal("detectors", "none", remedy)
    chosen = having[0] if name is None else catalogue.named(name)
    if chosen not in having:
        names = ", ".join(detector.name for detector in having)
        remedy = f"Only detectors with a SourceAlarm can be rehearsed so: {names}."
        raise refusal("detector", chosen.name, remedy)
    return chosen


def _read_alarm(aws: Aws, name: str) -> SourceAlarmInAws:
    """The alarm as it is in AWS: a log alarm, or one on a metric or on rules."""
    try:
        listed = aws.call(
            "cloudwatch", "describe_alarms", AlarmNames=[name], AlarmTypes=["LogAlarm"]
        )
        if listed.get("LogAlarms"):
            return from_aws.log_alarm(listed["LogAlarms"][0])
    except AwsCallError as error:
        if error.code not in {"ValidationError", "InvalidParameterValue"}:
            raise  # else a region without log alarms
    names = declared_alarm_names(name)
    response = aws.call("cloudwatch", "describe_alarms", AlarmNames=[*names])
    found = {alarm["AlarmName"]: alarm for alarm in response.get("MetricAlarms", ())}
    for alarm_name in names:
        if alarm_name in found:
            return from_aws.metric_alarm(found[alarm_name])
    remedy = "It does not exist in AWS: run `flask errwatch apply`, with ERRWATCH_SOURCE_ALARMS on."
    raise refusal("alarm", name, remedy)


def _window(alarm: SourceAlarmInAws) -> int:
    """The seconds before an evaluation that the alarm can see."""
    if isinstance(alarm, LogAlarm):
        return alarm.window + alarm.delay
    return alarm.period or max(query.period or 0 for query in alarm.metrics)


def _lines_above(alarm: SourceAlarmInAws, detector: Detector) -> int:
    own = detector.alarm.value if isinstance(detector.alarm, SourceAlarm) else None
    each = _SUSPICION if (own or detector.value) == "$.suspicion" else 1
    lines = math.floor((alarm.threshold or 0.0) / each) + 1
    if lines > MAX_LINES:
        remedy = f"It takes {lines} lines, more than {MAX_LINES}: use another detector."
        raise refusal("alarm", alarm.name, remedy)
    return lines

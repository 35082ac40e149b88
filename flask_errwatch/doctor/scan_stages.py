"""The stages of a rehearsed scan: how each is observed, and why nothing may have arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_errwatch.doctor.drill_stages import (
    APPLY,
    LOGS,
    METRIC,
    Observation,
    Reading,
    Run,
    count_since,
    observe_lines,
    observe_notification,
    why_no_notification,
    why_not_in_logs,
)
from flask_errwatch.provision.resources import LogAlarm, MetricAlarm

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

SOURCE_ALARM, MESSAGE = "source alarm", "message"
SCAN_STAGES = (LOGS, METRIC, SOURCE_ALARM, MESSAGE)

#: A log alarm has a state for each address.
SourceAlarmInAws = LogAlarm | MetricAlarm


@dataclass(kw_only=True, slots=True)
class ScanRun(Run):
    """A rehearsal in progress.

    Attributes:
        address: The client address of its lines.
        alarm: The source alarm as it is in AWS.
    """

    address: str
    alarm: SourceAlarmInAws

    def count(self, aws: Aws) -> float:
        """What the detector's metric has counted since the minute of the start."""
        name = self.detector.resource_name(self.config.app_name)
        return count_since(aws, self.config.namespace, name, (), self.start)


def reading(name: str, aws: Aws, run: ScanRun) -> Reading:
    """How a stage is observed, and why nothing may have arrived there."""
    observe, likely_reason = _READINGS[name]
    return Reading(lambda: observe(aws, run), lambda: likely_reason(aws, run))


def _observe_metric(aws: Aws, run: ScanRun) -> Observation:
    count, threshold = run.count(aws) - run.counted_before, run.alarm.threshold or 0.0
    text = f"It counted {count:g}, and the alarm needs more than {threshold:g}."
    return Observation("arrived" if count > threshold else None, text)


def _observe_alarm(aws: Aws, run: ScanRun) -> Observation:
    name = run.alarm.name
    if not isinstance(run.alarm, LogAlarm):
        response = aws.call("cloudwatch", "describe_alarms", AlarmNames=[name])
        states = [alarm["StateValue"] for alarm in response.get("MetricAlarms", ())]
        is_in_alarm = states == ["ALARM"]
        text = f"{name} is in {', '.join(states) or 'no state: it does not exist any more'}."
        return Observation("arrived" if is_in_alarm else None, text)
    contributors = aws.pages(
        *("cloudwatch", "describe_alarm_contributors", "AlarmContributors"), AlarmName=name
    )
    for contributor in contributors:
        if run.address in contributor["ContributorAttributes"].values():
            reason = contributor.get("StateReason", "")
            return Observation("arrived", f"{name} has {run.address} in ALARM: {reason}")
    return Observation(None, f"{run.address} is not among the contributors of {name}.")


def _observe_message(aws: Aws, run: ScanRun) -> Observation:
    # The messages of an alarm on a metric name no address.
    address = run.address if isinstance(run.alarm, LogAlarm) else ""
    remark = f"it names {address or 'no address'}"
    message = observe_notification(aws, run, run.alarm, remark, about=address)
    return message or Observation(None, "The alarm's history has no message yet.")


def _why_not_in_metric(_aws: Aws, run: ScanRun) -> str:
    return (
        f"Its metric filter may be missing, or older than the detector: {APPLY}. A metric takes a "
        f"minute or two. The detector's pattern is {run.detector.pattern}."
    )


def _why_not_in_alarm(_aws: Aws, run: ScanRun) -> str:
    if isinstance(run.alarm, LogAlarm):
        return (
            "A log alarm is evaluated once a minute, and reads lines when they are a minute old. "
            "`flask errwatch status` shows whether its query is refused."
        )
    return "It is evaluated once a minute: try a longer --timeout."


_READINGS: dict[
    str, tuple[Callable[[Aws, ScanRun], Observation], Callable[[Aws, ScanRun], str]]
] = {
    LOGS: (observe_lines, why_not_in_logs),
    METRIC: (_observe_metric, _why_not_in_metric),
    SOURCE_ALARM: (_observe_alarm, _why_not_in_alarm),
    MESSAGE: (_observe_message, why_no_notification),
}

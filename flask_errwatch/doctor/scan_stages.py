"""The stages of a rehearsed scan: how each is observed, and why nothing may have arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import Detector
from flask_errwatch.doctor.drill_stages import (
    LOGS,
    METRIC,
    Observation,
    Reading,
    count_since,
    observe_lines,
    why_no_lines,
)
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.resources import LogAlarm, MetricAlarm

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

SOURCE_ALARM, MESSAGE = "source alarm", "message"
SCAN_STAGES = (LOGS, METRIC, SOURCE_ALARM, MESSAGE)

_APPLY = "run `flask errwatch apply`"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceTarget:
    """A source alarm as it is in AWS.

    Attributes:
        name: Its name.
        has_contributors: Whether it is a log alarm, with a state for each address.
        threshold: What must be exceeded.
        window: Seconds before an evaluation that it can see.
        state: Its state.
        actions: ARNs that are notified of ALARM.
        actions_enabled: Whether the actions are taken.
    """

    name: str
    has_contributors: bool
    threshold: float
    window: int
    state: str
    actions: tuple[str, ...]
    actions_enabled: bool

    @classmethod
    def of(cls, alarm: LogAlarm | MetricAlarm) -> SourceTarget:
        """The target of an alarm that was read from AWS."""
        if isinstance(alarm, LogAlarm):
            window = alarm.window + alarm.delay
        else:
            window = alarm.period or max(query.period or 0 for query in alarm.metrics)
        return cls(
            name=alarm.name,
            has_contributors=isinstance(alarm, LogAlarm),
            threshold=alarm.threshold or 0.0,
            window=window,
            state="" if alarm.state is None else alarm.state.value,
            actions=alarm.alarm_actions,
            actions_enabled=alarm.actions_enabled,
        )

    @property
    def kind(self) -> str:
        """What kind of alarm it is, in words."""
        return "log alarm" if self.has_contributors else "alarm"


@dataclass(kw_only=True, slots=True)
class ScanRun:
    """A rehearsal in progress.

    Attributes:
        id: The mark of its lines.
        address: The client address of its lines.
        config: The app's configuration.
        detector: The detector whose source alarm fires.
        target: The source alarm.
        lines: How many lines were sent.
        start: When the first was sent.
        stats: Returns the delivery's figures.
        counted_before: What the metric had counted in the minute of `start`, or 0 when unknown.
    """

    id: str
    address: str
    config: Config
    detector: Detector
    target: SourceTarget
    lines: int
    start: datetime
    stats: Callable[[], Stats]
    counted_before: float = field(default=0.0)

    def read_baseline(self, aws: Aws) -> None:
        """Reads what the metric has counted already: real lines of this minute."""
        try:
            self.counted_before = self.count(aws)
        except AwsCallError:
            return  # the metric's own stage reports why it cannot be read

    def count(self, aws: Aws) -> float:
        """What the detector's metric has counted since the minute of the start."""
        name = self.detector.resource_name(self.config.app_name)
        return count_since(aws, self.config.namespace, name, (), self.start)


def reading(name: str, aws: Aws, run: ScanRun) -> Reading:
    """How a stage is observed, and why nothing may have arrived there."""
    observe, likely_reason = _READINGS[name]
    return Reading(lambda: observe(aws, run), lambda: likely_reason(aws, run))


def _observe_lines(aws: Aws, run: ScanRun) -> Observation:
    return observe_lines(aws, run.config, run.id, run.lines, run.start)


def _observe_metric(aws: Aws, run: ScanRun) -> Observation:
    count = run.count(aws) - run.counted_before
    text = f"It counted {count:g}, and the alarm needs more than {run.target.threshold:g}."
    return Observation("arrived" if count > run.target.threshold else None, text)


def _observe_alarm(aws: Aws, run: ScanRun) -> Observation:
    target = run.target
    if not target.has_contributors:
        response = aws.call("cloudwatch", "describe_alarms", AlarmNames=[target.name])
        states = [alarm["StateValue"] for alarm in response.get("MetricAlarms", ())]
        is_in_alarm = states == ["ALARM"]
        text = f"{target.name} is in {', '.join(states) or 'no state: it does not exist any more'}."
        return Observation("arrived" if is_in_alarm else None, text)
    contributors = aws.pages(
        *("cloudwatch", "describe_alarm_contributors", "AlarmContributors"),
        AlarmName=target.name,
    )
    for contributor in contributors:
        if run.address in contributor["ContributorAttributes"].values():
            reason = contributor.get("StateReason", "")
            return Observation("arrived", f"{target.name} has {run.address} in ALARM: {reason}")
    return Observation(None, f"{run.address} is not among the contributors of {target.name}.")


def _observe_message(aws: Aws, run: ScanRun) -> Observation:
    """Reads the history of the alarm, which has each message or why it was refused."""
    target = run.target
    topics = [action for action in target.actions if ":sns:" in action]
    if not target.actions_enabled:
        return Observation("unseen", f"The alarm's actions are turned off: {_APPLY}.")
    if not topics:
        return Observation("unseen", "The alarm has no topic: set ERRWATCH_SNS_TOPIC.")
    kind, item = ("LogAlarm", "AlarmContributorAction")
    if not target.has_contributors:
        kind, item = ("MetricAlarm", "Action")
    entries = [
        entry
        for entry in aws.pages(
            *("cloudwatch", "describe_alarm_history", "AlarmHistoryItems"),
            AlarmName=target.name,
            AlarmTypes=[kind],
            HistoryItemType=item,
            StartDate=run.start,
        )
        if any(topic in str(entry) for topic in topics) and _is_own(entry, run)
    ]
    for entry in entries:
        if from_aws.action_failed(entry):
            error = from_aws.history_data(entry).get("error") or ""
            return Observation("refused", f"{entry.get('HistorySummary', '')} {error}".strip())
    if entries:
        names = f"it names {run.address}" if target.has_contributors else "it names no address"
        text = f"{entries[0].get('HistorySummary')}; {names}."
        return Observation("arrived", text)
    return Observation(None, "The alarm's history has no message yet.")


def _is_own(entry: Mapping[str, object], run: ScanRun) -> bool:
    """Whether the entry is about the drill's address. An alarm on a metric names none."""
    return not run.target.has_contributors or run.address in str(entry)


def _why_not_in_metric(_aws: Aws, run: ScanRun) -> str:
    return (
        f"Its metric filter may be missing, or older than the detector: {_APPLY}. A metric takes a "
        f"minute or two. The detector's pattern is {run.detector.pattern}."
    )


def _why_not_in_alarm(_aws: Aws, run: ScanRun) -> str:
    if run.target.has_contributors:
        return (
            "A log alarm is evaluated once a minute, and reads lines when they are a minute old. "
            "`flask errwatch status` shows whether its query is refused."
        )
    return "It is evaluated once a minute: try a longer --timeout."


def _why_no_message(_aws: Aws, _run: ScanRun) -> str:
    return "It publishes when the alarm fires; `flask errwatch doctor` checks the topic."


_READINGS: dict[
    str, tuple[Callable[[Aws, ScanRun], Observation], Callable[[Aws, ScanRun], str]]
] = {
    LOGS: (_observe_lines, lambda _, run: why_no_lines(run.stats())),
    METRIC: (_observe_metric, _why_not_in_metric),
    SOURCE_ALARM: (_observe_alarm, _why_not_in_alarm),
    MESSAGE: (_observe_message, _why_no_message),
}

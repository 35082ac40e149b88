"""The stages of a drill: how each is observed, and why nothing may have arrived there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from flask_errwatch._text import one_line, text_of
from flask_errwatch.config import Config
from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import Detector
from flask_errwatch.errors import AwsCallError
from flask_errwatch.patterns import field as json_field
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.log_lines import lines_since
from flask_errwatch.provision.resources import (
    AwsAlarm,
    CompositeAlarm,
    LogAlarm,
    MetricAlarm,
    Pairs,
)

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

LOGS, METRIC, ALARM, SNS = "CloudWatch Logs", "metric", "alarm", "SNS"
STAGES = (LOGS, METRIC, ALARM, SNS)

#: `unseen`: the stage may not be read, or there is nothing that could arrive.
Outcome = Literal["arrived", "refused", "missing", "unseen"]

APPLY = "run `flask errwatch apply`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """The result of one stage.

    Attributes:
        name: `CloudWatch Logs`, `metric`, `alarm` or `SNS`.
        outcome: Whether the events arrived.
        seconds: From the first event until it was observed, or None when it was not.
        detail: What was observed, or the likely reason why nothing was.
    """

    name: str
    outcome: Outcome
    seconds: float | None
    detail: str

    def to_dict(self) -> dict[str, object]:
        """The stage as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        after = "" if self.seconds is None else f" after {self.seconds:g} s"
        return f"{self.outcome}{after}: {one_line(self.detail)}"


@dataclass(frozen=True, slots=True)
class Observation:
    """The state of a stage at one moment.

    Attributes:
        outcome: None while it may still arrive.
        text: What was observed.
    """

    outcome: Outcome | None
    text: str


@dataclass(kw_only=True, slots=True)
class Run(ABC):
    """A drill in progress, of either kind.

    Attributes:
        id: The mark of its lines, under `data.drill`.
        config: The app's configuration.
        detector: The detector whose alarm fires.
        lines: How many lines are waited for in CloudWatch Logs.
        start: When the first was sent.
        stats: Returns the delivery's figures.
        counted_before: What the metric had counted in the minute of `start`, or 0 when unknown.
    """

    id: str
    config: Config
    detector: Detector
    lines: int
    start: datetime
    stats: Callable[[], Stats]
    counted_before: float = field(default=0.0)

    @abstractmethod
    def count(self, aws: Aws) -> float:
        """What the metric has counted since the minute of the start."""

    def read_baseline(self, aws: Aws) -> None:
        """Reads what the metric has counted already: real lines of this minute."""
        try:
            self.counted_before = self.count(aws)
        except AwsCallError:
            return  # the metric's own stage reports why it cannot be read


@dataclass(kw_only=True, slots=True)
class DrillRun(Run):
    """A drill of a detector in progress. Only the lines of its first period are waited for.

    Attributes:
        alarm: The alarm as it is in AWS.
        notifier: The alarm that notifies when it fires.
    """

    alarm: MetricAlarm
    notifier: MetricAlarm | CompositeAlarm

    def count(self, aws: Aws) -> float:
        """What the alarm's metric has counted since the minute of the start."""
        alarm = self.alarm
        namespace, name = alarm.namespace or "", alarm.metric_name or ""
        return count_since(aws, namespace, name, alarm.dimensions, self.start)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a stage is observed, and why nothing may have arrived there.

    Attributes:
        look: Reads the state of the stage once.
        explain: The likely reason, as far as it can be determined.
    """

    look: Callable[[], Observation]
    explain: Callable[[], str]


def reading(name: str, aws: Aws, run: DrillRun) -> Reading:
    """How a stage of a drill is observed."""
    return Reading(lambda: _OBSERVERS[name](aws, run), lambda: _REASONS[name](aws, run))


def observe(reading: Reading) -> Observation:
    """Reads the state of a stage once."""
    try:
        return reading.look()
    except AwsCallError as error:
        if error.kind in {"throttled", "unreachable"}:
            return Observation(None, str(error))
        # Without AWS's own message: an emulator that lacks the call answers with an HTML page.
        remedy = f" {error.remedy}" if error.is_lasting else ""
        return Observation("unseen", f"{error.outcome}.{remedy}")


def likely_reason(reading: Reading) -> str:
    """Why nothing arrived, as far as it can be determined."""
    try:
        return reading.explain()
    except AwsCallError as error:
        return str(error)


def observe_lines(aws: Aws, run: Run) -> Observation:
    """Whether CloudWatch Logs has the lines of the drill."""
    pattern = str(json_field("$.data.drill") == run.id)
    # Distinct ids: a line may be delivered twice. A forged line may have anything as its id.
    ids = {
        text_of(line.event.get("id"))
        for line in lines_since(aws, run.config, pattern, run.start.timestamp() - 60)
        if _drill_id(line.event) == run.id
    } - {""}
    text = f"{len(ids)} of {run.lines} lines were accepted."
    return Observation("arrived" if len(ids) >= run.lines else None, text)


def _drill_id(event: Mapping[str, object]) -> object:
    data = event.get("data")
    return data.get("drill") if isinstance(data, dict) else None


def _observe_metric(aws: Aws, run: DrillRun) -> Observation:
    count = run.count(aws) - run.counted_before
    text = f"It counted {count:g} of {run.lines} lines."
    return Observation("arrived" if count >= run.lines else None, text)


def count_since(aws: Aws, namespace: str, name: str, dimensions: Pairs, start: datetime) -> float:
    """The sum of a metric since the minute of the start."""
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
    }
    minute = start.replace(second=0, microsecond=0)
    response = aws.call(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=[
            {"Id": "lines", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        ],
        StartTime=minute,
        # Ahead of our clock: the lab's time runs faster.
        EndTime=minute + timedelta(days=1),
    )
    results = response["MetricDataResults"]
    return float(sum(value for result in results for value in result["Values"]))


def _observe_alarm(aws: Aws, run: DrillRun) -> Observation:
    response = aws.call("cloudwatch", "describe_alarms", AlarmNames=[run.alarm.name])
    alarms = response.get("MetricAlarms", ())
    if not alarms:
        return Observation(None, "It does not exist any more.")
    state, reason = alarms[0]["StateValue"], alarms[0].get("StateReason", "")
    if state == "ALARM":
        return Observation("arrived", f"{run.alarm.name} is in ALARM: {reason}")
    return Observation(None, f"{run.alarm.name} is in {state}.")


def _observe_sns(aws: Aws, run: DrillRun) -> Observation:
    advice = "ask the subscribers whether they received it"
    notified = observe_notification(aws, run, run.notifier, advice)
    return notified or Observation(None, "The alarm's history has no notification.")


def _why_no_topic(config: Config) -> str:
    if config.sns_topic is None:
        return f"The alarm has no topic: set ERRWATCH_SNS_TOPIC, and {APPLY}."
    if config.notify == "app":
        return "It has no topic of its own: the app's composite alarm notifies (ERRWATCH_NOTIFY)."
    return f"The alarm has no topic: {APPLY}."


def observe_notification(
    aws: Aws, run: Run, alarm: AwsAlarm, remark: str, *, about: str = ""
) -> Observation | None:
    """Reads the history of the alarm that notifies, which alone shows a refused publish.

    Args:
        aws: The account and region.
        run: The drill.
        alarm: The alarm, as it is in AWS.
        remark: What to say of a notification that was sent.
        about: What the notification must be about, such as an address.

    Returns:
        None before the first notification.
    """
    topics = [action for action in alarm.alarm_actions if ":sns:" in action]
    if not alarm.actions_enabled:
        return Observation("unseen", f"The alarm's actions are turned off: {APPLY}.")
    if not topics and run.detector.alarm is not None and not run.detector.alarm.notifies:
        return Observation("unseen", "The alarm does not notify: it has notify=False.")
    if not topics:
        return Observation("unseen", _why_no_topic(run.config))
    types, item = ["MetricAlarm", "CompositeAlarm"], "Action"
    if isinstance(alarm, LogAlarm):
        types, item = ["LogAlarm"], "AlarmContributorAction"
    history = aws.pages(
        "cloudwatch",
        "describe_alarm_history",
        "AlarmHistoryItems",
        AlarmName=alarm.name,
        AlarmTypes=types,
        HistoryItemType=item,
        StartDate=run.start,
    )
    # Those that name a topic: an alarm may have other actions too.
    entries = [
        entry
        for entry in history
        if about in str(entry) and any(topic in str(entry) for topic in topics)
    ]
    for entry in entries:
        if from_aws.action_failed(entry):
            error = from_aws.history_data(entry).get("error") or ""
            return Observation("refused", f"{entry.get('HistorySummary', '')} {error}".strip())
    if entries:
        return Observation("arrived", f"{entries[0].get('HistorySummary')}; {remark}.")
    return None


def why_not_in_logs(_aws: Aws, run: Run) -> str:
    """Why lines are not in CloudWatch Logs, by the delivery's figures."""
    stats = run.stats()
    if stats.last_error:
        return f"The delivery reports: {stats.last_error}"
    if stats.dropped:
        return f"{stats.dropped} events were dropped: a before_emit hook may drop them."
    return f"{stats.pending} lines are pending in this process: try a longer --timeout."


def _why_not_in_metric(aws: Aws, run: DrillRun) -> str:
    config, alarm = run.config, run.alarm
    name = run.detector.resource_name(config.app_name)
    response = aws.call(
        "logs", "describe_metric_filters", logGroupName=config.log_group, filterNamePrefix=name
    )
    filters = {
        entry.name: entry for entry in map(from_aws.metric_filter, response["metricFilters"])
    }
    if name not in filters:
        return f"Metric filter {name} does not exist in {config.log_group}: {APPLY}."
    stored = filters[name]
    if stored.pattern != run.detector.pattern:
        return f"The filter's pattern is {stored.pattern}, not the detector's: {APPLY}."
    if (stored.namespace, stored.metric_name) != (alarm.namespace, alarm.metric_name):
        return f"The filter feeds another metric than the alarm uses: {APPLY}."
    return "Filter and alarm agree; a metric takes a minute or two: try a longer --timeout."


def _why_not_in_alarm(_aws: Aws, run: DrillRun) -> str:
    alarm = run.alarm
    if alarm.unit not in {None, "Count"}:
        return f"It has the unit {alarm.unit}, which no line has: {APPLY}."
    return (
        f"It needs {alarm.datapoints_to_alarm or alarm.evaluation_periods} breaching periods of "
        f"{alarm.period} s, and is evaluated once a minute: try a longer --timeout."
    )


def why_no_notification(_aws: Aws, _run: Run) -> str:
    """What publishes a notification, and what checks the topic."""
    return "It publishes when the alarm fires; `flask errwatch doctor` checks the topic."


_OBSERVERS: dict[str, Callable[[Aws, DrillRun], Observation]] = {
    LOGS: observe_lines,
    METRIC: _observe_metric,
    ALARM: _observe_alarm,
    SNS: _observe_sns,
}
_REASONS: dict[str, Callable[[Aws, DrillRun], str]] = {
    LOGS: why_not_in_logs,
    METRIC: _why_not_in_metric,
    ALARM: _why_not_in_alarm,
    SNS: why_no_notification,
}

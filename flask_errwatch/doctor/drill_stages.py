"""The stations of a drill: how each is looked at, and what it means when nothing arrived."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from flask_errwatch._text import one_line
from flask_errwatch.config import Config
from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import Detector
from flask_errwatch.doctor.recent_lines import lines_since
from flask_errwatch.errors import AwsCallError
from flask_errwatch.patterns import field as json_field
from flask_errwatch.provision import from_aws as actual
from flask_errwatch.provision.resources import MetricAlarm

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

LOGS, METRIC, ALARM, SNS = "CloudWatch Logs", "metric", "alarm", "SNS"
NAMES = (LOGS, METRIC, ALARM, SNS)

#: `unseen`: whether it arrived cannot be looked at, or there is nothing that could arrive.
Outcome = Literal["arrived", "refused", "missing", "unseen"]

_APPLY = "run `flask errwatch apply`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Station:
    """One station, and whether the drill came there.

    Attributes:
        name: `CloudWatch Logs`, `metric`, `alarm` or `SNS`.
        outcome: What became of it.
        seconds: From the first event to when it was seen; None when it was not.
        detail: What was seen, or the likely reason why nothing was.
    """

    name: str
    outcome: Outcome
    seconds: float | None
    detail: str

    def to_dict(self) -> dict[str, object]:
        """The station as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        after = "" if self.seconds is None else f" after {self.seconds:g} s"
        return f"{self.outcome}{after}: {one_line(self.detail)}"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look at a station showed.

    Attributes:
        outcome: None while it may still arrive.
        text: What was seen so far.
    """

    outcome: Outcome | None
    text: str


@dataclass(kw_only=True, slots=True)
class Watched:
    """What a drill looks for.

    Attributes:
        id: What marks its events.
        config: The app's configuration.
        detector: Whose events they are.
        alarm: The alarm as it stands.
        lines: How many events one period gets; a later wave is waited for with the alarm.
        begun: When the first one was sent.
        stats: The delivery's figures.
        before: What the metric had counted in the minute of the beginning; 0 when unknown.
    """

    id: str
    config: Config
    detector: Detector
    alarm: MetricAlarm
    lines: int
    begun: datetime
    stats: Callable[[], Stats]
    before: float = field(default=0.0)

    def remember(self, aws: Aws) -> None:
        """Notes what the metric has counted already: real lines of this minute."""
        try:
            self.before = _counted(aws, self)
        except AwsCallError:
            return  # the metric's own station says why it cannot be read


def look(name: str, aws: Aws, watched: Watched) -> Sight:
    """Looks at a station once."""
    try:
        return _LOOKS[name](aws, watched)
    except AwsCallError as error:
        if error.kind in {"throttled", "unreachable"}:
            return Sight(None, str(error))
        # Without AWS's own words: an emulator that lacks the call answers with a page.
        remedy = f" {error.remedy}" if error.is_lasting else ""
        return Sight("unseen", f"{error.action} failed with {error.code}.{remedy}")


def likely_reason(name: str, aws: Aws, watched: Watched) -> str:
    """Why nothing arrived, as far as it can be told."""
    try:
        return _REASONS[name](aws, watched)
    except AwsCallError as error:
        return str(error)


def _in_logs(aws: Aws, watched: Watched) -> Sight:
    pattern = str(json_field("$.data.drill") == watched.id)
    since = watched.begun.timestamp() - 60
    # By id: a line may arrive twice.
    found = {
        each.event.get("id")
        for each in lines_since(aws, watched.config, pattern, since)
        if _mark(each.event) == watched.id
    }
    text = f"{len(found)} of {watched.lines} lines were accepted."
    return Sight("arrived" if len(found) >= watched.lines else None, text)


def _mark(event: Mapping[str, Any]) -> object:
    data = event.get("data")
    return data.get("drill") if isinstance(data, dict) else None


def _in_metric(aws: Aws, watched: Watched) -> Sight:
    more = _counted(aws, watched) - watched.before
    text = f"It counted {more:g} lines more, of {watched.lines}."
    return Sight("arrived" if more >= watched.lines else None, text)


def _counted(aws: Aws, watched: Watched) -> float:
    """What the alarm's metric has counted since the minute of the beginning."""
    alarm = watched.alarm
    dimensions = [{"Name": name, "Value": value} for name, value in alarm.dimensions]
    metric = {
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric_name,
        "Dimensions": dimensions,
    }
    begin = watched.begun.replace(second=0, microsecond=0)
    told = aws.call(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=[
            {"Id": "lines", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        ],
        StartTime=begin,
        # Ahead of our clock: the lab's time runs faster.
        EndTime=begin + timedelta(days=1),
    )
    return float(sum(value for each in told["MetricDataResults"] for value in each["Values"]))


def _in_alarm(aws: Aws, watched: Watched) -> Sight:
    found = aws.call("cloudwatch", "describe_alarms", AlarmNames=[watched.alarm.name])
    listed = found.get("MetricAlarms", ())
    if not listed:
        return Sight(None, "It does not stand any more.")
    state, why = listed[0]["StateValue"], listed[0].get("StateReason", "")
    if state == "ALARM":
        return Sight("arrived", f"{watched.alarm.name} is in ALARM: {why}")
    return Sight(None, f"{watched.alarm.name} is in {state}.")


def _in_sns(aws: Aws, watched: Watched) -> Sight:
    """The alarm's history: the only place where a refused publish shows."""
    topics = [each for each in watched.alarm.alarm_actions if ":sns:" in each]
    if not watched.alarm.actions_enabled:
        return Sight("unseen", f"The alarm's actions are turned off: {_APPLY}.")
    if not topics:
        return Sight("unseen", "The alarm tells no topic: set ERRWATCH_SNS_TOPIC.")
    listed = aws.pages(
        "cloudwatch",
        "describe_alarm_history",
        "AlarmHistoryItems",
        AlarmName=watched.alarm.name,
        HistoryItemType="Action",
        StartDate=watched.begun,
    )
    # With the topic named in each: an alarm may have other actions too.
    entries = [each for each in listed if any(topic in str(each) for topic in topics)]
    for each in entries:
        summary = str(each.get("HistorySummary", ""))
        if summary.startswith("Failed") or _data(each).get("actionState") == "Failed":
            return Sight("refused", f"{summary} {_data(each).get('error') or ''}".strip())
    if entries:
        text = f"{entries[0].get('HistorySummary')}; whether subscribers got it, only they can say."
        return Sight("arrived", text)
    return Sight(None, "No publish is in the alarm's history.")


def _data(entry: Mapping[str, Any]) -> dict[str, Any]:
    try:
        data = json.loads(entry.get("HistoryData") or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _why_not_in_logs(_aws: Aws, watched: Watched) -> str:
    stats = watched.stats()
    if stats.last_error:
        return f"The delivery says: {stats.last_error}"
    if stats.dropped:
        return f"{stats.dropped} events were dropped: a before_emit hook may drop them."
    return f"{stats.pending} lines wait in this process: try a longer --timeout."


def _why_not_in_metric(aws: Aws, watched: Watched) -> str:
    config, alarm = watched.config, watched.alarm
    name = watched.detector.resource_name(config.app_name)
    listed = aws.call(
        "logs", "describe_metric_filters", logGroupName=config.log_group, filterNamePrefix=name
    )["metricFilters"]
    stands = [each for each in map(actual.metric_filter, listed) if each.name == name]
    if not stands:
        return f"No metric filter {name} stands in {config.log_group}: {_APPLY}."
    if stands[0].pattern != watched.detector.pattern:
        return f"The filter's pattern is {stands[0].pattern}, not the detector's: {_APPLY}."
    if (stands[0].namespace, stands[0].metric_name) != (alarm.namespace, alarm.metric_name):
        return f"The filter feeds another metric than the alarm watches: {_APPLY}."
    return "Filter and alarm agree; a metric takes a minute or two: try a longer --timeout."


def _why_not_in_alarm(_aws: Aws, watched: Watched) -> str:
    alarm = watched.alarm
    if alarm.unit not in {None, "Count"}:
        return f"It has the unit {alarm.unit}, which no line has: {_APPLY}."
    return (
        f"It needs {alarm.datapoints_to_alarm or alarm.evaluation_periods} breaching periods of "
        f"{alarm.period} s, and is evaluated once a minute: try a longer --timeout."
    )


def _why_not_in_sns(_aws: Aws, _watched: Watched) -> str:
    return "It is told when the alarm goes off; `flask errwatch doctor` looks at the topic."


_LOOKS: dict[str, Callable[[Aws, Watched], Sight]] = {
    LOGS: _in_logs,
    METRIC: _in_metric,
    ALARM: _in_alarm,
    SNS: _in_sns,
}
_REASONS: dict[str, Callable[[Aws, Watched], str]] = {
    LOGS: _why_not_in_logs,
    METRIC: _why_not_in_metric,
    ALARM: _why_not_in_alarm,
    SNS: _why_not_in_sns,
}

"""The half of CloudWatch that moto lacks: from stored lines to metrics, states and messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from flask_errwatch._aws import Aws
from flask_errwatch.errors import JudgeError
from flask_errwatch.lab.clock import Clock
from flask_errwatch.lab.definitions import judged_alarm, judged_filter
from flask_errwatch.lab.notices import Courier
from flask_errwatch.lab.reading import LogLine, Reader
from flask_errwatch.provision.resources import MetricAlarm, MetricFilter
from flask_errwatch.simulation import Judge, LineFilter, StateValue, Transition

_MINUTE = 60
_MOST_DATA = 1000  # CloudWatch API Reference, PutMetricData: metrics in one call
_REASON = 1023  # CloudWatch API Reference, SetAlarmState, StateReason

#: An entry of a listing, as boto3 returns it.
_Stored = Mapping[str, Any]
ResourceT = TypeVar("ResourceT", MetricFilter, MetricAlarm)


class _Datum(NamedTuple):
    """Equal samples of one minute."""

    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    minute: int
    value: float

    def counted(self, count: int) -> dict[str, object]:
        """As PutMetricData takes it, when there are so many of it."""
        return {
            "MetricName": self.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
            "Unit": self.unit,
            "Timestamp": self.minute,
            "Values": [self.value],
            "Counts": [float(count)],
        }


class _Group:
    """One log group: what was read of it, its metric filters, and their alarms."""

    def __init__(self, aws: Aws, name: str, origin: float) -> None:
        self.reader = Reader(aws, name)
        self.judge = Judge(start=origin)
        self.filters: list[LineFilter] = []

    def define(self, filters: list[MetricFilter], alarms: list[MetricAlarm]) -> None:
        """Replaces the filters and alarms."""
        self.filters = [LineFilter(metric_filter) for metric_filter in filters]
        self.judge.redefine([*filters, *alarms])


class Service:
    """Does what CloudWatch does between a log line and a notification, one step at a time.

    Everything is read from the lab and written to it over the API, so that whoever looks at it
    sees what he would see in AWS. Metric data is put at the lab's own time; the log events keep
    the real time at which they were written.

    Args:
        aws: The door to the lab.
        clock: The lab's time.
        tell: Takes each transition.
        warn: Takes a sentence about something that the lab cannot do, each time it meets it.
    """

    def __init__(
        self,
        aws: Aws,
        clock: Clock,
        *,
        tell: Callable[[Transition], object],
        warn: Callable[[str], object],
    ) -> None:
        self._aws = aws
        self._clock = clock
        self._tell = tell
        self._warn = warn
        self._courier = Courier(aws)
        self._groups: dict[str, _Group] = {}
        self._definitions: object = None

    def step(self, until: float) -> None:
        """Takes in what has arrived, and evaluates every minute up to a moment.

        Args:
            until: The moment in the lab's time, in seconds since the epoch.

        Raises:
            AwsCallError: When a call to the lab failed.
        """
        alarms, is_new = self._define()
        for group in self._groups.values():
            lines = group.reader.new_lines()
            self._put_metrics(group.filters, lines)
            for line in lines:
                group.judge.feed(round(self._lab_time(line) * 1000), line.message)
        self._keep_states(alarms, until, is_new=is_new)
        for group in self._groups.values():
            for transition in group.judge.advance(until):
                self._change(alarms[transition.alarm], transition)

    def _define(self) -> tuple[dict[str, _Stored], bool]:
        """Reads filters and alarms; gives the alarms by name, and whether anything is new."""
        filters = list(self._aws.pages("logs", "describe_metric_filters", "metricFilters"))
        alarms = {
            str(alarm["AlarmName"]): alarm
            for alarm in self._aws.pages("cloudwatch", "describe_alarms", "MetricAlarms")
        }
        declared = [
            {key: value for key, value in alarm.items() if not key.startswith("State")}
            for alarm in alarms.values()
        ]
        is_new = (filters, declared) != self._definitions
        if is_new:
            self._definitions = (filters, declared)
            self._redefine(filters, alarms.values())
        return alarms, is_new

    def _redefine(self, filters: Iterable[_Stored], alarms: Iterable[_Stored]) -> None:
        # moto keeps both when a filter is put twice; in AWS the second replaces the first.
        unique = {(entry["logGroupName"], entry["filterName"]): entry for entry in filters}
        by_group: dict[str, list[MetricFilter]] = {name: [] for name in self._groups}
        watched: dict[str, list[MetricAlarm]] = {}
        owners: dict[tuple[str, str], str] = {}
        for (group, _), entry in unique.items():
            metric_filter = self._understood(judged_filter, entry)
            if metric_filter is not None:
                by_group.setdefault(group, []).append(metric_filter)
                owners.setdefault((metric_filter.namespace, metric_filter.metric_name), group)
        for entry in alarms:
            alarm = self._understood(judged_alarm, entry)
            if alarm is None:
                continue
            owner = owners.get((alarm.namespace or "", alarm.metric_name or ""))
            if owner is None:
                self._warn(f"alarm {alarm.name}: no metric filter feeds its metric.")
            else:
                watched.setdefault(owner, []).append(alarm)
        for name, declared in by_group.items():
            if name not in self._groups:
                self._groups[name] = _Group(self._aws, name, self._clock.origin)
            self._groups[name].define(declared, watched.get(name, []))

    def _understood(
        self, read: Callable[[_Stored], ResourceT], stored: _Stored
    ) -> ResourceT | None:
        """The resource of an entry; None, with a warning, for one that the judge cannot judge."""
        try:
            return read(stored)
        except JudgeError as error:
            self._warn(str(error))
            return None

    def _lab_time(self, line: LogLine) -> float:
        return self._clock.lab_time(line.timestamp / 1000)

    def _put_metrics(self, filters: list[LineFilter], lines: list[LogLine]) -> None:
        counts: Counter[tuple[str, _Datum]] = Counter()
        for line in lines:
            minute = int(self._lab_time(line)) // _MINUTE * _MINUTE
            for line_filter in filters:
                sample = line_filter.sample(line.message)
                if sample is not None:
                    metric, unit = sample.metric, line_filter.resource.unit
                    datum = _Datum(metric.name, metric.dimensions, unit, minute, sample.value)
                    counts[metric.namespace, datum] += 1
        by_namespace: dict[str, list[dict[str, object]]] = {}
        for (namespace, datum), count in counts.items():
            by_namespace.setdefault(namespace, []).append(datum.counted(count))
        for namespace, data in by_namespace.items():
            for first in range(0, len(data), _MOST_DATA):
                self._aws.call(
                    *("cloudwatch", "put_metric_data"),
                    Namespace=namespace,
                    MetricData=data[first : first + _MOST_DATA],
                )

    def _keep_states(self, alarms: dict[str, _Stored], at: float, *, is_new: bool) -> None:
        """Gives each alarm the state that the judge knows it in.

        moto starts an alarm in OK and puts it back there when it is put again; the live service
        starts in INSUFFICIENT_DATA and keeps the state. A state that somebody set by hand is
        announced and taken back, as the next evaluation of the live service does.
        """
        judged = [item for group in self._groups.values() for item in group.judge.states.items()]
        for name, state in judged:
            alarm = alarms[name]
            stored: StateValue = alarm["StateValue"]
            if stored == state:
                continue
            if is_new:
                self._set(name, state, "Unchecked: initial state.")
                continue
            for old, new, reason in (
                (state, stored, str(alarm["StateReason"])),
                (stored, state, "What was set by hand does not outlast the next evaluation."),
            ):
                self._change(alarm, Transition(name, int(at), old, new, reason))

    def _change(self, alarm: _Stored, transition: Transition) -> None:
        name, new, reason = transition.alarm, transition.new, transition.reason
        self._set(name, new, reason)
        self._tell(transition)
        for note in self._courier.tell(alarm, transition.old, new, reason, transition.at):
            self._warn(f"alarm {name}: {note}.")

    def _set(self, name: str, state: str, reason: str) -> None:
        self._aws.call(
            *("cloudwatch", "set_alarm_state"),
            AlarmName=name,
            StateValue=state,
            StateReason=reason[:_REASON],
        )

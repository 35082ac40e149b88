"""The part of CloudWatch that moto lacks: metric filters, alarm evaluation and notifications."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from flask_errwatch._aws import Aws
from flask_errwatch.errors import JudgeError
from flask_errwatch.lab.clock import Clock
from flask_errwatch.lab.definitions import parse_alarm, parse_filter
from flask_errwatch.lab.log_reader import LogLine, LogReader
from flask_errwatch.lab.sns_notifier import SnsNotifier
from flask_errwatch.provision.resources import CompositeAlarm, MetricAlarm, MetricFilter
from flask_errwatch.simulation import (
    MINUTE,
    CompositeCondition,
    Judge,
    LineFilter,
    StateValue,
    Transition,
)

_MAX_DATA = 1000  # CloudWatch API Reference, PutMetricData: metrics in one call
_MAX_REASON = 1023  # CloudWatch API Reference, SetAlarmState, StateReason

#: An entry of a listing, as boto3 returns it.
_Stored = Mapping[str, Any]
_Alarm = MetricAlarm | CompositeAlarm
ResourceT = TypeVar("ResourceT", MetricFilter, _Alarm)


class _Datum(NamedTuple):
    """Equal samples of one minute."""

    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    minute: int
    value: float

    def counted(self, count: int) -> dict[str, object]:
        """Returns the entry for PutMetricData when the sample occurred `count` times."""
        return {
            "MetricName": self.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
            "Unit": self.unit,
            "Timestamp": self.minute,
            "Values": [self.value],
            "Counts": [float(count)],
        }


class _Group:
    """One log group: its reader, its metric filters and the judge of their alarms."""

    def __init__(self, aws: Aws, name: str, origin: float) -> None:
        self.reader = LogReader(aws, name)
        self.judge = Judge(start=origin)
        self.filters: list[LineFilter] = []

    def define(self, filters: list[MetricFilter], alarms: list[_Alarm]) -> None:
        """Replaces the group's filters and alarms."""
        self.filters = [LineFilter(metric_filter) for metric_filter in filters]
        self.judge.redefine([*filters, *alarms])


class CloudWatchEmulator:
    """Does what CloudWatch does between a log line and a notification, one step at a time.

    It reads and writes everything over the lab's API, so any client of the lab sees what it
    would see in AWS. Metric data has the lab's time. Log events keep the real time at which they
    were written.

    Args:
        aws: Calls the lab.
        clock: The lab's time.
        on_transition: Called with each transition.
        on_warning: Called with a sentence each time the lab meets something it cannot do.
    """

    def __init__(
        self,
        aws: Aws,
        clock: Clock,
        *,
        on_transition: Callable[[Transition], object],
        on_warning: Callable[[str], object],
    ) -> None:
        self._aws = aws
        self._clock = clock
        self._on_transition = on_transition
        self._on_warning = on_warning
        self._notifier = SnsNotifier(aws)
        self._groups: dict[str, _Group] = {}
        self._definitions: object = None

    def step(self, until: float) -> None:
        """Reads the new lines and evaluates every minute up to `until`.

        Args:
            until: In the lab's time, in seconds since the epoch.

        Raises:
            AwsCallError: When a call to the lab failed.
        """
        alarms, has_changed = self._read_definitions()
        for group in self._groups.values():
            lines = group.reader.new_lines()
            self._put_metrics(group.filters, lines)
            for line in lines:
                group.judge.feed(round(self._lab_time(line) * 1000), line.message)
        self._sync_states(alarms, until, has_changed=has_changed)
        for group in self._groups.values():
            for transition in group.judge.advance(until):
                self._apply(alarms[transition.alarm], transition)

    def _read_definitions(self) -> tuple[dict[str, _Stored], bool]:
        """Reads filters and alarms. Returns the alarms by name, and whether anything changed."""
        filters = list(self._aws.pages("logs", "describe_metric_filters", "metricFilters"))
        alarms = {
            str(alarm["AlarmName"]): alarm
            for kind in ("MetricAlarm", "CompositeAlarm")
            for alarm in self._aws.pages(
                "cloudwatch", "describe_alarms", f"{kind}s", AlarmTypes=[kind]
            )
        }
        declared = [
            {key: value for key, value in alarm.items() if not key.startswith("State")}
            for alarm in alarms.values()
        ]
        has_changed = (filters, declared) != self._definitions
        if has_changed:
            self._definitions = (filters, declared)
            self._redefine(filters, alarms.values())
        return alarms, has_changed

    def _redefine(self, filters: Iterable[_Stored], alarms: Iterable[_Stored]) -> None:
        # moto keeps both when a filter is put twice. In AWS the second replaces the first.
        unique = {(entry["logGroupName"], entry["filterName"]): entry for entry in filters}
        filters_of: dict[str, list[MetricFilter]] = {name: [] for name in self._groups}
        alarms_of: dict[str, list[_Alarm]] = {}
        group_of_metric: dict[tuple[str, str], str] = {}
        for (group, _), entry in unique.items():
            metric_filter = self._parse(parse_filter, entry)
            if metric_filter is not None:
                filters_of.setdefault(group, []).append(metric_filter)
                metric = metric_filter.namespace, metric_filter.metric_name
                group_of_metric.setdefault(metric, group)
        composites: list[CompositeAlarm] = []
        for entry in alarms:
            alarm = self._parse(parse_alarm, entry)
            if isinstance(alarm, CompositeAlarm):
                composites.append(alarm)
            if not isinstance(alarm, MetricAlarm):
                continue
            group = group_of_metric.get((alarm.namespace or "", alarm.metric_name or ""))
            if group is None:
                self._on_warning(f"alarm {alarm.name}: no metric filter feeds its metric.")
            else:
                alarms_of.setdefault(group, []).append(alarm)
        self._place(composites, alarms_of)
        for group, group_filters in filters_of.items():
            if group not in self._groups:
                self._groups[group] = _Group(self._aws, group, self._clock.origin)
            self._groups[group].define(group_filters, alarms_of.get(group, []))

    def _place(
        self, composites: list[CompositeAlarm], alarms_of: Mapping[str, list[_Alarm]]
    ) -> None:
        """Adds each composite alarm to the log group that has all the alarms of its rule."""
        waiting = {composite.name: composite for composite in composites}
        is_placed = True
        while is_placed:  # a composite may name another one
            is_placed = False
            for group_alarms in alarms_of.values():
                names = {alarm.name for alarm in group_alarms}
                for composite in [*waiting.values()]:
                    if CompositeCondition.of(composite).children <= names:
                        group_alarms.append(waiting.pop(composite.name))
                        is_placed = True
        for name in waiting:
            self._on_warning(f"alarm {name}: the lab does not judge all the alarms of its rule.")

    def _parse(self, parse: Callable[[_Stored], ResourceT], stored: _Stored) -> ResourceT | None:
        """Returns the resource of an entry, or warns and returns None if it cannot be judged."""
        try:
            return parse(stored)
        except JudgeError as error:
            self._on_warning(str(error))
            return None

    def _lab_time(self, line: LogLine) -> float:
        return self._clock.lab_time(line.timestamp / 1000)

    def _put_metrics(self, filters: list[LineFilter], lines: list[LogLine]) -> None:
        counts: Counter[tuple[str, _Datum]] = Counter()
        for line in lines:
            minute = int(self._lab_time(line)) // MINUTE * MINUTE
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
            for first in range(0, len(data), _MAX_DATA):
                self._aws.call(
                    *("cloudwatch", "put_metric_data"),
                    Namespace=namespace,
                    MetricData=data[first : first + _MAX_DATA],
                )

    def _sync_states(self, alarms: dict[str, _Stored], at: float, *, has_changed: bool) -> None:
        """Sets each alarm's stored state to the judge's.

        moto starts an alarm in OK and resets it to OK when it is put again. The live service
        starts in INSUFFICIENT_DATA and keeps the state. A state that was set by hand is
        notified and then reverted, as the next evaluation of the live service does.
        """
        judged = [state for group in self._groups.values() for state in group.judge.states.items()]
        for name, state in judged:
            alarm = alarms[name]
            stored: StateValue = alarm["StateValue"]
            if stored == state:
                continue
            if has_changed:
                self._set_state(name, state, "Unchecked: initial state.")
                continue
            for old, new, reason in (
                (state, stored, str(alarm["StateReason"])),
                (stored, state, "A state set by hand lasts until the next evaluation."),
            ):
                self._apply(alarm, Transition(name, int(at), old, new, reason))

    def _apply(self, alarm: _Stored, transition: Transition) -> None:
        name, new, reason = transition.alarm, transition.new, transition.reason
        self._set_state(name, new, reason)
        self._on_transition(transition)
        for failure in self._notifier.notify(alarm, transition.old, new, reason, transition.at):
            self._on_warning(f"alarm {name}: {failure}.")

    def _set_state(self, name: str, state: str, reason: str) -> None:
        self._aws.call(
            *("cloudwatch", "set_alarm_state"),
            AlarmName=name,
            StateValue=state,
            StateReason=reason[:_MAX_REASON],
        )

"""The part of CloudWatch that moto lacks: metric filters, alarm evaluation and notifications."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from flask_errwatch._aws import Aws
from flask_errwatch.errors import JudgeError
from flask_errwatch.lab.alarm_history import record_contributor, record_state, state_evidence
from flask_errwatch.lab.clock import Clock
from flask_errwatch.lab.definitions import group_of, parse_alarm, parse_filter, parse_rule
from flask_errwatch.lab.log_alarm_operations import set_contributors
from flask_errwatch.lab.log_reader import LogLine, LogReader
from flask_errwatch.lab.sns_notifier import SnsNotifier
from flask_errwatch.provision.ownership import insight_rules_of
from flask_errwatch.provision.resources import (
    CompositeAlarm,
    InsightRule,
    LogAlarm,
    MetricAlarm,
    MetricFilter,
)
from flask_errwatch.simulation import (
    MINUTE,
    CompositeCondition,
    ContributorTransition,
    Judge,
    LineFilter,
    StateValue,
    Transition,
)

_MAX_DATA = 1000  # CloudWatch API Reference, PutMetricData: metrics in one call
_MAX_REASON = 1023  # CloudWatch API Reference, SetAlarmState, StateReason

#: An entry of a listing, as boto3 returns it.
_Stored = Mapping[str, Any]
_Alarm = MetricAlarm | CompositeAlarm | LogAlarm
_Judged = _Alarm | InsightRule
ResourceT = TypeVar("ResourceT", MetricFilter, InsightRule, _Alarm)


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
        self.in_alarm: dict[tuple[str, str], ContributorTransition] = {}

    def define(self, filters: list[MetricFilter], alarms: list[_Judged]) -> None:
        """Replaces the group's filters, alarms and the insight rules that these need."""
        self.filters = [LineFilter(metric_filter) for metric_filter in filters]
        self.judge.redefine([*filters, *alarms])

    def follow_contributors(self) -> list[ContributorTransition]:
        """The changes of contributors since the last call. `in_alarm` has those in ALARM."""
        moves = self.judge.take_contributor_transitions()
        for move in moves:
            if move.new == "ALARM":
                self.in_alarm[move.alarm, move.contributor] = move
        standing = {
            (report.name, contributor)
            for report in self.judge.log_reports()
            for contributor in report.in_alarm
        }
        self.in_alarm = {key: move for key, move in self.in_alarm.items() if key in standing}
        return moves


def _rules_of(alarm: MetricAlarm, rules: list[InsightRule]) -> list[InsightRule]:
    """Returns the rules that the alarm's expression names. None unless all of them are judged."""
    needed = insight_rules_of([alarm])
    found = [rule for rule in rules if rule.name in needed]
    return found if len(found) == len(needed) else []


class CloudWatchEmulator:
    """Does what CloudWatch does between a log line and a notification, one step at a time.

    It reads and writes everything over the lab's API, so any client of the lab sees what it
    would see in AWS. Metric data has the lab's time. Log events keep the real time at which they
    were written.

    Args:
        aws: Calls the lab.
        clock: The lab's time.
        on_transition: Called with each transition of an alarm.
        on_contributor: Called with each transition of a contributor of a log alarm.
        on_warning: Called with a sentence each time the lab meets something it cannot do.
    """

    def __init__(
        self,
        aws: Aws,
        clock: Clock,
        *,
        on_transition: Callable[[Transition], object],
        on_contributor: Callable[[ContributorTransition], object] = lambda _: None,
        on_warning: Callable[[str], object],
    ) -> None:
        self._aws = aws
        self._clock = clock
        self._on_transition = on_transition
        self._on_contributor = on_contributor
        self._on_warning = on_warning
        self._notifier = SnsNotifier(aws)
        self._groups: dict[str, _Group] = {}
        self._definitions: object = None
        self._unfed: set[str] = set()
        self._reported_unfed: set[str] = set()

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
            self._apply_contributors(alarms, group)

    def _read_definitions(self) -> tuple[dict[str, _Stored], bool]:
        """Reads filters and alarms. Returns the alarms by name, and whether anything changed."""
        filters = list(self._aws.pages("logs", "describe_metric_filters", "metricFilters"))
        alarms = {
            str(alarm["AlarmName"]): alarm
            for kind in ("MetricAlarm", "CompositeAlarm", "LogAlarm")
            for alarm in self._aws.pages(
                "cloudwatch", "describe_alarms", f"{kind}s", AlarmTypes=[kind]
            )
        }
        declared = [
            # Nor `EvaluationState`: what the lab itself writes changes no definition.
            {key: value for key, value in alarm.items() if "State" not in key}
            for alarm in alarms.values()
        ]
        rules = list(self._aws.pages("cloudwatch", "describe_insight_rules", "InsightRules"))
        has_changed = (filters, declared, rules) != self._definitions
        unfed_before = self._unfed
        if has_changed:
            self._definitions = (filters, declared, rules)
            self._redefine(filters, alarms.values(), rules)
        self._warn_of_unfed(self._unfed & unfed_before)
        return alarms, has_changed

    def _warn_of_unfed(self, names: set[str]) -> None:
        """Warns of alarms that no metric filter has fed for two steps.

        For one step that is usual: `apply` creates filters and alarms one by one, and `destroy`
        deletes them so.
        """
        for name in sorted(names - self._reported_unfed):
            self._on_warning(f"alarm {name}: no metric filter or insight rule feeds its metric.")
        self._reported_unfed = names

    def _redefine(
        self, filters: Iterable[_Stored], alarms: Iterable[_Stored], rules: Iterable[_Stored]
    ) -> None:
        # moto keeps both when a filter is put twice. In AWS the second replaces the first.
        unique = {(entry["logGroupName"], entry["filterName"]): entry for entry in filters}
        filters_of: dict[str, list[MetricFilter]] = {name: [] for name in self._groups}
        alarms_of: dict[str, list[_Judged]] = {}
        parsed = (self._parse(parse_rule, entry) for entry in rules)
        insight_rules = [rule for rule in parsed if rule is not None]
        group_of_metric: dict[tuple[str, str], str] = {}
        for (group, _), entry in unique.items():
            metric_filter = self._parse(parse_filter, entry)
            if metric_filter is not None:
                filters_of.setdefault(group, []).append(metric_filter)
                metric = metric_filter.namespace, metric_filter.metric_name
                group_of_metric.setdefault(metric, group)
        composites: list[CompositeAlarm] = []
        self._unfed = set()
        for entry in alarms:
            alarm = self._parse(parse_alarm, entry)
            if isinstance(alarm, CompositeAlarm):
                composites.append(alarm)
            if isinstance(alarm, LogAlarm):
                (group,) = alarm.log_groups
                filters_of.setdefault(group, [])
                alarms_of.setdefault(group, []).append(alarm)
            if not isinstance(alarm, MetricAlarm):
                continue
            own = _rules_of(alarm, insight_rules)
            metric = alarm.namespace or "", alarm.metric_name or ""
            fed_by = group_of(own[0]) if own else group_of_metric.get(metric)
            if fed_by is None:
                self._unfed.add(alarm.name)
            else:
                filters_of.setdefault(fed_by, [])
                alarms_of.setdefault(fed_by, []).extend([*own, alarm])
        self._place(composites, alarms_of)
        for group, group_filters in filters_of.items():
            if group not in self._groups:
                self._groups[group] = _Group(self._aws, group, self._clock.origin)
            self._groups[group].define(group_filters, alarms_of.get(group, []))

    def _place(
        self, composites: list[CompositeAlarm], alarms_of: Mapping[str, list[_Judged]]
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
                self._set_state(name, state, "Unchecked: initial state.", {})
                continue
            for old, new, reason in (
                (state, stored, str(alarm["StateReason"])),
                (stored, state, "A state set by hand lasts until the next evaluation."),
            ):
                self._apply(alarm, Transition(name, int(at), old, new, reason))

    def _apply_contributors(self, alarms: Mapping[str, _Stored], group: _Group) -> None:
        """Stores the contributors in ALARM, and notifies of each that changed."""
        moves = group.follow_contributors()
        for report in group.judge.log_reports():
            set_contributors(
                alarms[report.name]["AlarmArn"],
                [move for (name, _), move in group.in_alarm.items() if name == report.name],
                is_partial=report.left_out > 0,
            )
        for move in moves:
            record_contributor(alarms[move.alarm], move)
            self._on_contributor(move)
            for failure in self._notifier.notify_contributor(alarms[move.alarm], move):
                self._on_warning(f"alarm {move.alarm}: {failure}.")

    def _apply(self, alarm: _Stored, transition: Transition) -> None:
        name, new, reason = transition.alarm, transition.new, transition.reason
        self._set_state(name, new, reason, state_evidence(alarm, transition))
        record_state(alarm, transition)
        self._on_transition(transition)
        if "ScheduledQueryConfiguration" in alarm:
            return  # its contributors notify
        for failure in self._notifier.notify(alarm, transition.old, new, reason, transition.at):
            self._on_warning(f"alarm {name}: {failure}.")

    def _set_state(
        self, name: str, state: str, reason: str, evidence: Mapping[str, object]
    ) -> None:
        self._aws.call(
            *("cloudwatch", "set_alarm_state"),
            AlarmName=name,
            StateValue=state,
            StateReason=reason[:_MAX_REASON],
            StateReasonData=json.dumps(evidence),
        )

"""The resources that decide alarms, checked and ready to be evaluated by the judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.provision.resources import (
    CompositeAlarm,
    InsightRule,
    LogAlarm,
    MetricAlarm,
    MetricFilter,
    Resource,
)
from flask_errwatch.simulation.composite import CompositeCondition, in_dependency_order
from flask_errwatch.simulation.conditions import AlarmCondition
from flask_errwatch.simulation.filters import LineFilter
from flask_errwatch.simulation.insight_rules import ContributorRule
from flask_errwatch.simulation.log_conditions import LogAlarmCondition


@dataclass(frozen=True, kw_only=True, slots=True)
class Definitions:
    """The resources that decide alarms, ready to be evaluated.

    Attributes:
        filters: The metric filters.
        insight_rules: The insight rules.
        alarms: The metric alarms.
        log_alarms: The log alarms.
        composites: The composite alarms, each after those that it depends on.
    """

    filters: tuple[LineFilter, ...]
    insight_rules: tuple[ContributorRule, ...]
    alarms: tuple[AlarmCondition, ...]
    log_alarms: tuple[LogAlarmCondition, ...]
    composites: tuple[CompositeCondition, ...]

    @classmethod
    def read(cls, resources: Iterable[Resource]) -> Definitions:
        """Reads resources. Kinds that decide no alarm are ignored.

        Raises:
            JudgeError: When one of them cannot be evaluated, two filters or two alarms have one
                name, or a composite alarm names an alarm that does not exist.
        """
        filters: list[LineFilter] = []
        insight_rules: list[ContributorRule] = []
        alarms: list[AlarmCondition] = []
        log_alarms: list[LogAlarmCondition] = []
        composites: list[CompositeCondition] = []
        for resource in resources:
            match resource:
                case MetricFilter():
                    filters.append(LineFilter(resource))
                case InsightRule():
                    insight_rules.append(ContributorRule.of(resource))
                case MetricAlarm():
                    alarms.append(AlarmCondition.of(resource))
                case LogAlarm():
                    log_alarms.append(LogAlarmCondition.of(resource))
                case CompositeAlarm():
                    composites.append(CompositeCondition.of(resource))
        names = [alarm.name for alarm in alarms] + [alarm.name for alarm in log_alarms]
        _refuse_duplicates("metric filters", [line_filter.name for line_filter in filters])
        _refuse_duplicates("alarms", [*names, *(composite.name for composite in composites)])
        return cls(
            filters=tuple(filters),
            insight_rules=tuple(insight_rules),
            alarms=tuple(alarms),
            log_alarms=tuple(log_alarms),
            composites=in_dependency_order(composites, names),
        )

    @property
    def alarm_names(self) -> list[str]:
        """The names of all alarms, composite alarms last."""
        return [
            *(alarm.name for alarm in self.alarms),
            *(alarm.name for alarm in self.log_alarms),
            *(composite.name for composite in self.composites),
        ]


def _refuse_duplicates(what: str, names: list[str]) -> None:
    problems = [
        Problem(key=f"name of {what}", value=name, remedy="Two have it: rename one of them.")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if problems:
        raise JudgeError(*problems)

"""`Counting`: which lines an alarm in AWS counts, in which log groups, and in which metric."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.errors import AwsCallError
from flask_errwatch.patterns import JsonEvent, JsonPattern, Pattern, parse
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.ownership import insight_rules_of
from flask_errwatch.provision.query_filter import UntranslatableError, query_filter
from flask_errwatch.provision.resources import InsightRule, LogAlarm, MetricAlarm, MetricFilter
from flask_errwatch.provision.source_alarms import family
from flask_errwatch.respond.ranking.first_reading import IsCounted
from flask_errwatch.respond.ranking.summary import Event
from flask_errwatch.simulation.insight_rules import ContributorRule
from flask_errwatch.simulation.insights_query import LogQuery

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: What every line of this library has, whatever filter counts it.
EVERY_LINE = '{ $.event = "*" }'

#: An alarm on lines. A composite alarm is one on other alarms.
LineAlarm = MetricAlarm | LogAlarm


@dataclass(frozen=True, kw_only=True, slots=True)
class Counting:
    """Which lines an alarm counts.

    Attributes:
        log_groups: Where they are.
        counts: Whether a line counts.
        query: The beginning of a Logs Insights query that finds them. None where the patterns have
            no translation.
        filter_pattern: What FilterLogEvents needs to return for `counts`: `EVERY_LINE`, or empty
            where a pattern matches lines of other programs.
        metrics: The filters that count the same lines. Empty where no metric does.
        summed: The field that the alarm adds up. None where it counts lines.
    """

    log_groups: tuple[str, ...]
    counts: IsCounted
    query: str | None
    filter_pattern: str = EVERY_LINE
    metrics: tuple[MetricFilter, ...] = ()
    summed: str | None = None


def of_filters(filters: Iterable[MetricFilter]) -> Counting:
    """The lines that metric filters count."""
    filters = tuple(filters)
    patterns = [parse(each.pattern) for each in filters]
    is_json = all(isinstance(pattern, JsonPattern) for pattern in patterns)
    return Counting(
        log_groups=_unique(each.log_group for each in filters),
        counts=_any_pattern(patterns),
        query=_query(each.pattern for each in filters),
        filter_pattern=EVERY_LINE if is_json else "",
        metrics=filters,
        summed=next((_field(each.value) for each in filters if each.value.startswith("$.")), None),
    )


def together(parts: Iterable[Counting]) -> Counting:
    """The lines that any of several alarms counts."""
    parts = tuple(parts)
    if len(parts) == 1:
        return parts[0]
    conditions = [_condition(part.query) for part in parts]
    are_known = all(conditions)
    return Counting(
        log_groups=_unique(group for part in parts for group in part.log_groups),
        counts=lambda event: any(part.counts(event) for part in parts),
        query=f"filter {' or '.join(f'({each})' for each in conditions)}" if are_known else None,
        filter_pattern=EVERY_LINE if all(part.filter_pattern for part in parts) else "",
        # A line that two of the alarms count is in two metrics.
        metrics=(),
    )


class CountingInAws:
    """Follows alarms to the lines that they count: AWS decides, whatever the app declares.

    Args:
        aws: The account and region.
        config: The app's configuration, for the log group that is looked into first.
    """

    def __init__(self, aws: Aws, config: Config) -> None:
        self._aws = aws
        self._group = config.log_group

    def of(self, alarm: LineAlarm) -> Counting | None:
        """The lines that an alarm counts, None where its metric comes from no line.

        Raises:
            AwsCallError: When AWS cannot be read.
            JudgeError: When its query or rule is not of a form that `apply` writes.
            PatternSyntaxError: When a filter's pattern cannot be read.
        """
        if isinstance(alarm, LogAlarm):
            return self._of_query(alarm)
        rules = insight_rules_of([alarm])
        if rules:
            return self._of_rules(alarm.name, rules)
        metrics = {(alarm.namespace, alarm.metric_name)}
        metrics |= {(term.namespace, term.metric_name) for term in alarm.metrics}
        named = [(space, name) for space, name in metrics if space and name]
        filters = [each for space, name in named for each in self._fed_by(space, name)]
        return of_filters(filters) if filters else None

    def filters_named(self, name: str) -> tuple[MetricFilter, ...]:
        """The app's metric filter of that name, if there is one."""
        return tuple(each for each in self._own_filters if each.name == name)

    def _of_query(self, alarm: LogAlarm) -> Counting:
        query = LogQuery(alarm.name, alarm.query, alarm.aggregation)
        return Counting(
            log_groups=alarm.log_groups,
            counts=lambda event: query.contributor(_as_dict(event)) is not None,
            query=alarm.query,
            metrics=self.filters_named(family(alarm.name)),
            summed=_summed_by(str(query)),
        )

    def _of_rules(self, alarm: str, names: AbstractSet[str]) -> Counting:
        entries = self._aws.pages("cloudwatch", "describe_insight_rules", "InsightRules")
        found = [from_aws.insight_rule(entry) for entry in entries if entry["Name"] in names]
        rules = [ContributorRule.of(rule) for rule in found]
        filters = self.filters_named(family(alarm))
        return Counting(
            log_groups=_unique(group for rule in found for group in _groups_of(rule)),
            counts=lambda event: any(
                rule.contributor(_as_dict(event)) is not None for rule in rules
            ),
            # A rule is a translation of the filter's pattern.
            query=_query(each.pattern for each in filters),
            metrics=filters,
            summed=next((rule.value for rule in rules), None),
        )

    def _fed_by(self, namespace: str, metric: str) -> list[MetricFilter]:
        """The filters that feed a metric: of the app's log group, else of any."""
        own = [
            each
            for each in self._own_filters
            if (each.namespace, each.metric_name) == (namespace, metric)
        ]
        if own or namespace.startswith("AWS/"):
            return own
        entries = self._aws.pages(
            *("logs", "describe_metric_filters", "metricFilters"),
            metricNamespace=namespace,
            metricName=metric,
        )
        return [from_aws.metric_filter(entry) for entry in entries]

    @cached_property
    def _own_filters(self) -> tuple[MetricFilter, ...]:
        entries = self._aws.pages(
            "logs", "describe_metric_filters", "metricFilters", logGroupName=self._group
        )
        try:
            return tuple(map(from_aws.metric_filter, entries))
        except AwsCallError as error:
            if error.is_not_found:
                return ()
            raise


def _field(selector: str) -> str:
    return selector.removeprefix("$.")


def _summed_by(aggregation: str) -> str | None:
    """The field in `sum(field) by …`, None for `count(*) by …`."""
    begin, mark, rest = aggregation.partition("sum(")
    return rest.partition(")")[0] if mark and not begin else None


def _groups_of(rule: InsightRule) -> Iterator[str]:
    groups: list[str] = json.loads(rule.definition).get("LogGroupNames", [])
    yield from groups


def _any_pattern(patterns: list[Pattern]) -> IsCounted:
    def matches(event: Event) -> bool:
        return any(_matches(pattern, event) for pattern in patterns)

    return matches


def _matches(pattern: Pattern, event: Event) -> bool:
    if isinstance(pattern, JsonPattern):
        # The text would be read only for integers beyond 64 bits, which no line has.
        return pattern.matches_event(_as_dict(event), "")
    return pattern.matches(json.dumps(event, ensure_ascii=False, separators=(",", ":")))


def _as_dict(event: Event) -> JsonEvent:
    return event if isinstance(event, dict) else dict(event)


def _query(patterns: Iterable[str]) -> str | None:
    try:
        conditions = [query_filter(pattern) for pattern in dict.fromkeys(patterns)]
    except UntranslatableError:
        return None
    if not conditions:
        return None
    if len(conditions) == 1:
        return f"filter {conditions[0]}"
    return f"filter {' or '.join(f'({each})' for each in conditions)}"


def _condition(query: str | None) -> str | None:
    """The condition of a query that is one filter. Any other cannot be joined."""
    if query is None or not query.startswith("filter ") or "|" in query:
        return None
    return query.removeprefix("filter ")


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))

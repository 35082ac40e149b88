"""`SourceAlarms`: a detector's alarm on one client address, of the kind that is possible. Pure.

- A log alarm sums the lines of each address in a scheduled query, and names the address.
- A Contributor Insights rule sums them too, and an alarm watches its busiest address.
- An alarm on the filter's metric watches all addresses together.

The first two count the lines that the detector's metric filter counts: both are translations of its
pattern.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from flask_errwatch.alarms import Alarm, BusyAlarm, SourceAlarm
from flask_errwatch.config import Config
from flask_errwatch.detectors import Detector, event_pattern
from flask_errwatch.errors import ConfigurationError, Problem
from flask_errwatch.provision import descriptions
from flask_errwatch.provision.alarm_factory import COUNT_FIELD
from flask_errwatch.provision.cost import PRICES, log_alarm_dollars
from flask_errwatch.provision.log_alarm_access import LogAlarmAccess
from flask_errwatch.provision.query_filter import UntranslatableError, query_field, query_filter
from flask_errwatch.provision.resources import (
    InsightRule,
    LogAlarm,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    Pairs,
)
from flask_errwatch.provision.resources.canonical_json import canonical
from flask_errwatch.provision.resources.tags import all_tags
from flask_errwatch.provision.rule_filters import MOST_FILTERS, RuleFilter, rule_filters
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.topics import Topics

#: Suffixes, one per kind: one name cannot be two kinds of alarm. A log alarm has the detector's own
#: name unless another alarm of the detector has it.
BY_SOURCE, ONE_SOURCE, ALL = "by-source", "one-source", "all"
#: Suffix of the rule over the peers of requests without a client address.
PEER = "peer"

#: Precedes the address of a peer where a client's is not known, for an app behind proxies.
PEER_MARK = "peer "
#: Names the source of a line in the query of such an app.
_SOURCE = f'fields coalesce(client_ip, concat("{PEER_MARK}", peer_ip)) as source'
#: A rule's name (CloudWatch API Reference, PutInsightRule, RuleName). A quotation mark would end it
#: in the alarm's expression, and a backslash might escape what follows.
_RULE_NAME = re.compile(r"[\x20!\x23-\x5b\x5d-\x7e]{1,128}")
#: Seconds that a rule's values may be late. CloudWatch publishes no figure; this one is cautious.
_RULE_DELAY = 300

Kind = Literal["log alarm", "insight rule", "site", "none"]
SourceResource = LogAlarm | MetricAlarm | InsightRule


def family(name: str) -> str:
    """Returns the name without the suffix of a kind: alarms of one family replace one another.

    Example:
        >>> family("shop-scan-one-source-peer"), family("shop-scan")
        ('shop-scan', 'shop-scan')
    """
    stem = name.removesuffix(f"-{PEER}")
    for suffix in (BY_SOURCE, ONE_SOURCE, ALL):
        if stem.endswith(f"-{suffix}"):
            return stem.removesuffix(f"-{suffix}")
    return name


def source_alarm_names(name: str) -> tuple[str, ...]:
    """Returns the names, beside a detector's own, of alarms that are not on the filter's metric.

    Example:
        >>> source_alarm_names("shop-scan")
        ('shop-scan-by-source', 'shop-scan-one-source')
    """
    return tuple(f"{name}-{suffix}" for suffix in (BY_SOURCE, ONE_SOURCE))


def declared_alarm_names(name: str) -> tuple[str, ...]:
    """Returns the names that the alarm of a declared `SourceAlarm` may have, one per kind.

    Example:
        >>> declared_alarm_names("shop-scan")
        ('shop-scan', 'shop-scan-one-source', 'shop-scan-all')
    """
    return (name, *(f"{name}-{suffix}" for suffix in (ONE_SOURCE, ALL)))


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceContext:
    """What the alarms on one source of all detectors share.

    Attributes:
        config: The app's configuration.
        scope: Partition, region and account. With None, descriptions have no links.
        topics: The topics that are notified of a change to ALARM. A change to OK is not notified:
            addresses stop all the time, and scans are frequent.
        log_alarm_topics: The same for log alarms, which notify themselves also where one alarm
            notifies for the app: only their own message names the address.
        access: Whether log alarms can be created.
    """

    config: Config
    scope: AwsScope | None
    topics: Topics
    log_alarm_topics: Topics
    access: LogAlarmAccess


def source_alarms(
    context: SourceContext, detector: Detector, metric_filter: MetricFilter
) -> SourceAlarms | None:
    """Returns the alarm on one source of a detector. None if it declares none.

    Args:
        context: What all detectors share.
        detector: The detector, which has a `SourceAlarm` or is named by the older key.
        metric_filter: The filter that counts its lines.
    """
    alarm = _declared(detector, context.config)
    if alarm is None:
        return None
    return SourceAlarms(
        context=context, detector=detector, metric_filter=metric_filter, alarm=alarm
    )


def _declared(detector: Detector, config: Config) -> SourceAlarm | None:
    thresholds: Mapping[str, float | None] = config.per_source_alarms
    own, threshold = detector.alarm, thresholds.get(detector.name)
    if isinstance(own, SourceAlarm):
        return own if threshold is None else replace(own, threshold=threshold)
    if detector.name not in thresholds:
        return None
    errors = own.errors if isinstance(own, BusyAlarm) else own
    if threshold is None:
        total = errors.threshold if isinstance(errors, Alarm) else None
        threshold = (config.alarm_threshold if total is None else total) // 2
    period = (errors.period if errors else None) or config.alarm_period
    return SourceAlarm(threshold=threshold, period=period)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceAlarms:
    """The alarm on one source of a detector.

    Attributes:
        context: What all detectors share.
        detector: The detector.
        metric_filter: The filter that counts its lines.
        alarm: The declared alarm.
    """

    context: SourceContext
    detector: Detector
    metric_filter: MetricFilter
    alarm: SourceAlarm

    @property
    def resources(self) -> tuple[SourceResource, ...]:
        """The alarm, after the rules that it depends on.

        Raises:
            ConfigurationError: When no kind that the app can have expresses the detector's `where`,
                or the name of a rule cannot be used.
        """
        match self.kind:
            case "log alarm":
                return (self._log_alarm(),)
            case "insight rule":
                rules = self._rules()
                return (*rules, self._busiest_source_alarm(rules))
            case "site":
                return (self._site_alarm(),)
            case "none":
                return ()

    @property
    def kind(self) -> Kind:
        """The kind that the configuration, the region and the permissions allow."""
        match self.context.config.source_alarms:
            case "off":
                return "none"
            case "site":
                # Another alarm of the detector already watches all addresses.
                return "site" if self._is_own_alarm else "none"
            case _ if not self._why_no_log_alarm():
                return "log alarm"
            case _:
                return "site" if self._why_no_rule() else "insight rule"

    @property
    def explanation(self) -> str:
        """Which kind it is, why, and what it costs, in sentences."""
        name = self.metric_filter.name
        match self.kind:
            case "log alarm":
                alarm = self._log_alarm()
                one, hundred = (log_alarm_dollars(alarm, gigabytes) for gigabytes in (1, 100))
                return (
                    f"{alarm.name} is a log alarm, whose message names the address: {one:.2f} USD "
                    f"a month at 1 GB of lines, {hundred:.2f} at 100 GB. A flood of lines is "
                    "scanned, and paid for, too."
                )
            case "insight rule":
                rules = 2 if self._has_peers else 1
                price = PRICES["alarm"] + PRICES["insight rule"] * rules
                return (
                    f"{name}-{ONE_SOURCE} is an alarm on a Contributor Insights rule, whose "
                    f"message names no address: {price:.2f} USD a month and a charge per matching "
                    f"line. It is not a log alarm, since {self._why_no_log_alarm()}."
                )
            case "site":
                reason = "ERRWATCH_SOURCE_ALARMS is 'site'"
                if self.context.config.source_alarms == "each":
                    reason = f"{self._why_no_rule()}, and {self._why_no_log_alarm()}"
                watched = f"{name}-{ALL} watches all addresses together"
                return f"{watched}, since {reason}: {PRICES['alarm']:.2f} USD a month."
            case "none":
                setting = self.context.config.source_alarms
                return (
                    f"{name} has no alarm on one source, since ERRWATCH_SOURCE_ALARMS is "
                    f"{setting!r}."
                )

    @property
    def _is_own_alarm(self) -> bool:
        """Whether the detector has no other alarm beside it."""
        return isinstance(self.detector.alarm, SourceAlarm)

    @property
    def _tags(self) -> Pairs:
        return all_tags(self.context.config)

    @property
    def _has_peers(self) -> bool:
        """Whether lines may lack `client_ip`, so that the peer counts in its place."""
        return self.context.config.trusted_proxies not in (0, "none")

    @property
    def _value(self) -> str | None:
        """The field to sum. None for the number of lines."""
        count = COUNT_FIELD if self.context.config.collapse_seconds else None
        return self.alarm.value or self.detector.value or count

    def _why_no_log_alarm(self) -> str:
        """Returns why it cannot be a log alarm, as the end of a sentence. Empty if it can."""
        if self.context.access.role is None:
            return self.context.access.missing
        try:
            query_filter(self.metric_filter.pattern)
            query_field(self._value or COUNT_FIELD)
        except UntranslatableError as error:
            return f"its query cannot count these lines ({error})"
        return ""

    def _why_no_rule(self) -> str:
        """Returns why a detector's own alarm cannot have a rule: no app is refused for its name.

        The older key refuses such a name, as it did.
        """
        longest = f"{self.metric_filter.name}-{ONE_SOURCE}" + f"-{PEER}" * self._has_peers
        if not self._is_own_alarm or _RULE_NAME.fullmatch(longest):
            return ""
        return f"a Contributor Insights rule cannot have the name {longest!r}"

    def _log_alarm(self) -> LogAlarm:
        name, field = self.metric_filter.name, self._value
        filtered = f"filter {query_filter(self.metric_filter.pattern)}"
        total = "count(*)" if field is None else f"sum({query_field(field)})"
        source = "source" if self._has_peers else "client_ip"
        return LogAlarm(
            name=name if self._is_own_alarm else f"{name}-{BY_SOURCE}",
            description=self._description(),
            log_groups=(self.metric_filter.log_group,),
            query=f"{_SOURCE} | {filtered}" if self._has_peers else filtered,
            aggregation=f"{total} by {source} | sort desc",
            window=self.alarm.period,
            threshold=float(self.alarm.threshold),
            role=self.context.access.role or "",
            alarm_actions=self.context.log_alarm_topics.actions(self.detector.level),
            tags=self._tags,
        )

    def _busiest_source_alarm(self, rules: tuple[InsightRule, ...]) -> MetricAlarm:
        """Returns the alarm on the busiest address of all rules.

        A rule has no datapoint for a period without lines, and CloudWatch then evaluates an older
        one, so that the alarm stays or goes off again when the scan is over. FILL makes it 0
        (CloudWatch User Guide, "Using metric math"), also for MAX. No page and no emulator shows
        FILL on INSIGHT_RULE_METRIC.

        The same page warns that FILL holds an alarm in OK where the newest period has no data yet,
        and advises M out of N: one of the periods in which values may still arrive is enough.
        """
        terms = [
            f'FILL(INSIGHT_RULE_METRIC("{rule.name}", "MaxContributorValue"), 0)' for rule in rules
        ]
        periods = -(-_RULE_DELAY // self.alarm.period)
        busiest = MetricQuery(
            id="busiest",
            expression=terms[0] if len(terms) == 1 else f"MAX([{', '.join(terms)}])",
            period=self.alarm.period,
            label="lines of the busiest client address",
        )
        return MetricAlarm(
            name=rules[0].name,
            description=self._description(),
            metrics=(busiest,),
            evaluation_periods=periods,
            datapoints_to_alarm=None if periods == 1 else 1,
            threshold=float(self.alarm.threshold),
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=self.context.topics.actions(self.detector.level),
            tags=self._tags,
        )

    def _rules(self) -> tuple[InsightRule, ...]:
        """Returns the rule over client addresses, and that over peers where lines may lack them."""
        name, filters = f"{self.metric_filter.name}-{ONE_SOURCE}", self._rule_filters()
        clients = self._rule(name, "$.client_ip", filters)
        if not self._has_peers:
            return (clients,)
        without_client: RuleFilter = {"Match": "$.client_ip", "IsPresent": False}
        return clients, self._rule(f"{name}-{PEER}", "$.peer_ip", [*filters, without_client])

    def _rule_filters(self) -> list[RuleFilter]:
        """Returns the filters of a rule, with room for that of peers."""
        detector, most = self.detector, MOST_FILTERS - self._has_peers
        try:
            return rule_filters(self.metric_filter.pattern, most=most)
        except UntranslatableError as error:
            if detector.event is not None and not self._is_own_alarm:
                # The older key counted all lines of the event, and still does.
                return rule_filters(event_pattern(detector.event))
            remedy = f"{error} It is not a log alarm, since {self._why_no_log_alarm()}."
            key = f"where of detector {detector.name!r}"
            problem = Problem(key=key, value=detector.where, remedy=remedy)
            raise ConfigurationError(problem) from error

    def _rule(self, name: str, key: str, filters: list[RuleFilter]) -> InsightRule:
        if not _RULE_NAME.fullmatch(name):
            remedy = (
                f"Its rule would have the name {name!r}, and CloudWatch allows 1 to 128 ASCII "
                "characters, here without '\"' and '\\': choose a shorter or plainer "
                "ERRWATCH_APP_NAME."
            )
            problem = Problem(key="alarm on one source", value=self.detector.name, remedy=remedy)
            raise ConfigurationError(problem)
        contribution: dict[str, object] = {"Keys": [key], "Filters": filters}
        if self._value is not None:
            contribution["ValueOf"] = self._value
        definition = {
            "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
            "LogGroupNames": [self.metric_filter.log_group],
            "LogFormat": "JSON",
            "Contribution": contribution,
            "AggregateOn": "Count" if self._value is None else "Sum",
        }
        return InsightRule(name=name, definition=canonical(definition), tags=self._tags)

    def _site_alarm(self) -> MetricAlarm:
        alarm, metric_filter = self.alarm, self.metric_filter
        threshold = alarm.threshold if alarm.site_threshold is None else alarm.site_threshold
        context = self.context
        return MetricAlarm(
            name=f"{metric_filter.name}-{ALL}",
            description=descriptions.of_detector(self.detector, context.config, context.scope),
            namespace=metric_filter.namespace,
            metric_name=metric_filter.metric_name,
            dimensions=metric_filter.dimensions,
            statistic="Sum",
            period=alarm.site_period or alarm.period,
            evaluation_periods=1,
            threshold=float(threshold),
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=context.topics.actions(self.detector.level),
            tags=self._tags,
        )

    def _description(self) -> str:
        return descriptions.of_source(self.detector, self.context.config, self.context.scope)

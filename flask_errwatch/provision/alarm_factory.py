"""From a detector's declaration to the alarms that watch its metric: pure.

Metric and alarm cannot disagree on namespace, name, dimensions or unit, since each alarm takes
them from the filter that feeds it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from flask_errwatch.alarms import AnomalyAlarm, AnyAlarm, BusyAlarm
from flask_errwatch.config import Config
from flask_errwatch.detectors import HEARTBEAT, Alarm, Detector
from flask_errwatch.errors import ConfigurationError, Problem
from flask_errwatch.patterns import field as json_field
from flask_errwatch.provision import descriptions
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    CompositeAlarm,
    InsightRule,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    Pairs,
)
from flask_errwatch.provision.resources.canonical_json import canonical
from flask_errwatch.provision.resources.tags import tags_for
from flask_errwatch.provision.scope import AwsScope

#: What follows a detector's name, or the app's, in the name of each further alarm.
REQUESTS, BUSY, ONE_SOURCE, SILENT = "requests", "busy", "one-source", "silent"

AlarmResource = MetricAlarm | CompositeAlarm | AnomalyDetector | InsightRule

#: A rule's name (CloudWatch API Reference, PutInsightRule, RuleName).
_RULE_NAME = re.compile(r"[\x20-\x7e]{1,128}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarming:
    """Makes the alarms of one app.

    Attributes:
        config: The app's configuration.
        scope: Where they stand; None leaves the links out of the descriptions.
        actions: ARNs told of the changes to ALARM and to OK.
    """

    config: Config
    scope: AwsScope | None
    actions: tuple[str, ...]

    @property
    def tags(self) -> Pairs:
        """The tags of all of them."""
        return tags_for(self.config.app_name)

    def of(self, detector: Detector, counted: MetricFilter) -> Iterator[AlarmResource]:
        """Every alarm of a detector, and what they need, each after what it needs.

        Args:
            detector: The detector; a configured one, or one that means the configured values.
            counted: The filter that feeds its metric.
        """
        alarm = detector.alarm
        if alarm is not None:
            threshold, period = self.config.alarm_threshold, self.config.alarm_period
            alarm = alarm.with_defaults(threshold=threshold, period=period)
        match alarm:
            case Alarm():
                text = descriptions.of_detector(detector, self.config, self.scope)
                yield self._fixed(counted, alarm, text, self.actions)
            case AnomalyAlarm():
                yield from self._anomaly(detector, counted, alarm)
            case BusyAlarm():
                yield from self._busy(detector, counted, alarm)
        if detector.name in self.config.per_source_alarms:
            yield from self._one_source(detector, counted, alarm)

    def silence(self, beats: MetricFilter) -> MetricAlarm:
        """The alarm that tells that no heartbeat comes any more: silence is what breaches."""
        # Five heartbeats may be late or lost before it tells.
        period = max(300, math.ceil(5 * self.config.heartbeat_seconds / 60) * 60)
        alarm = Alarm(
            threshold=1,
            period=period,
            comparison_operator="LessThanThreshold",
            treat_missing_data="breaching",
        )
        text = descriptions.of_silence(self.config, self.scope)
        name = f"{self.config.app_name}-{SILENT}"
        return self._fixed(beats, alarm, text, self.actions, name=name)

    def _fixed(
        self,
        counted: MetricFilter,
        alarm: Alarm,
        description: str,
        actions: tuple[str, ...],
        *,
        name: str | None = None,
    ) -> MetricAlarm:
        return MetricAlarm(
            name=name or counted.name,
            description=description,
            namespace=counted.namespace,
            metric_name=counted.metric_name,
            dimensions=counted.dimensions,
            statistic=alarm.statistic,
            period=alarm.period,
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=_needed(alarm),
            threshold=None if alarm.threshold is None else float(alarm.threshold),
            comparison_operator=alarm.comparison_operator,
            treat_missing_data=alarm.treat_missing_data,
            alarm_actions=actions,
            ok_actions=actions,
            tags=self.tags,
        )

    def _anomaly(
        self, detector: Detector, counted: MetricFilter, alarm: AnomalyAlarm
    ) -> Iterator[AlarmResource]:
        yield AnomalyDetector(
            namespace=counted.namespace,
            metric_name=counted.metric_name,
            dimensions=counted.dimensions,
            statistic=alarm.statistic,
        )
        yield MetricAlarm(
            name=counted.name,
            description=descriptions.of_detector(detector, self.config, self.scope),
            metrics=(
                MetricQuery(
                    id="count",
                    namespace=counted.namespace,
                    metric_name=counted.metric_name,
                    dimensions=counted.dimensions,
                    statistic=alarm.statistic,
                    period=alarm.period,
                ),
                MetricQuery(
                    id="band",
                    expression=f"ANOMALY_DETECTION_BAND(count, {alarm.band:g})",
                    label=f"{counted.name} (usual)",
                ),
            ),
            threshold_metric_id="band",
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=_needed(alarm),
            comparison_operator="GreaterThanUpperThreshold",
            treat_missing_data=alarm.treat_missing_data,
            alarm_actions=self.actions,
            ok_actions=self.actions,
            tags=self.tags,
        )

    def _busy(
        self, detector: Detector, counted: MetricFilter, alarm: BusyAlarm
    ) -> Iterator[AlarmResource]:
        """Two alarms that tell nobody, and the composite that tells when both are in ALARM."""
        text = descriptions.of_detector(detector, self.config, self.scope)
        failures = self._fixed(counted, alarm.errors, text, ())
        requests = MetricAlarm(
            name=f"{counted.name}-{REQUESTS}",
            description=descriptions.of_requests(detector, self.config),
            namespace=alarm.requests.namespace,
            metric_name=alarm.requests.name,
            dimensions=tuple(sorted(alarm.requests.dimensions)),
            statistic=alarm.requests.statistic,
            period=alarm.errors.period,
            evaluation_periods=1,
            threshold=float(alarm.minimum_requests),
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            tags=self.tags,
        )
        if '"' in counted.name:
            remedy = "A composite alarm's rule cannot name it: leave '\"' out of the app's name."
            raise ConfigurationError(
                Problem(key="ERRWATCH_APP_NAME", value=self.config.app_name, remedy=remedy)
            )
        yield failures
        yield requests
        yield CompositeAlarm(
            name=f"{counted.name}-{BUSY}",
            description=descriptions.of_busy(detector, self.config, self.scope),
            rule=f'ALARM("{failures.name}") AND ALARM("{requests.name}")',
            alarm_actions=self.actions,
            ok_actions=self.actions,
            tags=self.tags,
        )

    def _one_source(
        self, detector: Detector, counted: MetricFilter, alarm: AnyAlarm | None
    ) -> Iterator[AlarmResource]:
        """A rule that counts lines by client address, and the alarm on the busiest of them."""
        name = f"{counted.name}-{ONE_SOURCE}"
        if not _RULE_NAME.fullmatch(name):
            remedy = (
                f"Its rule would be called {name!r}, and CloudWatch takes 1 to 128 ASCII "
                "characters there: choose a shorter or plainer ERRWATCH_APP_NAME."
            )
            key = "ERRWATCH_PER_SOURCE_ALARMS"
            raise ConfigurationError(Problem(key=key, value=detector.name, remedy=remedy))
        yield InsightRule(
            name=name,
            definition=canonical(
                {
                    "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
                    "LogGroupNames": [counted.log_group],
                    "LogFormat": "JSON",
                    "Contribution": {
                        "Keys": ["$.client_ip"],
                        "Filters": [{"Match": "$.event", "In": [detector.event]}],
                    },
                    "AggregateOn": "Count",
                }
            ),
            tags=self.tags,
        )
        yield MetricAlarm(
            name=name,
            description=descriptions.of_source(detector, self.config, self.scope),
            metrics=(
                MetricQuery(
                    id="busiest",
                    expression=f'INSIGHT_RULE_METRIC("{name}", "MaxContributorValue")',
                    period=_period(alarm) or self.config.alarm_period,
                    label="lines of the busiest client address",
                ),
            ),
            evaluation_periods=1,
            threshold=self._source_threshold(detector, alarm),
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=self.actions,
            ok_actions=self.actions,
            tags=self.tags,
        )

    def _source_threshold(self, detector: Detector, alarm: AnyAlarm | None) -> float:
        """Its own number, or half of what counts for all sources together."""
        given = self.config.per_source_alarms[detector.name]
        if given is not None:
            return float(given)
        counted = alarm.errors if isinstance(alarm, BusyAlarm) else alarm
        own = counted.threshold if isinstance(counted, Alarm) else None
        return float((self.config.alarm_threshold if own is None else own) // 2)


def beats_filter(config: Config) -> MetricFilter:
    """The filter that counts heartbeats."""
    name = f"{config.app_name}-{HEARTBEAT.lower()}"
    return MetricFilter(
        log_group=config.log_group,
        name=name,
        pattern=str(json_field("$.event") == HEARTBEAT),
        namespace=config.namespace,
        metric_name=name,
    )


def _period(alarm: AnyAlarm | None) -> int | None:
    counted = alarm.errors if isinstance(alarm, BusyAlarm) else alarm
    return None if counted is None else counted.period


def _needed(alarm: Alarm | AnomalyAlarm) -> int | None:
    """M; the model says None where it equals N, which CloudWatch stores as the same."""
    number, needed = alarm.evaluation_periods, alarm.datapoints_to_alarm
    return None if needed == number else needed

"""`AlarmFactory`: a detector's declaration becomes the alarms on its metric. Pure.

Alarms on one source are in `source_alarms`.

Metric and alarm always agree on namespace, name, dimensions and unit, since each alarm takes them
from the filter that feeds its metric.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from flask_errwatch.alarms import AnomalyAlarm, BusyAlarm, SourceAlarm
from flask_errwatch.config import Config
from flask_errwatch.detectors import HEARTBEAT, PROCESS_DIED, Alarm, Detector, event_pattern
from flask_errwatch.detectors.operational import OPERATIONAL_EVENTS
from flask_errwatch.provision import descriptions
from flask_errwatch.provision.notification import in_alarm, refuse_unquotable
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    CompositeAlarm,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    Pairs,
)
from flask_errwatch.provision.resources.tags import all_tags
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.topics import Topics

#: Suffixes of further alarms, after the name of a detector or of the app.
REQUESTS, BUSY, SILENT = "requests", "busy", "silent"
#: Suffix of the filter that counts processes that died, and of its alarm.
DIED = "process-died"

#: The field with the number of events that a line counts, while such lines are collapsed.
COUNT_FIELD = "$.count"

AlarmResource = MetricAlarm | CompositeAlarm | AnomalyDetector


def heartbeat_filter(config: Config) -> MetricFilter:
    """Returns the filter that counts heartbeats."""
    name = f"{config.app_name}-{HEARTBEAT.lower()}"
    return counting_filter(name, event_pattern(HEARTBEAT), config)


def death_filter(config: Config) -> MetricFilter:
    """Returns the filter that counts processes that died."""
    name = f"{config.app_name}-{DIED}"
    return counting_filter(name, event_pattern(PROCESS_DIED), config)


def counting_filter(
    name: str, pattern: str, config: Config, *, value: str | None = None
) -> MetricFilter:
    """Returns a filter that counts the lines with a pattern, in a metric of the filter's name.

    Args:
        name: The name of the filter and the metric.
        pattern: The pattern of the lines.
        config: The app's configuration.
        value: The field that is summed. None counts lines.
    """
    return MetricFilter(
        log_group=config.log_group,
        name=name,
        pattern=pattern,
        namespace=config.namespace,
        metric_name=name,
        value=value or (COUNT_FIELD if config.collapse_seconds else "1"),
    )


def detector_filter(detector: Detector, config: Config) -> MetricFilter:
    """Returns the filter that feeds a detector's metric."""
    name = detector.resource_name(config.app_name)
    return counting_filter(name, detector.pattern, config, value=detector.value)


def notifier_of(detector: Detector, config: Config) -> str:
    """Returns the name of the alarm that notifies of a detector."""
    name = detector.resource_name(config.app_name)
    return f"{name}-{BUSY}" if isinstance(detector.alarm, BusyAlarm) else name


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmFactory:
    """Creates the alarms of one app.

    Attributes:
        config: The app's configuration.
        scope: Partition, region and account. With None, descriptions have no links.
        topics: The topics that are notified of the changes to ALARM and to OK.
    """

    config: Config
    scope: AwsScope | None
    topics: Topics

    @property
    def tags(self) -> Pairs:
        """The tags of every alarm and rule."""
        return all_tags(self.config)

    def _ok_actions(self, actions: tuple[str, ...]) -> tuple[str, ...]:
        return actions if self.config.ok_actions else ()

    def alarms_for(
        self, detector: Detector, metric_filter: MetricFilter
    ) -> Iterator[AlarmResource]:
        """Yields the alarms of a detector and what they depend on, each after its dependencies.

        Args:
            detector: The detector. An alarm's threshold or period of None is the configured one.
            metric_filter: The filter that feeds its metric.
        """
        alarm = detector.alarm
        match alarm:
            case Alarm():
                text = descriptions.of_detector(detector, self.config, self.scope)
                actions = self.topics.actions(detector.level) if alarm.notifies else ()
                yield self._threshold_alarm(metric_filter, alarm, text, actions)
            case AnomalyAlarm():
                yield from self._anomaly_alarm(detector, metric_filter, alarm)
            case BusyAlarm():
                yield from self._busy_alarm(detector, metric_filter, alarm)
            case SourceAlarm() | None:
                return  # see `source_alarms`

    def silence_alarm(self, heartbeats: MetricFilter) -> MetricAlarm:
        """Returns the alarm that fires when no heartbeat arrives.

        Args:
            heartbeats: The filter that counts heartbeats.
        """
        # Five heartbeats may be late or lost before it fires.
        period = max(300, math.ceil(5 * self.config.heartbeat_seconds / 60) * 60)
        alarm = Alarm(
            threshold=1,
            period=period,
            comparison_operator="LessThanThreshold",
            treat_missing_data="breaching",
        )
        text = descriptions.of_silence(self.config, self.scope)
        name = f"{self.config.app_name}-{SILENT}"
        # No lines at all: the app is gone, or blind.
        actions = self.topics.actions("critical")
        return self._threshold_alarm(heartbeats, alarm, text, actions, name=name)

    def death_alarm(self, deaths: MetricFilter) -> MetricAlarm:
        """Returns the alarm that fires when a process died.

        Args:
            deaths: The filter that counts processes that died.
        """
        # Above none: each took its requests with it, and no other line shows them.
        alarm = Alarm(threshold=0)
        text = descriptions.of_death(self.config, self.scope)
        actions = self.topics.actions(OPERATIONAL_EVENTS[PROCESS_DIED])
        return self._threshold_alarm(deaths, alarm, text, actions)

    def _threshold_alarm(
        self,
        metric_filter: MetricFilter,
        alarm: Alarm,
        description: str,
        actions: tuple[str, ...],
        *,
        name: str | None = None,
    ) -> MetricAlarm:
        return MetricAlarm(
            name=name or metric_filter.name,
            description=description,
            namespace=metric_filter.namespace,
            metric_name=metric_filter.metric_name,
            dimensions=metric_filter.dimensions,
            statistic=alarm.statistic,
            period=alarm.period or self.config.alarm_period,
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=_datapoints_to_alarm(alarm),
            threshold=float(self._threshold(alarm)),
            comparison_operator=alarm.comparison_operator,
            treat_missing_data=alarm.treat_missing_data,
            alarm_actions=actions,
            ok_actions=self._ok_actions(actions),
            tags=self.tags,
        )

    def _threshold(self, alarm: Alarm) -> float:
        return self.config.alarm_threshold if alarm.threshold is None else alarm.threshold

    def _anomaly_alarm(
        self, detector: Detector, metric_filter: MetricFilter, alarm: AnomalyAlarm
    ) -> Iterator[AlarmResource]:
        actions = self.topics.actions(detector.level)
        yield AnomalyDetector(
            namespace=metric_filter.namespace,
            metric_name=metric_filter.metric_name,
            dimensions=metric_filter.dimensions,
            statistic=alarm.statistic,
        )
        yield MetricAlarm(
            name=metric_filter.name,
            description=descriptions.of_detector(detector, self.config, self.scope),
            metrics=(
                MetricQuery(
                    id="count",
                    namespace=metric_filter.namespace,
                    metric_name=metric_filter.metric_name,
                    dimensions=metric_filter.dimensions,
                    statistic=alarm.statistic,
                    period=alarm.period or self.config.alarm_period,
                ),
                MetricQuery(
                    id="band",
                    expression=f"ANOMALY_DETECTION_BAND(count, {alarm.band:g})",
                    label=f"{metric_filter.name} (usual)",
                ),
            ),
            threshold_metric_id="band",
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=_datapoints_to_alarm(alarm),
            comparison_operator="GreaterThanUpperThreshold",
            treat_missing_data=alarm.treat_missing_data,
            alarm_actions=actions,
            ok_actions=self._ok_actions(actions),
            tags=self.tags,
        )

    def _busy_alarm(
        self, detector: Detector, metric_filter: MetricFilter, alarm: BusyAlarm
    ) -> Iterator[AlarmResource]:
        """Yields two alarms without actions, and the composite that fires if both are in ALARM."""
        text = descriptions.of_detector(detector, self.config, self.scope)
        failures = self._threshold_alarm(metric_filter, alarm.errors, text, ())
        requests = MetricAlarm(
            name=f"{metric_filter.name}-{REQUESTS}",
            description=descriptions.of_requests(detector, self.config),
            namespace=alarm.requests.namespace,
            metric_name=alarm.requests.name,
            dimensions=tuple(sorted(alarm.requests.dimensions)),
            statistic=alarm.requests.statistic,
            period=failures.period,
            evaluation_periods=1,
            threshold=float(alarm.minimum_requests),
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            tags=self.tags,
        )
        refuse_unquotable(self.config)
        actions = self.topics.actions(detector.level) if alarm.notifies else ()
        yield failures
        yield requests
        yield CompositeAlarm(
            name=f"{metric_filter.name}-{BUSY}",
            description=descriptions.of_busy(detector, self.config, self.scope),
            rule=f"{in_alarm(failures.name)} AND {in_alarm(requests.name)}",
            alarm_actions=actions,
            ok_actions=self._ok_actions(actions),
            tags=self.tags,
        )


def _datapoints_to_alarm(alarm: Alarm | AnomalyAlarm) -> int | None:
    """Returns M. None where it equals N, which CloudWatch stores as the same alarm."""
    number, needed = alarm.evaluation_periods, alarm.datapoints_to_alarm
    return None if needed == number else needed

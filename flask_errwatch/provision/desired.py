"""What should stand in AWS for one app: a pure function of its catalogue and configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask_errwatch._guard import one_line
from flask_errwatch.config import Config
from flask_errwatch.detectors import Alarm, Catalogue, Detector
from flask_errwatch.provision.resources import (
    LogGroup,
    MetricAlarm,
    MetricFilter,
    Resource,
    Subscription,
    Topic,
    marker,
    tags_for,
)

#: Characters of an alarm's description (AWS API Reference, PutMetricAlarm, AlarmDescription).
DESCRIPTION = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """Everything that should stand for one app.

    Attributes:
        app_name: The app, which owns what is created.
        log_group: Where the lines go.
        filters: One per detector, in the catalogue's order.
        topic: The topic to create; None when none is configured, or a whole ARN is.
        subscriptions: In the order in which they are configured.
        alarms: One per detector that has one, in the catalogue's order.
    """

    app_name: str
    log_group: LogGroup
    filters: tuple[MetricFilter, ...]
    topic: Topic | None
    subscriptions: tuple[Subscription, ...]
    alarms: tuple[MetricAlarm, ...]

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All of it, each after what it needs: the order in which it is created."""
        topics = () if self.topic is None else (self.topic,)
        return (self.log_group, *self.filters, *topics, *self.subscriptions, *self.alarms)


def desired(catalogue: Catalogue, config: Config, *, topic_arn: str | None = None) -> Desired:
    """What should stand in AWS, with the names and values of the configuration reference.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        topic_arn: The ARN of `config.sns_topic`; None when no topic is configured.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> shop = desired(Catalogue(DEFAULT_DETECTORS), config.load({}, {}, app_name="shop"))
        >>> [each.name for each in shop.filters][0], len(shop.filters), len(shop.alarms)
        ('shop-critical-error', 7, 6)
    """
    tags = tags_for(config.app_name)
    actions = () if topic_arn is None else (topic_arn,)
    filters = {each.name: _filter(each, config) for each in catalogue}
    alarms = tuple(
        MetricAlarm.watching(
            filters[each.name],
            _filled(each.alarm, config),
            description=description(each, config),
            actions=actions,
            tags=tags,
        )
        for each in catalogue
        if each.alarm is not None
    )
    return Desired(
        app_name=config.app_name,
        log_group=LogGroup(name=config.log_group, retention_days=config.retention_days, tags=tags),
        filters=tuple(filters.values()),
        topic=_topic(config, topic_arn),
        subscriptions=_subscriptions(config, topic_arn),
        alarms=alarms,
    )


def description(detector: Detector, config: Config) -> str:
    """What the alarm's description says: what it means, where its lines are, what to do, whose.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import CRITICAL_ERROR
        >>> print(description(CRITICAL_ERROR, config.load({}, {}, app_name="shop")))
        The app crashed, or answered that it could not do its work. \
Its lines say "Critical Error" in log group shop.
        managed-by=flask-errwatch app=shop
    """
    ending = [marker(config.app_name)]
    if detector.runbook_url:
        ending.insert(0, f"Runbook: {one_line(detector.runbook_url)}")
    said = " ".join(detector.description.split())
    where = f'Its lines say "{detector.event}" in log group {config.log_group}.'
    # Words give way to a long log group name, never the runbook or the marker. Besides, one
    # character is for each line break and one for "…".
    room = DESCRIPTION - sum(len(line) + 1 for line in ending) - 1
    return "\n".join([one_line(f"{said} {where}".strip(), room), *ending])


def _filter(detector: Detector, config: Config) -> MetricFilter:
    name = detector.resource_name(config.app_name)
    return MetricFilter(
        log_group=config.log_group,
        name=name,
        pattern=detector.pattern,
        namespace=config.namespace,
        metric_name=name,
    )


def _filled(alarm: Alarm, config: Config) -> Alarm:
    """A configured catalogue is filled already; a bare one means the same values."""
    threshold = config.alarm_threshold if alarm.threshold is None else alarm.threshold
    period = config.alarm_period if alarm.period is None else alarm.period
    return replace(alarm, threshold=threshold, period=period)


def _topic(config: Config, topic_arn: str | None) -> Topic | None:
    if config.sns_topic is None or topic_arn is None or config.sns_topic == topic_arn:
        return None
    return Topic(name=config.sns_topic, arn=topic_arn, tags=tags_for(config.app_name))


def _subscriptions(config: Config, topic_arn: str | None) -> tuple[Subscription, ...]:
    if topic_arn is None:
        return ()
    wanted = (Subscription.of(url, topic_arn) for url in config.subscriptions)
    return tuple(dict.fromkeys(wanted))

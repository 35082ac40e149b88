"""What should stand in AWS for one app: a pure function of its catalogue and configuration."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from flask_errwatch.config import NAME, Config
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.errors import ConfigurationError, Problem
from flask_errwatch.provision.alarm_factory import Alarming, beats_filter
from flask_errwatch.provision.dashboard import dashboard_body
from flask_errwatch.provision.queries import SAVED_QUERIES
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    CompositeAlarm,
    Dashboard,
    InsightRule,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    QueryDefinition,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)
from flask_errwatch.provision.resources.canonical_json import canonical
from flask_errwatch.provision.resources.tags import marker, tags_for
from flask_errwatch.provision.scope import AwsScope

#: The id of our statement in a topic's policy.
POLICY_SID = "flask-errwatch-alarms"

_NOT_IN_DASHBOARD_NAMES = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """Everything that should stand for one app.

    Attributes:
        app_name: The app, which owns what is created.
        log_group: Where the lines go.
        filters: One per detector, in the catalogue's order, then the heartbeats'.
        topic: The topic to create; None when none is configured, or a whole ARN is.
        policy: The policy of that topic; None where its ARN is not known beforehand.
        subscriptions: In the order in which they are configured.
        insight_rules: One per detector with an alarm on its busiest source.
        anomaly_detectors: One per detector with an alarm on an anomaly band.
        alarms: In the catalogue's order; a detector may have several, or none.
        composites: The composite alarms, in the same order.
        queries: The saved Logs Insights queries.
        dashboard: The dashboard; None when it is not wanted.
    """

    app_name: str
    log_group: LogGroup
    filters: tuple[MetricFilter, ...]
    topic: Topic | None = None
    policy: TopicPolicy | None = None
    subscriptions: tuple[Subscription, ...] = ()
    insight_rules: tuple[InsightRule, ...] = ()
    anomaly_detectors: tuple[AnomalyDetector, ...] = ()
    alarms: tuple[MetricAlarm, ...] = ()
    composites: tuple[CompositeAlarm, ...] = ()
    queries: tuple[QueryDefinition, ...] = ()
    dashboard: Dashboard | None = None

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All of it, each after what it needs: the order in which it is created."""
        optional = (self.topic, self.policy)
        return (
            self.log_group,
            *self.filters,
            *(each for each in optional if each is not None),
            *self.subscriptions,
            *self.insight_rules,
            *self.anomaly_detectors,
            *self.alarms,
            *self.composites,
            *self.queries,
            *(() if self.dashboard is None else (self.dashboard,)),
        )


def desired_resources(
    catalogue: Catalogue,
    config: Config,
    *,
    topic_arn: str | None = None,
    scope: AwsScope | None = None,
) -> Desired:
    """What should stand in AWS, with the names and values of the configuration reference.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        topic_arn: The ARN of `config.sns_topic`; None when no topic is configured.
        scope: Where it stands. Without one, descriptions have no links, and there is neither
            a dashboard nor a topic policy.

    Raises:
        ConfigurationError: When two resources would have one name, or a name cannot be used.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> shop_config = config.load({}, {}, app_name="shop")
        >>> shop = desired_resources(Catalogue(DEFAULT_DETECTORS), shop_config)
        >>> [each.name for each in shop.filters][0], len(shop.filters), len(shop.alarms)
        ('shop-critical-error', 7, 6)
    """
    actions = () if topic_arn is None else (topic_arn,)
    alarming = Alarming(config=config, scope=scope, actions=actions)
    filters = {each.name: _filter(each, config) for each in catalogue}
    made = [one for each in catalogue for one in alarming.of(each, filters[each.name])]
    counted = list(filters.values())
    if config.silence_alarm:
        counted.append(beats_filter(config))
        made.append(alarming.silence(counted[-1]))
    tags = tags_for(config.app_name)
    topic = _topic(config, topic_arn)
    whole = Desired(
        app_name=config.app_name,
        log_group=LogGroup(name=config.log_group, retention_days=config.retention_days, tags=tags),
        filters=tuple(counted),
        topic=topic,
        policy=None if topic is None or scope is None else _policy(topic, scope),
        subscriptions=_subscriptions(config, topic_arn),
        insight_rules=tuple(each for each in made if isinstance(each, InsightRule)),
        anomaly_detectors=tuple(each for each in made if isinstance(each, AnomalyDetector)),
        alarms=tuple(each for each in made if isinstance(each, MetricAlarm)),
        composites=tuple(each for each in made if isinstance(each, CompositeAlarm)),
        queries=_queries(config) if config.saved_queries else (),
    )
    problems = list(_name_problems(whole))
    if problems:
        raise ConfigurationError(*problems)
    if not config.dashboard or scope is None:
        return whole
    return replace(whole, dashboard=_dashboard(whole, config, scope))


def _filter(detector: Detector, config: Config) -> MetricFilter:
    name = detector.resource_name(config.app_name)
    return MetricFilter(
        log_group=config.log_group,
        name=name,
        pattern=detector.pattern,
        namespace=config.namespace,
        metric_name=name,
    )


def _topic(config: Config, topic_arn: str | None) -> Topic | None:
    if config.sns_topic is None or topic_arn is None or config.sns_topic == topic_arn:
        return None
    return Topic(name=config.sns_topic, arn=topic_arn, tags=tags_for(config.app_name))


def _policy(topic: Topic, scope: AwsScope) -> TopicPolicy:
    """SNS's own statement for the account, and one for its alarms.

    The first alone lets alarms of the account publish today; AWS's advice on topics that
    refuse an alarm (re:Post, cloudwatch-receive-sns-for-alarm-trigger) is to say it.
    """
    owners = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [
            "SNS:GetTopicAttributes",
            "SNS:SetTopicAttributes",
            "SNS:AddPermission",
            "SNS:RemovePermission",
            "SNS:DeleteTopic",
            "SNS:Subscribe",
            "SNS:ListSubscriptionsByTopic",
            "SNS:Publish",
        ],
        "Resource": topic.arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": scope.account}},
    }
    alarms = {
        "Sid": POLICY_SID,
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": topic.arn,
        "Condition": {
            "ArnLike": {"aws:SourceArn": scope.alarm_arn("*")},
            "StringEquals": {"aws:SourceAccount": scope.account},
        },
    }
    return TopicPolicy(
        topic_arn=topic.arn, statement=canonical(alarms), others=(canonical(owners),)
    )


def _subscriptions(config: Config, topic_arn: str | None) -> tuple[Subscription, ...]:
    if topic_arn is None:
        return ()
    wanted = (Subscription.of(url, topic_arn) for url in config.subscriptions)
    return tuple(dict.fromkeys(wanted))


def _queries(config: Config) -> tuple[QueryDefinition, ...]:
    """The saved queries; a comment tells whose they are, since people save some beside them."""
    return tuple(
        QueryDefinition(
            name=each.name_for(config.app_name),
            query=f"# {marker(config.app_name)}\n{each.text}",
            log_groups=(config.log_group,),
        )
        for each in SAVED_QUERIES
    )


def _dashboard(whole: Desired, config: Config, scope: AwsScope) -> Dashboard:
    body = dashboard_body(
        log_group=config.log_group,
        filters=whole.filters,
        alarms=whole.alarms,
        scope=scope,
        composites=whole.composites,
        note=marker(config.app_name),
    )
    name = dashboard_name(config.app_name)
    return Dashboard(name=name, body=canonical(body), tags=tags_for(config.app_name))


def dashboard_name(app_name: str) -> str:
    """The dashboard's name: of the app's, what a dashboard's name may hold.

    Example:
        >>> dashboard_name("the shop")
        'the-shop-errors'
    """
    return f"{_NOT_IN_DASHBOARD_NAMES.sub('-', app_name)}-errors"


def _name_problems(whole: Desired) -> Iterator[Problem]:
    """Two alarms, or two filters, of one name would overwrite each other in turn."""
    for group in (whole.filters, (*whole.alarms, *whole.composites)):
        times = Counter(each.name for each in group)
        for each in group:
            if times.pop(each.name, 1) > 1:
                remedy = f"Two {each.kind}s would have this name: rename one of the detectors."
                yield Problem(key=each.kind, value=each.name, remedy=remedy)
            if len(each.name) > NAME:
                remedy = f"It would have {len(each.name)} characters of at most {NAME}."
                yield Problem(key=each.kind, value=each.name, remedy=remedy)

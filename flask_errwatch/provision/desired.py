"""`Desired`: the resources of one app, a pure function of its catalogue and configuration."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from flask_errwatch.config import NAME_LENGTH, Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.errors import ConfigurationError, Problem
from flask_errwatch.provision.alarm_factory import (
    AlarmFactory,
    death_filter,
    detector_filter,
    heartbeat_filter,
    notifier_of,
)
from flask_errwatch.provision.dashboard import dashboard_body
from flask_errwatch.provision.data_protection import data_protection
from flask_errwatch.provision.ip_set_problems import name_problems
from flask_errwatch.provision.ip_sets import ip_set_costs, ip_sets
from flask_errwatch.provision.log_alarm_access import LogAlarmAccess
from flask_errwatch.provision.notification import app_alarms, with_quiet_periods
from flask_errwatch.provision.queries import saved_queries
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    AwsAlarm,
    CompositeAlarm,
    Dashboard,
    DataProtection,
    InsightRule,
    IpSet,
    LogAlarm,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    QueryDefinition,
    QueryRole,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)
from flask_errwatch.provision.resources.canonical_json import canonical
from flask_errwatch.provision.resources.tags import all_tags, marker
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.service_groups import owner_of
from flask_errwatch.provision.source_alarms import SourceContext, source_alarms
from flask_errwatch.provision.topic_resources import (
    created_topics,
    subscriptions_of,
    topic_policy,
)
from flask_errwatch.provision.topics import NO_TOPICS, Topics

ResourceT = TypeVar("ResourceT")

_NOT_IN_DASHBOARD_NAMES = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """The resources that the app declares.

    Attributes:
        app_name: The app, which manages the resources.
        log_group: The log group of the lines. It is not among the resources if an AWS service
            owns it.
        data_protection: The policy that masks secrets in the group. None if it is not configured.
        filters: One per detector, in the catalogue's order, then those of operational lines.
        topics: The topics to create: those that are configured by their names.
        policies: The policies of these topics. None if their ARNs are not known beforehand.
        subscriptions: Of each topic, in the order in which they are configured.
        insight_rules: Those of alarms on one source that are not log alarms.
        anomaly_detectors: One per detector with an alarm on an anomaly band.
        alarms: In the catalogue's order. A detector may have several, or none.
        log_alarms: The alarms on one source that name it, in the same order.
        composites: The composite alarms of detectors, in the same order.
        app_alarms: With `ERRWATCH_NOTIFY="app"` the composite alarm that notifies for all others,
            after the parts of its rule.
        silent: Names of the alarms that are declared not to notify.
        quiet_periods: `ERRWATCH_QUIET_PERIODS`.
        queries: The saved Logs Insights queries.
        dashboard: The dashboard. None if it is not configured.
        query_role: The role of the log alarms, if it shall be created.
        ip_sets: The IP sets of WAF, one for each family, or none.
        source_alarms: The names of the alarms on sources, of any kind.
        explanations: What was chosen, and why, in sentences.
    """

    app_name: str
    log_group: LogGroup
    data_protection: DataProtection | None = None
    filters: tuple[MetricFilter, ...]
    topics: tuple[Topic, ...] = ()
    policies: tuple[TopicPolicy, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    insight_rules: tuple[InsightRule, ...] = ()
    anomaly_detectors: tuple[AnomalyDetector, ...] = ()
    alarms: tuple[MetricAlarm, ...] = ()
    log_alarms: tuple[LogAlarm, ...] = ()
    composites: tuple[CompositeAlarm, ...] = ()
    app_alarms: tuple[CompositeAlarm, ...] = ()
    silent: frozenset[str] = frozenset()
    quiet_periods: int = 1
    queries: tuple[QueryDefinition, ...] = ()
    dashboard: Dashboard | None = None
    query_role: QueryRole | None = None
    ip_sets: tuple[IpSet, ...] = ()
    source_alarms: frozenset[str] = frozenset()
    explanations: tuple[str, ...] = ()

    @property
    def every_alarm(self) -> tuple[AwsAlarm, ...]:
        """All alarms in the order of creation."""
        return (*self.alarms, *self.log_alarms, *self.composites, *self.app_alarms)

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All resources in the order of creation: each after those that it needs."""
        return (
            *(() if owner_of(self.log_group.name) else (self.log_group,)),
            *(() if self.data_protection is None else (self.data_protection,)),
            *self.filters,
            *self.topics,
            *self.policies,
            *self.subscriptions,
            *(() if self.query_role is None else (self.query_role,)),
            *self.insight_rules,
            *self.anomaly_detectors,
            *self.every_alarm,
            *self.queries,
            *(() if self.dashboard is None else (self.dashboard,)),
            *self.ip_sets,
        )


def desired_resources(
    catalogue: Catalogue,
    config: Config,
    *,
    topics: Topics = NO_TOPICS,
    scope: AwsScope | None = None,
    access: LogAlarmAccess | None = None,
) -> Desired:
    """Returns the resources that the app declares, as the configuration reference lists them.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        topics: The ARNs of the topics that are configured.
        scope: Partition, region and account. Without it, descriptions have no links, and there
            is neither a dashboard nor a policy of the topic or the log group.
        access: Whether log alarms can be created. None decides by the configuration and the region.

    Raises:
        ConfigurationError: When two resources would have one name, or a name cannot be used.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> shop_config = config.load({}, {}, app_name="shop")
        >>> shop = desired_resources(Catalogue(DEFAULT_DETECTORS), shop_config)
        >>> shop.filters[0].name, len(shop.filters), len(shop.alarms)
        ('shop-critical-error', 9, 8)
    """
    factory = AlarmFactory(
        config=config, scope=scope, topics=topics if config.notify == "each" else NO_TOPICS
    )
    access = access or LogAlarmAccess.configured(config, scope)
    context = SourceContext(
        config=config,
        scope=scope,
        topics=factory.topics,
        log_alarm_topics=topics,
        access=access,
    )
    of_detectors = _of_detectors(catalogue, factory, context)
    created = [*of_detectors.resources, *_operational(config, factory)]
    blocked = ip_sets(config)
    composites = _of_type(created, CompositeAlarm)
    parts = frozenset(name for composite in composites for name in composite.children)
    silent = frozenset(_silent(catalogue, config))
    metric_alarms = _of_type(created, MetricAlarm)
    tags = all_tags(config)
    own_topics = tuple(created_topics(config, topics))
    desired = Desired(
        app_name=config.app_name,
        log_group=LogGroup(name=config.log_group, retention_days=config.retention_days, tags=tags),
        data_protection=data_protection(config.log_group, config.app_name, scope)
        if config.data_protection and scope is not None
        else None,
        filters=_of_type(created, MetricFilter),
        topics=own_topics,
        policies=() if scope is None else tuple(topic_policy(topic, scope) for topic in own_topics),
        subscriptions=subscriptions_of(config, topics),
        insight_rules=_of_type(created, InsightRule),
        anomaly_detectors=_of_type(created, AnomalyDetector),
        alarms=tuple(with_quiet_periods(metric_alarms, config.quiet_periods, parts=parts)),
        composites=composites,
        app_alarms=_app_alarms((*metric_alarms, *composites), config, topics, apart=parts | silent),
        silent=silent,
        quiet_periods=config.quiet_periods,
        queries=_queries(config) if config.saved_queries else (),
        log_alarms=_of_type(created, LogAlarm),
        query_role=access.to_create,
        ip_sets=blocked,
        source_alarms=of_detectors.on_sources,
        explanations=(*_deprecations(config), *ip_set_costs(blocked), *of_detectors.explanations),
    )
    problems = list(_name_problems(desired, config.app_name))
    if problems:
        raise ConfigurationError(*problems)
    if not config.dashboard or scope is None:
        return desired
    return replace(desired, dashboard=_dashboard(desired, config, scope))


class _OfDetectors(NamedTuple):
    """The filters and alarms of all detectors.

    Attributes:
        resources: The resources, in the order of the catalogue.
        on_sources: The names of those that are alarms on sources.
        explanations: Which kind each of these is, and why.
    """

    resources: list[Resource]
    on_sources: frozenset[str]
    explanations: list[str]


def _of_detectors(
    catalogue: Catalogue, factory: AlarmFactory, context: SourceContext
) -> _OfDetectors:
    resources: list[Resource] = []
    on_sources: set[str] = set()
    explanations: list[str] = []
    for detector in catalogue:
        metric_filter = detector_filter(detector, context.config)
        resources += [metric_filter, *factory.alarms_for(detector, metric_filter)]
        source = source_alarms(context, detector, metric_filter)
        if source is not None:
            own = source.resources
            resources += own
            on_sources.update(alarm.name for alarm in own if not isinstance(alarm, InsightRule))
            explanations.append(source.explanation)
    return _OfDetectors(resources, frozenset(on_sources), explanations)


def _app_alarms(
    alarms: Iterable[AwsAlarm], config: Config, topics: Topics, *, apart: frozenset[str]
) -> tuple[CompositeAlarm, ...]:
    """The composite alarms of `ERRWATCH_NOTIFY=app`, on all alarms but those apart."""
    if config.notify == "each":
        return ()
    names = [alarm.name for alarm in alarms if alarm.name not in apart]
    return app_alarms(names, config, () if topics.default is None else (topics.default,))


def _deprecations(config: Config) -> Iterator[str]:
    if config.per_source_alarms:
        yield (
            "ERRWATCH_PER_SOURCE_ALARMS is deprecated, and still works: declare such a detector "
            "with alarm=SourceAlarm(threshold=…, period=…)."
        )


def _operational(config: Config, factory: AlarmFactory) -> Iterator[MetricFilter | MetricAlarm]:
    """Yields the filters and alarms of lines that are outside the catalogue."""
    if config.silence_alarm:
        heartbeats = heartbeat_filter(config)
        yield heartbeats
        yield factory.silence_alarm(heartbeats)
    if config.process_alarm:
        deaths = death_filter(config)
        yield deaths
        yield factory.death_alarm(deaths)


def _silent(catalogue: Catalogue, config: Config) -> Iterator[str]:
    """Yields the names of the alarms that are declared not to notify."""
    for detector in catalogue:
        if detector.alarm is not None and not detector.alarm.notifies:
            yield notifier_of(detector, config)


def _of_type(resources: Iterable[Resource], cls: type[ResourceT]) -> tuple[ResourceT, ...]:
    return tuple(resource for resource in resources if isinstance(resource, cls))


def _queries(config: Config) -> tuple[QueryDefinition, ...]:
    """Returns the saved queries. A comment marks them, since people save queries beside them."""
    return tuple(
        QueryDefinition(
            name=query.name_for(config.app_name),
            query=f"# {marker(config.app_name)}\n{query.text}",
            log_groups=(config.log_group,),
        )
        for query in saved_queries(config)
    )


def _dashboard(desired: Desired, config: Config, scope: AwsScope) -> Dashboard:
    body = dashboard_body(
        log_group=config.log_group,
        filters=desired.filters,
        alarms=desired.alarms,
        scope=scope,
        others=(*desired.log_alarms, *desired.composites, *desired.app_alarms),
        note=marker(config.app_name),
    )
    name = dashboard_name(config.app_name)
    return Dashboard(name=name, body=canonical(body), tags=all_tags(config))


def dashboard_name(app_name: str) -> str:
    """Returns the dashboard's name, with `-` for characters that AWS does not allow in it.

    Example:
        >>> dashboard_name("the shop")
        'the-shop-errors'
    """
    return f"{_NOT_IN_DASHBOARD_NAMES.sub('-', app_name)}-errors"


def _name_problems(desired: Desired, app_name: str) -> Iterator[Problem]:
    """Refuses two alarms, or two filters, of one name: each would overwrite the other."""
    yield from name_problems(desired.ip_sets, app_name)
    for resources in (desired.filters, desired.every_alarm):
        times = Counter(resource.name for resource in resources)
        for resource in resources:
            if times.pop(resource.name, 1) > 1:
                remedy = f"Two {resource.kind}s would have this name: rename one of the detectors."
                yield Problem(key=resource.kind, value=resource.name, remedy=remedy)
            if len(resource.name) > NAME_LENGTH:
                remedy = f"It would have {len(resource.name)} characters of at most {NAME_LENGTH}."
                yield Problem(key=resource.kind, value=resource.name, remedy=remedy)

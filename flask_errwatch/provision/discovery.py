"""Reads the actual resources with a few list calls, however many detectors there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.desired import Desired, dashboard_name
from flask_errwatch.provision.from_aws import Entry
from flask_errwatch.provision.ip_set_discovery import find_ip_sets
from flask_errwatch.provision.log_alarm_access import why_not_there
from flask_errwatch.provision.ownership import has_band, insight_rules_of
from flask_errwatch.provision.query_role import POLICY_NAME, role_name
from flask_errwatch.provision.resources import (
    AwsAlarm,
    CompositeAlarm,
    Dashboard,
    LogAlarm,
    MetricAlarm,
    QueryRole,
    Resource,
    Topic,
)
from flask_errwatch.provision.resources.canonical_json import recanonical
from flask_errwatch.provision.resources.tags import marker
from flask_errwatch.provision.topic_resources import POLICY_SID

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

T = TypeVar("T")


def discover(aws: Aws, desired: Desired, *, for_removal: bool = False) -> Actual:
    """Returns everything that exists where the app's resources belong.

    Args:
        aws: The account and region.
        desired: The desired resources, whose names are looked up.
        for_removal: Read every kind, and the other users of the topic. Otherwise a kind that few
            apps use is read only if some are desired, or an alarm uses one. IP sets are read only
            if some are desired.

    Raises:
        AwsCallError: When a desired kind of resource cannot be read.
    """
    group = find_log_group(aws, desired.log_group.name)
    resources: list[Resource] = [*_log_group_and_filters(aws, group)]
    alarms = [*_alarms(aws, AlarmNamePrefix=f"{desired.app_name}-")]
    managed = tuple(
        alarm
        for alarm in alarms
        if isinstance(alarm, MetricAlarm) and alarm.belongs_to(desired.app_name)
    )
    topics = [*_topics(aws, desired)]
    resources += [*alarms, *topics]
    notes: list[str] = []
    resources += _log_alarms(aws, desired, notes)
    if group is not None:
        read = partial(_data_protection, aws, desired)
        if desired.data_protection is not None:
            resources += read()
        elif group.get("dataProtectionStatus") == "ACTIVATED":
            resources += read_if_allowed("data protection policy", read, notes) or ()
    for kinds, is_desired, is_likely, read in (
        (
            "insight rules",
            desired.insight_rules,
            insight_rules_of(managed),
            partial(_insight_rules, aws, desired, managed),
        ),
        (
            "anomaly detectors",
            desired.anomaly_detectors,
            any(map(has_band, managed)),
            partial(_anomaly_detectors, aws, desired, managed),
        ),
        ("saved queries", desired.queries, False, partial(_saved_queries, aws, desired)),
        ("dashboards", desired.dashboard, True, partial(_dashboards, aws, desired)),
    ):
        if is_desired:
            resources += read()
        elif is_likely or for_removal:
            resources += read_if_allowed(kinds, read, notes) or ()
    resources += _query_role(aws, desired, notes, for_removal=for_removal)
    resources += find_ip_sets(aws, desired.ip_sets)
    users = _topic_users(aws, desired, topics) if for_removal else ()
    return Actual(
        resources=tuple(resources),
        notes=tuple(notes),
        topic_users=dict(users),
        missing_topics=tuple(_missing_topics(aws, desired, notes)),
        region=aws.region(),
    )


def find_alarms(aws: Aws, **criteria: object) -> Iterator[AwsAlarm]:
    """Yields the alarms of every kind that fulfil criteria of DescribeAlarms.

    Args:
        aws: The account and region.
        **criteria: Such as `AlarmNames` or `AlarmNamePrefix`.

    Raises:
        AwsCallError: When the alarms cannot be listed.
    """
    yield from _alarms(aws, **criteria)
    if _has_log_alarms(aws):
        yield from _alarms_of_type(aws, "LogAlarm", from_aws.log_alarm, **criteria)


def _has_log_alarms(aws: Aws) -> bool:
    """Whether boto3 and the region have them."""
    is_known = aws.has("cloudwatch", "PutLogAlarm")
    return is_known and not why_not_there(aws.region(), aws.partition())


def _log_alarms(aws: Aws, desired: Desired, notes: list[str]) -> list[LogAlarm]:
    """Returns the log alarms of the app's prefix, where boto3 and the region have them."""
    if not _has_log_alarms(aws):
        return []
    read = partial(log_alarms, aws, desired.app_name)
    return [*read()] if desired.log_alarms else read_if_allowed("log alarms", read, notes) or []


def log_alarms(aws: Aws, app_name: str) -> Iterator[LogAlarm]:
    """Yields the log alarms whose names begin with the app's.

    Raises:
        AwsCallError: When the alarms cannot be listed.
    """
    prefix = f"{app_name}-"
    yield from _alarms_of_type(aws, "LogAlarm", from_aws.log_alarm, AlarmNamePrefix=prefix)


def read_if_allowed(
    kinds: str, read: Callable[[], Iterable[T]], notes: list[str]
) -> list[T] | None:
    """Returns what a list call returns. If the call fails, adds a note and returns None."""
    try:
        return [*read()]
    except AwsCallError as error:
        notes.append(f"{kinds}: {error}")
        return None


def find_log_group(aws: Aws, name: str) -> Entry | None:
    """Returns the log group of exactly that name, as DescribeLogGroups lists it.

    Raises:
        AwsCallError: When the log groups cannot be listed.
    """
    # The call lists by prefix. AWS sorts an exact match first, so that one page is enough.
    entries = aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    return next((entry for entry in entries if entry["logGroupName"] == name), None)


def _log_group_and_filters(aws: Aws, entry: Entry | None) -> Iterator[Resource]:
    # A group that does not exist has no filters, and AWS refuses to list them.
    if entry is not None:
        arn = from_aws.log_group_arn(entry)
        tags = aws.call("logs", "list_tags_for_resource", resourceArn=arn).get("tags", {})
        yield from_aws.log_group(entry, tags)
        # All of them, at most 100: unmanaged filters count towards the quota.
        name = entry["logGroupName"]
        entries = aws.pages("logs", "describe_metric_filters", "metricFilters", logGroupName=name)
        yield from map(from_aws.metric_filter, entries)


def _query_role(
    aws: Aws, desired: Desired, notes: list[str], *, for_removal: bool
) -> list[QueryRole]:
    """Returns the role of log alarms, if it shall be created or may be deleted."""
    name = role_name(desired.app_name, aws.region())
    read = partial(_read_query_role, aws, name)
    if desired.query_role is not None:
        return [*read()]
    return read_if_allowed("role", read, notes) or [] if for_removal else []


def _read_query_role(aws: Aws, name: str) -> Iterator[QueryRole]:
    role = find_role(aws, name)
    if role is None:
        return
    try:
        policy = aws.call("iam", "get_role_policy", RoleName=name, PolicyName=POLICY_NAME)
    except AwsCallError as error:
        if not error.is_not_found:
            raise
        policy = None
    yield from_aws.query_role(role, policy)


def find_role(aws: Aws, name: str) -> Entry | None:
    """Returns the role of that name, as GetRole does.

    Raises:
        AwsCallError: When it cannot be read.
    """
    try:
        role: Entry = aws.call("iam", "get_role", RoleName=name)["Role"]
    except AwsCallError as error:
        if error.is_not_found:
            return None
        raise
    return role


def _data_protection(aws: Aws, desired: Desired) -> Iterator[Resource]:
    name = desired.log_group.name
    try:
        response = aws.call("logs", "get_data_protection_policy", logGroupIdentifier=name)
    except AwsCallError as error:
        if error.is_not_found:
            return
        raise
    policy = from_aws.data_protection(name, response)
    if policy is not None:
        yield policy


def _alarms(aws: Aws, **criteria: object) -> Iterator[MetricAlarm | CompositeAlarm]:
    yield from _alarms_of_type(aws, "MetricAlarm", from_aws.metric_alarm, **criteria)
    yield from _alarms_of_type(aws, "CompositeAlarm", from_aws.composite_alarm, **criteria)


def _alarms_of_type(
    aws: Aws, alarm_type: str, deserialize: Callable[[Entry], T], **criteria: object
) -> Iterator[T]:
    entries = aws.pages(
        "cloudwatch",
        "describe_alarms",
        f"{alarm_type}s",
        **criteria,
        AlarmTypes=[alarm_type],
        MaxRecords=100,
    )
    yield from map(deserialize, entries)


def _topics(aws: Aws, desired: Desired) -> Iterator[Resource]:
    """Yields the topics that are declared by name with their policies, and the subscriptions."""
    subscribed = dict.fromkeys(subscription.topic_arn for subscription in desired.subscriptions)
    for topic in desired.topics:
        try:
            attributes = aws.call("sns", "get_topic_attributes", TopicArn=topic.arn)["Attributes"]
        except AwsCallError as error:
            if not error.is_not_found:
                raise
            subscribed.pop(topic.arn, None)  # nor does it have subscriptions
            continue
        tags = aws.call("sns", "list_tags_for_resource", ResourceArn=topic.arn).get("Tags", ())
        yield replace(topic, tags=from_aws.tag_pairs(tags))
        yield from_aws.topic_policy(topic.arn, attributes.get("Policy", ""), POLICY_SID)
    for arn in subscribed:
        entries = aws.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
        yield from map(from_aws.subscription, entries)


def _missing_topics(aws: Aws, desired: Desired, notes: list[str]) -> Iterator[str]:
    """Yields the topics that shall be used and do not exist. CloudWatch never checks that."""
    created = {topic.arn for topic in desired.topics}
    used = dict.fromkeys(arn for alarm in desired.every_alarm for arn in alarm.alarm_actions)
    for arn in (arn for arn in used if arn not in created):
        try:
            aws.call("sns", "get_topic_attributes", TopicArn=arn)
        except AwsCallError as error:
            if error.is_not_found:
                yield arn
            else:
                # Often a topic of another account, which only its owner may read.
                notes.append(f"topic: {error}")


def _topic_users(
    aws: Aws, desired: Desired, topics: list[Resource]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields each topic with the names of other apps' alarms that notify it."""
    for arn in (resource.arn for resource in topics if isinstance(resource, Topic)):
        yield (
            arn,
            tuple(
                alarm.name
                for alarm in _alarms(aws, ActionPrefix=arn)
                if arn
                in (*alarm.alarm_actions, *alarm.ok_actions, *alarm.insufficient_data_actions)
                and not alarm.belongs_to(desired.app_name)
            ),
        )


def _insight_rules(
    aws: Aws, desired: Desired, managed: tuple[MetricAlarm, ...]
) -> Iterator[Resource]:
    """Yields the rules that are desired or used by our alarms, of all rules of the account."""
    names = {rule.name for rule in desired.insight_rules} | insight_rules_of(managed)
    for entry in aws.pages("cloudwatch", "describe_insight_rules", "InsightRules"):
        if entry["Name"] in names:
            yield from_aws.insight_rule(entry)


def _anomaly_detectors(
    aws: Aws, desired: Desired, managed: tuple[MetricAlarm, ...]
) -> Iterator[Resource]:
    queries = (query for alarm in managed if has_band(alarm) for query in alarm.metrics)
    namespaces = {query.namespace for query in queries if query.namespace}
    namespaces |= {detector.namespace for detector in desired.anomaly_detectors}
    for namespace in sorted(namespaces):
        entries = aws.pages(
            "cloudwatch", "describe_anomaly_detectors", "AnomalyDetectors", Namespace=namespace
        )
        yield from filter(None, map(from_aws.anomaly_detector, entries))


def _saved_queries(aws: Aws, desired: Desired) -> Iterator[Resource]:
    entries = aws.pages(
        "logs",
        "describe_query_definitions",
        "queryDefinitions",
        queryDefinitionNamePrefix=f"{desired.app_name}/",
    )
    mark = f"# {marker(desired.app_name)}\n"
    # Several may have one name. Of those the managed one counts, so it comes last.
    yield from sorted(
        map(from_aws.query_definition, entries), key=lambda query: query.query.startswith(mark)
    )


def _dashboards(aws: Aws, desired: Desired) -> Iterator[Resource]:
    name = dashboard_name(desired.app_name)
    entries = aws.pages(
        "cloudwatch", "list_dashboards", "DashboardEntries", DashboardNamePrefix=name
    )
    if any(entry["DashboardName"] == name for entry in entries):
        body = aws.call("cloudwatch", "get_dashboard", DashboardName=name)["DashboardBody"]
        yield Dashboard(name=name, body=recanonical(body))

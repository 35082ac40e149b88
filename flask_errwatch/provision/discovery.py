"""What stands in AWS, read by a handful of listings, however many detectors there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision import from_aws as actual
from flask_errwatch.provision.desired import POLICY_SID, Desired, dashboard_name
from flask_errwatch.provision.from_aws import Actual
from flask_errwatch.provision.ownership import has_band, rules_named
from flask_errwatch.provision.resources import (
    CompositeAlarm,
    Dashboard,
    LogGroup,
    MetricAlarm,
    Resource,
    Topic,
)
from flask_errwatch.provision.resources.canonical_json import recanonical
from flask_errwatch.provision.resources.tags import marker

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

AnyAlarm = MetricAlarm | CompositeAlarm

_NO_TOPIC = {"NotFound", "NotFoundException"}
_LISTED = (
    ("MetricAlarm", "MetricAlarms", actual.metric_alarm),
    ("CompositeAlarm", "CompositeAlarms", actual.composite_alarm),
)


def read(aws: Aws, declared: Desired, *, for_removal: bool = False) -> Actual:
    """Everything that stands where the app's resources belong.

    Args:
        aws: The account and region.
        declared: What should stand; its names tell where to look.
        for_removal: Look for every kind, and for who else uses the topic. Otherwise kinds that
            few apps use are looked for when some are declared, or an alarm uses one.

    Raises:
        AwsCallError: When something that matters cannot be read.
    """
    found: list[Resource] = [*_log_group_and_filters(aws, declared.log_group.name)]
    alarms = [*_alarms(aws, AlarmNamePrefix=f"{declared.app_name}-")]
    own = tuple(
        each
        for each in alarms
        if isinstance(each, MetricAlarm) and each.belongs_to(declared.app_name)
    )
    topic = [*_topic(aws, declared)]
    found += [*alarms, *topic]
    unseen: list[str] = []
    for what, is_declared, is_hinted, listing in (
        ("insight rules", declared.insight_rules, rules_named(own), _insight_rules),
        ("anomaly detectors", declared.anomaly_detectors, any(map(has_band, own)), _models),
        ("saved queries", declared.queries, False, _queries),
        ("dashboards", declared.dashboard, True, _dashboards),
    ):
        if is_declared or is_hinted or for_removal:
            look = partial(listing, aws, declared, own)
            found += _found(what, look, unseen, must=bool(is_declared))
    users = _topic_users(aws, declared, topic) if for_removal else ()
    return Actual(
        resources=tuple(found),
        unseen=tuple(unseen),
        topic_users=tuple(users),
        missing_topic=_missing_topic(aws, declared, unseen),
        region=aws.region(),
    )


def _missing_topic(aws: Aws, declared: Desired, unseen: list[str]) -> str | None:
    """The ARN that is configured as topic, if there is none: CloudWatch never looks."""
    arn = next((arn for alarm in declared.alarms for arn in alarm.alarm_actions), None)
    if declared.topic is not None or arn is None:
        return None
    try:
        aws.call("sns", "get_topic_attributes", TopicArn=arn)
    except AwsCallError as error:
        if error.code in _NO_TOPIC:
            return arn
        # Often a topic of another account, which only its owner may look at.
        unseen.append(f"topic: {error}")
    return None


def _found(
    what: str, look: Callable[[], Iterable[Resource]], unseen: list[str], *, must: bool
) -> list[Resource]:
    """What a listing finds; where the app declares nothing of it, a refusal is only noted."""
    try:
        return [*look()]
    except AwsCallError as error:
        if must:
            raise
        unseen.append(f"{what}: {error}")
        return []


def _log_group_and_filters(aws: Aws, name: str) -> Iterator[Resource]:
    group = _log_group(aws, name)
    # A group that does not stand yet has no filters, and AWS refuses to list them.
    if group is not None:
        yield group
        # All of them, at most 100: the foreign ones count towards the quota.
        listed = aws.pages("logs", "describe_metric_filters", "metricFilters", logGroupName=name)
        yield from map(actual.metric_filter, listed)


def _log_group(aws: Aws, name: str) -> LogGroup | None:
    entries = aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    # The listing is by prefix; it ends at the first exact match, which AWS sorts to the front.
    entry = next((each for each in entries if each["logGroupName"] == name), None)
    if entry is None:
        return None
    arn = actual.log_group_arn(entry)
    answer = aws.call("logs", "list_tags_for_resource", resourceArn=arn)
    return actual.log_group(entry, answer.get("tags", {}))


def _alarms(aws: Aws, **asked: object) -> Iterator[AnyAlarm]:
    for kind, key, reader in _LISTED:
        entries = aws.pages(
            "cloudwatch", "describe_alarms", key, **asked, AlarmTypes=[kind], MaxRecords=100
        )
        yield from map(reader, entries)


def _topic(aws: Aws, declared: Desired) -> Iterator[Resource]:
    """The topic with its policy where it is to be created, and its subscriptions."""
    if declared.topic is not None:
        arn = declared.topic.arn
        try:
            attributes = aws.call("sns", "get_topic_attributes", TopicArn=arn)["Attributes"]
        except AwsCallError as error:
            if error.code in _NO_TOPIC:
                return  # nor has it subscriptions
            raise
        tags = aws.call("sns", "list_tags_for_resource", ResourceArn=arn).get("Tags", ())
        pairs = tuple((each["Key"], each["Value"]) for each in tags)
        yield Topic(name=declared.topic.name, arn=arn, tags=pairs)
        yield actual.topic_policy(arn, attributes.get("Policy", ""), POLICY_SID)
    if declared.subscriptions:
        arn = declared.subscriptions[0].topic_arn
        listed = aws.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
        yield from map(actual.subscription, listed)


def _topic_users(aws: Aws, declared: Desired, topic: list[Resource]) -> Iterator[str]:
    """The alarms of others that tell the topic."""
    for stands in topic:
        if isinstance(stands, Topic):
            for alarm in _alarms(aws, ActionPrefix=stands.arn):
                told = {*alarm.alarm_actions, *alarm.ok_actions, *alarm.insufficient_data_actions}
                if stands.arn in told and not alarm.belongs_to(declared.app_name):
                    yield alarm.name


def _insight_rules(aws: Aws, declared: Desired, own: tuple[MetricAlarm, ...]) -> Iterator[Resource]:
    """The rules that are declared or that our alarms look at, of all rules of the account."""
    wanted = {each.name for each in declared.insight_rules} | rules_named(own)
    for entry in aws.pages("cloudwatch", "describe_insight_rules", "InsightRules"):
        if entry["Name"] in wanted:
            yield actual.insight_rule(entry)


def _models(aws: Aws, declared: Desired, own: tuple[MetricAlarm, ...]) -> Iterator[Resource]:
    terms = (term for each in own if has_band(each) for term in each.metrics)
    spaces = {each.namespace for each in declared.anomaly_detectors}
    for namespace in sorted(spaces | {each.namespace for each in terms if each.namespace}):
        listed = aws.pages(
            "cloudwatch", "describe_anomaly_detectors", "AnomalyDetectors", Namespace=namespace
        )
        yield from filter(None, map(actual.anomaly_detector, listed))


def _queries(aws: Aws, declared: Desired, own: tuple[MetricAlarm, ...]) -> Iterator[Resource]:
    del own  # no alarm tells of a query
    prefix = f"{declared.app_name}/"
    listed = aws.pages(
        "logs",
        "describe_query_definitions",
        "queryDefinitions",
        queryDefinitionNamePrefix=prefix,
    )
    mark = f"# {marker(declared.app_name)}\n"
    # Several may bear one name: of those, the app's own is looked at, which comes last.
    yield from sorted(
        map(actual.query_definition, listed), key=lambda each: each.query.startswith(mark)
    )


def _dashboards(aws: Aws, declared: Desired, own: tuple[MetricAlarm, ...]) -> Iterator[Resource]:
    del own  # no alarm tells of a dashboard
    name = dashboard_name(declared.app_name)
    listed = aws.pages(
        "cloudwatch", "list_dashboards", "DashboardEntries", DashboardNamePrefix=name
    )
    if any(each["DashboardName"] == name for each in listed):
        body = aws.call("cloudwatch", "get_dashboard", DashboardName=name)["DashboardBody"]
        yield Dashboard(name=name, body=recanonical(body))

"""The edge: reads what stands, makes the plan, and applies it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.errors import AwsCallError, ConfigurationError, Problem, ProvisioningError
from flask_errwatch.provision import actual as reading
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.calls import Call, calls
from flask_errwatch.provision.desired import Desired, desired
from flask_errwatch.provision.plan import Plan, compared
from flask_errwatch.provision.resources import LogGroup, MetricAlarm, MetricFilter

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_NO_TOPIC = {"NotFound", "NotFoundException"}


def provision(aws: Aws, catalogue: Catalogue, config: Config, *, dry_run: bool = False) -> Plan:
    """Brings AWS to what the catalogue declares; what already stands is left alone.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        dry_run: Only make the plan.

    Returns:
        The plan, applied unless `dry_run`.

    Raises:
        ProvisioningError: When AWS refused a call, or something of somebody else is in the
            way; it says what was applied and what was not.
        ConfigurationError: When a value cannot work in this region.
    """
    made = plan(aws, catalogue, config)
    return made if dry_run else apply(aws, made)


def plan(aws: Aws, catalogue: Catalogue, config: Config) -> Plan:
    """What `provision` would do. It takes a handful of calls, however many detectors there are.

    Raises:
        ProvisioningError: When AWS cannot be read, or something is in the way.
        ConfigurationError: When a value cannot work in this region.
    """
    try:
        declared = desired(catalogue, config, topic_arn=_topic_arn(aws, config))
        stands = _read(aws, declared)
    except AwsCallError as error:
        raise ProvisioningError(*error.problems, cause=error) from error
    return compared(declared, stands)


def apply(aws: Aws, plan: Plan) -> Plan:
    """Applies the pending changes of a plan, in order.

    Returns:
        The plan, with all its changes applied.

    Raises:
        ProvisioningError: At the first call that failed.
    """
    for change in plan.pending:
        begun = False
        try:
            for call in calls(change):
                _make(aws, call)
                begun = True
        except AwsCallError as error:
            failed, *rest = map(str, plan.pending)
            raise ProvisioningError(
                *error.problems,
                cause=error,
                applied=map(str, plan.applied),
                pending=(f"{failed} (begun)" if begun else failed, *rest),
            ) from error
        plan = plan.one_more_applied()
    return plan


def _make(aws: Aws, call: Call) -> None:
    try:
        aws.call(call.service, call.method, **call.arguments)
    except AwsCallError as error:
        if error.code != call.tolerated:
            raise


def _topic_arn(aws: Aws, config: Config) -> str | None:
    """The topic's ARN, also before it stands; an ARN of elsewhere is refused.

    CloudWatch sends an alarm's actions only to topics of its own region, and checks nothing
    when the alarm is put.
    """
    topic = config.sns_topic
    if topic is None:
        return None
    region, partition = aws.region(), aws.partition()
    if not topic.startswith("arn:"):
        account = aws.call("sts", "get_caller_identity")["Account"]
        return f"arn:{partition}:sns:{region}:{account}:{topic}"
    _, its_partition, _, its_region, *_ = topic.split(":")
    if (its_partition, its_region) != (partition, region):
        remedy = (
            f"The alarms are created in partition {partition}, region {region}, and can only tell "
            "a topic there: use one of that region, or set ERRWATCH_REGION."
        )
        raise ConfigurationError(Problem(key="ERRWATCH_SNS_TOPIC", value=topic, remedy=remedy))
    return topic


def _read(aws: Aws, declared: Desired) -> Actual:
    group = _log_group(aws, declared.log_group.name)
    # A group that does not stand yet has no filters, and AWS refuses to list them.
    filters = () if group is None else _filters(aws, group.name)
    has_topic = declared.topic is None or _is_topic(aws, declared.topic.arn)
    return Actual(
        log_group=group,
        filters={each.name: each for each in filters},
        alarms={each.name: each for each in _alarms(aws, f"{declared.app_name}-")},
        has_topic=has_topic,
        subscriptions=dict(_subscriptions(aws, declared)) if has_topic else {},
    )


def _log_group(aws: Aws, name: str) -> LogGroup | None:
    entries = aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    # The listing is by prefix; it ends at the first exact match, which AWS sorts to the front.
    entry = next((each for each in entries if each["logGroupName"] == name), None)
    if entry is None:
        return None
    arn = reading.log_group_arn(entry)
    answer = aws.call("logs", "list_tags_for_resource", resourceArn=arn)
    return reading.log_group(entry, answer.get("tags", {}))


def _filters(aws: Aws, group: str) -> Iterator[MetricFilter]:
    """All of the group's filters, at most 100: the foreign ones count towards the quota."""
    entries = aws.pages("logs", "describe_metric_filters", "metricFilters", logGroupName=group)
    return map(reading.metric_filter, entries)


def _alarms(aws: Aws, prefix: str) -> Iterator[MetricAlarm]:
    entries = aws.pages(
        "cloudwatch",
        "describe_alarms",
        "MetricAlarms",
        AlarmNamePrefix=prefix,
        AlarmTypes=["MetricAlarm"],
        MaxRecords=100,
    )
    return map(reading.metric_alarm, entries)


def _is_topic(aws: Aws, arn: str) -> bool:
    try:
        aws.call("sns", "get_topic_attributes", TopicArn=arn)
    except AwsCallError as error:
        if error.code in _NO_TOPIC:
            return False
        raise
    return True


def _subscriptions(aws: Aws, declared: Desired) -> Iterator[tuple[tuple[str, str], bool]]:
    if not declared.subscriptions:
        return iter(())
    arn = declared.subscriptions[0].topic_arn
    entries = aws.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    return map(reading.subscription, entries)

"""The edge: makes the plan of what stands, and applies it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.errors import AwsCallError, ConfigurationError, Problem, ProvisioningError
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.calls import Call, calls
from flask_errwatch.provision.comparison import compared, removal
from flask_errwatch.provision.desired import Desired, desired
from flask_errwatch.provision.place import Place
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.reading import read

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws


def provision(aws: Aws, catalogue: Catalogue, config: Config, *, dry_run: bool = False) -> Plan:
    """Brings AWS to what the catalogue declares; what stands as declared is left alone.

    What the app made and no longer declares is deleted. What somebody else made is never
    touched.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        dry_run: Only make the plan.

    Returns:
        The plan, applied unless `dry_run`.

    Raises:
        ProvisioningError: When AWS refused a call, something of somebody else is in the way,
            or the plan would lose more than a person is likely to mean
            (`Plan.raise_if_unsafe`); it says what was applied and what was not.
        ConfigurationError: When a value cannot work in this region.
    """
    made = plan(aws, catalogue, config)
    return made if dry_run else apply(aws, made)


def plan(aws: Aws, catalogue: Catalogue, config: Config, *, adopt: bool = False) -> Plan:
    """What `apply` would do. It takes a handful of calls, however many detectors there are.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        adopt: Take over what somebody else made under a declared name.

    Raises:
        ProvisioningError: When AWS cannot be read, or something is in the way.
        ConfigurationError: When a value cannot work in this region.
    """
    declared, stands = looked(aws, catalogue, config)
    return compared(declared, stands, adopt=adopt)


def removal_plan(
    aws: Aws, catalogue: Catalogue, config: Config, *, with_logs: bool = False
) -> Plan:
    """The plan that deletes everything that is the app's own.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        with_logs: Delete the log group and its events too, if the group is the app's own.

    Raises:
        ProvisioningError: When AWS cannot be read.
        ConfigurationError: When a value cannot work in this region.
    """
    _, stands = looked(aws, catalogue, config, for_removal=True)
    return removal(config.app_name, config.log_group, stands, with_logs=with_logs)


def looked(
    aws: Aws, catalogue: Catalogue, config: Config, *, for_removal: bool = False
) -> tuple[Desired, Actual]:
    """What should stand, and what stands.

    Raises:
        ProvisioningError: When AWS cannot be read.
        ConfigurationError: When a value cannot work in this region.
    """
    try:
        place = _place(aws, config)
        topic_arn = _topic_arn(config, place)
        declared = desired(catalogue, config, topic_arn=topic_arn, place=place)
        return declared, read(aws, declared, for_removal=for_removal)
    except AwsCallError as error:
        raise ProvisioningError(*error.problems, cause=error) from error


def apply(aws: Aws, plan: Plan, *, force: bool = False) -> Plan:
    """Applies the pending changes of a plan, in order.

    Args:
        aws: The account and region.
        plan: The plan.
        force: Apply it even if it would lose more than a person is likely to mean.

    Returns:
        The plan, with all its changes applied.

    Raises:
        ProvisioningError: At the first call that failed, or when the plan is unsafe.
    """
    for plan in applying(aws, plan, force=force):  # noqa: B007, B020, PLR1704 - the last one counts
        pass
    return plan


def applying(aws: Aws, plan: Plan, *, force: bool = False) -> Iterator[Plan]:
    """Applies the pending changes one by one, and yields the plan as it is after each.

    Whoever is interrupted in between has the last plan, and knows what was done. Applying can
    be repeated: the next plan finds what was begun.

    Args:
        aws: The account and region.
        plan: The plan.
        force: Apply it even if it would lose more than a person is likely to mean.

    Raises:
        ProvisioningError: At the first call that failed, or when the plan is unsafe.
    """
    if not force:
        plan.raise_if_unsafe()
    while plan.pending:
        change, begun = plan.pending[0], False
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
        yield plan


def _make(aws: Aws, call: Call) -> None:
    try:
        answer = aws.call(call.service, call.method, **call.arguments)
    except AwsCallError as error:
        if error.code not in call.tolerated:
            raise
        return
    # DeleteInsightRules answers 200 and lists what it did not delete.
    for failure in answer.get("Failures", ()):
        if failure.get("FailureCode") not in call.tolerated:
            raise AwsCallError(
                action="cloudwatch:DeleteInsightRules",
                code=str(failure.get("FailureCode")),
                message=str(failure.get("FailureDescription")),
                remedy="See the message; the AWS API Reference describes the call.",
            )


def _place(aws: Aws, config: Config) -> Place:
    """Where calls go. The account is asked for only where an ARN is made of it."""
    by_arn = config.sns_topic is None or config.sns_topic.startswith("arn:")
    is_needed = config.dashboard or not by_arn
    region, partition = aws.region(), aws.partition()
    account = str(aws.call("sts", "get_caller_identity")["Account"]) if is_needed else ""
    return Place(partition=partition, region=region, account=account)


def _topic_arn(config: Config, place: Place) -> str | None:
    """The topic's ARN, also before it stands; ARNs of elsewhere are refused.

    CloudWatch sends an alarm's actions only to topics of its own region, and checks nothing
    when the alarm is put. SNS reaches functions and queues of other regions, but not of other
    partitions.
    """
    problems = [
        Problem(
            key="ERRWATCH_SUBSCRIPTIONS",
            value=url,
            remedy=f"Use an ARN of partition {place.partition}, where the topic is.",
        )
        for url in config.subscriptions
        if url.startswith("arn:") and url.split(":")[1] != place.partition
    ]
    topic = config.sns_topic
    if topic is not None and topic.startswith("arn:"):
        _, partition, _, region, *_ = topic.split(":")
        if (partition, region) != (place.partition, place.region):
            remedy = (
                f"The alarms are created in partition {place.partition}, region {place.region}, "
                "and can only tell a topic there: use one of that region, or set ERRWATCH_REGION."
            )
            problems.insert(0, Problem(key="ERRWATCH_SNS_TOPIC", value=topic, remedy=remedy))
    elif topic is not None:
        topic = place.topic_arn(topic)
    if problems:
        raise ConfigurationError(*problems)
    return topic

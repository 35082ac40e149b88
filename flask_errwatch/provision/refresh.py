"""Resolves region and account, computes the desired state and reads the actual state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.errors import (
    AwsCallError,
    Problem,
    ProvisioningError,
    raise_if,
)
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.provision.discovery import discover
from flask_errwatch.provision.ip_set_problems import partition_problems
from flask_errwatch.provision.role_discovery import access_with_new_role, read_access
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.tag_discovery import with_tags
from flask_errwatch.provision.topics import Topics

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """The identity that makes the calls, and where.

    Attributes:
        arn: Of the user or the assumed role.
        scope: Partition, region and account.
    """

    arn: str
    scope: AwsScope

    @classmethod
    def identify(cls, aws: Aws) -> Caller:
        """Calls GetCallerIdentity, which needs no permission.

        Raises:
            AwsCallError: When credentials or a region are missing, or AWS does not answer.
        """
        region, partition = aws.region(), aws.partition()
        identity = aws.call("sts", "get_caller_identity")
        scope = AwsScope(partition=partition, region=region, account=str(identity["Account"]))
        return cls(arn=str(identity["Arn"]), scope=scope)

    @property
    def is_root(self) -> bool:
        """Whether it is the account's root user, which may do everything."""
        return self.arn.endswith(":root")


def read_state(
    aws: Aws,
    catalogue: Catalogue,
    config: Config,
    *,
    for_removal: bool = False,
    create_role: bool = False,
) -> tuple[Desired, Actual]:
    """Returns the desired and the actual resources of an app.

    Args:
        aws: The account and region.
        catalogue: The app's detectors, as `Catalogue.configured` returns them.
        config: The app's configuration.
        for_removal: Read every kind, and the other users of the topic.
        create_role: Whether the role of log alarms may be created.

    Raises:
        ProvisioningError: When AWS cannot be read.
        ConfigurationError: When a value cannot work in this region.
    """
    try:
        scope = _scope(aws, config, needs_account=create_role)
        notes: list[str] = []
        desired = read_desired(aws, catalogue, config, scope, notes, create_role=create_role)
        actual = discover(aws, desired, for_removal=for_removal)
        if config.tags and not for_removal:
            actual = with_tags(aws, desired, actual, scope)
        return desired, replace(actual, notes=(*notes, *actual.notes))
    except AwsCallError as error:
        raise ProvisioningError(*error.problems, cause=error) from error


def read_desired(
    aws: Aws,
    catalogue: Catalogue,
    config: Config,
    scope: AwsScope,
    notes: list[str],
    *,
    create_role: bool = False,
) -> Desired:
    """Returns the desired resources of an app, which depend on what log alarms may use.

    Args:
        aws: The account and region.
        catalogue: The app's detectors, as `Catalogue.configured` returns them.
        config: The app's configuration.
        scope: Partition, region and account.
        notes: What could not be read is added to these.
        create_role: Whether the role of log alarms may be created.

    Raises:
        AwsCallError: When AWS cannot be read.
        ConfigurationError: When a value cannot work in this region.
    """
    raise_if(partition_problems(config, scope.partition))
    topics = _topics(config, scope)
    access = (
        access_with_new_role(aws, config, scope)
        if create_role
        else read_access(aws, catalogue, config, scope, notes)
    )
    return desired_resources(catalogue, config, topics=topics, scope=scope, access=access)


def _scope(aws: Aws, config: Config, *, needs_account: bool) -> AwsScope:
    """Returns the scope of the calls. Asks for the account only if an ARN depends on it."""
    has_topic_name = any(not topic.startswith("arn:") for topic in config.topics)
    if config.dashboard or has_topic_name or config.tags or needs_account:
        return Caller.identify(aws).scope
    # The region first: `Aws.region` explains that none is configured.
    return AwsScope(region=aws.region(), partition=aws.partition(), account="")


def _topics(config: Config, scope: AwsScope) -> Topics:
    """Returns the topics' ARNs, even before the topics exist. Refuses ARNs that cannot work.

    CloudWatch sends an alarm's actions only to topics of its own region, and does not check this
    when the alarm is put. SNS delivers to functions and queues of other regions, but not of other
    partitions.
    """
    problems = [
        Problem(
            key="ERRWATCH_SUBSCRIPTIONS",
            value=url,
            remedy=f"Use an ARN of partition {scope.partition}, where the topic is.",
        )
        for url in config.subscriptions
        if url.startswith("arn:") and url.split(":")[1] != scope.partition
    ]
    topics = Topics(
        default=None if config.sns_topic is None else scope.topic_arn(config.sns_topic),
        by_level={level: scope.topic_arn(topic) for level, topic in config.sns_topics.items()},
    )
    elsewhere = [arn for arn in topics.every if not _is_in(arn, scope)]
    raise_if((*(_elsewhere(arn, topics, scope) for arn in elsewhere), *problems))
    return topics


def _is_in(arn: str, scope: AwsScope) -> bool:
    _, partition, _, region, *_ = arn.split(":")
    return (partition, region) == (scope.partition, scope.region)


def _elsewhere(arn: str, topics: Topics, scope: AwsScope) -> Problem:
    remedy = (
        f"The alarms are created in partition {scope.partition}, region {scope.region}, "
        "and can only notify a topic there: use a topic of that region, or set "
        "ERRWATCH_REGION."
    )
    key = "ERRWATCH_SNS_TOPIC" if arn == topics.default else "ERRWATCH_SNS_TOPICS"
    return Problem(key=key, value=arn, remedy=remedy)

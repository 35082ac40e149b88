"""Whether an alarm notifies anyone: the topic, its policy, its key and its subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.doctor.policies import CLOUDWATCH, AccessRequest, allows
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.resources import Subscription
from flask_errwatch.provision.scope import AwsScope

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_AWS_KEY = "alias/aws/sns"
_CUSTOMER_KEY = (
    f"Encrypt the topic with a customer key whose policy allows {CLOUDWATCH} kms:Decrypt and "
    "kms:GenerateDataKey*, or with none."
)
_APPLY = "Run `flask errwatch apply`."
_ANOTHER_TOPIC = (
    "Create it, or set ERRWATCH_SNS_TOPIC to the ARN of one that exists, or to a name: then "
    "`flask errwatch apply` creates it."
)


def notification_findings(aws: Aws, config: Config, scope: AwsScope) -> Iterator[Finding]:
    """Checks each topic and everything that a publish to it depends on.

    Raises:
        AwsCallError: When a topic cannot be read, for another reason than that it is missing.
    """
    if not config.topics:
        remedy = "Set ERRWATCH_SNS_TOPIC and ERRWATCH_SUBSCRIPTIONS, then `flask errwatch apply`."
        yield warning("topic", "No topic is configured: no one is notified of alarms.", remedy)
    for topic in config.topics:
        yield from _topic_findings(aws, config, scope, topic)


def _topic_findings(aws: Aws, config: Config, scope: AwsScope, topic: str) -> Iterator[Finding]:
    arn = scope.topic_arn(topic)
    partition, region, account = (arn.split(":")[index] for index in (1, 3, 4))
    if (partition, region) != (scope.partition, scope.region):
        message = f"{arn} is in another region than the alarms ({scope.region})."
        remedy = (
            f"Use a topic of {scope.region}. Or, if the log group is in {region}, set "
            f"ERRWATCH_REGION to {region}."
        )
        yield problem("topic", message, remedy)
        return
    try:
        attributes = aws.call("sns", "get_topic_attributes", TopicArn=arn)["Attributes"]
    except AwsCallError as error:
        if not error.is_not_found:
            raise
        # `apply` creates a topic that is configured by its name, and no other.
        remedy = _ANOTHER_TOPIC if config.has_topic_arn else _APPLY
        yield problem("topic", f"{arn} does not exist.", remedy)
        return
    yield ok("topic", arn)
    request = AccessRequest(
        action="sns:Publish",
        resource=arn,
        account=scope.account,
        alarm_arn=scope.alarm_arn(f"{config.app_name}-any"),
    )
    is_managed = account == scope.account and not topic.startswith("arn:")
    yield policy_finding(attributes.get("Policy", ""), request, is_managed=is_managed)
    yield _topic_key_finding(aws, attributes.get("KmsMasterKeyId", ""), request)
    entries = aws.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    yield from subscription_findings(
        [from_aws.subscription(entry) for entry in entries],
        is_configured=bool(config.subscriptions),
    )


def policy_finding(policy: str, request: AccessRequest, *, is_managed: bool) -> Finding:
    """Whether the topic's policy lets CloudWatch publish for the app's alarms.

    Args:
        policy: The policy document, as JSON.
        request: The publish.
        is_managed: Whether `apply` manages the topic, and so its policy.
    """
    statement = f"allow {CLOUDWATCH} sns:Publish with aws:SourceArn like {request.alarm_arn[:-3]}*"
    remedy = f"In its policy, {statement}" + (f", or: {_APPLY}" if is_managed else ".")
    match allows(policy, request):
        case True:
            return ok("topic policy", "It lets CloudWatch publish.")
        case False:
            message = "It denies CloudWatch: alarms fire and no one is notified."
            return problem("topic policy", message, remedy)
        case _:
            message = "Whether it lets CloudWatch publish depends on conditions not known here."
            return warning("topic policy", message, "Try it with `flask errwatch drill`.")


def _topic_key_finding(aws: Aws, key: str, request: AccessRequest) -> Finding:
    """Whether CloudWatch may use the topic's key: a denial shows only in the alarm history."""
    if not key:
        return ok("topic key", "The topic is not encrypted with a KMS key.")
    if key.endswith(_AWS_KEY):
        message = f"{_AWS_KEY} denies CloudWatch, and its policy cannot be changed."
        return problem("topic key", message, _CUSTOMER_KEY)
    try:
        metadata = aws.call("kms", "describe_key", KeyId=key)["KeyMetadata"]
        if metadata.get("KeyManager") == "AWS":
            message = f"{key} is managed by AWS and denies CloudWatch."
            return problem("topic key", message, _CUSTOMER_KEY)
        policy = aws.call("kms", "get_key_policy", KeyId=metadata["Arn"], PolicyName="default")
    except AwsCallError as error:
        message = f"{key} could not be read ({error.action}: {error.code})."
        return warning("topic key", message, f"Check it by hand: {_CUSTOMER_KEY}")
    return key_finding(str(policy.get("Policy", "")), str(metadata["Arn"]), request)


def key_finding(policy: str, key_arn: str, request: AccessRequest) -> Finding:
    """Whether the policy of a customer key lets CloudWatch encrypt for the topic."""
    answers = {
        allows(
            policy,
            AccessRequest(
                action=action,
                resource=key_arn,
                account=request.account,
                alarm_arn=request.alarm_arn,
            ),
        )
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    }
    if answers == {True}:
        return ok("topic key", "Its policy lets CloudWatch use it.")
    if False in answers:
        message = "Its policy denies CloudWatch: no one is notified."
        return problem("topic key", message, _CUSTOMER_KEY)
    message = "Whether its policy lets CloudWatch use it depends on conditions not known here."
    return warning("topic key", message, "Try it with `flask errwatch drill`.")


def subscription_findings(
    subscriptions: Sequence[Subscription], *, is_configured: bool
) -> Iterator[Finding]:
    """Whether there are subscriptions, and whether their owners confirmed them.

    Args:
        subscriptions: Those of the topic.
        is_configured: Whether the app declares any, which `apply` creates.
    """
    pending = [
        f"{subscription.protocol} {subscription.label}"
        for subscription in subscriptions
        if subscription.arn is None
    ]
    confirmed = len(subscriptions) - len(pending)
    if not subscriptions:
        remedy = _APPLY if is_configured else f"Set ERRWATCH_SUBSCRIPTIONS. {_APPLY}"
        yield problem("subscriptions", "The topic has none: no one is notified.", remedy)
    elif pending:
        level = warning if confirmed else problem
        remedy = (
            "Have the owner follow the link that SNS sent. It expires after two days; then run "
            "`flask errwatch apply`, which has SNS send another one."
            if is_configured
            else "Have the owner follow the link that SNS sent. After two days, subscribe again."
        )
        message = f"Not confirmed: {', '.join(pending)}; {confirmed} confirmed."
        yield level("subscriptions", message, remedy)
    else:
        yield ok("subscriptions", f"{confirmed} confirmed.")

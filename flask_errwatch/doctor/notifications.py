"""Whether an alarm reaches somebody: the topic, its policy, its key, its subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.doctor.policies import CLOUDWATCH, Asked, allows
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision import from_aws as actual
from flask_errwatch.provision.resources import Subscription
from flask_errwatch.provision.scope import AwsScope

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_AWS_KEY = "alias/aws/sns"
_OWN_KEY = (
    f"Encrypt the topic with a customer key whose policy allows {CLOUDWATCH} kms:Decrypt and "
    "kms:GenerateDataKey*, or with none."
)
_APPLY = "Run `flask errwatch apply`."


def telling_findings(aws: Aws, config: Config, scope: AwsScope) -> Iterator[Finding]:
    """Looks at the topic and everything that a publish to it depends on.

    Raises:
        AwsCallError: When the topic cannot be read, for another reason than that it is missing.
    """
    topic = config.sns_topic
    if topic is None:
        remedy = "Set ERRWATCH_SNS_TOPIC and ERRWATCH_SUBSCRIPTIONS, then `flask errwatch apply`."
        yield warning("topic", "None is configured: alarms tell nobody.", remedy)
        return
    arn = topic if topic.startswith("arn:") else scope.topic_arn(topic)
    partition, region, account = (arn.split(":")[index] for index in (1, 3, 4))
    if (partition, region) != (scope.partition, scope.region):
        found = f"{arn} is of another region than the alarms ({scope.region})."
        yield problem("topic", found, "Use a topic of that region, or set ERRWATCH_REGION.")
        return
    try:
        attributes = aws.call("sns", "get_topic_attributes", TopicArn=arn)["Attributes"]
    except AwsCallError as error:
        if "NotFound" not in error.code:
            raise
        yield problem("topic", f"{arn} does not stand.", _APPLY)
        return
    yield ok("topic", arn)
    asked = Asked(
        action="sns:Publish",
        resource=arn,
        account=scope.account,
        alarm_arn=scope.alarm_arn(f"{config.app_name}-any"),
    )
    is_own = account == scope.account and topic != arn
    yield policy_finding(attributes.get("Policy", ""), asked, is_own=is_own)
    yield _key_finding(aws, attributes.get("KmsMasterKeyId", ""), asked)
    listed = aws.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    yield from subscription_findings([actual.subscription(each) for each in listed])


def policy_finding(policy: str, asked: Asked, *, is_own: bool) -> Finding:
    """Whether the topic's policy lets CloudWatch publish for the app's alarms."""
    statement = f"allow {CLOUDWATCH} sns:Publish with aws:SourceArn like {asked.alarm_arn[:-3]}*"
    remedy = f"In its policy, {statement}" + (f", or: {_APPLY}" if is_own else ".")
    match allows(policy, asked):
        case True:
            return ok("topic policy", "It lets CloudWatch publish.")
        case False:
            found = "It refuses CloudWatch: alarms go off and tell nobody."
            return problem("topic policy", found, remedy)
        case _:
            found = "Whether it lets CloudWatch publish depends on conditions not known here."
            return warning("topic policy", found, "Try it with `flask errwatch drill`.")


def _key_finding(aws: Aws, key: str, asked: Asked) -> Finding:
    """Whether CloudWatch may use the topic's key: a refusal shows in the alarm history only."""
    if not key:
        return ok("topic key", "The topic is not encrypted with a key of KMS.")
    if key.endswith(_AWS_KEY):
        found = f"{_AWS_KEY} keeps CloudWatch out, and its policy cannot be changed."
        return problem("topic key", found, _OWN_KEY)
    try:
        described = aws.call("kms", "describe_key", KeyId=key)["KeyMetadata"]
        if described.get("KeyManager") == "AWS":
            found = f"{key} is managed by AWS, and keeps CloudWatch out."
            return problem("topic key", found, _OWN_KEY)
        policy = aws.call("kms", "get_key_policy", KeyId=described["Arn"], PolicyName="default")
    except AwsCallError as error:
        found = f"{key} could not be read ({error.action}: {error.code})."
        return warning("topic key", found, f"Make sure of it by hand: {_OWN_KEY}")
    return key_finding(str(policy.get("Policy", "")), str(described["Arn"]), asked)


def key_finding(policy: str, key_arn: str, asked: Asked) -> Finding:
    """Whether the policy of a customer key lets CloudWatch encrypt for the topic."""
    answers = {
        allows(
            policy,
            Asked(
                action=action,
                resource=key_arn,
                account=asked.account,
                alarm_arn=asked.alarm_arn,
            ),
        )
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    }
    if answers == {True}:
        return ok("topic key", "Its policy lets CloudWatch use it.")
    if False in answers:
        return problem("topic key", "Its policy refuses CloudWatch: nobody is told.", _OWN_KEY)
    found = "Whether its policy lets CloudWatch use it depends on conditions not known here."
    return warning("topic key", found, "Try it with `flask errwatch drill`.")


def subscription_findings(subscriptions: Sequence[Subscription]) -> Iterator[Finding]:
    """Whether somebody listens, and has said so."""
    waiting = [f"{each.protocol} {each.label}" for each in subscriptions if each.arn is None]
    confirmed = len(subscriptions) - len(waiting)
    if not subscriptions:
        remedy = "Set ERRWATCH_SUBSCRIPTIONS and run `flask errwatch apply`."
        yield problem("subscriptions", "The topic has none: nobody is told.", remedy)
    elif waiting:
        make = warning if confirmed else problem
        remedy = (
            "Have the owner follow the link that SNS sent; after two days it is void, and the "
            "subscription has to be made anew."
        )
        found = f"Not confirmed: {', '.join(waiting)}; {confirmed} confirmed."
        yield make("subscriptions", found, remedy)
    else:
        yield ok("subscriptions", f"{confirmed} confirmed.")

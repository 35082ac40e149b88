"""The topics of an app, their policies and their subscriptions. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from flask_errwatch.config import Config
from flask_errwatch.provision.resources import Subscription, Topic, TopicPolicy
from flask_errwatch.provision.resources.canonical_json import canonical
from flask_errwatch.provision.resources.tags import all_tags
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.topics import Topics

#: The id of our statement in a topic's policy.
POLICY_SID = "flask-errwatch-alarms"


def created_topics(config: Config, topics: Topics) -> Iterator[Topic]:
    """Yields the topics that are configured by their names, each once.

    Args:
        config: The app's configuration.
        topics: The ARNs of the topics that are configured.
    """
    arns = {config.sns_topic: topics.default} | {
        config.sns_topics[level]: arn for level, arn in topics.by_level.items()
    }
    for name in config.topics:
        arn = arns.get(name)
        if arn is not None and not name.startswith("arn:"):
            yield Topic(name=name, arn=arn, tags=all_tags(config))


def topic_policy(topic: Topic, scope: AwsScope) -> TopicPolicy:
    """Returns SNS's default statement for the account, and one for its alarms.

    The default alone allows alarms of the account to publish today. For topics that refuse an
    alarm, AWS advises an explicit statement (re:Post, cloudwatch-receive-sns-for-alarm-trigger).

    Args:
        topic: The topic.
        scope: Partition, region and account.
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


def subscriptions_of(config: Config, topics: Topics) -> tuple[Subscription, ...]:
    """Returns the subscriptions of each topic: whoever is notified of one level is notified of all.

    Args:
        config: The app's configuration.
        topics: The ARNs of the topics that are configured.
    """
    pairs = (Subscription.of(url, arn) for arn in topics.every for url in config.subscriptions)
    return tuple(dict.fromkeys(pairs))

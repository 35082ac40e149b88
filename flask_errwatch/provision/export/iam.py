"""Three least-privilege IAM policies: for the app itself, for who deploys, for who is called.

Actions and the resources that each takes are those of AWS's Service Authorization Reference.
An action that takes no resource there stands under `*`; there is no other wildcard but the
app's own prefix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.provision.desired import Desired, dashboard_name
from flask_errwatch.provision.export.portable import portable
from flask_errwatch.provision.scope import TO_FILL_IN, AwsScope

Role = Literal["runtime", "deploy", "respond"]
ROLES: tuple[Role, ...] = ("runtime", "deploy", "respond")


@dataclass(frozen=True, slots=True)
class _Statement:
    """What is allowed on which resources."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)


def iam_policy(
    role: Role, catalogue: Catalogue, config: Config, *, scope: AwsScope = TO_FILL_IN
) -> dict[str, object]:
    """The policy document of a role: every call that it makes, and nothing else.

    Args:
        role: `runtime` for the app, `deploy` for `plan`, `apply`, `status` and `destroy`,
            `respond` for who looks into an alarm and blocks a source.
        catalogue: The app's detectors.
        config: The app's configuration; what it turns off is not allowed.
        scope: Partition, region and account.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> shop = config.load({}, {}, app_name="shop")
        >>> document = iam_policy("runtime", Catalogue(DEFAULT_DETECTORS), shop)
        >>> document["Statement"][0]["Resource"]
        'arn:${Partition}:logs:${Region}:${Account}:log-group:shop:*'
    """
    names = _Names(portable(catalogue, config), config, scope)
    made = {"runtime": _runtime, "deploy": _deploy, "respond": _respond}[role](names)
    return {"Version": "2012-10-17", "Statement": [_document(each) for each in made]}


class _Names:
    """The ARNs of an app's resources, and what it has of each kind."""

    def __init__(self, desired: Desired, config: Config, scope: AwsScope) -> None:
        prefix = f"{_literal(desired.app_name)}-*"
        group = scope.log_group_arn(desired.log_group.name)
        self.desired = desired
        self.group = (group, f"{group}:*")
        self.alarms = scope.alarm_arn(prefix)
        self.rules = scope.insight_rule_arn(prefix)
        self.dashboard = scope.dashboard_arn(dashboard_name(desired.app_name))
        self.ip_sets = scope.arn("wafv2", f"regional/ipset/{prefix}/*")
        topic = config.sns_topic
        named = topic is not None and not topic.startswith("arn:")
        self.topic = scope.topic_arn(topic) if topic and named else topic


def _literal(name: str) -> str:
    """A name inside a policy's resource: `?` would be a wildcard (IAM, policy variables)."""
    return name.replace("?", "${?}")


def _document(statement: _Statement) -> dict[str, object]:
    def one_or_more(values: tuple[str, ...]) -> object:
        return values[0] if len(values) == 1 else list(values)

    return {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": one_or_more(tuple(sorted(statement.actions))),
        "Resource": one_or_more(statement.resources),
    }


def _runtime(names: _Names) -> Iterator[_Statement]:
    yield _Statement("SendLines", ("logs:CreateLogStream", "logs:PutLogEvents"), names.group[1:])
    # A group that does not stand yet, or was deleted, is made again: lines are not lost.
    yield _Statement("MakeLogGroup", ("logs:CreateLogGroup",), names.group)


def _deploy(names: _Names) -> Iterator[_Statement]:
    group, whole = names.group
    yield _Statement("ListAndWhatTakesNoResource", _UNSCOPED)
    yield _Statement("LogGroup", _GROUP, (group, whole))
    yield _Statement("LogGroupTags", ("logs:ListTagsForResource", "logs:TagResource"), (group,))
    alarms = ("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource")
    yield _Statement("Alarms", alarms, (names.alarms,))
    rules = ("DeleteInsightRules", "PutInsightRule", "TagResource")
    yield _Statement("InsightRules", _of("cloudwatch", *rules), (names.rules,))
    boards = ("DeleteDashboards", "GetDashboard", "PutDashboard", "TagResource")
    yield _Statement("Dashboard", _of("cloudwatch", *boards), (names.dashboard,))
    if names.topic is not None:
        actions = _of("sns", *(_TOPIC if names.desired.topic is not None else _SUBSCRIBING))
        yield _Statement("Topic", actions, (names.topic,))


def _respond(names: _Names) -> Iterator[_Statement]:
    group, whole = names.group
    yield _Statement("ListAndWhatTakesNoResource", _UNSCOPED_READS)
    reading = ("DescribeMetricFilters", "FilterLogEvents", "GetQueryResults", "StartQuery")
    yield _Statement("ReadLines", _of("logs", *reading), (group, whole))
    yield _Statement("ReadTags", ("logs:ListTagsForResource",), (group,))
    yield _Statement("ReadDashboard", ("cloudwatch:GetDashboard",), (names.dashboard,))
    if names.topic is not None:
        actions = _of("sns", *(_TOPIC_READS if names.desired.topic is not None else _LISTING))
        yield _Statement("ReadTopic", actions, (names.topic,))
    yield _Statement("BlockSources", _of("wafv2", "GetIPSet", "UpdateIPSet"), (names.ip_sets,))


def _of(service: str, *actions: str) -> tuple[str, ...]:
    return tuple(f"{service}:{each}" for each in actions)


# What AWS scopes to no resource stands under `*`; so do DescribeAlarms and PutCompositeAlarm,
# which refuse a composite alarm otherwise (CloudWatch API Reference, PutCompositeAlarm).
_LISTS = (
    *_of("cloudwatch", "DescribeAlarmHistory", "DescribeAlarms", "DescribeAnomalyDetectors"),
    *_of("cloudwatch", "DescribeInsightRules", "ListDashboards"),
    *_of("logs", "DescribeLogGroups", "DescribeQueryDefinitions"),
)
_UNSCOPED = (
    *_LISTS,
    *_of("cloudwatch", "DeleteAnomalyDetector", "PutAnomalyDetector", "PutCompositeAlarm"),
    *_of("logs", "DeleteQueryDefinition", "PutQueryDefinition", "TestMetricFilter"),
)
_UNSCOPED_READS = (
    *_LISTS,
    *("cloudwatch:GetMetricData", "logs:StopQuery", "wafv2:ListIPSets"),
)
_GROUP = (
    *_of("logs", "CreateLogGroup", "DeleteLogGroup", "DeleteMetricFilter"),
    *_of("logs", "DescribeMetricFilters", "FilterLogEvents", "PutMetricFilter"),
    "logs:PutRetentionPolicy",
)
_LISTING = ("ListSubscriptionsByTopic",)
_SUBSCRIBING = (*_LISTING, "Subscribe")
_TOPIC_READS = (*_LISTING, "GetTopicAttributes", "ListTagsForResource")
_TOPIC = (
    *_TOPIC_READS,
    *("CreateTopic", "DeleteTopic", "SetTopicAttributes", "Subscribe", "TagResource"),
)

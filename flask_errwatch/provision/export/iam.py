"""Four least-privilege IAM policies: app, deployment, person on call, and the role of log alarms.

Actions and their resources are those of AWS's Service Authorization Reference. An action without
a resource there is allowed on `*`. The only other wildcard follows the prefix of the app's ARNs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.provision.desired import Desired, dashboard_name
from flask_errwatch.provision.export.portable import portable_state
from flask_errwatch.provision.ip_sets import AUDIT_PREFIX
from flask_errwatch.provision.query_role import role_name
from flask_errwatch.provision.scope import TO_FILL_IN, AwsScope
from flask_errwatch.provision.service_groups import owner_of

Role = Literal["runtime", "deploy", "respond", "create-role"]
ROLES: tuple[Role, ...] = ("runtime", "deploy", "respond", "create-role")


@dataclass(frozen=True, slots=True)
class _Statement:
    """Actions that are allowed on resources."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    condition: Mapping[str, object] | None = None


def iam_policy(
    role: Role, catalogue: Catalogue, config: Config, *, scope: AwsScope = TO_FILL_IN
) -> dict[str, object]:
    """The policy document of a role, which allows exactly the calls that it makes.

    Args:
        role: `runtime` for the app, `deploy` for `plan`, `apply`, `status` and `destroy`,
            `respond` for the person who investigates an alarm and blocks a source, `create-role`
            for who runs `apply --create-role` and deletes that role, beside `deploy`.
        catalogue: The app's detectors.
        config: The app's configuration. Features that it turns off are not allowed.
        scope: Partition, region and account.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> shop = config.load({}, {}, app_name="shop")
        >>> document = iam_policy("runtime", Catalogue(DEFAULT_DETECTORS), shop)
        >>> document["Statement"][0]["Resource"]
        'arn:${Partition}:logs:${Region}:${Account}:log-group:shop:*'
    """
    arns = _Arns(portable_state(catalogue, config), config, scope)
    statements = {
        "runtime": _runtime,
        "deploy": _deploy,
        "respond": _respond,
        "create-role": _create_role,
    }[role](arns)
    return {"Version": "2012-10-17", "Statement": [*map(_document, statements)]}


class _Arns:
    """The ARNs of an app's resources."""

    def __init__(self, desired: Desired, config: Config, scope: AwsScope) -> None:
        prefix = f"{_literal(desired.app_name)}-*"
        self.log_group = scope.log_group_arn(desired.log_group.name)
        self.log_streams = f"{self.log_group}:*"
        #: Whether the app creates its log group. Otherwise an AWS service owns it.
        self.owns_log_group = owner_of(desired.log_group.name) is None
        #: What comparing the tags of `ERRWATCH_TAGS` takes.
        self.tag_reads = ("ListTagsForResource",) if config.tags else ()
        #: Whether lines expire. Otherwise a retention that was set before is removed.
        self.has_retention = config.retention_days is not None
        #: Whether the app puts a data protection policy on it.
        self.has_data_protection = desired.data_protection is not None
        #: Whether it may have log alarms, and their role.
        self.has_source_alarms = config.source_alarms == "each" and bool(desired.source_alarms)
        self.own_role = scope.role_arn(role_name(desired.app_name, scope.region))
        self.query_role = config.log_alarm_role or self.own_role
        self.scheduled_queries = scope.arn("logs", "scheduled-query:*")
        self.alarms = scope.alarm_arn(prefix)
        self.mute_rules = scope.mute_rule_arn(f"{_literal(desired.app_name)}-mute-*")
        self.rules = scope.insight_rule_arn(prefix)
        self.dashboard = scope.dashboard_arn(dashboard_name(desired.app_name))
        #: The IP sets of WAF, if the app has some. Their ids are not known beforehand.
        self.ip_sets = tuple(
            scope.waf_arn(ip_set.scope, f"ipset/{ip_set.name}/*") for ip_set in desired.ip_sets
        )
        self.web_acls = tuple(
            dict.fromkeys(scope.waf_arn(one.scope, "webacl/*/*") for one in desired.ip_sets)
        )
        #: Streams of the lines about blocked sources.
        self.audit_streams = f"{self.log_group}:log-stream:{AUDIT_PREFIX}*"
        #: The topic to which the function for alarms publishes, if there is one.
        self.report_topic = config.report_topic
        #: The topics that the app creates, and those that are configured by their ARNs.
        self.own_topics = tuple(scope.topic_arn(topic.name) for topic in desired.topics)
        self.other_topics = tuple(topic for topic in config.topics if topic.startswith("arn:"))


def _literal(name: str) -> str:
    """The name with `?`, a wildcard in a policy's resources, escaped (IAM, policy variables)."""
    return name.replace("?", "${?}")


def _document(statement: _Statement) -> dict[str, object]:
    def one_or_more(values: tuple[str, ...]) -> object:
        return values[0] if len(values) == 1 else list(values)

    document = {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": one_or_more(tuple(sorted(statement.actions))),
        "Resource": one_or_more(statement.resources),
    }
    condition = statement.condition
    return document if condition is None else {**document, "Condition": condition}


def _runtime(arns: _Arns) -> Iterator[_Statement]:
    yield _Statement(
        "SendLines", _of("logs", "CreateLogStream", "PutLogEvents"), (arns.log_streams,)
    )
    # A missing or deleted group is created, so that no line is lost.
    yield _Statement("CreateLogGroup", ("logs:CreateLogGroup",), (arns.log_group, arns.log_streams))


def _deploy(arns: _Arns) -> Iterator[_Statement]:
    lists = ("wafv2:ListIPSets",) if arns.ip_sets else ()
    yield _Statement("UnscopedActions", (*_UNSCOPED, *lists))
    group, tags = (_GROUP, _TAGS) if arns.owns_log_group else (_FILTERS, _TAG_READS)
    retention = f"logs:{'Put' if arns.has_retention else 'Delete'}RetentionPolicy"
    group = (*group, retention) if arns.owns_log_group else group
    yield _Statement("LogGroup", group, (arns.log_group, arns.log_streams))
    yield _Statement("LogGroupTags", tags, (arns.log_group,))
    if arns.has_data_protection:
        resources = (arns.log_group, arns.log_streams)
        yield _Statement("DataProtection", _DATA_PROTECTION, resources)
    alarms: tuple[str, ...] = ("DeleteAlarms", "PutMetricAlarm", "TagResource")
    if arns.has_source_alarms:
        alarms = (*alarms, "PutLogAlarm")
        yield from _log_alarms(arns)
    alarms = (*alarms, *arns.tag_reads, "PutAlarmMuteRule")
    yield _Statement("Alarms", _of("cloudwatch", *alarms), (arns.alarms,))
    # A rule is put with a permission on the rule and on each alarm, as its tags are.
    muting = ("DeleteAlarmMuteRule", "PutAlarmMuteRule", "TagResource")
    yield _Statement("MuteRules", _of("cloudwatch", *muting), (arns.mute_rules,))
    rules = ("DeleteInsightRules", "PutInsightRule", "TagResource", *arns.tag_reads)
    yield _Statement("InsightRules", _of("cloudwatch", *rules), (arns.rules,))
    boards = ("DeleteDashboards", "GetDashboard", "PutDashboard", "TagResource", *arns.tag_reads)
    yield _Statement("Dashboard", _of("cloudwatch", *boards), (arns.dashboard,))
    yield from _topics(arns, _TOPIC, _SUBSCRIBING, sid="Topic")
    if arns.ip_sets:
        # Not UpdateIPSet: a deployment cannot change which addresses are blocked.
        ip_sets = ("CreateIPSet", "DeleteIPSet", "GetIPSet", "TagResource", *arns.tag_reads)
        yield _Statement("IpSets", _of("wafv2", *ip_sets), arns.ip_sets)


def _topics(
    arns: _Arns, own: tuple[str, ...], others: tuple[str, ...], *, sid: str
) -> Iterator[_Statement]:
    """What topics take: those that the app creates, and those that it only uses."""
    if arns.own_topics:
        yield _Statement(sid, _of("sns", *own), arns.own_topics)
    if arns.other_topics:
        name = f"{sid}OfOthers" if arns.own_topics else sid  # each Sid is unique
        yield _Statement(name, _of("sns", *others), arns.other_topics)


def _log_alarms(arns: _Arns) -> Iterator[_Statement]:
    """What putting a log alarm takes beside the alarm: its query, and passing the role to it."""
    yield _Statement("ScheduledQueries", _SCHEDULED_QUERIES, (arns.scheduled_queries,))
    yield _Statement("FindQueryRole", ("iam:GetRole",), (arns.own_role,))
    condition = {
        "StringEquals": {"iam:PassedToService": "logs.amazonaws.com"},
        "ArnLike": {"iam:AssociatedResourceArn": arns.scheduled_queries},
    }
    yield _Statement("PassQueryRole", ("iam:PassRole",), (arns.query_role,), condition)


def _create_role(arns: _Arns) -> Iterator[_Statement]:
    yield _Statement("QueryRole", _ROLE, (arns.own_role,))


def _respond(arns: _Arns) -> Iterator[_Statement]:
    lists = _of("wafv2", "ListIPSets", "ListWebACLs") if arns.ip_sets else ()
    yield _Statement("UnscopedActions", (*_UNSCOPED_READS, *lists))
    reads = ("DescribeMetricFilters", "FilterLogEvents", "GetQueryResults", "StartQuery")
    yield _Statement("ReadLines", _of("logs", *reads), (arns.log_group, arns.log_streams))
    yield _Statement("ReadTags", _TAG_READS, (arns.log_group,))
    if arns.has_data_protection:
        read = ("logs:GetDataProtectionPolicy",)
        yield _Statement("ReadDataProtection", read, (arns.log_group, arns.log_streams))
    if arns.has_source_alarms:
        yield _Statement("FindQueryRole", ("iam:GetRole",), (arns.own_role,))
    yield _Statement("ReadDashboard", ("cloudwatch:GetDashboard",), (arns.dashboard,))
    if arns.tag_reads:
        named = (arns.alarms, arns.rules, arns.dashboard)
        yield _Statement("ReadOwnTags", _of("cloudwatch", *arns.tag_reads), named)
    yield from _topics(arns, _TOPIC_READS, _LISTING, sid="ReadTopic")
    if arns.ip_sets:
        actions = ("GetIPSet", "UpdateIPSet", *arns.tag_reads)
        yield _Statement("BlockSources", _of("wafv2", *actions), arns.ip_sets)
        yield _Statement("ReadWebAcls", ("wafv2:GetWebACL",), arns.web_acls)
        audit = _of("logs", "CreateLogStream", "PutLogEvents")
        yield _Statement("BlockedSourceLines", audit, (arns.audit_streams,))
    if arns.report_topic is not None:
        yield _Statement("PublishReports", ("sns:Publish",), (arns.report_topic,))


def _of(service: str, *actions: str) -> tuple[str, ...]:
    return tuple(f"{service}:{action}" for action in actions)


# Actions that AWS scopes to no resource need `*`. So do DescribeAlarms and PutCompositeAlarm,
# which otherwise reject a composite alarm (CloudWatch API Reference, PutCompositeAlarm).
_LISTS = (
    *_of("cloudwatch", "DescribeAlarmHistory", "DescribeAlarms", "DescribeAnomalyDetectors"),
    *_of("cloudwatch", "DescribeInsightRules", "ListAlarmMuteRules", "ListDashboards"),
    *_of("logs", "DescribeLogGroups", "DescribeQueryDefinitions"),
)
_UNSCOPED = (
    *_LISTS,
    *_of("cloudwatch", "DeleteAnomalyDetector", "PutAnomalyDetector", "PutCompositeAlarm"),
    *_of("logs", "DeleteQueryDefinition", "PutQueryDefinition", "TestMetricFilter"),
)
_UNSCOPED_READS = (
    *_LISTS,
    *("cloudwatch:GetMetricData", "logs:StopQuery"),
)
# CloudFormation's handler of a log alarm needs these. Whether the API does is not documented.
_SCHEDULED_QUERIES = (
    *_of("logs", "CreateScheduledQuery", "DeleteScheduledQuery", "GetScheduledQuery"),
    *_of("logs", "ListTagsForResource", "TagResource", "UpdateScheduledQuery"),
)
_ROLE = (
    *_of("iam", "CreateRole", "DeleteRole", "DeleteRolePolicy", "GetRole", "GetRolePolicy"),
    *_of("iam", "PutRolePolicy", "TagRole", "UpdateAssumeRolePolicy"),
)
_FILTERS = (
    *_of("logs", "DeleteMetricFilter", "DescribeMetricFilters", "FilterLogEvents"),
    "logs:PutMetricFilter",
)
_GROUP = (*_FILTERS, *_of("logs", "CreateLogGroup", "DeleteLogGroup"))
_DATA_PROTECTION = (
    *_of("logs", "DeleteDataProtectionPolicy", "GetDataProtectionPolicy"),
    "logs:PutDataProtectionPolicy",
)
_TAG_READS = ("logs:ListTagsForResource",)
_TAGS = (*_TAG_READS, "logs:TagResource")
_LISTING = ("ListSubscriptionsByTopic",)
_SUBSCRIBING = (*_LISTING, "Subscribe")
_TOPIC_READS = (*_LISTING, "GetTopicAttributes", "ListTagsForResource")
_TOPIC = (
    *_TOPIC_READS,
    *("CreateTopic", "DeleteTopic", "SetTopicAttributes", "Subscribe", "TagResource"),
)

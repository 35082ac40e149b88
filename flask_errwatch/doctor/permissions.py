"""Which of the actions that the library needs are allowed: simulated, or tried harmlessly.

The actions are those of the exported policies, so the two cannot disagree. No call changes
anything. What cannot be told without changing something is said not to have been checked.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.desired import dashboard_name
from flask_errwatch.provision.export import Role, iam_policy
from flask_errwatch.provision.scope import AwsScope

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

SIMULATED, TRIED = "iam:SimulatePrincipalPolicy", "harmless calls"

_USER = re.compile(r"arn:[^:]+:iam::\d+:user/.+")
_ASSUMED = re.compile(r"arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.+")
#: How the stream of a policy's `log-group:NAME:*` is spelled in a request.
_STREAM = re.compile(r"(:log-group:[^:]+):\*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who makes the calls, and where.

    Attributes:
        arn: Of the user or the assumed role.
        scope: Partition, region and account.
    """

    arn: str
    scope: AwsScope

    @classmethod
    def of(cls, aws: Aws) -> Caller:
        """Asks AWS; that needs no permission.

        Raises:
            AwsCallError: When there are no credentials, no region or no AWS.
        """
        region, partition = aws.region(), aws.partition()
        told = aws.call("sts", "get_caller_identity")
        scope = AwsScope(partition=partition, region=region, account=str(told["Account"]))
        return cls(arn=str(told["Arn"]), scope=scope)

    @property
    def is_root(self) -> bool:
        """Whether it is the account's root user, who may do everything."""
        return self.arn.endswith(":root")


@dataclass(slots=True)
class _Answers:
    """What was found out of one role's actions."""

    method: str
    allowed: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Needed:
    """Actions, and the spellings of the one resource they are needed on."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]


def permission_findings(
    aws: Aws, caller: Caller, catalogue: Catalogue, config: Config, role: Role | None
) -> Iterator[Finding]:
    """One finding per role: what is allowed, what is denied, what could not be told.

    Args:
        aws: The account and region.
        caller: Whose permissions they are.
        catalogue: The app's detectors.
        config: The app's configuration.
        role: The role that the caller is meant to have. None looks at `runtime` and `deploy`;
            then it is only a warning when what deploying needs is denied.
    """
    if caller.is_root:
        found = "This is the account's root user, to whom nothing is denied."
        yield warning("permissions", found, "Use a role: see `flask errwatch export iam`.")
        return
    for each in ("runtime", "deploy") if role is None else (role,):
        document = iam_policy(each, catalogue, config, scope=caller.scope)
        needed = list(_needed(document))
        answers = _simulated(aws, caller, needed) or _tried(aws, config, caller.scope, needed)
        yield from _told(each, answers, is_optional=role is None and each != "runtime")


def _needed(document: Mapping[str, object]) -> Iterator[_Needed]:
    statements = document["Statement"]
    assert isinstance(statements, list)  # noqa: S101 - the exporter's own shape
    for each in statements:
        yield _Needed(_listed(each["Action"]), _listed(each["Resource"]))


def _listed(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _told(role: Role, answers: _Answers, *, is_optional: bool) -> Iterator[Finding]:
    subject = f"{role} permissions"
    policy = f"the policy that `flask errwatch export iam --role {role}` prints"
    method = answers.method
    if answers.denied:
        found = f"{len(answers.denied)} denied:"
        if is_optional:
            remedy = f"Only where this identity shall deploy, give it {policy}."
            yield warning(subject, found, remedy, method=method, items=answers.denied)
        else:
            remedy = f"Give it {policy}."
            yield problem(subject, found, remedy, method=method, items=answers.denied)
    elif answers.allowed:
        found = f"Allowed: {len(answers.allowed)} of {len(answers.allowed) + len(answers.unknown)}."
        yield ok(subject, found, method=method)
    if answers.unknown:
        found = f"{len(answers.unknown)} not checked, since no harmless call told:"
        remedy = (
            "Let this identity call iam:SimulatePrincipalPolicy and iam:GetRole on itself, or "
            f"compare its policies with {policy}."
        )
        yield warning(subject, found, remedy, method=method, items=answers.unknown)


def _simulated(aws: Aws, caller: Caller, needed: list[_Needed]) -> _Answers | None:
    """What IAM's simulator says; None where it may not be asked, or knows no such identity."""
    try:
        source = _principal(aws, caller.arn)
        if source is None:
            return None
        answers = _Answers(SIMULATED)
        for each in needed:
            decisions = _decisions(aws, source, each)
            for action in each.actions:
                # The resources are spellings of one thing: one that is allowed is enough.
                said = [on for on in each.resources if (action, on) in decisions]
                into = answers.allowed if said else answers.denied
                into.append(action if said else f"{action} on {each.resources[0]}")
    except AwsCallError:
        return None  # the other way is taken, and named in the finding
    return answers


def _principal(aws: Aws, arn: str) -> str | None:
    """The user or role whose policies count; a session's ARN lacks its role's path."""
    if _USER.fullmatch(arn):
        return arn
    session = _ASSUMED.fullmatch(arn)
    if session is None:
        return None
    try:
        return str(aws.call("iam", "get_role", RoleName=session[3])["Role"]["Arn"])
    except AwsCallError:
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"


def _decisions(aws: Aws, source: str, needed: _Needed) -> set[tuple[str, str]]:
    """The pairs of action and resource that are allowed."""
    allowed = set()
    for resource in needed.resources:
        on = {} if resource == "*" else {"ResourceArns": [_spelled(resource)]}
        told = aws.call(
            "iam",
            "simulate_principal_policy",
            PolicySourceArn=source,
            ActionNames=list(needed.actions),
            MaxItems=1000,  # all of them in one answer
            **on,
        )
        for each in told["EvaluationResults"]:
            if each["EvalDecision"] == "allowed":
                allowed.add((str(each["EvalActionName"]), resource))
    return allowed


def _spelled(resource: str) -> str:
    """A resource as a request would name it: a pattern would only match a wider one."""
    named = resource.replace("${?}", "?")
    return _STREAM.sub(r"\1:log-stream:errwatch-doctor", named).replace("*", "errwatch-doctor")


def _tried(aws: Aws, config: Config, scope: AwsScope, needed: list[_Needed]) -> _Answers:
    calls = _harmless(config, scope)
    answers = _Answers(TRIED)
    for action in dict.fromkeys(action for each in needed for action in each.actions):
        if action not in calls:
            answers.unknown.append(action)
            continue
        service, method, arguments = calls[action]
        try:
            aws.call(service, method, **arguments)
        except AwsCallError as error:
            # Who may not act is told so before AWS looks whether the thing is there.
            denied, absent = error.kind == "permission", "NotFound" in error.code
            into = answers.denied if denied else answers.allowed if absent else answers.unknown
            into.append(action)
        else:
            answers.allowed.append(action)
    return answers


_Call = tuple[str, str, dict[str, object]]


def _harmless(config: Config, scope: AwsScope) -> dict[str, _Call]:
    """A call for each action that has one which changes nothing."""
    group: dict[str, object] = {"logGroupName": config.log_group}
    topic = config.sns_topic or ""
    topic_arn: dict[str, object] = {
        "TopicArn": topic if topic.startswith("arn:") else scope.topic_arn(topic)
    }
    board = dashboard_name(config.app_name)
    now = round(time.time() * 1000)
    # AWS makes no stream for an event: sent to one that is not there, it is refused, and why it
    # is refused tells whether the sender may send.
    nowhere = {**group, "logStreamName": f"errwatch-doctor-{os.urandom(16).hex()}"}
    event = {"timestamp": now, "message": "errwatch doctor"}
    return {
        "logs:PutLogEvents": ("logs", "put_log_events", {**nowhere, "logEvents": [event]}),
        "logs:DescribeLogGroups": ("logs", "describe_log_groups", {"limit": 1}),
        "logs:DescribeMetricFilters": ("logs", "describe_metric_filters", {**group, "limit": 1}),
        "logs:FilterLogEvents": (
            *("logs", "filter_log_events"),
            {**group, "limit": 1, "startTime": now - 1000},
        ),
        "logs:ListTagsForResource": (
            *("logs", "list_tags_for_resource"),
            {"resourceArn": scope.log_group_arn(config.log_group)},
        ),
        "logs:DescribeQueryDefinitions": ("logs", "describe_query_definitions", {"maxResults": 1}),
        "logs:TestMetricFilter": (
            *("logs", "test_metric_filter"),
            {"filterPattern": "", "logEventMessages": ["errwatch doctor"]},
        ),
        "cloudwatch:DescribeAlarms": ("cloudwatch", "describe_alarms", {"MaxRecords": 1}),
        "cloudwatch:DescribeAlarmHistory": (
            *("cloudwatch", "describe_alarm_history"),
            {"MaxRecords": 1},
        ),
        "cloudwatch:DescribeAnomalyDetectors": (
            *("cloudwatch", "describe_anomaly_detectors"),
            {"MaxResults": 1},
        ),
        "cloudwatch:DescribeInsightRules": (
            *("cloudwatch", "describe_insight_rules"),
            {"MaxResults": 1},
        ),
        "cloudwatch:ListDashboards": (
            *("cloudwatch", "list_dashboards"),
            {"DashboardNamePrefix": board},
        ),
        "cloudwatch:GetDashboard": ("cloudwatch", "get_dashboard", {"DashboardName": board}),
        "sns:GetTopicAttributes": ("sns", "get_topic_attributes", topic_arn),
        "sns:ListSubscriptionsByTopic": ("sns", "list_subscriptions_by_topic", topic_arn),
        "sns:ListTagsForResource": (
            *("sns", "list_tags_for_resource"),
            {"ResourceArn": topic_arn["TopicArn"]},
        ),
    }

"""Which of the actions that the library needs are allowed: simulated, or tried by harmless calls.

The actions are those of the exported policies, so the two cannot disagree. No call changes
anything. An action that only a change would test is reported as not checked.
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
from flask_errwatch.provision.ip_sets import AUDIT_PREFIX, ip_sets, waf_region, waf_scope
from flask_errwatch.provision.query_role import role_name
from flask_errwatch.provision.refresh import Caller
from flask_errwatch.provision.scope import AwsScope

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

SIMULATED, TRIED = "iam:SimulatePrincipalPolicy", "harmless calls"

_USER = re.compile(r"arn:[^:]+:iam::\d+:user/.+")
_ASSUMED = re.compile(r"arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.+")
#: A request has a stream's ARN where a policy has `log-group:NAME:*`.
_STREAM = re.compile(r"(:log-group:[^:]+):\*$")


@dataclass(slots=True)
class _Permissions:
    """The actions of one role, by whether they are allowed."""

    method: str
    allowed: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Requirement:
    """Actions on one resource, whose ARN may have several forms.

    The context has the values of the condition keys with which the actions are requested.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: tuple[tuple[str, str], ...] = ()


def permission_findings(
    aws: Aws, caller: Caller, catalogue: Catalogue, config: Config, role: Role | None
) -> Iterator[Finding]:
    """Yields findings per role: what is allowed, what is denied, what could not be checked.

    Args:
        aws: The account and region.
        caller: The identity to check.
        catalogue: The app's detectors.
        config: The app's configuration.
        role: The role that the caller should have. None checks `runtime` and `deploy`. Then a
            denied action that only deploying needs is a warning.
    """
    if caller.is_root:
        message = "This is the account's root user, to whom nothing is denied."
        yield warning("permissions", message, "Use a role: see `flask errwatch export iam`.")
        return
    roles: tuple[Role, ...] = ("runtime", "deploy") if role is None else (role,)
    for required in roles:
        document = iam_policy(required, catalogue, config, scope=caller.scope)
        requirements = list(_requirements(document))
        permissions = _simulate(aws, caller, requirements)
        if permissions is None:
            permissions = _try_calls(aws, config, caller.scope, requirements)
        is_optional = role is None and required != "runtime"
        yield from _role_findings(
            required,
            permissions,
            is_optional=is_optional,
            can_simulate=_may_be_simulated(caller.arn),
        )


def _requirements(document: Mapping[str, object]) -> Iterator[_Requirement]:
    statements = document["Statement"]
    assert isinstance(statements, list)  # noqa: S101 - the exporter's own shape
    for statement in statements:
        context = tuple(
            (key, _request_arn(value))
            for tests in statement.get("Condition", {}).values()
            for key, value in tests.items()
        )
        yield _Requirement(_strings(statement["Action"]), _strings(statement["Resource"]), context)


def _strings(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _role_findings(
    role: Role, permissions: _Permissions, *, is_optional: bool, can_simulate: bool
) -> Iterator[Finding]:
    subject = f"{role} permissions"
    policy = f"the policy that `flask errwatch export iam --role {role}` prints"
    method = permissions.method
    allowed, denied, unknown = permissions.allowed, permissions.denied, permissions.unknown
    if denied:
        message = f"{len(denied)} denied:"
        if is_optional:
            remedy = f"Only where this identity shall deploy, give it {policy}."
            yield warning(subject, message, remedy, method=method, items=denied)
        else:
            remedy = f"Give it {policy}."
            yield problem(subject, message, remedy, method=method, items=denied)
    elif allowed:
        message = f"Allowed: {len(allowed)} of {len(allowed) + len(unknown)}."
        yield ok(subject, message, method=method)
    if unknown:
        message = f"{len(unknown)} not checked, because no harmless call can show it:"
        remedy = f"Compare its policies with {policy}."
        if can_simulate:
            remedy += (
                " Or let this identity call iam:SimulatePrincipalPolicy and iam:GetRole on itself."
            )
        yield warning(subject, message, remedy, method=method, items=unknown)


def _simulate(aws: Aws, caller: Caller, requirements: list[_Requirement]) -> _Permissions | None:
    """Asks IAM's simulator. Returns None where that is denied or the identity is unknown."""
    try:
        principal = _principal(aws, caller.arn)
        if principal is None:
            return None
        permissions = _Permissions(SIMULATED)
        for requirement in requirements:
            allowed = _allowed_pairs(aws, principal, requirement)
            for action in requirement.actions:
                # The resources are forms of the same ARN: one allowed form is enough.
                if any((action, resource) in allowed for resource in requirement.resources):
                    permissions.allowed.append(action)
                else:
                    permissions.denied.append(f"{action} on {requirement.resources[0]}")
    except AwsCallError:
        return None  # calls are tried instead, and the finding names the method
    return permissions


def _may_be_simulated(arn: str) -> bool:
    """Whether IAM's simulator knows identities of this kind: not those of federated users."""
    return bool(_USER.fullmatch(arn) or _ASSUMED.fullmatch(arn))


def _principal(aws: Aws, arn: str) -> str | None:
    """Returns the user or role that has the policies. A session's ARN lacks its role's path."""
    if _USER.fullmatch(arn):
        return arn
    session = _ASSUMED.fullmatch(arn)
    if session is None:
        return None
    try:
        return str(aws.call("iam", "get_role", RoleName=session[3])["Role"]["Arn"])
    except AwsCallError:
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"


def _allowed_pairs(aws: Aws, principal: str, requirement: _Requirement) -> set[tuple[str, str]]:
    """Returns the pairs of action and resource that the simulator allows."""
    allowed = set()
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in requirement.context
    ]
    for resource in requirement.resources:
        on: dict[str, object] = {"ContextEntries": context} if context else {}
        if resource != "*":
            on["ResourceArns"] = [_request_arn(resource)]
        response = aws.call(
            "iam",
            "simulate_principal_policy",
            PolicySourceArn=principal,
            ActionNames=list(requirement.actions),
            MaxItems=1000,  # all of them in one response
            **on,
        )
        for result in response["EvaluationResults"]:
            if result["EvalDecision"] == "allowed":
                allowed.add((str(result["EvalActionName"]), resource))
    return allowed


def _request_arn(resource: str) -> str:
    """Returns the ARN as in a request: a pattern would only match a wider pattern."""
    arn = resource.replace("${?}", "?")
    return _STREAM.sub(r"\1:log-stream:errwatch-doctor", arn).replace("*", "errwatch-doctor")


def _try_calls(
    aws: Aws, config: Config, scope: AwsScope, requirements: list[_Requirement]
) -> _Permissions:
    calls = _harmless_calls(config, scope)
    permissions = _Permissions(TRIED)
    actions = [action for requirement in requirements for action in requirement.actions]
    for action in dict.fromkeys(actions):
        if action not in calls:
            permissions.unknown.append(action)
            continue
        service, method, arguments = calls[action]
        try:
            region = waf_region(config) if service == "wafv2" else None
            aws.in_region(region).call(service, method, **arguments)
        except AwsCallError as error:
            # AWS checks the permission before it checks whether the resource exists.
            if error.kind == "permission":
                permissions.denied.append(action)
            elif error.is_not_found:
                permissions.allowed.append(action)
            else:
                permissions.unknown.append(action)
        else:
            permissions.allowed.append(action)
    return permissions


_Call = tuple[str, str, dict[str, object]]


def _harmless_calls(config: Config, scope: AwsScope) -> dict[str, _Call]:
    """A call that changes nothing, for each action that has one."""
    group: dict[str, object] = {"logGroupName": config.log_group}
    topic = next(iter(config.topics), "")
    topic_arn: dict[str, object] = {"TopicArn": scope.topic_arn(topic)}
    board = dashboard_name(config.app_name)
    now = round(time.time() * 1000)
    # AWS creates no stream for an event. An event for a stream that does not exist is rejected, and
    # the error code shows whether the caller is allowed to send.
    # The role `respond` may only send to streams of these names.
    stream = f"{AUDIT_PREFIX}errwatch-doctor-{os.urandom(16).hex()}"
    no_stream = {**group, "logStreamName": stream}
    event = {"timestamp": now, "message": "errwatch doctor"}
    return {
        "logs:PutLogEvents": ("logs", "put_log_events", {**no_stream, "logEvents": [event]}),
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
        "iam:GetRole": ("iam", "get_role", {"RoleName": role_name(config.app_name, scope.region)}),
        "logs:DescribeQueryDefinitions": ("logs", "describe_query_definitions", {"maxResults": 1}),
        "logs:GetDataProtectionPolicy": (
            *("logs", "get_data_protection_policy"),
            {"logGroupIdentifier": config.log_group},
        ),
        "logs:TestMetricFilter": (
            *("logs", "test_metric_filter"),
            {"filterPattern": "", "logEventMessages": ["errwatch doctor"]},
        ),
        "cloudwatch:DescribeAlarms": ("cloudwatch", "describe_alarms", {"MaxRecords": 1}),
        "cloudwatch:DescribeAlarmHistory": (
            *("cloudwatch", "describe_alarm_history"),
            {"MaxRecords": 1},
        ),
        "cloudwatch:ListAlarmMuteRules": (
            *("cloudwatch", "list_alarm_mute_rules"),
            {"MaxRecords": 1},
        ),
        "cloudwatch:GetMetricData": ("cloudwatch", "get_metric_data", _no_metric(now / 1000)),
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
        **_harmless_waf_calls(config),
        "sns:GetTopicAttributes": ("sns", "get_topic_attributes", topic_arn),
        "sns:ListSubscriptionsByTopic": ("sns", "list_subscriptions_by_topic", topic_arn),
        "sns:ListTagsForResource": (
            *("sns", "list_tags_for_resource"),
            {"ResourceArn": topic_arn["TopicArn"]},
        ),
    }


def _harmless_waf_calls(config: Config) -> dict[str, _Call]:
    """Reads of IP sets and web ACLs. No resource has an id of zeros."""
    scope = waf_scope(config)
    if scope is None:
        return {}
    here = {"Scope": scope}
    ip_set, *_ = ip_sets(config)
    nothing = {**here, "Id": "00000000-0000-0000-0000-000000000000"}
    return {
        "wafv2:ListIPSets": ("wafv2", "list_ip_sets", {**here, "Limit": 1}),
        "wafv2:GetIPSet": ("wafv2", "get_ip_set", {**nothing, "Name": ip_set.name}),
        "wafv2:ListWebACLs": ("wafv2", "list_web_acls", {**here, "Limit": 1}),
        "wafv2:GetWebACL": ("wafv2", "get_web_acl", {**nothing, "Name": "errwatch-doctor"}),
    }


def _no_metric(now: float) -> dict[str, object]:
    """The arguments of GetMetricData for a metric that does not exist."""
    metric = {"Namespace": "errwatch-doctor", "MetricName": "errwatch-doctor"}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    return {
        "MetricDataQueries": [{"Id": "none", "MetricStat": stat}],
        "StartTime": now - 60,
        "EndTime": now,
    }

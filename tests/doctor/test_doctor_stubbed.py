"""Checks that moto cannot answer, against botocore's Stubber: simulation, denials, keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flask_errwatch.doctor import findings, run_checks
from flask_errwatch.doctor.checks import log_group_findings
from flask_errwatch.doctor.findings import Finding
from flask_errwatch.doctor.notifications import notification_findings
from flask_errwatch.doctor.permissions import (
    _allowed_pairs,
    _Requirement,
    permission_findings,
)
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.refresh import Caller
from flask_errwatch.provision.scope import AwsScope
from tests.doctor.scripted_aws import ScriptedAws, shop

ACCOUNT = "123456789012"
SCOPE = AwsScope(partition="aws", region="eu-central-1", account=ACCOUNT)
GROUP = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:shop"
TOPIC = f"arn:aws:sns:eu-central-1:{ACCOUNT}:ops"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/web"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-1"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def aws() -> Iterator[ScriptedAws]:
    """Every scripted call must be made."""
    scripted = ScriptedAws()
    yield scripted
    scripted.assert_all_called()


def role_response() -> dict[str, Any]:
    """The response of GetRole, whose ARN has the path that the session's ARN lacks."""
    role = {"Path": "/path/", "RoleName": "web", "RoleId": "A" * 16, "Arn": ROLE}
    return {"Role": {**role, "CreateDate": WHEN}}


def simulates(aws: ScriptedAws, source: str, resource: str, **decisions: str) -> None:
    """Scripts the simulator's decisions for some actions of Logs on a resource."""
    actions = [f"logs:{name}" for name in decisions]
    results = [
        {"EvalActionName": f"logs:{name}", "EvalDecision": decision}
        for name, decision in decisions.items()
    ]
    aws.expects(
        "iam",
        "simulate_principal_policy",
        {"EvaluationResults": results},
        PolicySourceArn=source,
        ActionNames=actions,
        MaxItems=1000,
        ResourceArns=[resource],
    )


def permissions(aws: ScriptedAws, arn: str, role: str | None, **settings: object) -> list[Finding]:
    """The findings about the permissions of that identity."""
    caller, app = Caller(arn=arn, scope=SCOPE), shop(**settings)
    return list(permission_findings(aws, caller, *app, role))  # type: ignore[arg-type]


def test_a_roles_permissions_are_simulated(aws: ScriptedAws) -> None:
    """On its streams, and on either form of the log group's ARN: one allowed form is enough."""
    aws.answers("iam", "get_role", role_response())
    stream = f"{GROUP}:log-stream:errwatch-doctor"
    simulates(aws, ROLE, stream, CreateLogStream="allowed", PutLogEvents="allowed")
    simulates(aws, ROLE, GROUP, CreateLogGroup="implicitDeny")
    simulates(aws, ROLE, stream, CreateLogGroup="allowed")
    (finding,) = permissions(aws, SESSION, "runtime")
    assert (finding.level, finding.method) == ("ok", "iam:SimulatePrincipalPolicy")
    assert finding.message == "Allowed: 3 of 3."


def test_what_the_simulator_denies_is_a_problem(aws: ScriptedAws) -> None:
    """The finding lists action and resource. A role that cannot be read has no path."""
    guessed = f"arn:aws:iam::{ACCOUNT}:role/web"
    aws.refuses("iam", "get_role", "AccessDenied")
    stream = f"{GROUP}:log-stream:errwatch-doctor"
    simulates(aws, guessed, stream, CreateLogStream="allowed", PutLogEvents="explicitDeny")
    simulates(aws, guessed, GROUP, CreateLogGroup="implicitDeny")
    simulates(aws, guessed, stream, CreateLogGroup="implicitDeny")
    (finding,) = permissions(aws, SESSION, "runtime")
    assert finding.level == "problem"
    assert finding.items == (
        f"logs:PutLogEvents on {GROUP}:*",
        f"logs:CreateLogGroup on {GROUP}",
    )
    assert finding.remedy == (
        "Give it the policy that `flask errwatch export iam --role runtime` prints."
    )


def test_a_condition_is_simulated_with_what_the_request_has(aws: ScriptedAws) -> None:
    """Without it the simulator would deny iam:PassRole, which is allowed to scheduled queries."""
    user, role = f"arn:aws:iam::{ACCOUNT}:user/ann", f"arn:aws:iam::{ACCOUNT}:role/lines"
    requirement = _Requirement(
        ("iam:PassRole",), (role,), (("iam:PassedToService", "logs.amazonaws.com"),)
    )
    aws.expects(
        "iam",
        "simulate_principal_policy",
        {"EvaluationResults": [{"EvalActionName": "iam:PassRole", "EvalDecision": "allowed"}]},
        PolicySourceArn=user,
        ActionNames=["iam:PassRole"],
        MaxItems=1000,
        ContextEntries=[
            {
                "ContextKeyName": "iam:PassedToService",
                "ContextKeyValues": ["logs.amazonaws.com"],
                "ContextKeyType": "string",
            }
        ],
        ResourceArns=[role],
    )
    assert _allowed_pairs(aws, user, requirement) == {("iam:PassRole", role)}


def test_calls_are_tried_where_simulation_is_denied(aws: ScriptedAws) -> None:
    """The error that the stream does not exist shows that sending is allowed."""
    aws.refuses("iam", "simulate_principal_policy", "AccessDenied")
    aws.refuses("logs", "put_log_events", "ResourceNotFoundException")
    allowed, unknown = permissions(aws, f"arn:aws:iam::{ACCOUNT}:user/ann", "runtime")
    assert (allowed.level, allowed.message) == ("ok", "Allowed: 1 of 3.")
    assert allowed.method == unknown.method == "harmless calls"
    assert unknown.level == "warning"
    assert unknown.remedy.endswith(
        "Or let this identity call iam:SimulatePrincipalPolicy and iam:GetRole on itself."
    )
    assert unknown.message == "2 not checked, because no harmless call can show it:"
    assert unknown.items == ("logs:CreateLogStream", "logs:CreateLogGroup")


def test_a_tried_call_that_is_denied_is_a_problem(aws: ScriptedAws) -> None:
    """The simulator does not know a federated user, so calls are tried."""
    aws.refuses("logs", "put_log_events", "AccessDeniedException")
    denied, _ = permissions(aws, f"arn:aws:sts::{ACCOUNT}:federated-user/ann", "runtime")
    assert (denied.level, denied.message) == ("problem", "1 denied:")


@pytest.mark.parametrize("code", ["ServiceUnavailableException", "ProfileNotFound"])
def test_a_call_that_fails_otherwise_checks_nothing(aws: ScriptedAws, code: str) -> None:
    """Neither allowed nor denied: every action is listed as not checked."""
    aws.refuses("logs", "put_log_events", code)
    (unknown,) = permissions(aws, f"arn:aws:sts::{ACCOUNT}:federated-user/ann", "runtime")
    assert (unknown.level, len(unknown.items)) == ("warning", 3)
    # The simulator does not know such an identity: allowing it would change nothing.
    assert unknown.remedy == (
        "Compare its policies with the policy that `flask errwatch export iam --role runtime` "
        "prints."
    )


def test_what_only_deploying_needs_may_be_denied_to_the_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is a warning unless `--role deploy` is given."""
    allowed = {"logs:CreateLogStream", "logs:PutLogEvents", "logs:CreateLogGroup"}

    def call(_aws: object, _service: str, _method: str, **arguments: Any) -> dict[str, Any]:
        results = [
            {"EvalActionName": name, "EvalDecision": "allowed" if name in allowed else "denied"}
            for name in arguments["ActionNames"]
        ]
        return {"EvaluationResults": results}

    monkeypatch.setattr(ScriptedAws, "call", call)
    user = f"arn:aws:iam::{ACCOUNT}:user/web"
    runtime, deploy = permissions(ScriptedAws(), user, None)
    assert (runtime.level, deploy.level) == ("ok", "warning")
    assert any(item.startswith("cloudwatch:PutMetricAlarm on ") for item in deploy.items)
    assert f", and {len(deploy.items) - 5} more [iam:SimulatePrincipalPolicy]\n" in str(deploy)
    assert deploy.remedy.startswith("Only where this identity shall deploy, give it the policy")
    (alone,) = permissions(ScriptedAws(), user, "deploy")
    assert alone.level == "problem"


def test_the_role_of_who_is_on_call_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the simulator: reads are tried, and no query is started, which would cost money."""
    made: list[str] = []

    def call(_aws: object, _service: str, method: str, **_: Any) -> dict[str, Any]:
        made.append(method)
        return {}

    monkeypatch.setattr(ScriptedAws, "call", call)
    user = f"arn:aws:sts::{ACCOUNT}:federated-user/ann"
    allowed, unknown = permissions(ScriptedAws(), user, "respond", WAF_SCOPE="cloudfront")
    assert (allowed.level, unknown.level) == ("ok", "warning")
    assert set(unknown.items) == {
        *("logs:GetQueryResults", "logs:StartQuery", "logs:StopQuery"),
        *("wafv2:UpdateIPSet", "logs:CreateLogStream"),
    }
    assert {"get_metric_data", "list_ip_sets", "describe_alarm_history"} <= {*made}
    assert {"get_ip_set", "list_web_acls", "get_web_acl"} <= {*made}
    assert not [method for method in made if "query" in method and "definitions" not in method]


def test_the_root_user_is_a_warning(aws: ScriptedAws) -> None:
    """Nothing is denied to it, but no app should run as it."""
    (finding,) = permissions(aws, f"arn:aws:iam::{ACCOUNT}:root", None)
    assert (finding.level, finding.subject) == ("warning", "permissions")


def topic_findings(aws: ScriptedAws, topic: str | None = "ops") -> dict[str, Finding]:
    """The findings about the topic, by their subject."""
    _, config = shop(**({} if topic is None else {"SNS_TOPIC": topic}))
    return {finding.subject: finding for finding in notification_findings(aws, config, SCOPE)}


def topic_is(aws: ScriptedAws, *subscriptions: str, **attributes: str) -> None:
    """Scripts the topic's attributes and the ARNs of its subscriptions."""
    aws.expects("sns", "get_topic_attributes", {"Attributes": attributes}, TopicArn=TOPIC)
    entries = [
        {
            "SubscriptionArn": arn,
            "Owner": ACCOUNT,
            "Protocol": "email",
            "Endpoint": "ops@example.com",
            "TopicArn": TOPIC,
        }
        for arn in subscriptions
    ]
    aws.answers("sns", "list_subscriptions_by_topic", {"Subscriptions": entries})


ALLOWING = (
    '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",'
    ' "Principal": {"Service": "cloudwatch.amazonaws.com"}}}'
)
DOUBTFUL = (
    '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*",'
    ' "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}}'
)


def test_a_topic_that_denies_cloudwatch_and_has_no_confirmed_subscription(
    aws: ScriptedAws,
) -> None:
    """With either no one is notified, and no other check shows it."""
    topic_is(aws, "PendingConfirmation", Policy="{}", KmsMasterKeyId="alias/aws/sns")
    results = topic_findings(aws)
    assert {subject: finding.level for subject, finding in results.items()} == {
        "topic": "ok",
        "topic policy": "problem",
        "topic key": "problem",
        "subscriptions": "problem",
    }
    assert results["topic policy"].remedy == (
        "In its policy, allow cloudwatch.amazonaws.com sns:Publish with aws:SourceArn like "
        f"arn:aws:cloudwatch:eu-central-1:{ACCOUNT}:alarm:shop-*, or: Run `flask errwatch apply`."
    )
    assert results["subscriptions"].message == "Not confirmed: email ops@example.com; 0 confirmed."
    # No subscription is declared that `apply` would create again.
    assert results["subscriptions"].remedy == (
        "Have the owner follow the link that SNS sent. After two days, subscribe again."
    )


def test_one_confirmed_and_one_pending_subscription(aws: ScriptedAws) -> None:
    """The pending one is a warning. `apply` does not help with a topic that it does not manage."""
    topic_is(aws, "PendingConfirmation", f"{TOPIC}:1", Policy="{}")
    results = topic_findings(aws, TOPIC)
    assert results["subscriptions"].level == "warning"
    assert results["topic policy"].remedy.endswith(":alarm:shop-*.")
    assert results["topic key"].message == "The topic is not encrypted with a KMS key."


def test_a_topic_without_subscriptions(aws: ScriptedAws) -> None:
    """No one is notified. A policy with unknown conditions is a warning."""
    topic_is(aws, Policy=DOUBTFUL)
    results = topic_findings(aws)
    assert results["subscriptions"].message == "The topic has none: no one is notified."
    assert results["subscriptions"].remedy == (
        "Set ERRWATCH_SUBSCRIPTIONS. Run `flask errwatch apply`."
    )
    assert (results["topic policy"].level, results["topic policy"].remedy) == (
        "warning",
        "Try it with `flask errwatch drill`.",
    )


def test_subscriptions_that_are_declared_are_created_by_apply(aws: ScriptedAws) -> None:
    """None at all, or one whose link has expired: each is mended by the same command."""
    _, config = shop(SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com")
    topic_is(aws, Policy=ALLOWING)
    *_, missing = notification_findings(aws, config, SCOPE)
    assert missing.remedy == "Run `flask errwatch apply`."
    topic_is(aws, "PendingConfirmation", Policy=ALLOWING)
    *_, pending = notification_findings(aws, config, SCOPE)
    assert pending.remedy.endswith(
        "then run `flask errwatch apply`, which has SNS send another one."
    )


@pytest.mark.parametrize(
    ("policy", "level"), [(ALLOWING, "ok"), ("{}", "problem"), (DOUBTFUL, "warning")]
)
def test_a_customer_key(aws: ScriptedAws, policy: str, level: str) -> None:
    """Its policy is read, and must let CloudWatch decrypt and generate data keys."""
    topic_is(aws, f"{TOPIC}:1", Policy=ALLOWING, KmsMasterKeyId="alias/ops")
    metadata = {"KeyId": "1234abcd", "Arn": KEY, "KeyManager": "CUSTOMER"}
    aws.expects("kms", "describe_key", {"KeyMetadata": metadata}, KeyId="alias/ops")
    aws.expects("kms", "get_key_policy", {"Policy": policy}, KeyId=KEY, PolicyName="default")
    assert topic_findings(aws)["topic key"].level == level


def test_a_key_of_aws_by_its_id_and_a_key_that_may_not_be_read(aws: ScriptedAws) -> None:
    """The first denies CloudWatch under any name. The second has to be checked by hand."""
    metadata = {"KeyId": "1234abcd", "Arn": KEY, "KeyManager": "AWS"}
    topic_is(aws, f"{TOPIC}:1", Policy=ALLOWING, KmsMasterKeyId=KEY)
    aws.answers("kms", "describe_key", {"KeyMetadata": metadata})
    assert topic_findings(aws)["topic key"].level == "problem"
    topic_is(aws, f"{TOPIC}:1", Policy=ALLOWING, KmsMasterKeyId=KEY)
    aws.refuses("kms", "describe_key", "AccessDeniedException")
    finding = topic_findings(aws)["topic key"]
    assert finding.level == "warning"
    assert "(kms:DescribeKey: AccessDeniedException)" in finding.message


def test_a_topic_that_cannot_be_read(aws: ScriptedAws) -> None:
    """Only a missing topic is a finding of the check; a denied read is raised to its caller."""
    aws.refuses("sns", "get_topic_attributes", "NotFound")
    by_name = topic_findings(aws)["topic"]
    assert by_name.message == f"{TOPIC} does not exist."
    assert by_name.remedy == "Run `flask errwatch apply`."
    # `apply` creates no topic that is configured by its ARN.
    aws.refuses("sns", "get_topic_attributes", "NotFound")
    assert topic_findings(aws, TOPIC)["topic"].remedy == (
        "Create it, or set ERRWATCH_SNS_TOPIC to the ARN of one that exists, or to a name: then "
        "`flask errwatch apply` creates it."
    )
    aws.refuses("sns", "get_topic_attributes", "AuthorizationError")
    with pytest.raises(AwsCallError, match="sns:GetTopicAttributes"):
        topic_findings(aws)


def test_no_topic_and_a_topic_in_another_region(aws: ScriptedAws) -> None:
    """Alarms notify no one without a topic, and cannot notify one in another region."""
    assert topic_findings(aws, None)["topic"].message == (
        "No topic is configured: no one is notified of alarms."
    )
    finding = topic_findings(aws, f"arn:aws:sns:us-east-1:{ACCOUNT}:ops")["topic"]
    assert finding.level == "problem"
    assert finding.message.endswith("is in another region than the alarms (eu-central-1).")
    assert finding.remedy == (
        "Use a topic of eu-central-1. Or, if the log group is in us-east-1, set ERRWATCH_REGION to "
        "us-east-1."
    )


def test_a_log_group_without_filters_and_retention() -> None:
    """The class is a problem, the retention a warning."""
    _, config = shop()
    entry = {"logGroupName": "shop", "logGroupClass": "INFREQUENT_ACCESS"}
    group, retention = log_group_findings(entry, config)
    assert (group.level, retention.level) == ("problem", "warning")
    assert group.message == "shop has class INFREQUENT_ACCESS, which has no metric filters."
    assert retention.message == "Lines never expire; 90 days are declared."
    assert "apply --force" in str(retention.remedy)
    forever = config._replace(retention_days=None)
    assert [*log_group_findings(entry, forever)][1].level == "ok"
    (_, limited) = log_group_findings({**entry, "retentionInDays": 30}, forever)
    assert limited.message == "Lines expire after 30 days; 'never' is declared."


def test_a_check_that_fails_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A denied read is a warning, an unexpected exception a problem. Other checks are done."""
    aws = ScriptedAws()
    identity = {"UserId": "A" * 16, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
    aws.answers("sts", "get_caller_identity", identity)
    aws.refuses("logs", "describe_log_groups", "AccessDeniedException")
    # The next call of Logs is not scripted: the Stubber raises an unexpected exception.
    monkeypatch.setattr("flask_errwatch.doctor.checks.find_spec", _broken)
    checked = run_checks(aws, *shop(JOURNAL_DIR=str(tmp_path)), wsgi_app=None)
    results = {finding.subject: finding for finding in checked}
    assert results["log group"].level == "warning"
    assert results["log group"].message == (
        "Not checked: logs:DescribeLogGroups failed with AccessDeniedException (said so)."
    )
    assert results["newest lines"].level == "problem"
    assert results["worker"].message == "The check itself failed: ZeroDivisionError: surprise."
    assert results["journal"].level == "ok"


def test_also_the_first_check_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing in AWS is checked, and everything else is."""
    monkeypatch.setattr(Caller, "identify", _broken)
    results = list(run_checks(ScriptedAws(), *shop(JOURNAL_DIR=str(tmp_path)), wsgi_app=None))
    assert results[0].message == "The check itself failed: ZeroDivisionError: surprise."
    assert [finding.subject for finding in results[1:]] == ["middleware", "worker", "journal"]


def _broken(*_: object) -> None:
    raise ZeroDivisionError("surprise")


def test_control_characters_do_not_reach_the_terminal() -> None:
    """They are shown as question marks, and the message stays on one line."""
    finding = findings.warning("topic", "a\x1b[2Jb\nc", "Do\nit.")
    assert str(finding) == "warning  topic: a?[2Jb?c\n         → Do?it."

"""What moto does not do, against botocore's Stubber: simulation, refusals, keys, alarm history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flask_errwatch.doctor import examine, findings
from flask_errwatch.doctor.doctor import log_group_findings
from flask_errwatch.doctor.findings import Finding
from flask_errwatch.doctor.notifications import telling_findings
from flask_errwatch.doctor.permissions import Caller, permission_findings
from flask_errwatch.provision.scope import AwsScope
from tests.doctor.scripted_aws import ScriptedAws, shop

ACCOUNT = "123456789012"
PLACE = AwsScope(partition="aws", region="eu-central-1", account=ACCOUNT)
GROUP = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:shop"
TOPIC = f"arn:aws:sns:eu-central-1:{ACCOUNT}:ops"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/web"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/i-1"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def aws() -> Iterator[ScriptedAws]:
    """Every scripted answer is asked for."""
    scripted = ScriptedAws()
    yield scripted
    scripted.all_asked()


def role_answer() -> dict[str, Any]:
    """What GetRole says; the session's ARN lacks the path."""
    role = {"Path": "/path/", "RoleName": "web", "RoleId": "A" * 16, "Arn": ROLE}
    return {"Role": {**role, "CreateDate": WHEN}}


def simulates(aws: ScriptedAws, source: str, resource: str, **decisions: str) -> None:
    """Scripts what the simulator says of some actions of Logs on a resource."""
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


def permissions(aws: ScriptedAws, arn: str, role: str | None) -> list[Finding]:
    """The findings about that identity."""
    caller = Caller(arn=arn, scope=PLACE)
    return list(permission_findings(aws, caller, *shop(), role))  # type: ignore[arg-type]


def test_a_roles_permissions_are_simulated(aws: ScriptedAws) -> None:
    """On its streams, and on either spelling of the log group: one allowed is enough."""
    aws.answers("iam", "get_role", role_answer())
    stream = f"{GROUP}:log-stream:errwatch-doctor"
    simulates(aws, ROLE, stream, CreateLogStream="allowed", PutLogEvents="allowed")
    simulates(aws, ROLE, GROUP, CreateLogGroup="implicitDeny")
    simulates(aws, ROLE, stream, CreateLogGroup="allowed")
    (finding,) = permissions(aws, SESSION, "runtime")
    assert (finding.level, finding.method) == ("ok", "iam:SimulatePrincipalPolicy")
    assert finding.found == "Allowed: 3 of 3."


def test_what_the_simulator_denies_is_a_problem(aws: ScriptedAws) -> None:
    """It names action and resource; a role that may not be read is guessed without a path."""
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


def test_where_nothing_may_be_simulated_calls_are_tried(aws: ScriptedAws) -> None:
    """A refusal for want of a stream tells that sending is allowed."""
    aws.refuses("iam", "simulate_principal_policy", "AccessDenied")
    aws.refuses("logs", "put_log_events", "ResourceNotFoundException")
    allowed, unknown = permissions(aws, f"arn:aws:iam::{ACCOUNT}:user/ann", "runtime")
    assert (allowed.level, allowed.found) == ("ok", "Allowed: 1 of 3.")
    assert allowed.method == unknown.method == "harmless calls"
    assert unknown.level == "warning"
    assert unknown.found == "2 not checked, since no harmless call told:"
    assert unknown.items == ("logs:CreateLogStream", "logs:CreateLogGroup")


def test_a_tried_call_that_is_denied_is_a_problem(aws: ScriptedAws) -> None:
    """A federated user can only be tried."""
    aws.refuses("logs", "put_log_events", "AccessDeniedException")
    denied, _ = permissions(aws, f"arn:aws:sts::{ACCOUNT}:federated-user/ann", "runtime")
    assert (denied.level, denied.found) == ("problem", "1 denied:")


def test_what_only_deploying_needs_may_be_denied_to_the_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A warning, as long as nobody says that this identity is to deploy."""
    allowed = {"logs:CreateLogStream", "logs:PutLogEvents", "logs:CreateLogGroup"}

    def call(_aws: object, _service: str, _method: str, **asked: Any) -> dict[str, Any]:
        results = [
            {"EvalActionName": each, "EvalDecision": "allowed" if each in allowed else "denied"}
            for each in asked["ActionNames"]
        ]
        return {"EvaluationResults": results}

    monkeypatch.setattr(ScriptedAws, "call", call)
    user = f"arn:aws:iam::{ACCOUNT}:user/web"
    runtime, deploy = permissions(ScriptedAws(), user, None)
    assert (runtime.level, deploy.level) == ("ok", "warning")
    assert any(each.startswith("cloudwatch:PutMetricAlarm on ") for each in deploy.items)
    assert f", and {len(deploy.items) - 5} more [iam:SimulatePrincipalPolicy]\n" in str(deploy)
    assert deploy.remedy.startswith("Only where this identity shall deploy, give it the policy")
    (alone,) = permissions(ScriptedAws(), user, "deploy")
    assert alone.level == "problem"


def test_the_root_user_is_a_warning(aws: ScriptedAws) -> None:
    """Nothing is denied to it, and nothing should run as it."""
    (finding,) = permissions(aws, f"arn:aws:iam::{ACCOUNT}:root", None)
    assert (finding.level, finding.subject) == ("warning", "permissions")


def telling(aws: ScriptedAws, topic: str | None = "ops") -> dict[str, Finding]:
    """The findings about the topic, by their subject."""
    _, config = shop(**({} if topic is None else {"SNS_TOPIC": topic}))
    return {each.subject: each for each in telling_findings(aws, config, PLACE)}


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


def test_a_topic_that_refuses_cloudwatch_and_that_nobody_confirmed(aws: ScriptedAws) -> None:
    """Both keep the alarm from everybody, and neither shows elsewhere."""
    topic_is(aws, "PendingConfirmation", Policy="{}", KmsMasterKeyId="alias/aws/sns")
    found = telling(aws)
    assert {each.subject: each.level for each in found.values()} == {
        "topic": "ok",
        "topic policy": "problem",
        "topic key": "problem",
        "subscriptions": "problem",
    }
    assert found["topic policy"].remedy == (
        "In its policy, allow cloudwatch.amazonaws.com sns:Publish with aws:SourceArn like "
        f"arn:aws:cloudwatch:eu-central-1:{ACCOUNT}:alarm:shop-*, or: Run `flask errwatch apply`."
    )
    assert found["subscriptions"].found == "Not confirmed: email ops@example.com; 0 confirmed."


def test_one_confirmed_subscription_is_better_than_none(aws: ScriptedAws) -> None:
    """The other is a warning then; a topic of somebody else is not mended by apply."""
    topic_is(aws, "PendingConfirmation", f"{TOPIC}:1", Policy="{}")
    found = telling(aws, TOPIC)
    assert found["subscriptions"].level == "warning"
    assert found["topic policy"].remedy.endswith(":alarm:shop-*.")
    assert found["topic key"].found == "The topic is not encrypted with a key of KMS."


def test_a_topic_without_subscriptions(aws: ScriptedAws) -> None:
    """Nobody is told; conditions that are not known are said to be doubtful."""
    topic_is(aws, Policy=DOUBTFUL)
    found = telling(aws)
    assert found["subscriptions"].found == "The topic has none: nobody is told."
    assert (found["topic policy"].level, found["topic policy"].remedy) == (
        "warning",
        "Try it with `flask errwatch drill`.",
    )


@pytest.mark.parametrize(
    ("policy", "level"), [(ALLOWING, "ok"), ("{}", "problem"), (DOUBTFUL, "warning")]
)
def test_a_customers_key(aws: ScriptedAws, policy: str, level: str) -> None:
    """Its policy is read, and must let CloudWatch decrypt and make data keys."""
    topic_is(aws, f"{TOPIC}:1", Policy=ALLOWING, KmsMasterKeyId="alias/ops")
    metadata = {"KeyId": "1234abcd", "Arn": KEY, "KeyManager": "CUSTOMER"}
    aws.expects("kms", "describe_key", {"KeyMetadata": metadata}, KeyId="alias/ops")
    aws.expects("kms", "get_key_policy", {"Policy": policy}, KeyId=KEY, PolicyName="default")
    assert telling(aws)["topic key"].level == level


def test_a_key_of_aws_by_its_id_and_a_key_that_may_not_be_read(aws: ScriptedAws) -> None:
    """The first keeps CloudWatch out under whatever name; the second is to be looked at by hand."""
    metadata = {"KeyId": "1234abcd", "Arn": KEY, "KeyManager": "AWS"}
    topic_is(aws, f"{TOPIC}:1", Policy=ALLOWING, KmsMasterKeyId=KEY)
    aws.answers("kms", "describe_key", {"KeyMetadata": metadata})
    assert telling(aws)["topic key"].level == "problem"
    topic_is(aws, f"{TOPIC}:1", Policy=ALLOWING, KmsMasterKeyId=KEY)
    aws.refuses("kms", "describe_key", "AccessDeniedException")
    finding = telling(aws)["topic key"]
    assert finding.level == "warning"
    assert "(kms:DescribeKey: AccessDeniedException)" in finding.found


def test_no_topic_and_one_of_elsewhere(aws: ScriptedAws) -> None:
    """Without a topic alarms tell nobody; one of another region they cannot tell."""
    assert telling(aws, None)["topic"].found == "None is configured: alarms tell nobody."
    finding = telling(aws, f"arn:aws:sns:us-east-1:{ACCOUNT}:ops")["topic"]
    assert finding.level == "problem"
    assert finding.found.endswith("is of another region than the alarms (eu-central-1).")


def test_a_log_group_that_carries_no_filters_and_keeps_for_ever() -> None:
    """The class is a problem, the retention a warning."""
    _, config = shop()
    entry = {"logGroupName": "shop", "logGroupClass": "INFREQUENT_ACCESS"}
    group, retention = log_group_findings(entry, config)
    assert (group.level, retention.level) == ("problem", "warning")
    assert group.found == ("shop is of class INFREQUENT_ACCESS, which carries no metric filters.")
    assert retention.found == "Lines are kept for ever, declared are 90 days."


def test_a_check_that_fails_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Denied reads are warnings, what nobody thought of a problem; the others go on."""
    aws = ScriptedAws()
    identity = {"UserId": "A" * 16, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
    aws.answers("sts", "get_caller_identity", identity)
    aws.refuses("logs", "describe_log_groups", "AccessDeniedException")
    # The next call of the logs is not scripted: the Stubber raises what nobody thought of.
    monkeypatch.setattr("flask_errwatch.doctor.doctor.find_spec", _broken)
    found = {each.subject: each for each in examine(aws, *shop(JOURNAL_DIR=str(tmp_path)))}
    assert found["log group"].level == "warning"
    assert found["log group"].found == (
        "Not looked at: logs:DescribeLogGroups failed with AccessDeniedException (said so)."
    )
    assert found["newest lines"].level == "problem"
    assert found["worker"].found == "The check itself failed: ZeroDivisionError: surprise."
    assert found["journal"].level == "ok"


def test_also_the_first_check_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing in AWS is looked at, and the rest is."""
    monkeypatch.setattr(Caller, "of", _broken)
    found = list(examine(ScriptedAws(), *shop(JOURNAL_DIR=str(tmp_path))))
    assert found[0].found == "The check itself failed: ZeroDivisionError: surprise."
    assert [each.subject for each in found[1:]] == ["worker", "journal"]


def _broken(*_: object) -> None:
    raise ZeroDivisionError("surprise")


def test_hostile_texts_do_no_harm_to_a_terminal() -> None:
    """Control characters are shown as question marks, on one line."""
    finding = findings.warning("topic", "a\x1b[2Jb\nc", "Do\nit.")
    assert str(finding) == "warning  topic: a?[2Jb?c\n         → Do?it."

"""The IAM policies allow exactly the calls that the library makes.

The calls are recorded at `Aws.call`, against moto. A table of these tests (`policies`) has the
action and the resource on which AWS authorises each call.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint

from flask_errwatch._aws import DELIVERY, PROVISIONING, Aws
from flask_errwatch.config import Config
from flask_errwatch.delivery.journal import Line, Position, Record
from flask_errwatch.delivery.sender import Sender
from flask_errwatch.detectors import Catalogue
from flask_errwatch.doctor.verification import verify
from flask_errwatch.doctor.waf import waf_findings
from flask_errwatch.provision.apply import apply_plan, bootstrap, make_destroy_plan, make_plan
from flask_errwatch.provision.discovery import find_alarms
from flask_errwatch.provision.export import ROLES, iam_policy
from flask_errwatch.provision.mute import mute, unmute
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.status import read_status
from flask_errwatch.respond.alarm.subject import NoAnswerError
from flask_errwatch.respond.blocking.blocker import Blocker, CallerFacts
from flask_errwatch.respond.blocking.brakes import OVERRIDABLE
from flask_errwatch.respond.blocking.ip_sets import IpSets
from flask_errwatch.respond.blocking.plans import Request
from flask_errwatch.respond.investigation import Investigator, Question
from flask_errwatch.respond.ranking.window import Window
from tests.provision.export.policies import ACCOUNT, FREE, REGION, actions, allowed, required
from tests.provision.export.recorded import AwsCall, Recorder
from tests.provision.export.shops import EVERY_KIND, EVERYTHING, shop
from tests.respond.blocking.account import NoNames

HERE = AwsScope(partition="aws", region=REGION, account=ACCOUNT)
FULL = shop(EVERY_KIND, **EVERYTHING)
#: The role that `apply --create-role` creates.
QUERY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop-log-alarms-{REGION}"


def policy(role: str, app: tuple[Catalogue, Config] = FULL) -> dict[str, Any]:
    """The policy document of a role in the account of these tests."""
    return next(iam_policy(known, *app, scope=HERE) for known in ROLES if known == role)


def denied(document: Mapping[str, Any], calls: Iterable[AwsCall]) -> list[str]:
    """The calls that are not allowed."""
    return sorted(
        {
            f"{action} on {resource}"
            for call in calls
            for action, resource in required(call)
            if action not in FREE and not allowed(document, action, resource)
        }
    )


def required_actions(calls: Iterable[AwsCall]) -> set[str]:
    """The actions that the calls require."""
    return {action for call in calls for action, _ in required(call)} - FREE


def deployment_calls(recorder: Recorder) -> list[AwsCall]:
    """All calls of a deployment: create, change, verify, mute, read the status and destroy."""
    aws = Aws(patience=PROVISIONING)
    bootstrap(aws, *FULL)
    changed = shop(EVERY_KIND, **{**EVERYTHING, "ALARM_THRESHOLD": 20, "RETENTION_DAYS": 120})
    bootstrap(aws, *changed)
    verify(*changed, aws)
    assert mute(aws, changed[1], 900).startswith("Muted: ")
    assert read_status(aws, *changed).notes == ()
    assert unmute(aws, changed[1]) == "Unmuted: 1 rule deleted."
    with_log_alarms = shop(EVERY_KIND, **{**EVERYTHING, "LOG_ALARM_ROLE": QUERY_ROLE})
    apply_plan(aws, make_plan(aws, *with_log_alarms), force=True)
    for alarm in recorder.log_alarms.values():
        alarm["StateValue"] = "ALARM"
    assert read_status(aws, *with_log_alarms).notes == ()
    apply_plan(aws, make_plan(aws, *shop(**{**EVERYTHING, "PER_SOURCE_ALARMS": {}})), force=True)
    apply_plan(aws, make_destroy_plan(aws, *FULL, with_logs=True), force=True)
    return recorder.pop_calls()


def role_calls(recorder: Recorder) -> list[AwsCall]:
    """The calls on the role: create it, bring it up to date, and delete it."""
    aws = Aws(patience=PROVISIONING)
    for app in (FULL, shop(EVERY_KIND, **{**EVERYTHING, "LOG_GROUP": "other"})):
        apply_plan(aws, make_plan(aws, *app, create_role=True), force=True)
    apply_plan(aws, make_destroy_plan(aws, *FULL), force=True)
    return [call for call in recorder.pop_calls() if call.service == "iam"]


def delivery_calls(recorder: Recorder) -> list[AwsCall]:
    """All calls of a sender, to a log group that does not exist, and to one that does."""
    aws = Aws(patience=DELIVERY)
    now = int(time.time() * 1000)
    record = Record(Line(now, b'{"event":"x"}', critical=False), Position(1, 0))
    for stream in ("host/1", "host/2"):
        Sender(aws, "shop", stream).send([record])
    return recorder.pop_calls()


def investigation_calls(recorder: Recorder) -> list[AwsCall]:
    """All calls of questions: about alarms of each kind, by lines, by queries, interrupted."""
    catalogue, config = FULL

    def interrupt(text: str) -> None:
        if "running" in text:
            raise KeyboardInterrupt

    asking = Investigator(
        aws=Aws(patience=PROVISIONING),
        catalogue=catalogue,
        config=config,
        now=time.time(),
        consent=lambda _: True,
    )
    names = [alarm.name for alarm in find_alarms(asking.aws, AlarmNamePrefix="shop-")]
    assert len(names) > len(catalogue)
    for name in names:
        with suppress(NoAnswerError):  # no alarm fired
            asking.story(Question(name=name))
        with suppress(NoAnswerError):  # no line is there
            asking.story(Question(name=name, at=asking.now))
    asking.story(Question(name="not-found-error", since=asking.now - 60, way="insights"))
    recorder.query_status = "Running"
    with pytest.raises(KeyboardInterrupt):
        replace(asking, progress=interrupt).story(
            Question(name="not-found-error", since=asking.now - 60, way="insights")
        )
    asking.ranking(Window(start=asking.now - 60, end=asking.now), None, 10)
    return recorder.pop_calls()


def web_acl_calls(recorder: Recorder) -> list[AwsCall]:
    """All calls that look whether a web ACL refers to the app's IP sets."""
    aws = Aws(patience=PROVISIONING)
    aws.client("wafv2").create_web_acl(
        Name="edge",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={
            "SampledRequestsEnabled": True,
            "CloudWatchMetricsEnabled": True,
            "MetricName": "edge",
        },
    )
    _, config = FULL
    assert [finding.level for finding in waf_findings(aws, config)] == ["ok", "problem", "problem"]
    return recorder.pop_calls()


def blocking_calls(recorder: Recorder) -> list[AwsCall]:
    """All calls of a block and of its end."""
    _, config = FULL
    aws = Aws(patience=PROVISIONING)
    blocker = Blocker(aws, IpSets.of(aws, config), config)
    source = ip_network("203.0.113.66/32")
    request = Request(networks={source: {}}, reason="scan", overrides=frozenset(OVERRIDABLE))
    blocker.block(*blocker.plan_block(request, CallerFacts(resolver=NoNames())))
    blocker.unblock(*blocker.plan_unblock([source]))
    return recorder.pop_calls()


def test_a_deployment_is_allowed_exactly_its_calls(recorder: Recorder) -> None:
    """Each call is allowed on its resource, and each allowed action was called."""
    calls = deployment_calls(recorder)
    document = policy("deploy")
    assert denied(document, calls) == []
    assert actions(document) == required_actions(calls)


def test_tags_and_lines_that_never_expire_are_allowed_exactly_their_calls(
    recorder: Recorder,
) -> None:
    """Reading tags, tagging what exists, and removing a retention."""
    aws = Aws(patience=PROVISIONING)
    kinds: dict[str, Any] = {"SNS_TOPIC": "ops", "WAF_SCOPE": "regional", "DASHBOARD": True}
    settings = {**kinds, "RETENTION_DAYS": "never", "TAGS": {"team": "web"}}
    bootstrap(aws, *shop(**kinds))
    bootstrap(aws, *shop(**settings))
    calls = recorder.pop_calls()
    document = policy("deploy", shop(**settings))
    first = {"logs:PutRetentionPolicy"}
    assert {entry.partition(" ")[0] for entry in denied(document, calls)} == first
    assert {"logs:DeleteRetentionPolicy", "cloudwatch:ListTagsForResource"} <= actions(document)
    assert "logs:DeleteRetentionPolicy" not in actions(policy("deploy"))
    bootstrap(aws, *shop(**settings), dry_run=True)
    assert read_status(aws, *shop(**settings)).notes == ()
    assert denied(policy("respond", shop(**settings)), recorder.pop_calls()) == []


def test_the_creation_of_the_role_is_allowed_exactly_its_calls(recorder: Recorder) -> None:
    """The deployment itself may only find the role, and pass it to a scheduled query."""
    calls = role_calls(recorder)
    document = policy("create-role")
    assert denied(document, calls) == []
    assert actions(document) == required_actions(calls)
    deployment = policy("deploy")
    assert {action for action in actions(deployment) if action.startswith("iam:")} == {
        *("iam:GetRole", "iam:PassRole"),
    }
    (passing,) = (
        statement for statement in deployment["Statement"] if statement["Action"] == "iam:PassRole"
    )
    assert passing["Resource"] == QUERY_ROLE
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "logs.amazonaws.com"},
        "ArnLike": {
            "iam:AssociatedResourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:scheduled-query:*"
        },
    }
    without = policy("deploy", shop(EVERY_KIND, **{**EVERYTHING, "SOURCE_ALARMS": "off"}))
    assert not [action for action in actions(without) if action.startswith("iam:")]


def test_a_process_is_allowed_exactly_its_calls(recorder: Recorder) -> None:
    """The web process sends lines, and creates its stream and group when they are missing."""
    calls = delivery_calls(recorder)
    document = policy("runtime")
    assert denied(document, calls) == []
    assert actions(document) == required_actions(calls)
    assert actions(document) == {
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    }


def test_the_person_on_call_may_read_everything_and_change_ip_sets_only(recorder: Recorder) -> None:
    """Calls of `status`, `why`, `offenders`, `doctor`, `block` and `unblock` prove the actions."""
    aws = Aws(patience=PROVISIONING)
    bootstrap(aws, *FULL)
    recorder.pop_calls()
    assert read_status(aws, *FULL).notes == ()
    calls = [*recorder.pop_calls(), *investigation_calls(recorder), *web_acl_calls(recorder)]
    calls += blocking_calls(recorder)
    document = policy("respond")
    assert denied(document, calls) == []
    assert actions(document) == required_actions(calls)
    reads = re.compile("Get|Describe|List")
    assert {action for action in actions(document) if not reads.search(action)} == {
        *("logs:StartQuery", "logs:StopQuery", "logs:FilterLogEvents"),
        *("wafv2:UpdateIPSet", "logs:CreateLogStream", "logs:PutLogEvents"),
    }
    audit = [line for line in document["Statement"] if "logs:PutLogEvents" in line["Action"]]
    assert [line["Resource"] for line in audit] == [
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:shop:log-stream:respond/*"
    ]


@pytest.mark.parametrize("role", ROLES)
def test_another_app_is_out_of_reach(recorder: Recorder, role: str) -> None:
    """The policies of one app deny the calls of another, for actions that AWS scopes."""
    other = policy(role, shop(EVERY_KIND, name="other", **{**EVERYTHING, "SNS_TOPIC": "o"}))
    made = {"runtime": delivery_calls, "create-role": role_calls}
    calls = made.get(role, deployment_calls)(recorder)
    statements = [statement for statement in other["Statement"] if statement["Resource"] == "*"]
    unscoped = actions({"Statement": statements})
    for call in calls:
        for action, resource in required(call):
            # CloudWatch chooses the names of the queries of log alarms.
            is_query = ":scheduled-query:" in resource
            if action not in FREE | unscoped and not is_query:
                assert not allowed(other, action, resource), (action, resource)


@pytest.mark.parametrize("role", ROLES)
def test_only_actions_without_a_resource_are_allowed_on_all_resources(role: str) -> None:
    """No action of a policy has a wider scope than necessary."""
    statements = policy(role)["Statement"]
    (star,) = [item for item in statements if item["Resource"] == "*"] or [None]
    if star is None:
        assert role in {"runtime", "create-role"}
        return
    scoped = {
        *("PutMetricAlarm", "DeleteAlarms", "PutDashboard", "PutMetricFilter", "CreateTopic"),
        *("TagResource", "PutInsightRule", "CreateLogGroup", "StartQuery", "UpdateIPSet"),
        *("CreateIPSet", "DeleteIPSet", "GetIPSet", "GetWebACL"),
    }
    assert not {action.split(":")[1] for action in star["Action"]} & scoped


def test_without_a_topic_sns_is_not_allowed() -> None:
    """Actions that the app does not use are denied. An existing topic is only subscribed to."""
    without_topic = policy("deploy", shop())
    assert not [action for action in actions(without_topic) if action.startswith("sns:")]
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:ops"
    existing = policy("deploy", shop(SNS_TOPIC=arn, SUBSCRIPTIONS="mailto:ops@example.com"))
    assert {action for action in actions(existing) if action.startswith("sns:")} == {
        *("sns:ListSubscriptionsByTopic", "sns:Subscribe"),
    }
    assert allowed(existing, "sns:Subscribe", arn)
    assert not allowed(existing, "sns:Subscribe", f"{arn}2")


def test_without_a_scope_waf_is_not_allowed() -> None:
    """No one of an app without IP sets may read or write in WAF. Those of CloudFront are there."""
    without = {**EVERYTHING, "WAF_SCOPE": None}
    for role in ROLES:
        allowed_ = actions(policy(role, shop(EVERY_KIND, **without)))
        assert not [action for action in allowed_ if action.startswith("wafv2:")]
    edge = shop(WAF_SCOPE="cloudfront")
    arn = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/ipset/shop-blocked-ipv6/1"
    assert allowed(policy("respond", edge), "wafv2:UpdateIPSet", arn)
    assert allowed(policy("deploy", edge), "wafv2:CreateIPSet", arn)
    assert not allowed(policy("deploy", edge), "wafv2:UpdateIPSet", arn)
    regional = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/ipset/shop-blocked-ipv6/1"
    assert not allowed(policy("respond", edge), "wafv2:UpdateIPSet", regional)


def test_reports_are_published_to_their_topic_only() -> None:
    """Whoever answers alarms may publish there. Without a topic for reports, nowhere."""
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:reports"
    document = policy("respond", shop(REPORT_TOPIC=arn))
    assert allowed(document, "sns:Publish", arn)
    assert not allowed(document, "sns:Publish", f"{arn}2")
    assert "sns:Publish" not in actions(policy("respond"))


def test_a_question_mark_in_a_name_is_not_a_wildcard() -> None:
    """An app with a `?` in its name has no access to the alarms of other apps."""
    document = policy("deploy", shop(name="shop?", LOG_GROUP="shop"))
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:shop"
    assert allowed(document, "cloudwatch:PutMetricAlarm", f"{alarm}?-critical-error")
    assert not allowed(document, "cloudwatch:PutMetricAlarm", f"{alarm}2-critical-error")


@pytest.mark.parametrize("role", ROLES)
def test_arns_have_the_scope_of_the_deployment(role: str) -> None:
    """Every ARN has the partition, region and account, or placeholders without a scope."""
    china = AwsScope(partition="aws-cn", region="cn-north-1", account="210987654321")
    (known,) = [known for known in ROLES if known == role]
    text = json.dumps(iam_policy(known, *FULL, scope=china))
    assert "arn:aws:" not in text
    if known == "create-role":
        assert "arn:aws-cn:iam::210987654321:role/shop-log-alarms-cn-north-1" in text
        assert "role/shop-log-alarms-${Region}" in json.dumps(iam_policy(known, *FULL))
        return
    assert "arn:aws-cn:logs:cn-north-1:210987654321:log-group:shop:*" in text
    without_scope = json.dumps(iam_policy(known, *FULL))
    assert "arn:${Partition}:logs:${Region}:${Account}:log-group:shop:*" in without_scope


@pytest.mark.parametrize("role", ROLES)
def test_the_linter_knows_every_action_and_resource(role: str) -> None:
    """cfn-lint has AWS's service authorization data: actions exist and accept these ARNs."""
    document = policy(role)
    properties = {"ManagedPolicyName": "p", "PolicyDocument": document}
    resource = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"P": resource}}
    assert [str(finding) for finding in lint(json.dumps(template))] == []
    # IAM quotas: characters of a managed policy, without spaces.
    assert len(json.dumps(document, separators=(",", ":"))) <= 6144
    document["Statement"][0]["Action"] = "logs:PutLogEvent"
    assert lint(json.dumps(template))


def test_the_page_shows_which_actions_are_proved() -> None:
    """The tables of the page have every action of every policy, and how it is proved."""
    page = (Path(__file__).parents[3] / "docs" / "exports.md").read_text(encoding="utf-8")
    for role in ROLES:
        section = page.split(f"### `{role}`\n")[1].split("\n### ")[0].split("\n## ")[0]
        rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
        documented = {
            action.strip("` "): cells[-2].strip()
            for cells in rows
            for action in cells[1].split(",")
        }
        assert documented == dict.fromkeys(actions(policy(role)), "recorded")

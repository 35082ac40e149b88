"""The IAM policies: every call that the library makes is allowed, and nothing else.

The calls are recorded where they leave the library (`Aws.call`), against moto; which action and
resource AWS judges a call on is a table of these tests (`policies`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint

from flask_errwatch._aws import DELIVERY, PROVISIONING, Aws
from flask_errwatch.config import Config
from flask_errwatch.delivery.journal.records import Line, Position, Record
from flask_errwatch.delivery.sender import Sender
from flask_errwatch.detectors import Catalogue
from flask_errwatch.doctor.verification import verify
from flask_errwatch.provision.apply import apply_plan, bootstrap, make_destroy_plan, make_plan
from flask_errwatch.provision.export import ROLES, iam_policy
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.status import read_status
from tests.provision.export.policies import ACCOUNT, FREE, REGION, actions, allowed, asked
from tests.provision.export.recorded import Made, Recorder
from tests.provision.export.shops import EVERY_KIND, EVERYTHING, shop

HERE = AwsScope(partition="aws", region=REGION, account=ACCOUNT)
FULL = shop(EVERY_KIND, **EVERYTHING)
#: What is allowed for features that make no call yet: who looks into an alarm, and blocks.
NOT_YET_CALLED = {
    *("logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery", "cloudwatch:GetMetricData"),
    *("wafv2:ListIPSets", "wafv2:GetIPSet", "wafv2:UpdateIPSet"),
}


def policy(role: str, app: tuple[Catalogue, Config] = FULL) -> dict[str, Any]:
    """The policy document of a role in the account of these tests."""
    return next(iam_policy(each, *app, scope=HERE) for each in ROLES if each == role)


def refused(document: Mapping[str, Any], made: Iterable[Made]) -> list[str]:
    """What was called and is not allowed."""
    return sorted(
        {
            f"{action} on {resource}"
            for each in made
            for action, resource in asked(each)
            if action not in FREE and not allowed(document, action, resource)
        }
    )


def called(made: Iterable[Made]) -> set[str]:
    """The actions that were asked for."""
    return {action for each in made for action, _ in asked(each)} - FREE


def deployed(recorder: Recorder) -> list[Made]:
    """Every call of a deployment's life: made, changed, looked at, shrunk and taken down."""
    aws = Aws(patience=PROVISIONING)
    bootstrap(aws, *FULL)
    changed = shop(EVERY_KIND, **{**EVERYTHING, "ALARM_THRESHOLD": 20, "RETENTION_DAYS": 120})
    bootstrap(aws, *changed)
    verify(*changed, aws)
    assert read_status(aws, *changed).notes == ()
    apply_plan(aws, make_plan(aws, *shop(**{**EVERYTHING, "PER_SOURCE_ALARMS": {}})), force=True)
    apply_plan(aws, make_destroy_plan(aws, *FULL, with_logs=True), force=True)
    return recorder.taken()


def delivered(recorder: Recorder) -> list[Made]:
    """Every call of a sender: to a group that is missing, and to one that stands."""
    aws = Aws(patience=DELIVERY)
    now = int(time.time() * 1000)
    record = Record(Line(now, b'{"event":"x"}', critical=False), Position(1, 0))
    for stream in ("host/1", "host/2"):
        Sender(aws, "shop", stream).send([record])
    return recorder.taken()


def test_a_deployment_may_do_what_it_does_and_nothing_else(recorder: Recorder) -> None:
    """Each call is allowed on its resource; each action that is allowed was called."""
    made = deployed(recorder)
    document = policy("deploy")
    assert refused(document, made) == []
    assert actions(document) == called(made)


def test_a_process_may_do_what_it_does_and_nothing_else(recorder: Recorder) -> None:
    """The web process sends lines, and makes its stream and group when they are missing."""
    made = delivered(recorder)
    document = policy("runtime")
    assert refused(document, made) == []
    assert actions(document) == called(made)
    assert actions(document) == {
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    }


def test_who_is_called_may_look_and_change_nothing_but_blocked_sources(recorder: Recorder) -> None:
    """Reading what stands is proved by calls; the rest belongs to what is still to come."""
    aws = Aws(patience=PROVISIONING)
    bootstrap(aws, *FULL)
    recorder.taken()
    assert read_status(aws, *FULL).notes == ()
    made = recorder.taken()
    document = policy("respond")
    assert refused(document, made) == []
    assert actions(document) - called(made) == NOT_YET_CALLED
    writing = {action for action in actions(document) if "Get" not in action}
    assert {each for each in writing if "Describe" not in each and "List" not in each} == {
        *("logs:StartQuery", "logs:StopQuery", "logs:FilterLogEvents", "wafv2:UpdateIPSet"),
    }


@pytest.mark.parametrize("role", ROLES)
def test_another_app_is_out_of_reach(recorder: Recorder, role: str) -> None:
    """The calls of one app are refused by the policies of another, where AWS scopes them."""
    other = policy(role, shop(EVERY_KIND, name="other", **{**EVERYTHING, "SNS_TOPIC": "o"}))
    made = {"deploy": deployed, "runtime": delivered, "respond": deployed}[role](recorder)
    unscoped = {
        action
        for each in other["Statement"]
        if each["Resource"] == "*"
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    for each in made:
        for action, resource in asked(each):
            if action not in FREE | unscoped:
                assert not allowed(other, action, resource), (action, resource)


@pytest.mark.parametrize("role", ROLES)
def test_only_what_takes_no_resource_stands_under_a_star(role: str) -> None:
    """No action of a policy has a wider scope than AWS makes it have."""
    (star,) = [each for each in policy(role)["Statement"] if each["Resource"] == "*"] or [None]
    if star is None:
        assert role == "runtime"
        return
    scoped = {
        *("PutMetricAlarm", "DeleteAlarms", "PutDashboard", "PutMetricFilter", "CreateTopic"),
        *("TagResource", "PutInsightRule", "CreateLogGroup", "StartQuery", "UpdateIPSet"),
    }
    assert not {action.split(":")[1] for action in star["Action"]} & scoped


def test_without_a_topic_sns_is_not_allowed() -> None:
    """What the app does not use, nobody may do; a topic of others is only subscribed to."""
    quiet = policy("deploy", shop())
    assert not [action for action in actions(quiet) if action.startswith("sns:")]
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:ops"
    used = policy("deploy", shop(SNS_TOPIC=arn, SUBSCRIPTIONS="mailto:ops@example.com"))
    assert {action for action in actions(used) if action.startswith("sns:")} == {
        *("sns:ListSubscriptionsByTopic", "sns:Subscribe"),
    }
    assert allowed(used, "sns:Subscribe", arn)
    assert not allowed(used, "sns:Subscribe", f"{arn}2")


def test_a_question_mark_in_a_name_is_no_wildcard() -> None:
    """An app of an odd name does not reach the alarms of its neighbours."""
    document = policy("deploy", shop(name="shop?", LOG_GROUP="shop"))
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:shop"
    assert allowed(document, "cloudwatch:PutMetricAlarm", f"{alarm}?-critical-error")
    assert not allowed(document, "cloudwatch:PutMetricAlarm", f"{alarm}2-critical-error")


@pytest.mark.parametrize("role", ROLES)
def test_every_partition_and_account_is_meant(role: str) -> None:
    """The three words of a place stand in every ARN, and are to be filled in when not given."""
    china = AwsScope(partition="aws-cn", region="cn-north-1", account="210987654321")
    text = json.dumps(next(iam_policy(each, *FULL, scope=china) for each in ROLES if each == role))
    assert "arn:aws:" not in text
    assert "arn:aws-cn:logs:cn-north-1:210987654321:log-group:shop:*" in text
    blank = json.dumps(next(iam_policy(each, *FULL) for each in ROLES if each == role))
    assert "arn:${Partition}:logs:${Region}:${Account}:log-group:shop:*" in blank


@pytest.mark.parametrize("role", ROLES)
def test_the_linter_knows_every_action_and_resource(role: str) -> None:
    """cfn-lint has AWS's service authorization data: actions exist, and take such ARNs."""
    document = policy(role)
    properties = {"ManagedPolicyName": "p", "PolicyDocument": document}
    resource = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"P": resource}}
    assert [str(each) for each in lint(json.dumps(template))] == []
    # IAM quotas: characters of a managed policy, spaces not counted.
    assert len(json.dumps(document, separators=(",", ":"))) <= 6144
    document["Statement"][0]["Action"] = "logs:PutLogEvent"
    assert lint(json.dumps(template))


def test_the_page_tells_which_actions_are_proved() -> None:
    """The table of the page has every action of every policy, and how it is proved."""
    page = (Path(__file__).parents[3] / "docs" / "exports.md").read_text(encoding="utf-8")
    for role in ROLES:
        section = page.split(f"### `{role}`\n")[1].split("\n### ")[0].split("\n## ")[0]
        rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
        told = {
            action.strip("` "): cells[-2].strip()
            for cells in rows
            for action in cells[1].split(",")
        }
        assert told == {
            action: "not yet" if action in NOT_YET_CALLED else "recorded"
            for action in actions(policy(role))
        }

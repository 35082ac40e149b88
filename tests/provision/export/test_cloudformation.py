"""The CloudFormation export: `cfn-lint` finds nothing, and parameters work."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from flask_errwatch.config import Config
from flask_errwatch.detectors import Alarm, Catalogue, Detector
from flask_errwatch.provision.export import to_cloudformation
from tests.provision.export.shops import EVERY_KIND, EVERYTHING, SCAN, SECRET, shop
from tests.provision.export.template_reader import template

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
ROLE = "arn:aws:iam::123456789012:role/lines"
SIXTY = tuple(
    Detector(name=f"detector-{number}", event=f"Detector {number}", alarm=Alarm(threshold=number))
    for number in range(1, 61)
)
APPS: dict[str, tuple[Catalogue, Config]] = {
    "default": shop(),
    "everything": shop(EVERY_KIND, **EVERYTHING),
    "sixty": shop(SIXTY, DASHBOARD=True),
    "no detector": shop(()),
    "topic ARN": shop(SNS_TOPIC=ARN, SUBSCRIPTIONS="sms:+4915112345678"),
    "odd name": shop(name='1 "%{x}" e', LOG_GROUP="/a.b/#c", DASHBOARD=True),
}


def findings(text: str) -> list[str]:
    """The findings of cfn-lint, including those of level information."""
    config = ManualArgs(include_checks=["I"], regions=["us-east-1", "eu-central-1"])
    return [f"{finding.rule.id} {finding.message}" for finding in lint(text, config=config)]


@pytest.mark.parametrize("name", APPS)
def test_the_linter_finds_nothing(name: str) -> None:
    """It reports neither errors, warnings nor information."""
    assert findings(to_cloudformation(*APPS[name])) == []


def test_the_linter_finds_nothing_in_log_alarms() -> None:
    """With and without their role. It knows the type: a wrong property is an error."""
    text = to_cloudformation(*shop((SCAN,)), create_role=True)
    assert findings(text) == []
    assert findings(to_cloudformation(*shop((SCAN,), LOG_ALARM_ROLE=ROLE))) == []
    document = json.loads(text)
    (alarm,) = (
        resource
        for resource in document["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::LogAlarm"
    )
    alarm["Properties"]["QueryResultsToAlarm"] = 0
    assert any(finding.startswith("E3034") for finding in findings(json.dumps(document)))


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("Resources", "ShopLogGroup", "Properties", "RetentionInDays"), 8, "E3030"),
        (("Resources", "CriticalErrorAlarm", "Properties", "Thresholds"), 1, "E3002"),
        (("Resources", "CriticalErrorAlarm", "Properties", "Namespace"), {"Ref": "X"}, "E1020"),
        (("Parameters", "Unused"), {"Type": "String"}, "W2001"),
        (("Resources", "ShopLogGroup", "DeletionPolicy"), "Delete", "I3011"),
    ],
)
def test_the_linter_finds_faults(path: tuple[str, ...], value: object, rule: str) -> None:
    """The linter is configured: it finds a fault of each kind."""
    document = json.loads(to_cloudformation(*APPS["default"]))
    entry: Any = document
    for key in path[:-1]:
        entry = entry[key]
    entry[path[-1]] = value
    if rule == "I3011":
        del entry["UpdateReplacePolicy"], entry["DeletionPolicy"]
    assert any(finding.startswith(rule) for finding in findings(json.dumps(document)))


def test_thresholds_and_the_topic_are_parameters() -> None:
    """Their defaults are the configured values. Another value is used everywhere."""
    text = to_cloudformation(*shop(DASHBOARD=True, ALARM_THRESHOLD=7.5))
    other = "arn:aws:sns:eu-central-1:123456789012:other"
    changed = template(text, CriticalErrorThreshold=3, SnsTopicArn=other)
    alarms = {alarm["AlarmName"]: alarm for alarm in changed.of_type("AWS::CloudWatch::Alarm")}
    assert alarms["shop-critical-error"]["Threshold"] == 3
    assert alarms["shop-critical-error"]["OKActions"] == [other]
    assert alarms["shop-not-found-error"]["Threshold"] == 7.5
    (dashboard,) = changed.of_type("AWS::CloudWatch::Dashboard")
    assert '{"label":"shop-critical-error threshold","value":3}' in dashboard["DashboardBody"]
    assert '{"label":"shop-not-found-error threshold","value":7.5}' in dashboard["DashboardBody"]
    (without_topic, *_) = template(text).of_type("AWS::CloudWatch::Alarm")
    assert "AlarmActions" not in without_topic


def test_the_url_of_a_web_hook_is_not_exported() -> None:
    """It contains a secret and the file is committed: it is a parameter that is not shown."""
    text = to_cloudformation(*shop(**EVERYTHING))
    assert "s3cr3t" not in text
    parameter = json.loads(text)["Parameters"]["HttpsHooksExampleComUrl"]
    assert parameter["NoEcho"] is True
    assert "Default" not in parameter
    deployed = template(text, HttpsHooksExampleComUrl=SECRET)
    subscriptions = deployed.of_type("AWS::SNS::Subscription")
    endpoints = {subscription["Endpoint"] for subscription in subscriptions}
    assert endpoints == {"ops@example.com", SECRET}


def test_the_log_group_is_kept_when_the_stack_is_deleted() -> None:
    """Deleting the stack and replacing the group keep the log group."""
    group = json.loads(to_cloudformation(*shop()))["Resources"]["ShopLogGroup"]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_an_alarm_depends_on_the_rules_that_its_expression_names() -> None:
    """The expression of a per-source alarm names its rule without a Ref."""
    resources = json.loads(to_cloudformation(*APPS["everything"]))["Resources"]
    alarm = resources["NotFoundErrorOneSourceAlarm"]
    assert alarm["DependsOn"] == ["NotFoundErrorOneSourceInsightRule"]
    rule = resources["PaymentFailedBusyCompositeAlarm"]["Properties"]["AlarmRule"]
    assert "${PaymentFailed" in rule["Fn::Sub"]

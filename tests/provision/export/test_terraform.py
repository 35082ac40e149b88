"""The Terraform export: formatted, and equal to the handwritten example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import examples.flask_app
from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Catalogue, Detector
from flask_errwatch.provision.export import to_terraform
from tests.provision.export.hcl_layout import faults
from tests.provision.export.hcl_reader import read
from tests.provision.export.shops import EVERY_KIND, EVERYTHING, SECRET, shop
from tests.provision.export.terraform_program import fmt_check, needs_terraform

EXAMPLE = Path(examples.flask_app.__file__).parent / "terraform" / "main.tf"
SCOPE = {"data.aws_region.current.id": "eu-central-1"}
SIXTY = tuple(
    Detector(name=f"detector-{number}", event=f"Detector {number}", alarm=Alarm(threshold=number))
    for number in range(1, 61)
)
APPS: dict[str, tuple[Catalogue, Config]] = {
    "default": shop(),
    "everything": shop(EVERY_KIND, **EVERYTHING),
    "sixty": shop(SIXTY, DASHBOARD=True),
    "no detector": shop(()),
    "odd name": shop(name='1 "%%{x}" e', LOG_GROUP="/a.b/#c", DASHBOARD=True),
}


@pytest.mark.parametrize("name", APPS)
def test_it_is_formatted(name: str) -> None:
    """A checker that is independent of the formatter finds no fault."""
    assert faults(to_terraform(*APPS[name])) == []


@needs_terraform
@pytest.mark.parametrize("name", APPS)
def test_terraform_fmt_changes_nothing(name: str, tmp_path: Path) -> None:
    """`terraform fmt -check -diff` has no output."""
    assert fmt_check(to_terraform(*APPS[name]), tmp_path) == ""


def test_every_reference_is_declared() -> None:
    """Each variable, local value and resource that is referenced exists in the file."""
    for catalogue, config in APPS.values():
        text = to_terraform(catalogue, config)
        declared = set(re.findall(r'^(?:resource|data) "(\w+)" "(\w+)"', text, re.MULTILINE))
        variables = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
        assert set(re.findall(r"\bvar\.(\w+)", text)) == variables
        named = set(re.findall(r"(?<![\w.])(aws_\w+)\.(\w+)[.\[]", text))
        assert named <= declared
        data = set(re.findall(r"\bdata\.(\w+)\.(\w+)", text))
        assert data == {address for address in declared if address[1] == "current"}


def test_each_address_is_unique() -> None:
    """Names that differ only in punctuation have different addresses."""
    names = ("a-b", "a-b-2", "a-b2")
    detectors = tuple(Detector(name=name, event=f"E {number}") for number, name in enumerate(names))
    module = read(to_terraform(*shop(detectors)), scope=SCOPE)
    assert sorted(module.names) == sorted(set(module.names))
    filters = [address for address in module.names if "metric_filter" in address]
    assert [address.split(".")[1] for address in filters] == ["a_b", "a_b_2", "a_b2"]


def test_thresholds_and_the_topic_are_variables() -> None:
    """Their defaults are the configured values. Another value is used everywhere."""
    text = to_terraform(*shop(DASHBOARD=True, ALARM_THRESHOLD=7.5))
    variables: dict[str, object] = {
        "critical_error_threshold": 3,
        "sns_topic_arn": "arn:aws:sns:eu-central-1:123456789012:other",
    }
    names = [detector.name for detector in DEFAULT_DETECTORS] + ["scan-one-source"]
    arns = {f"aws_cloudwatch_metric_alarm.{name.replace('-', '_')}.arn": name for name in names}
    scope = {**SCOPE, "data.aws_partition.current.partition": "aws"}
    module = read(text, variables=variables, scope=scope, computed=arns)
    alarm = module.resource("aws_cloudwatch_metric_alarm.critical_error")
    assert alarm["threshold"] == 3
    assert alarm["alarm_actions"] == ["arn:aws:sns:eu-central-1:123456789012:other"]
    other = module.resource("aws_cloudwatch_metric_alarm.not_found_error")
    assert other["threshold"] == 7.5
    body = module.resource("aws_cloudwatch_dashboard.errors")["dashboard_body"]
    assert '{"label":"shop-critical-error threshold","value":3}' in body
    assert '{"label":"shop-not-found-error threshold","value":7.5}' in body
    without_topic = read(text, scope=scope, computed=arns)
    alarm = without_topic.resource("aws_cloudwatch_metric_alarm.critical_error")
    assert alarm["alarm_actions"] == []


def test_a_topic_is_created_if_its_name_is_configured() -> None:
    """A configured ARN is the default of the variable."""
    arn = "arn:aws:sns:eu-central-1:123456789012:ops"
    existing = read(to_terraform(*shop(SNS_TOPIC=arn)), scope=SCOPE)
    assert existing.reference("var.sns_topic_arn") == arn
    assert existing.of_type("aws_sns_topic") == []
    created = read(to_terraform(*shop(SNS_TOPIC="ops")), scope=SCOPE)
    assert created.resource("aws_sns_topic.ops")["name"] == "ops"
    assert 'variable "sns_topic_arn"' not in to_terraform(*shop(SNS_TOPIC="ops"))


def test_the_url_of_a_web_hook_is_not_exported() -> None:
    """It contains a secret and the file is committed: it is a sensitive variable, no default."""
    text = to_terraform(*shop(**EVERYTHING))
    assert SECRET not in text
    assert "s3cr3t" not in text
    variable = read(text).variable("https_hooks_example_com_url")
    assert variable["sensitive"] is True
    assert "default" not in variable


def resources_of_the_critical_error(text: str) -> dict[str, dict[str, Any]]:
    """The values of the three resources that the critical error needs."""
    module = read(text, scope=SCOPE)
    return {
        address: module.resource(address)
        for address in (
            "aws_cloudwatch_log_group.shop",
            "aws_cloudwatch_log_metric_filter.critical_error",
            "aws_cloudwatch_metric_alarm.critical_error",
        )
    }


def test_it_equals_the_handwritten_example() -> None:
    """Addresses, attribute names and values are those of the example."""
    exported = resources_of_the_critical_error(to_terraform(*shop()))
    handwritten = resources_of_the_critical_error(EXAMPLE.read_text(encoding="utf-8"))
    assert exported == handwritten
    assert len(exported["aws_cloudwatch_metric_alarm.critical_error"]) == 13


def test_it_notifies_the_topic_like_the_handwritten_example() -> None:
    """The variable and the local value are those of the example."""
    exported = read(to_terraform(*shop()))
    handwritten = read(EXAMPLE.read_text(encoding="utf-8"))
    assert exported.variable("sns_topic_arn") == handwritten.variable("sns_topic_arn")
    (exported_locals,) = exported.blocks["locals"]
    (handwritten_locals, *_) = handwritten.blocks["locals"]
    assert exported_locals["alarm_actions"] == handwritten_locals["alarm_actions"]

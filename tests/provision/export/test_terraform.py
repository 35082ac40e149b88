"""The Terraform export: laid out as the formatter leaves it, the same as a person's twin."""

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

TWIN = Path(examples.flask_app.__file__).parent / "terraform" / "main.tf"
PLACE = {"data.aws_region.current.id": "eu-central-1"}
SIXTY = tuple(
    Detector(name=f"detector-{number}", event=f"Detector {number}", alarm=Alarm(threshold=number))
    for number in range(1, 61)
)
APPS: dict[str, tuple[Catalogue, Config]] = {
    "default": shop(),
    "everything": shop(EVERY_KIND, **EVERYTHING),
    "sixty": shop(SIXTY, DASHBOARD=True),
    "no detector": shop(()),
    "odd name": shop(name='1 "%%{x}" é', LOG_GROUP="/a.b/#c", DASHBOARD=True),
}


@pytest.mark.parametrize("name", APPS)
def test_it_is_laid_out_as_the_formatter_leaves_it(name: str) -> None:
    """By a checker that knows nothing of the writer."""
    assert faults(to_terraform(*APPS[name])) == []


@needs_terraform
@pytest.mark.parametrize("name", APPS)
def test_the_formatter_itself_finds_nothing(name: str, tmp_path: Path) -> None:
    """`terraform fmt -check -diff` on each of them."""
    assert fmt_check(to_terraform(*APPS[name]), tmp_path) == ""


def test_every_reference_leads_somewhere() -> None:
    """No variable, local value or resource is named that does not stand in the file."""
    for catalogue, config in APPS.values():
        text = to_terraform(catalogue, config)
        declared = set(re.findall(r'^(?:resource|data) "(\w+)" "(\w+)"', text, re.MULTILINE))
        variables = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
        assert set(re.findall(r"\bvar\.(\w+)", text)) == variables
        named = set(re.findall(r"(?<![\w.])(aws_\w+)\.(\w+)[.\[]", text))
        assert named <= declared
        data = set(re.findall(r"\bdata\.(\w+)\.(\w+)", text))
        assert data == {each for each in declared if each[1] == "current"}


def test_each_address_stands_once() -> None:
    """Names that differ in signs alone still are two resources."""
    names = ("a-b", "a-b-2", "a-b2")
    detectors = tuple(Detector(name=name, event=f"E {number}") for number, name in enumerate(names))
    module = read(to_terraform(*shop(detectors)), scope=PLACE)
    assert sorted(module.names) == sorted(set(module.names))
    filters = [each for each in module.names if "metric_filter" in each]
    assert [each.split(".")[1] for each in filters] == ["a_b", "a_b_2", "a_b2"]


def test_thresholds_and_the_topic_are_variables() -> None:
    """Their defaults are the configured values; another value goes everywhere it is used."""
    text = to_terraform(*shop(DASHBOARD=True, ALARM_THRESHOLD=7.5))
    variables: dict[str, object] = {
        "critical_error_threshold": 3,
        "sns_topic_arn": "arn:aws:sns:eu-central-1:123456789012:mine",
    }
    arns = {
        f"aws_cloudwatch_metric_alarm.{each.name.replace('-', '_')}.arn": each.name
        for each in DEFAULT_DETECTORS
    }
    scope = {**PLACE, "data.aws_partition.current.partition": "aws"}
    module = read(text, variables=variables, scope=scope, unmade=arns)
    alarm = module.resource("aws_cloudwatch_metric_alarm.critical_error")
    assert alarm["threshold"] == 3
    assert alarm["alarm_actions"] == ["arn:aws:sns:eu-central-1:123456789012:mine"]
    other = module.resource("aws_cloudwatch_metric_alarm.not_found_error")
    assert other["threshold"] == 7.5
    body = module.resource("aws_cloudwatch_dashboard.errors")["dashboard_body"]
    assert '{"label":"shop-critical-error threshold","value":3}' in body
    assert '{"label":"shop-not-found-error threshold","value":7.5}' in body
    quiet = read(text, scope=scope, unmade=arns)
    assert quiet.resource("aws_cloudwatch_metric_alarm.critical_error")["alarm_actions"] == []


def test_a_topic_of_ones_own_is_the_default() -> None:
    """An ARN is used, a name is created."""
    arn = "arn:aws:sns:eu-central-1:123456789012:ops"
    used = read(to_terraform(*shop(SNS_TOPIC=arn)), scope=PLACE)
    assert used.reference("var.sns_topic_arn") == arn
    assert used.of_type("aws_sns_topic") == []
    created = read(to_terraform(*shop(SNS_TOPIC="ops")), scope=PLACE)
    assert created.resource("aws_sns_topic.ops")["name"] == "ops"
    assert 'variable "sns_topic_arn"' not in to_terraform(*shop(SNS_TOPIC="ops"))


def test_the_url_of_a_hook_is_not_written_down() -> None:
    """It carries a secret, and the file is committed: it is a sensitive variable, no default."""
    text = to_terraform(*shop(**EVERYTHING))
    assert SECRET not in text
    assert "s3cr3t" not in text
    variable = read(text).variable("https_hooks_example_com_url")
    assert variable["sensitive"] is True
    assert "default" not in variable


def resources_of_the_critical_error(text: str) -> dict[str, dict[str, Any]]:
    """The values of the three resources that the critical error needs."""
    module = read(text, scope=PLACE)
    return {
        address: module.resource(address)
        for address in (
            "aws_cloudwatch_log_group.shop",
            "aws_cloudwatch_log_metric_filter.critical_error",
            "aws_cloudwatch_metric_alarm.critical_error",
        )
    }


def test_it_says_what_a_person_wrote() -> None:
    """The same addresses, attribute names and values as the example's hand-written twin."""
    exported = resources_of_the_critical_error(to_terraform(*shop()))
    written = resources_of_the_critical_error(TWIN.read_text(encoding="utf-8"))
    assert exported == written
    assert len(exported["aws_cloudwatch_metric_alarm.critical_error"]) == 13


def test_both_tell_the_topic_in_the_same_way() -> None:
    """The twin's variable and local value are the export's."""
    texts = (to_terraform(*shop()), TWIN.read_text(encoding="utf-8"))
    exported, written = (read(text) for text in texts)
    assert exported.variable("sns_topic_arn") == written.variable("sns_topic_arn")
    actions = [each.blocks["locals"][0]["alarm_actions"] for each in (exported, written)]
    assert actions[0] == actions[1]

"""Exported and applied are the same: what the exports say is what `apply` had AWS create.

`apply` runs against moto, every call noted; the exports are parsed and resolved by readers of
these tests' own. What moto lacks is checked against botocore's models (see `recorded`).
"""

from __future__ import annotations

from typing import Any

import pytest

from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Catalogue, Detector
from flask_errwatch.provision.apply import bootstrap
from flask_errwatch.provision.export import to_cloudformation, to_terraform
from tests.provision.export.as_calls import Calls, applied, of_cloudformation, of_terraform
from tests.provision.export.hcl_reader import Module, read
from tests.provision.export.recorded import Recorder
from tests.provision.export.shops import EVERY_KIND, EVERYTHING, SECRET, shop
from tests.provision.export.template_reader import template

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
PLACE = {
    "data.aws_partition.current.partition": "aws",
    "data.aws_region.current.id": "eu-central-1",
    "data.aws_caller_identity.current.account_id": "123456789012",
}
#: Names and texts that each language would read as something else.
HOSTILE = Detector(
    name="hostile",
    event="Hostile",
    description='says "${x}" and %{ if } and $${y} \\ é',
    runbook_url="https://example.com/${AWS::Region}?a=%{b}",
    alarm=Alarm(threshold=0.25, period=60, evaluation_periods=3, datapoints_to_alarm=2),
)
APPS: dict[str, tuple[Catalogue, Config]] = {
    "default": shop(),
    "everything": shop(EVERY_KIND, **EVERYTHING),
    "topic ARN": shop(SNS_TOPIC=ARN, SUBSCRIPTIONS="sms:+4915112345678"),
    "hostile": shop(
        (*DEFAULT_DETECTORS, HOSTILE), name='the "shop" \\ 2 {é}', LOG_GROUP="a/b", DASHBOARD=True
    ),
}


def arns(module: Module) -> dict[str, object]:
    """What only AWS knows: the ARNs of what is created."""
    found: dict[str, object] = {"aws_sns_topic.ops.arn": ARN}
    for address in module.names:
        if address.split(".")[0] in {
            "aws_cloudwatch_metric_alarm",
            "aws_cloudwatch_composite_alarm",
        }:
            name = module.resource(address)["alarm_name"]
            found[f"{address}.arn"] = f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}"
    return found


def terraformed(catalogue: Catalogue, config: Config) -> Module:
    """The app's Terraform export, as `terraform apply` would see it."""
    text = to_terraform(catalogue, config)
    variables = {"https_hooks_example_com_url": SECRET}
    first = read(text, variables=variables, scope=PLACE, unmade={"aws_sns_topic.ops.arn": ARN})
    return read(text, variables=variables, scope=PLACE, unmade=arns(first))


def calls_of(recorder: Recorder, catalogue: Catalogue, config: Config) -> Calls:
    """What `apply` had AWS create; a topic given by its ARN stands already."""
    aws = Aws(patience=PROVISIONING)
    if config.sns_topic == ARN:
        aws.call("sns", "create_topic", Name="ops")
        recorder.taken()
    bootstrap(aws, catalogue, config)
    return applied(recorder.made)


@pytest.mark.parametrize("name", APPS)
def test_terraform_creates_what_apply_creates(recorder: Recorder, name: str) -> None:
    """Every resource, every value; an anomaly detector and a dashboard's tags it has not."""
    catalogue, config = APPS[name]
    expected = calls_of(recorder, catalogue, config)
    expected["put_anomaly_detector"] = []
    for each in expected["put_dashboard"]:
        del each["Tags"]
    assert of_terraform(terraformed(catalogue, config)) == expected


@pytest.mark.parametrize("name", APPS)
def test_cloudformation_creates_what_apply_creates(recorder: Recorder, name: str) -> None:
    """Every resource, every value."""
    catalogue, config = APPS[name]
    read_back = template(to_cloudformation(catalogue, config), HttpsHooksExampleComUrl=SECRET)
    assert of_cloudformation(read_back) == calls_of(recorder, catalogue, config)


def test_the_comparison_is_of_something(recorder: Recorder) -> None:
    """How much of each kind was compared: a comparison of nothing would hold too."""
    made = calls_of(recorder, *APPS["everything"])
    assert {method: len(calls) for method, calls in made.items()} == {
        "create_log_group": 1,
        "put_retention_policy": 1,
        "put_metric_filter": 10,
        "create_topic": 1,
        "set_topic_attributes": 1,
        "subscribe": 2,
        "put_insight_rule": 1,
        "put_anomaly_detector": 1,
        "put_metric_alarm": 11,
        "put_composite_alarm": 1,
        "put_query_definition": 8,
        "put_dashboard": 1,
    }


def test_terraform_says_what_moto_stored(recorder: Recorder) -> None:
    """Not only what was sent: what stands afterwards has the exported values."""
    catalogue, config = APPS["default"]
    calls_of(recorder, catalogue, config)
    aws = Aws(patience=PROVISIONING)
    module = terraformed(catalogue, config)
    (group,) = aws.call("logs", "describe_log_groups")["logGroups"]
    said = module.resource("aws_cloudwatch_log_group.shop")
    assert said["name"] == group["logGroupName"]
    assert said["retention_in_days"] == group["retentionInDays"]
    listed = aws.call("logs", "describe_metric_filters", logGroupName="shop")["metricFilters"]
    stored = {each["filterName"]: each for each in listed}
    assert len(stored) == 7
    for exported in module.of_type("aws_cloudwatch_log_metric_filter"):
        standing = stored[exported["name"]]
        (made,), (wanted,) = standing["metricTransformations"], exported["metric_transformation"]
        assert exported["pattern"] == standing["filterPattern"]
        assert wanted["namespace"] == made["metricNamespace"]
        assert wanted["name"] == made["metricName"]
        assert wanted["value"] == made["metricValue"]
        assert wanted["unit"] == made["unit"]
        assert float(wanted["default_value"]) == made["defaultValue"]
    _alarms_are_stored(module, aws.call("cloudwatch", "describe_alarms")["MetricAlarms"])


def _alarms_are_stored(module: Module, listed: list[dict[str, Any]]) -> None:
    stored = {each["AlarmName"]: each for each in listed}
    assert len(stored) == 6
    for exported in module.of_type("aws_cloudwatch_metric_alarm"):
        standing = stored[exported["alarm_name"]]
        for name, key in (
            ("alarm_description", "AlarmDescription"),
            ("namespace", "Namespace"),
            ("metric_name", "MetricName"),
            ("statistic", "Statistic"),
            ("period", "Period"),
            ("evaluation_periods", "EvaluationPeriods"),
            ("comparison_operator", "ComparisonOperator"),
            ("threshold", "Threshold"),
            ("treat_missing_data", "TreatMissingData"),
            ("alarm_actions", "AlarmActions"),
            ("ok_actions", "OKActions"),
        ):
            assert exported[name] == standing[key]

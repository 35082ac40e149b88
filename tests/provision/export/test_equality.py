"""The exports create the same resources, with the same values, as `apply`.

`apply` runs against moto and its calls are recorded. The exports are parsed and resolved by readers
that are part of these tests. What moto lacks is validated by botocore's models (see `recorded`).
"""

from __future__ import annotations

from typing import Any

import pytest

from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Catalogue, Detector
from flask_errwatch.provision.apply import apply_plan, bootstrap, make_plan
from flask_errwatch.provision.export import to_cloudformation, to_terraform
from tests.provision.export.as_calls import Calls, of_cloudformation, of_terraform, write_calls
from tests.provision.export.hcl_reader import Module, read
from tests.provision.export.recorded import Recorder
from tests.provision.export.shops import EVERY_KIND, EVERYTHING, SCAN, SECRET, shop
from tests.provision.export.template_reader import template

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
SCOPE = {
    "data.aws_partition.current.partition": "aws",
    "data.aws_region.current.id": "eu-central-1",
    "data.aws_caller_identity.current.account_id": "123456789012",
}
ROLE_NAME = "shop-log-alarms-eu-central-1"
#: The attributes of the role and of its policy that only AWS knows.
ROLE = {
    f"aws_iam_role.{kind}": value
    for kind, value in (
        ("log_alarms.arn", f"arn:aws:iam::123456789012:role/{ROLE_NAME}"),
        ("log_alarms.id", ROLE_NAME),
    )
}
#: The name of an attribute that `lifecycle` ignores: it stands for itself.
IGNORED = {"addresses": "addresses"}
LOG_ALARMS: dict[str, Any] = {
    "LOG_ALARM_ROLE": "arn:aws:iam::123456789012:role/ops",
    "DASHBOARD": True,
}
#: Names and texts with characters that are special in either language.
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
    "log alarms": shop((SCAN,), SNS_TOPIC="ops", **LOG_ALARMS),
    "topic ARN": shop(SNS_TOPIC=ARN, SUBSCRIPTIONS="sms:+4915112345678"),
    "hostile": shop(
        (*DEFAULT_DETECTORS, HOSTILE), name='the "shop" \\ 2 {e}', LOG_GROUP="a/b", DASHBOARD=True
    ),
}


def arns(module: Module) -> dict[str, object]:
    """The attributes that only AWS knows: the ARNs of what is created."""
    computed: dict[str, object] = {**ROLE, **IGNORED, "aws_sns_topic.ops.arn": ARN}
    for address in module.names:
        if address.split(".")[0] in {
            "aws_cloudwatch_metric_alarm",
            "aws_cloudwatch_composite_alarm",
            "awscc_cloudwatch_log_alarm",
        }:
            name = module.resource(address)["alarm_name"]
            computed[f"{address}.arn"] = (
                f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}"
            )
    return computed


def terraform_module(catalogue: Catalogue, config: Config, *, create_role: bool = False) -> Module:
    """The app's Terraform export, as `terraform apply` would resolve it."""
    text = to_terraform(catalogue, config, create_role=create_role)
    variables = {"https_hooks_example_com_url": SECRET}
    known = {"aws_sns_topic.ops.arn": ARN, **ROLE, **IGNORED}
    first = read(text, variables=variables, scope=SCOPE, computed=known)
    return read(text, variables=variables, scope=SCOPE, computed=arns(first))


def calls_of(recorder: Recorder, catalogue: Catalogue, config: Config) -> Calls:
    """The calls with which `apply` creates the resources. A topic with an ARN exists before."""
    aws = Aws(patience=PROVISIONING)
    if config.sns_topic == ARN:
        aws.call("sns", "create_topic", Name="ops")
        recorder.pop_calls()
    bootstrap(aws, catalogue, config)
    return write_calls(recorder.calls)


@pytest.mark.parametrize("name", APPS)
def test_terraform_creates_what_apply_creates(recorder: Recorder, name: str) -> None:
    """All resources and values are equal, except for anomaly detectors and a dashboard's tags."""
    catalogue, config = APPS[name]
    expected = calls_of(recorder, catalogue, config)
    expected["put_anomaly_detector"] = []
    for arguments in expected["put_dashboard"]:
        del arguments["Tags"]
    assert of_terraform(terraform_module(catalogue, config)) == expected


@pytest.mark.parametrize("name", APPS)
def test_cloudformation_creates_what_apply_creates(recorder: Recorder, name: str) -> None:
    """All resources and values are equal."""
    catalogue, config = APPS[name]
    exported = template(to_cloudformation(catalogue, config), HttpsHooksExampleComUrl=SECRET)
    assert of_cloudformation(exported) == calls_of(recorder, catalogue, config)


def test_the_comparison_covers_every_kind(recorder: Recorder) -> None:
    """The number of compared calls per method: a comparison of nothing would pass too."""
    writes = calls_of(recorder, *APPS["everything"])
    assert {method: len(calls) for method, calls in writes.items()} == {
        "create_log_group": 1,
        "put_retention_policy": 1,
        "put_data_protection_policy": 1,
        "put_metric_filter": 13,
        "create_topic": 1,
        "set_topic_attributes": 1,
        "subscribe": 2,
        "put_insight_rule": 2,
        "put_anomaly_detector": 1,
        "put_metric_alarm": 14,
        "put_composite_alarm": 2,
        "put_query_definition": 9,
        "put_dashboard": 1,
        "put_log_alarm": 0,
        "create_role": 0,
        "put_role_policy": 0,
        "create_ip_set": 2,
    }


def test_the_role_of_log_alarms_is_exported_on_request(recorder: Recorder) -> None:
    """Role, policy and alarm are those of `apply --create-role`. They are compared, one of each."""
    catalogue, config = shop((SCAN,))
    aws = Aws(patience=PROVISIONING)
    apply_plan(aws, make_plan(aws, catalogue, config, create_role=True))
    expected = write_calls(recorder.calls)
    for method in ("put_log_alarm", "create_role", "put_role_policy"):
        assert len(expected[method]) == 1
    exported = template(to_cloudformation(catalogue, config, create_role=True))
    assert of_cloudformation(exported) == expected
    assert of_terraform(terraform_module(catalogue, config, create_role=True)) == expected


def test_terraform_has_the_values_that_moto_stored(recorder: Recorder) -> None:
    """The resources that exist after `apply` have the exported values, not only the calls."""
    catalogue, config = APPS["default"]
    calls_of(recorder, catalogue, config)
    aws = Aws(patience=PROVISIONING)
    module = terraform_module(catalogue, config)
    (group,) = aws.call("logs", "describe_log_groups")["logGroups"]
    exported_group = module.resource("aws_cloudwatch_log_group.shop")
    assert exported_group["name"] == group["logGroupName"]
    assert exported_group["retention_in_days"] == group["retentionInDays"]
    listed = aws.call("logs", "describe_metric_filters", logGroupName="shop")["metricFilters"]
    filters = {metric_filter["filterName"]: metric_filter for metric_filter in listed}
    assert len(filters) == 9
    for exported in module.of_type("aws_cloudwatch_log_metric_filter"):
        stored = filters[exported["name"]]
        assert exported["pattern"] == stored["filterPattern"]
        (exported_metric,) = exported["metric_transformation"]
        (stored_metric,) = stored["metricTransformations"]
        assert exported_metric["namespace"] == stored_metric["metricNamespace"]
        assert exported_metric["name"] == stored_metric["metricName"]
        assert exported_metric["value"] == stored_metric["metricValue"]
        assert exported_metric["unit"] == stored_metric["unit"]
        assert float(exported_metric["default_value"]) == stored_metric["defaultValue"]
    _assert_alarms_are_equal(module, aws.call("cloudwatch", "describe_alarms")["MetricAlarms"])


def _assert_alarms_are_equal(module: Module, listed: list[dict[str, Any]]) -> None:
    alarms = {alarm["AlarmName"]: alarm for alarm in listed}
    assert len(alarms) == 8
    for exported in module.of_type("aws_cloudwatch_metric_alarm"):
        stored = alarms[exported["alarm_name"]]
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
            # An alarm that does not notify has no actions, and one on a rule has no metric.
            assert exported.get(name, []) == stored.get(key, [])
    (query,) = module.resource("aws_cloudwatch_metric_alarm.scan_one_source")["metric_query"]
    (stored_query,) = alarms["shop-scan-one-source"]["Metrics"]
    assert query["expression"] == stored_query["Expression"]
    assert query["period"] == stored_query["Period"] == 600

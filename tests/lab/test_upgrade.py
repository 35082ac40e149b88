"""An account with the catalogue of version 0.1, and the one of 0.2 in its place."""

from __future__ import annotations

import boto3
import pytest

from flask_errwatch._aws import Aws
from flask_errwatch.config import load
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.provision import Plan
from flask_errwatch.provision.apply import apply_plan, make_plan
from tests.lab.lab_bench import Bench, Cloud

ROLE = "arn:aws:iam::123456789012:role/shop-log-alarms"
SILENT = ["shop-bad-request-error", "shop-not-found-error", "shop-method-not-allowed-error"]


def plan(aws: Aws, **settings: str) -> Plan:
    """The plan of the app `shop` with a topic and the default catalogue."""
    keys = {"SNS_TOPIC": "ops", **settings}
    config = load({f"ERRWATCH_{name}": value for name, value in keys.items()}, {}, app_name="shop")
    return make_plan(aws, Catalogue(DEFAULT_DETECTORS).configured(config), config)


def notifying() -> list[str]:
    """The alarms that notify, of those that shall stop with 0.2."""
    described = boto3.client("cloudwatch").describe_alarms(AlarmNames=SILENT)["MetricAlarms"]
    return [alarm["AlarmName"] for alarm in described if alarm["AlarmActions"]]


@pytest.mark.parametrize(
    ("settings", "created"),
    [
        ({"LOG_ALARM_ROLE": ROLE}, ["log alarm shop-scan"]),
        ({}, ["insight rule shop-scan-one-source", "alarm shop-scan-one-source"]),
        ({"SOURCE_ALARMS": "site"}, ["alarm shop-scan-all"]),
    ],
)
def test_the_upgrade_from_0_1_blinds_nobody(
    aws: Aws, bench: Bench, cloud: Cloud, settings: dict[str, str], created: list[str]
) -> None:
    """First the new alarm is created. The others notify until it was evaluated, and then stop."""
    apply_plan(aws, plan(aws, DEFAULTS="0.1"))
    bench.emulator.step(cloud.start + 60)
    assert sorted(notifying()) == sorted(SILENT)

    first = apply_plan(aws, plan(aws, **settings))
    bench.emulator.step(cloud.start + 90)  # as in AWS, it has no state before its first evaluation
    new = sorted(change.resource.label for change in first.applied if change.action == "create")
    assert first.count("delete") == 0
    assert sorted(notifying()) == sorted(SILENT)
    source = created[-1].rpartition(" ")[2]
    assert f"because {source} has not been evaluated yet" in str(first)
    assert {f"{one.resource.kind} {one.resource.label}" for one in first.applied} >= {*created}
    assert {"shop-scan", "shop-failure-flood"} <= {*new}
    assert plan(aws, **settings).is_empty  # `plan --check` settles

    bench.emulator.step(cloud.start + 180)
    second = apply_plan(aws, plan(aws, **settings))
    assert sorted(change.resource.label for change in second.applied) == sorted(SILENT)
    assert {change.note for change in second.applied} == {"stops notifying"}
    assert notifying() == []
    assert plan(aws, **settings).is_empty
    assert bench.warnings == []

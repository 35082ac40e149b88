"""A rehearsed scan in the lab: from the line to the message that names the address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import DEFAULT_DETECTORS, Detector, ErrWatch, SourceAlarm
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.config import load
from flask_errwatch.detectors import Catalogue
from flask_errwatch.doctor import DrillRefusedError, prepare_scan_drill
from flask_errwatch.lab import Lab
from tests.doctor.scripted_aws import ScriptedAws

SCAN = Detector(
    name="scan",
    where="$.suspicion > 0",
    value="$.suspicion",
    alarm=SourceAlarm(threshold=16, period=600),
)
OTHERS = [detector for detector in DEFAULT_DETECTORS if detector.name != "scan"]
TOPIC = "arn:aws:sns:us-east-1:123456789012:ops"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab whose minutes take a second."""
    with Lab(speed=60, settle=0.5, on_warning=lambda _: None) as running:
        yield running


def shop(*detectors: Detector, **settings: object) -> Flask:
    """A shop whose lines go to the lab at once."""
    app = Flask("shop")
    app.config.update({f"ERRWATCH_{key}": value for key, value in settings.items()})
    app.config["ERRWATCH_SEND_INTERVAL"] = 0.1
    ErrWatch(app, detectors=[*OTHERS, *detectors])
    app.cli.add_command(errwatch)
    return app


def create(*, topic: bool = True) -> None:
    """Creates log group, metric filter, topic and log alarm of the detector `scan`."""
    logs, cloudwatch = boto3.client("logs"), boto3.client("cloudwatch")
    logs.create_log_group(logGroupName="shop")
    transformation = {
        "metricName": "shop-scan",
        "metricNamespace": "Application Logs",
        "metricValue": "$.suspicion",
        "unit": "Count",
        "defaultValue": 0.0,
    }
    logs.put_metric_filter(
        logGroupName="shop",
        filterName="shop-scan",
        filterPattern="{ $.suspicion > 0 }",
        metricTransformations=[transformation],
    )
    boto3.client("sns").create_topic(Name="ops")
    cloudwatch.put_log_alarm(
        AlarmName="shop-scan",
        ScheduledQueryConfiguration={
            "QueryString": "filter suspicion > 0",
            "LogGroupIdentifiers": ["shop"],
            "ScheduledQueryRoleARN": "arn:aws:iam::123456789012:role/shop-queries",
            "ScheduleConfiguration": {
                "ScheduleExpression": "rate(1 minute)",
                "StartTimeOffset": 660,
                "EndTimeOffset": 60,
            },
            "AggregationExpression": "sum(suspicion) by client_ip | sort desc",
        },
        QueryResultsToEvaluate=1,
        QueryResultsToAlarm=1,
        Threshold=16.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[TOPIC] if topic else [],
    )


def drill(app: Flask, *arguments: str) -> Result:
    """Runs the command as a script does."""
    arguments = ("errwatch", "drill", "--scan", "--yes", *arguments)
    return app.test_cli_runner().invoke(args=list(arguments))


def stages(result: Result) -> dict[str, dict[str, Any]]:
    return {stage["name"]: stage for stage in json.loads(result.stdout)["stations"]}


def test_a_rehearsed_scan_reaches_the_message_that_names_it(lab: Lab) -> None:
    """Nine lines of suspicion 2 are delivered, counted, and named, and the exit code is 0."""
    create()
    lab.begin()
    result = drill(shop(SCAN), "--json", "--timeout", "60")
    found = stages(result)
    assert {name: stage["outcome"] for name, stage in found.items()} == {
        "CloudWatch Logs": "arrived",
        "metric": "arrived",
        "source alarm": "arrived",
        "message": "arrived",
    }
    lines = [
        json.loads(event["message"])
        for event in boto3.client("logs").filter_log_events(logGroupName="shop")["events"]
    ]
    sent = [line for line in lines if "suspicion" in line]
    (address,) = {line["client_ip"] for line in sent}
    assert re.fullmatch(r"192\.0\.2\.\d+", address)
    assert found["CloudWatch Logs"]["detail"] == "9 of 9 lines were accepted."
    assert found["metric"]["detail"] == "It counted 18, and the alarm needs more than 16."
    assert found["source alarm"]["detail"].startswith(f"shop-scan has {address} in ALARM: 1 out of")
    assert found["message"]["detail"] == (
        f"Successfully executed action {TOPIC}; it names {address}."
    )
    assert {(line["detector"], line["suspicion"], line["path_class"]) for line in sent} == {
        ("not-found-error", 2, "probe")
    }
    document = json.loads(result.stdout)
    assert {line["data"]["drill"] for line in sent} == {document["drill"]}
    assert all(document["drill"] in line["path"] for line in sent)
    assert result.exit_code == 0


def test_the_command_says_what_it_will_do(lab: Lab) -> None:
    """Address, number of lines, the alarm, and that no one is notified."""
    create(topic=False)
    lab.begin()
    result = drill(shop(SCAN), "--timeout", "60")
    _where, beginning, warning, *outcomes = result.stdout.splitlines()
    assert re.fullmatch(r"Drill drill-\w+: 9 suspicious lines of 192\.0\.2\.\d+\.", beginning)
    assert warning == ("They count as real ones: log alarm shop-scan will fire and notify no one.")
    assert outcomes[2].startswith("[3/4] source alarm: arrived after ")
    assert outcomes[3] == (
        "[4/4] message: unseen: The alarm has no topic: set ERRWATCH_SNS_TOPIC, and run `flask "
        "errwatch apply`."
    )
    assert result.exit_code == 1


@pytest.mark.stress
def test_a_query_that_reads_other_lines_is_a_missing_station(lab: Lab) -> None:
    """The stations before it arrived, so that the reader looks at the query."""
    create()
    stored = boto3.client("cloudwatch").describe_alarms(AlarmTypes=["LogAlarm"])["LogAlarms"][0]
    query = {**stored["ScheduledQueryConfiguration"], "QueryString": "filter suspicion > 2"}
    members = ("AlarmName", "QueryResultsToEvaluate", "QueryResultsToAlarm", "Threshold")
    boto3.client("cloudwatch").put_log_alarm(
        **{member: stored[member] for member in members},
        ComparisonOperator="GreaterThanThreshold",
        ScheduledQueryConfiguration=query,
        AlarmActions=[TOPIC],
    )
    lab.begin()
    found = stages(drill(shop(SCAN), "--json", "--timeout", "8"))
    assert [stage["outcome"] for stage in found.values()] == [
        "arrived",
        "arrived",
        "missing",
        "missing",
    ]
    assert (
        "`flask errwatch status` shows whether its query is refused."
        in (found["source alarm"]["detail"])
    )


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("detectors", "arguments", "message"),
    [
        ([], (), "detectors = 'none': No detector has a SourceAlarm"),
        ([SCAN], (), "alarm = 'shop-scan': It does not exist in AWS: run `flask errwatch apply`"),
        (
            [SCAN],
            ("--detector", "critical-error"),
            "detector = 'critical-error': Only detectors with a SourceAlarm can be rehearsed so",
        ),
        (
            [
                Detector(
                    name="logins",
                    event="Login Failed",
                    alarm=SourceAlarm(threshold=5, period=600),
                )
            ],
            (),
            "detector = 'logins': A suspicious 404 does not match",
        ),
    ],
)
def test_a_scan_that_would_prove_nothing_is_refused(
    detectors: list[Detector], arguments: tuple[str, ...], message: str
) -> None:
    """The sentence says what is missing, and no line is sent."""
    result = drill(shop(*detectors), *arguments)
    assert result.exit_code == 1
    assert f"Error: {message}" in result.output
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []


@pytest.mark.parametrize("suffix", ["-one-source", "-all"])
def test_without_a_log_alarm_the_alarm_on_a_metric_is_followed(suffix: str) -> None:
    """A region without log alarms refuses their type: eleven lines of 2 exceed the other's 20."""
    aws = ScriptedAws()
    aws.refuses("cloudwatch", "describe_alarms", "ValidationError")
    name = f"shop-scan{suffix}"
    described = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}",
        "Threshold": 20.0,
        "Period": 300,
        "StateValue": "OK",
        "AlarmActions": [TOPIC],
    }
    aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": [described]})
    config = load({}, {}, app_name="shop")
    catalogue = Catalogue([*OTHERS, SCAN]).configured(config)
    planned = prepare_scan_drill(aws, catalogue, config)
    assert (planned.lines, planned.timeout) == (11, 600)
    assert f": alarm {name} will fire and notify {TOPIC}." in str(planned)
    aws.assert_all_called()


def test_an_alarm_on_a_metric_must_be_ok_before() -> None:
    """It has one state for all addresses, which would not change."""
    aws = ScriptedAws()
    aws.answers("cloudwatch", "describe_alarms", {"LogAlarms": []})
    described = {
        "AlarmName": "shop-scan-all",
        "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-scan-all",
        "Threshold": 20.0,
        "Period": 300,
        "StateValue": "ALARM",
    }
    aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": [described]})
    config = load({}, {}, app_name="shop")
    catalogue = Catalogue([*OTHERS, SCAN]).configured(config)
    with pytest.raises(DrillRefusedError, match="It is in ALARM already"):
        prepare_scan_drill(aws, catalogue, config)

"""The commands of an app whose AWS is the lab."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial

import boto3
import pytest
from flask import Flask

from flask_errwatch import DEFAULT_DETECTORS, AnomalyAlarm, Detector, ErrWatch
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.extension import state_of
from flask_errwatch.lab import Lab, create_what_others_own
from tests.lab.lab_bench import Bench, Cloud


def test_the_commands_work_on_everything_that_an_app_can_declare(
    lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    """Saved queries, anomaly detectors, IP sets, a dashboard: created, verified, as declared, gone.

    Nothing is left unchecked, and no page, traceback or call for force is printed.
    """
    assert lab.endpoint
    app = Flask("shop")
    for key in ("SAVED_QUERIES", "DASHBOARD", "SILENCE_ALARM", "DATA_PROTECTION"):
        app.config[f"ERRWATCH_{key}"] = True
    app.config["ERRWATCH_WAF_SCOPE"] = "regional"
    ErrWatch(
        app, detectors=[*DEFAULT_DETECTORS, Detector(name="odd", event="Odd", alarm=AnomalyAlarm())]
    )
    app.cli.add_command(errwatch)
    commands = (
        ("apply --yes", "Applied: "),
        ("plan --check", "Nothing to change: "),
        ("verify --live", "by the local judge and by AWS"),
        ("status", "Drift: none; "),
        ("mute --for 15m", "`flask errwatch unmute` ends it before."),
        ("status", "muted  shop-mute-1 until "),
        ("destroy --yes", "Deleted last: 1 mute rule: shop-mute-1."),
        ("unmute", "No alarm was muted."),
        ("apply --yes", "Applied: "),
    )
    for command, expected in commands:
        result = app.test_cli_runner().invoke(args=["errwatch", *command.split()])
        assert result.exit_code == 0, result.output
        assert expected in result.output
        for text in ("Not checked", "does not emulate", "--force", "Traceback", "<!doctype"):
            assert text not in result.output + "".join(capfd.readouterr())


def test_a_topic_that_is_configured_by_its_arn_exists(lab: Lab) -> None:
    """Others create it, in their account. Alarms notify it, and `doctor` finds it."""
    assert lab.endpoint
    arn = "arn:aws:sns:us-east-1:999999999999:ops"
    app = Flask("shop")
    app.config["ERRWATCH_SNS_TOPIC"] = arn
    ErrWatch(app)
    create_what_others_own(state_of(app).config)
    ErrWatch().bootstrap_alarms(app)
    attributes = boto3.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["Owner"] == "999999999999"
    (alarm,) = boto3.client("cloudwatch").describe_alarms(AlarmNames=["shop-critical-error"])[
        "MetricAlarms"
    ]
    assert alarm["AlarmActions"] == [arn]


def test_history_has_the_messages_of_metric_alarms(bench: Bench, cloud: Cloud) -> None:
    """The newest first, of one alarm or of all, since a time, and of no alarm that is unknown."""
    topic = cloud.sns.create_topic(Name="ops")["TopicArn"]
    cloud.group()
    cloud.filter("errors", '{ $.event = "Error" }')
    cloud.alarm("errors", AlarmActions=[topic], OKActions=["arn:aws:sns:us-east-1:123456789012:no"])
    cloud.log(*((1, '{ "event": "Error" }') for _ in range(3)))
    bench.emulator.step(cloud.start + 300)
    history = cloud.cloudwatch.describe_alarm_history
    entries = history(AlarmName="errors", HistoryItemType="Action")["AlarmHistoryItems"]
    assert [(entry["AlarmType"], entry["HistorySummary"]) for entry in entries] == [
        ("MetricAlarm", "Failed to execute action arn:aws:sns:us-east-1:123456789012:no"),
        ("MetricAlarm", f"Successfully executed action {topic}"),
    ]
    actions = partial(history, HistoryItemType="Action")
    assert actions()["AlarmHistoryItems"] == entries
    now = datetime.now(UTC)
    assert actions(StartDate=now - timedelta(hours=1))["AlarmHistoryItems"] == entries
    assert actions(StartDate=now + timedelta(hours=1))["AlarmHistoryItems"] == []
    assert history(AlarmName="unknown")["AlarmHistoryItems"] == []


def test_history_has_the_changes_of_state_with_their_datapoints(bench: Bench, cloud: Cloud) -> None:
    """As in AWS: the state has the same evidence as the entry of its history."""
    cloud.group()
    cloud.filter("errors", '{ $.event = "Error" }')
    cloud.alarm("errors", Period=120)
    cloud.log(*((61, '{ "event": "Error" }') for _ in range(3)))
    bench.emulator.step(cloud.start + 120)
    (alarm,) = cloud.cloudwatch.describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    evidence = json.loads(alarm["StateReasonData"])
    start = datetime.fromtimestamp(cloud.start, UTC)
    assert datetime.fromisoformat(evidence["startDate"]) == start
    assert evidence["evaluatedDatapoints"] == [{"timestamp": evidence["startDate"], "value": 3.0}]
    assert (evidence["period"], evidence["threshold"]) == (120, 2.0)
    entry, *_ = cloud.cloudwatch.describe_alarm_history(
        AlarmName="errors", HistoryItemType="StateUpdate"
    )["AlarmHistoryItems"]
    assert entry["HistorySummary"] == "Alarm updated from OK to ALARM"
    assert json.loads(entry["HistoryData"])["newState"]["stateReasonData"] == evidence

"""The commands of an app whose AWS is the lab."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.lab import Lab
from tests.lab.lab_bench import Bench, Cloud


def test_status_and_destroy_say_what_the_lab_lacks_in_a_sentence(
    lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    """No page, no traceback, no warning of a history that nobody keeps, and no call for force."""
    assert lab.endpoint
    app = Flask("shop")
    app.config["ERRWATCH_SNS_TOPIC"] = "ops"
    ErrWatch(app)
    app.cli.add_command(errwatch)
    ErrWatch().bootstrap_alarms(app)
    status = app.test_cli_runner().invoke(args=["errwatch", "status"])
    assert status.exit_code == 0
    assert "alarm history" not in status.output
    destroyed = app.test_cli_runner().invoke(args=["errwatch", "destroy", "--yes"])
    assert destroyed.exit_code == 0
    output = " ".join(destroyed.output.split())
    assert "Not checked: saved queries: logs:DescribeQueryDefinitions failed" in output
    assert "The lab does not emulate DescribeQueryDefinitions." in output
    assert "--force" not in output
    for text in ("<!doctype", "Traceback", "500"):
        assert text not in status.output + output + "".join(capfd.readouterr())


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

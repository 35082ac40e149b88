"""The status: against moto's server, and against the Stubber where moto lacks a call.

The alarm history comes from the Stubber. The heartbeats in moto are real lines, though its
FilterLogEvents matches every line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from moto.cloudwatch.responses import CloudWatchResponse

from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.errors import ProvisioningError
from flask_errwatch.provision import Difference, Plan
from flask_errwatch.provision.log_lines import newest_lines
from flask_errwatch.provision.resources import AlarmState, MetricAlarm, Subscription
from flask_errwatch.provision.status import read_status
from flask_errwatch.provision.status_records import DeliveryFigures, FailedNotification, NewFailure
from flask_errwatch.provision.status_report import Status
from flask_errwatch.provision.status_sections import StatusRow
from tests.provision.stubbed_aws import StubbedAws

Shop = Callable[..., Plan]

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def impatient(aws: Aws) -> Aws:
    """A client without retries: moto has no alarm history, and answers with status 500."""
    del aws
    return Aws(patience=PROVISIONING._replace(attempts=1))


def status_of(aws: Aws, *, now: datetime | None = None, **settings: object) -> Status:
    """Reads the status of the app `shop`."""
    keys = {f"ERRWATCH_{name}": value for name, value in {"DEFAULTS": "0.1", **settings}.items()}
    config = configuration.load(keys, {}, app_name="shop")
    catalogue = Catalogue(DEFAULT_DETECTORS).configured(config)
    return read_status(aws, catalogue, config, now=now)


def test_alarm_edited_by_hand_is_named_with_its_field(impatient: Aws, shop: Shop) -> None:
    """Shows the actual and the declared value side by side, and changes nothing."""
    shop()
    alarms = impatient.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    alarm = next(entry for entry in alarms if entry["AlarmName"] == "shop-critical-error")
    kept = (
        *("AlarmName", "AlarmDescription", "Namespace", "MetricName", "Statistic", "Period"),
        *("EvaluationPeriods", "ComparisonOperator", "TreatMissingData"),
    )
    impatient.call(
        "cloudwatch", "put_metric_alarm", **{key: alarm[key] for key in kept}, Threshold=99
    )
    for _ in range(2):
        status = status_of(impatient)
        (change,) = status.plan.changes
        assert change.resource.label == "shop-critical-error"
        assert change.differences == (Difference(field="threshold", old=99.0, new=10.0),)
    assert str(status).splitlines()[:3] == [
        "Drift: 1; 13 resources as declared.",
        "  differs  alarm  shop-critical-error",
        "                  threshold: 99, declared 10",
    ]


def test_missing_undeclared_and_unmanaged_are_different_states(impatient: Aws, shop: Shop) -> None:
    """An unmanaged resource with a declared name is drift here, where a plan would stop."""
    extra = Detector(name="login-failed", event="Login Failed")
    shop(detectors=(*DEFAULT_DETECTORS[2:], extra))
    impatient.call(
        "cloudwatch",
        "put_metric_alarm",
        AlarmName="shop-critical-error",
        AlarmDescription="Ours since 2019",
        Namespace="Web",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    lines = [line for line in str(status_of(impatient)).splitlines() if line[:3] != "   "]
    assert lines[:8] == [
        "Drift: 6; 10 resources as declared.",
        "  undeclared  metric filter  shop-login-failed",
        "  undeclared  alarm          shop-login-failed",
        "  missing     metric filter  shop-critical-error",
        "  missing     metric filter  shop-authentication-error",
        "  unmanaged   alarm          shop-critical-error",
        "  missing     alarm          shop-authentication-error",
        "Alarms: 5, 0 in ALARM.",
    ]


def test_states_subscriptions_and_delivery_of_a_running_app(
    impatient: Aws, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alarm in ALARM with its reason, the subscriptions, and the newest figures."""
    # moto has no history, unless a lab of this process has added it.
    monkeypatch.delattr(CloudWatchResponse, "describe_alarm_history", raising=False)
    shop(SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com,https://hooks.example.com/s3cret")
    impatient.call(
        "cloudwatch",
        "set_alarm_state",
        AlarmName="shop-not-found-error",
        StateValue="ALARM",
        StateReason="11 > 10\n\x1b[31m",
    )
    heartbeats = [
        {"event": "Heartbeat", "app": "shop", "process": "a", "data": {"emitted": 1}},
        {"event": "Heartbeat", "app": "shop", "process": "a", "data": {"emitted": 9, "dropped": 2}},
        {"event": "Heartbeat", "app": "shop", "process": "b", "data": {"emitted": 5, "pending": 1}},
        {"event": "Heartbeat", "app": "shop-admin", "process": "c", "data": {"emitted": 100}},
        {"event": "Not Found Error", "app": "shop", "process": "d", "data": {"emitted": 100}},
        {"event": "Heartbeat", "app": "shop", "process": "e", "data": "broken"},
        {"event": "Heartbeat", "app": "shop", "process": ["f"], "data": {"emitted": 100}},
    ]
    now = datetime.now(UTC)
    _write(impatient, now, [*map(json.dumps, heartbeats), "no JSON", "[1]"])
    status = status_of(impatient, now=now, SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com")
    assert status.delivery is not None
    assert replace(status.delivery, newest=NOW) == DeliveryFigures(
        processes=3, newest=NOW, emitted=14, delivered=0, pending=1, dropped=2
    )
    text = str(status)
    # The second subscription is not declared.
    assert "Drift: none; 18 resources as declared." not in text
    assert "Drift: none; 17 resources as declared." in text
    assert "Alarms: 6, 1 in ALARM." in text
    assert "  ALARM  shop-not-found-error           since 20" in text
    assert " UTC  11 > 10??[31m\n" in text
    assert "Subscriptions: 2, 0 not confirmed." in text
    assert "s3cret" not in text
    assert "Delivery: 3 processes, 14 emitted, 0 delivered, 1 pending, 2 dropped; newest" in text
    assert "Not checked: alarm history: cloudwatch:DescribeAlarmHistory failed" in text
    values = json.loads(json.dumps(status.to_dict()))
    assert values["delivery"]["emitted"] == 14
    assert values["subscriptions"][1] == {
        "protocol": "https",
        "endpoint": "https://hooks.example.com/…",
        "confirmed": True,
    }


def _write(aws: Aws, now: datetime, lines: list[str]) -> None:
    aws.call("logs", "create_log_stream", logGroupName="shop", logStreamName="s")
    first = round(now.timestamp() * 1000) - 60_000
    events = [{"timestamp": first + n, "message": line} for n, line in enumerate(lines)]
    aws.call("logs", "put_log_events", logGroupName="shop", logStreamName="s", logEvents=events)


def test_empty_account_is_a_status_too(impatient: Aws) -> None:
    """Everything is missing, heartbeats too. Without an alarm no history is read."""
    status = status_of(impatient)
    assert (len(status.plan.changes), status.alarms, status.notes) == (14, (), ())
    assert "Delivery: no heartbeat in the last 15 minutes." in str(status)
    assert "Failed notifications in two weeks: none." in str(status)
    assert status.to_dict()["delivery"] is None


def test_new_failures_are_those_of_the_marked_lines(impatient: Aws, shop: Shop) -> None:
    """Newest first, of this app, on one line each. A line that somebody forged breaks nothing."""
    shop()
    crash = {"type": "KeyError", "where": "shop/cart.py:7 in pay", "fingerprint": "00c0ffee"}
    lines = [
        {"event": "Critical Error", "app": "shop", "exception": {**crash, "new": True}},
        {"event": "Critical Error", "app": "shop", "exception": crash},
        {"event": "Critical Error", "app": "shop", "exception": {**crash, "new": "true"}},
        {"event": "Critical Error", "app": "other", "exception": {**crash, "new": True}},
        {"event": "Critical Error", "app": "shop", "exception": "new"},
        {"event": "x", "app": "shop", "exception": {"new": True, "type": "a\x1b[31m", "where": 7}},
    ]
    now = datetime.now(UTC)
    _write(impatient, now, [*map(json.dumps, lines)])
    status = status_of(impatient, now=now)
    assert status.new_failures is not None
    assert [(failure.type, failure.where) for failure in status.new_failures] == [
        ("a\x1b[31m", ""),
        ("KeyError", "shop/cart.py:7 in pay"),
    ]
    (section,) = [part for part in status.sections if part.heading.startswith("New")]
    assert section.heading == "New failures in a day: 2."
    assert [row.cells[1:] for row in section.rows] == [
        ("a?[31m", "", ""),
        ("KeyError", "shop/cart.py:7 in pay", "00c0ffee"),
    ]
    values = status.to_dict()["new_failures"]
    assert isinstance(values, list)
    assert {**values[1], "at": ""} == {**crash, "at": ""}


def test_of_many_new_failures_the_newest_are_shown() -> None:
    """The JSON has all of them, and what could not be read is unknown."""
    failures = tuple(
        NewFailure(at=NOW - timedelta(minutes=n), type=f"E{n}", where="", fingerprint="")
        for n in range(25)
    )
    status = Status(plan=Plan(entries=()), alarms=(), subscriptions=(), new_failures=failures)
    section = status.sections[-2]
    assert section.heading == "New failures in a day: 25, the newest 20 are shown."
    assert [row.cells[1] for row in section.rows] == [f"E{n}" for n in range(20)]
    values = status.to_dict()["new_failures"]
    assert isinstance(values, list)
    assert len(values) == 25
    unknown = replace(status, new_failures=None)
    assert unknown.sections[-2].heading == "New failures in a day: unknown."
    assert unknown.to_dict()["new_failures"] is None


def test_a_large_log_group_is_read_in_part(stubbed: StubbedAws) -> None:
    """The newest lines first, by so many calls. Empty pages do not end it."""
    config = configuration.load({}, {}, app_name="shop")
    line = {"event": "Critical Error", "app": "shop", "exception": {"type": "E", "new": True}}
    event = {"timestamp": 1, "message": json.dumps(line)}
    arguments: dict[str, object] = {
        "logGroupName": "shop",
        "filterPattern": "{ x }",
        "startTime": 5000,
        "startFromHead": False,
    }
    stubbed.expect("filter_log_events", {"events": [], "nextToken": "1"}, **arguments)
    stubbed.expect(
        "filter_log_events", {"events": [event], "nextToken": "2"}, **arguments, nextToken="1"
    )
    lines, are_all = newest_lines(stubbed, config, "{ x }", 5.0, calls=2)
    assert ([line.at for line in lines], are_all) == ([1], False)


def test_failed_notification_is_read_from_the_history_of_all_alarms(stubbed: StubbedAws) -> None:
    """One paged list call. Entries of other alarms and successful actions are ignored."""
    entry = {
        "AlarmName": "shop-critical-error",
        "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-critical-error",
        "AlarmDescription": "x\nmanaged-by=flask-errwatch app=shop",
        "StateValue": "ALARM",
        "StateReason": "Threshold Crossed",
        "StateTransitionedTimestamp": NOW,
    }
    shared: dict[str, object] = {"AlarmNamePrefix": "shop-", "MaxRecords": 100}
    stubbed.expect("describe_log_groups", {"logGroups": []}, logGroupNamePrefix="shop")
    for kind, answer in (("MetricAlarm", {"MetricAlarms": [entry]}), ("CompositeAlarm", {})):
        stubbed.expect("describe_alarms", dict(answer), **shared, AlarmTypes=[kind])
    stubbed.expect("list_dashboards", {"DashboardEntries": []}, DashboardNamePrefix="shop-errors")
    failure = f'Failed to execute action {ARN}. Received error: "not authorized"'
    entries = [
        _history(failure),
        _history(failure, AlarmName="theirs"),
        _history(f"Successfully executed action {ARN}"),
        _history("Action", HistoryData='{"actionState": "Failed", "error": "key"}'),
    ]
    arguments: dict[str, object] = {
        "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
        "HistoryItemType": "Action",
        "StartDate": NOW - timedelta(days=14),
        "ScanBy": "TimestampDescending",
        "MaxRecords": 100,
    }
    stubbed.expect(
        "describe_alarm_history", {"AlarmHistoryItems": entries[:2], "NextToken": "2"}, **arguments
    )
    stubbed.expect(
        "describe_alarm_history", {"AlarmHistoryItems": entries[2:]}, **arguments, NextToken="2"
    )
    rule = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm-mute-rule:shop-mute-1"
    stubbed.expect(
        "list_alarm_mute_rules",
        {"AlarmMuteRuleSummaries": [{"AlarmMuteRuleArn": rule, "ExpireDate": NOW}]},
        Statuses=["ACTIVE", "SCHEDULED"],
    )
    status = status_of(stubbed, now=NOW)
    assert status.failed_notifications == (
        FailedNotification(alarm="shop-critical-error", at=NOW, reason=failure),
        FailedNotification(alarm="shop-critical-error", at=NOW, reason="Action"),
    )
    assert [alarm.state for alarm in status.alarms] == [
        AlarmState(value="ALARM", reason="Threshold Crossed", since=NOW)
    ]
    text = str(status)
    assert "Failed notifications in two weeks: 2." in text
    assert "  2026-11-25 12:00:00 UTC  shop-critical-error  Failed to execute action" in text
    values = status.to_dict()
    assert values["alarms"] == [
        {
            "name": "shop-critical-error",
            "state": "ALARM",
            "since": "2026-11-25T12:00:00+00:00",
            "reason": "Threshold Crossed",
        }
    ]
    assert values["mutes"] == ["shop-mute-1 until 2026-11-25 12:00:00 UTC"]


def _history(summary: str, **changed: object) -> dict[str, object]:
    entry: dict[str, object] = {
        "AlarmName": "shop-critical-error",
        "AlarmType": "MetricAlarm",
        "Timestamp": NOW,
        "HistoryItemType": "Action",
        "HistorySummary": summary,
        "HistoryData": "{}",
    }
    return {**entry, **changed}


def test_sections_and_remarks_are_values_for_another_renderer() -> None:
    """`str` only joins them: headings, rows of equal length, then what was not checked."""
    note = "alarm history: refused"
    status = Status(
        plan=Plan(entries=()),
        alarms=(),
        subscriptions=(Subscription.of("mailto:ops@example.com", ARN),),
        failed_notifications=None,
        notes=(note,),
    )
    assert [section.heading for section in status.sections] == [
        "Drift: none; 0 resources as declared.",
        "Alarms: 0, 0 in ALARM.",
        "Subscriptions: 1, 1 not confirmed.",
        "Failed notifications in two weeks: unknown.",
        "New failures in a day: none.",
        "Delivery: no heartbeat in the last 15 minutes.",
    ]
    assert status.sections[2].rows == (
        StatusRow(cells=("waiting", "email", "ops@example.com of ops")),
    )
    assert status.remarks == (
        f"Not checked: {note}",
        "Warning: The app has no alarms: `flask errwatch apply` creates those that it declares.",
        (
            "Warning: ops@example.com has to confirm for ops: AWS Notifications sent a mail with a "
            "link."
        ),
    )
    assert "\n  waiting  email  ops@example.com of ops\n" in str(status)
    assert str(status).endswith("\n".join(status.remarks))


def test_status_without_credentials_is_one_sentence(
    impatient: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the resources cannot be read, the status fails."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ProvisioningError, match="Give the process AWS credentials"):
        status_of(impatient)


def test_alarm_that_was_never_read_has_no_state_to_show() -> None:
    """A declared alarm without a state counts as having insufficient data."""
    bare = MetricAlarm(
        name="shop-x",
        description="",
        evaluation_periods=1,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="missing",
    )
    status = Status(plan=Plan(entries=()), alarms=(bare,), subscriptions=())
    assert "  INSUFFICIENT_DATA  shop-x\n" in str(status)
    assert status.to_dict()["alarms"] == [
        {"name": "shop-x", "state": "INSUFFICIENT_DATA", "since": None, "reason": ""}
    ]

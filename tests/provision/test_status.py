"""How it stands: against moto's server, and against the Stubber where moto lacks a call.

Alarm history is the Stubber's; moto's heartbeats are real lines, though its FilterLogEvents
matches every line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.errors import ProvisioningError
from flask_errwatch.provision import Difference, Plan
from flask_errwatch.provision.resources import AlarmState, MetricAlarm
from flask_errwatch.provision.status import read_status
from flask_errwatch.provision.status_report import Deliveries, RefusedPublish, Status
from tests.provision.stubbed_aws import StubbedAws

Shop = Callable[..., Plan]

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def impatient(aws: Aws) -> Aws:
    """A door that asks once: moto has no alarm history, and answers with status 500."""
    del aws
    return Aws(patience=PROVISIONING._replace(attempts=1))


def found(aws: Aws, *, now: datetime | None = None, **settings: object) -> Status:
    """The status of the app `shop`."""
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    catalogue = Catalogue(DEFAULT_DETECTORS).configured(config)
    return read_status(aws, catalogue, config, now=now)


def test_alarm_edited_by_hand_is_named_with_its_field(impatient: Aws, shop: Shop) -> None:
    """What stands and what is declared, side by side; nothing is changed."""
    shop()
    listed = impatient.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    alarm = next(each for each in listed if each["AlarmName"] == "shop-critical-error")
    kept = (
        *("AlarmName", "AlarmDescription", "Namespace", "MetricName", "Statistic", "Period"),
        *("EvaluationPeriods", "ComparisonOperator", "TreatMissingData"),
    )
    impatient.call(
        "cloudwatch", "put_metric_alarm", **{key: alarm[key] for key in kept}, Threshold=99
    )
    for _ in range(2):
        seen = found(impatient)
        (change,) = seen.plan.changes
        assert change.resource.label == "shop-critical-error"
        assert change.differences == (Difference(field="threshold", old=99.0, new=10.0),)
    assert str(seen).splitlines()[:3] == [
        "Drift: 1; 13 resources stand as declared.",
        "  differs     alarm  shop-critical-error",
        "              threshold: 99, declared 10",
    ]


def test_missing_undeclared_and_foreign_are_told_apart(impatient: Aws, shop: Shop) -> None:
    """What somebody else made under a declared name is drift here, where a plan would stop."""
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
    lines = [line for line in str(found(impatient)).splitlines() if line[:3] != "   "]
    assert lines[:8] == [
        "Drift: 6; 10 resources stand as declared.",
        "  undeclared  metric filter  shop-login-failed",
        "  undeclared  alarm  shop-login-failed",
        "  missing     metric filter  shop-critical-error",
        "  missing     metric filter  shop-authentication-error",
        "  foreign     alarm  shop-critical-error",
        "  missing     alarm  shop-authentication-error",
        "Alarms: 5, 0 in ALARM.",
    ]


def test_states_subscriptions_and_delivery_of_a_running_app(impatient: Aws, shop: Shop) -> None:
    """The alarm that rings with its reason, who is subscribed, and the newest figures."""
    shop(SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com,https://hooks.example.com/s3cret")
    impatient.call(
        "cloudwatch",
        "set_alarm_state",
        AlarmName="shop-not-found-error",
        StateValue="ALARM",
        StateReason="11 > 10\n\x1b[31m",
    )
    beats = [
        {"event": "Heartbeat", "app": "shop", "process": "a", "data": {"emitted": 1}},
        {"event": "Heartbeat", "app": "shop", "process": "a", "data": {"emitted": 9, "dropped": 2}},
        {"event": "Heartbeat", "app": "shop", "process": "b", "data": {"emitted": 5, "pending": 1}},
        {"event": "Heartbeat", "app": "shop-admin", "process": "c", "data": {"emitted": 100}},
        {"event": "Not Found Error", "app": "shop", "process": "d", "data": {"emitted": 100}},
        {"event": "Heartbeat", "app": "shop", "process": "e", "data": "broken"},
    ]
    now = datetime.now(UTC)
    _write(impatient, now, [*map(json.dumps, beats), "no JSON", "[1]"])
    seen = found(impatient, now=now, SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com")
    assert seen.deliveries is not None
    assert replace(seen.deliveries, newest=NOW) == Deliveries(
        processes=3, newest=NOW, emitted=14, delivered=0, pending=1, dropped=2
    )
    text = str(seen)
    assert "Drift: none; 18 resources stand as declared." not in text  # one is subscribed by hand
    assert "Drift: none; 17 resources stand as declared." in text
    assert "Alarms: 6, 1 in ALARM." in text
    assert "  ALARM              shop-not-found-error since 20" in text
    assert ": 11 > 10??[31m" in text
    assert "Subscriptions: 2, 0 not confirmed." in text
    assert "s3cret" not in text
    assert "Delivery: 3 processes, 14 emitted, 0 delivered, 1 pending, 2 dropped; newest" in text
    assert "Not looked at: alarm history: cloudwatch:DescribeAlarmHistory failed" in text
    values = json.loads(json.dumps(seen.to_dict()))
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
    """Everything is missing, nothing speaks; no history is asked for without an alarm."""
    seen = found(impatient)
    assert (len(seen.plan.changes), seen.alarms, seen.notes) == (14, (), ())
    assert "Delivery: no heartbeat in the last 15 minutes." in str(seen)
    assert "Refused publishes in two weeks: none." in str(seen)
    assert seen.to_dict()["delivery"] is None


@pytest.fixture
def stubbed() -> Iterator[StubbedAws]:
    """Every awaited call has to be made, in order, and no other."""
    aws = StubbedAws()
    for each in aws.stubs.values():
        each.activate()
    yield aws
    for each in aws.stubs.values():
        each.assert_no_pending_responses()


def test_refused_publish_is_found_in_the_history_of_all_alarms(stubbed: StubbedAws) -> None:
    """One paged listing; entries of other alarms and successes are passed over."""
    alarm = {
        "AlarmName": "shop-critical-error",
        "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-critical-error",
        "AlarmDescription": "x\nmanaged-by=flask-errwatch app=shop",
        "StateValue": "ALARM",
        "StateReason": "Threshold Crossed",
        "StateTransitionedTimestamp": NOW,
    }
    shared: dict[str, object] = {"AlarmNamePrefix": "shop-", "MaxRecords": 100}
    stubbed.expect("describe_log_groups", {"logGroups": []}, logGroupNamePrefix="shop")
    for kind, listed in (("MetricAlarm", {"MetricAlarms": [alarm]}), ("CompositeAlarm", {})):
        stubbed.expect("describe_alarms", dict(listed), **shared, AlarmTypes=[kind])
    stubbed.expect("list_dashboards", {"DashboardEntries": []}, DashboardNamePrefix="shop-errors")
    refusal = f'Failed to execute action {ARN}. Received error: "not authorized"'
    entries = [
        _history(refusal),
        _history(refusal, AlarmName="theirs"),
        _history(f"Successfully executed action {ARN}"),
        _history("Action", HistoryData='{"actionState": "Failed", "error": "key"}'),
    ]
    asked: dict[str, object] = {
        "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
        "HistoryItemType": "Action",
        "StartDate": NOW - timedelta(days=14),
        "ScanBy": "TimestampDescending",
        "MaxRecords": 100,
    }
    stubbed.expect(
        "describe_alarm_history", {"AlarmHistoryItems": entries[:2], "NextToken": "2"}, **asked
    )
    stubbed.expect(
        "describe_alarm_history", {"AlarmHistoryItems": entries[2:]}, **asked, NextToken="2"
    )
    seen = found(stubbed, now=NOW)
    assert seen.refused == (
        RefusedPublish(alarm="shop-critical-error", at=NOW, reason=refusal),
        RefusedPublish(alarm="shop-critical-error", at=NOW, reason="Action"),
    )
    assert [each.state for each in seen.alarms] == [
        AlarmState(value="ALARM", reason="Threshold Crossed", since=NOW)
    ]
    text = str(seen)
    assert "Refused publishes in two weeks: 2." in text
    assert "  2026-11-25 12:00:00 UTC  shop-critical-error: Failed to execute action" in text
    values = seen.to_dict()
    assert values["alarms"] == [
        {
            "name": "shop-critical-error",
            "state": "ALARM",
            "since": "2026-11-25T12:00:00+00:00",
            "reason": "Threshold Crossed",
        }
    ]


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


def test_status_without_credentials_is_one_sentence(
    impatient: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What matters cannot be read: there is no status."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ProvisioningError, match="Give the process AWS credentials"):
        found(impatient)


def test_alarm_that_was_never_read_has_no_state_to_show() -> None:
    """A declared alarm without a state counts as having insufficient data."""
    bare = MetricAlarm(
        name="shop-x",
        description="",
        evaluation_periods=1,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="missing",
    )
    seen = Status(plan=Plan(entries=()), alarms=(bare,), subscriptions=())
    assert "  INSUFFICIENT_DATA  shop-x\n" in str(seen)
    assert seen.to_dict()["alarms"] == [
        {"name": "shop-x", "state": "INSUFFICIENT_DATA", "since": None, "reason": ""}
    ]

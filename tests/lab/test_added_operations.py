"""Operations that moto lacks and the lab adds, as boto3 sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from flask_errwatch.lab import Lab
from tests.lab.lab_bench import Bench, Cloud

METRIC = {"Namespace": "Application Logs", "MetricName": "errors", "Stat": "Sum"}


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    """The code of an error of AWS."""
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.usefixtures("lab")
def test_a_pattern_is_tested_by_the_projects_own_engine() -> None:
    """The messages that match, numbered. A pattern that cannot be parsed is refused with why."""
    logs = boto3.client("logs")
    messages = ['{"status": 200}', '{"status": 503}', "status 503", '{"status": 500}']
    matches = logs.test_metric_filter(
        filterPattern="{ $.status >= 500 }", logEventMessages=messages
    )["matches"]
    assert [(match["eventNumber"], match["eventMessage"]) for match in matches] == [
        (2, '{"status": 503}'),
        (4, '{"status": 500}'),
    ]
    everything = logs.test_metric_filter(filterPattern="", logEventMessages=messages)
    assert len(everything["matches"]) == 4
    with pytest.raises(ClientError) as caught:
        logs.test_metric_filter(filterPattern="{ $.status = }", logEventMessages=messages)
    assert code_of(caught) == "InvalidParameterException"
    assert "Write a number, a word" in caught.value.response["Error"]["Message"]


@pytest.mark.usefixtures("lab")
def test_saved_queries_are_stored_by_their_id() -> None:
    """Put again under its id a query is replaced. They are listed by the prefix of their name."""
    logs = boto3.client("logs")
    put = logs.put_query_definition
    first = put(name="shop/top", queryString="fields @message", logGroupNames=["shop"])
    put(name="other/top", queryString="limit 1")
    put(name="shop/top", queryString="limit 2", queryDefinitionId=first["queryDefinitionId"])
    (query,) = logs.describe_query_definitions(queryDefinitionNamePrefix="shop/")[
        "queryDefinitions"
    ]
    assert (query["name"], query["queryString"]) == ("shop/top", "limit 2")
    assert logs.delete_query_definition(queryDefinitionId=query["queryDefinitionId"])["success"]
    assert [one["name"] for one in logs.describe_query_definitions()["queryDefinitions"]] == [
        "other/top"
    ]
    gone = {"queryDefinitionId": query["queryDefinitionId"]}
    with pytest.raises(ClientError, match="The specified saved query does not exist"):
        logs.delete_query_definition(**gone)
    with pytest.raises(ClientError, match="The specified saved query does not exist"):
        put(name="shop/top", queryString="limit 1", **gone)


@pytest.mark.usefixtures("lab")
def test_anomaly_detectors_are_stored_by_their_metric() -> None:
    """Named by a member of their own or directly, they are the same. None is trained."""
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.put_anomaly_detector(SingleMetricAnomalyDetector={**METRIC, "Dimensions": []})
    cloudwatch.put_anomaly_detector(**METRIC)
    (detector,) = cloudwatch.describe_anomaly_detectors(Namespace="Application Logs")[
        "AnomalyDetectors"
    ]
    assert detector["StateValue"] == "PENDING_TRAINING"
    assert detector["SingleMetricAnomalyDetector"]["MetricName"] == "errors"
    assert cloudwatch.describe_anomaly_detectors(Namespace="Other")["AnomalyDetectors"] == []
    cloudwatch.delete_anomaly_detector(**METRIC)
    assert cloudwatch.describe_anomaly_detectors()["AnomalyDetectors"] == []
    with pytest.raises(ClientError) as caught:
        cloudwatch.delete_anomaly_detector(**METRIC)
    assert code_of(caught) == "ResourceNotFoundException"
    with pytest.raises(ClientError, match="anomaly detectors of one metric"):
        cloudwatch.put_anomaly_detector(MetricMathAnomalyDetector={"MetricDataQueries": []})


def rule(minutes: int, duration: str = "PT15M", **more: str) -> dict[str, dict[str, str]]:
    """A rule that mutes from so many minutes after now."""
    start = datetime.now(UTC) + timedelta(minutes=minutes)
    return {"Schedule": {"Expression": f"at({start:%Y-%m-%dT%H:%M})", "Duration": duration, **more}}


@pytest.mark.usefixtures("lab")
def test_mute_rules_are_listed_with_their_status() -> None:
    """By alarm and by status. A second put replaces a rule, a second delete does nothing."""
    cloudwatch = boto3.client("cloudwatch")
    targets = {"AlarmNames": ["shop-scan"]}
    for name, minutes in (("now", -1), ("later", 60), ("over", -60)):
        cloudwatch.put_alarm_mute_rule(Name=name, Rule=rule(minutes), MuteTargets=targets)
    cloudwatch.put_alarm_mute_rule(Name="now", Rule=rule(-1, "PT1H"), MuteTargets=targets)

    def listed(**arguments: object) -> list[str]:
        found = cloudwatch.list_alarm_mute_rules(**arguments)["AlarmMuteRuleSummaries"]
        return [one["AlarmMuteRuleArn"].rpartition(":")[2] for one in found]

    assert listed(AlarmName="shop-scan") == ["now", "later", "over"]
    assert listed(AlarmName="shop-other") == []
    assert listed(Statuses=["ACTIVE"]) == ["now"]
    assert listed(Statuses=["SCHEDULED"]) == ["later"]
    assert listed(Statuses=["EXPIRED"]) == ["over"]
    found = cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="now")
    assert (found["Status"], found["Rule"]["Schedule"]["Duration"]) == ("ACTIVE", "PT1H")
    for _ in range(2):
        cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="now")
    with pytest.raises(ClientError) as caught:
        cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="now")
    assert code_of(caught) == "ResourceNotFoundException"


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"Expression": "cron(0 * * * *)", "Duration": "PT1H"}, "schedules of the form at"),
        ({"Expression": "at(2026-13-01T00:00)", "Duration": "PT1H"}, "cannot be read"),
        ({"Expression": "at(2026-11-01T00:00)", "Duration": "1 hour"}, "PT1M to P15D"),
        ({"Expression": "at(2026-11-01T00:00)", "Duration": "P16D"}, "PT1M to P15D"),
        (
            {"Expression": "at(2026-11-01T00:00)", "Duration": "P1D", "Timezone": "Mars/Olympus"},
            "cannot be read",
        ),
    ],
)
def test_a_mute_rule_that_the_lab_cannot_read_is_refused(
    schedule: dict[str, str], message: str
) -> None:
    """When it is put, not when an alarm fires."""
    with pytest.raises(ClientError, match=message) as caught:
        boto3.client("cloudwatch").put_alarm_mute_rule(Name="now", Rule={"Schedule": schedule})
    assert code_of(caught) == "ValidationError"


def test_an_alarm_that_is_muted_changes_its_state_and_notifies_no_one(
    lab: Lab, bench: Bench, cloud: Cloud
) -> None:
    """Another alarm notifies all the while."""
    assert lab.endpoint
    topic = cloud.sns.create_topic(Name="ops")["TopicArn"]
    cloud.group()
    for name in ("muted", "loud"):
        cloud.filter(name, '{ $.event = "Error" }')
        cloud.alarm(name, AlarmActions=[topic])
    cloud.cloudwatch.put_alarm_mute_rule(
        Name="deployment", Rule=rule(-1), MuteTargets={"AlarmNames": ["muted"]}
    )
    cloud.log(*((1, '{ "event": "Error" }') for _ in range(3)))
    bench.emulator.step(cloud.start + 60)
    assert {name for name, _, new in bench.changes if new == "ALARM"} == {"muted", "loud"}
    history = cloud.cloudwatch.describe_alarm_history(HistoryItemType="Action")
    assert [entry["AlarmName"] for entry in history["AlarmHistoryItems"]] == ["loud"]
    assert bench.warnings == ["alarm muted: not sent, since a mute rule is active."]

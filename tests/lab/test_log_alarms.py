"""Log alarms in the lab: state, contributors and messages, observed with plain boto3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flask_errwatch._aws import Aws
from flask_errwatch.lab.emulator import CloudWatchEmulator
from tests.lab.lab_bench import Bench, Cloud

Posted = tuple[str, list[dict[str, Any]]]

SCANNER, CUSTOMER = "203.0.113.9", "198.51.100.1"


def suspicious(client: str = SCANNER) -> str:
    return json.dumps({"event": "Not Found Error", "client_ip": client, "suspicion": 2})


def put(cloud: Cloud, name: str = "scan", **more: Any) -> None:
    """Creates a log alarm: a suspicion above 4 in the two minutes that ended a minute ago."""
    query = {
        "QueryString": "filter suspicion > 0",
        "LogGroupIdentifiers": ["shop"],
        "ScheduledQueryRoleARN": "arn:aws:iam::123456789012:role/shop-queries",
        "ScheduleConfiguration": {
            "ScheduleExpression": "rate(1 minute)",
            "StartTimeOffset": 180,
            "EndTimeOffset": 60,
        },
        "AggregationExpression": "sum(suspicion) by client_ip | sort desc",
    }
    cloud.cloudwatch.put_log_alarm(
        **{
            "AlarmName": name,
            "ScheduledQueryConfiguration": {**query, **more.pop("query", {})},
            "QueryResultsToEvaluate": 1,
            "QueryResultsToAlarm": 1,
            "Threshold": 4.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            **more,
        }
    )


def described(cloud: Cloud, name: str = "scan") -> dict[str, Any]:
    response = cloud.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["LogAlarm"])
    alarm: dict[str, Any]
    (alarm,) = response["LogAlarms"]
    return alarm


def contributors(cloud: Cloud, name: str = "scan") -> list[dict[str, Any]]:
    listed: list[dict[str, Any]]
    listed = cloud.cloudwatch.describe_alarm_contributors(AlarmName=name)["AlarmContributors"]
    return listed


def test_the_message_names_the_scanner(bench: Bench, cloud: Cloud, posted: Posted) -> None:
    """State, contributors and the SNS message of a scan, and that no OK message is sent."""
    url, bodies = posted
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    cloud.group()
    put(cloud, AlarmActions=[topic], AlarmDescription="A scan.")
    assert described(cloud)["StateValue"] == "INSUFFICIENT_DATA"
    cloud.log((1, suspicious()), (2, suspicious()), (3, suspicious()), (4, suspicious(CUSTOMER)))
    bench.emulator.step(cloud.start + 60)
    assert (described(cloud)["StateValue"], contributors(cloud)) == ("OK", [])

    bench.emulator.step(cloud.start + 120)
    alarm = described(cloud)
    assert alarm["StateValue"] == "ALARM"
    assert alarm["StateReason"].startswith("1 out of 2 contributors evaluated to ALARM")
    (contributor,) = contributors(cloud)
    assert contributor["ContributorAttributes"] == {"client_ip": SCANNER}
    assert 1 <= len(contributor["ContributorId"]) <= 16
    (body,) = bodies
    message = json.loads(body["Message"])
    assert body["Subject"] == 'ALARM: "scan" in us-east-1'
    assert {key: message[key] for key in ("AlarmName", "NewStateValue", "OldStateValue")} == {
        "AlarmName": "scan",
        "NewStateValue": "ALARM",
        "OldStateValue": "OK",
    }
    assert message["AlarmContributorAttributes"] == {"client_ip": SCANNER}
    assert message["AlarmContributorId"] == contributor["ContributorId"]
    assert message["NewStateReason"] == alarm["StateReason"]
    assert "Trigger" not in message

    bench.emulator.step(cloud.start + 600)
    assert (described(cloud)["StateValue"], contributors(cloud)) == ("OK", [])
    assert len(bodies) == 1
    assert bench.changes == [
        ("scan", "INSUFFICIENT_DATA", "OK"),
        ("scan", "OK", "ALARM"),
        ("scan", "ALARM", "OK"),
    ]


def test_each_contributor_is_one_message(bench: Bench, cloud: Cloud, posted: Posted) -> None:
    """With OK actions also when it is gone. A standing contributor sends nothing."""
    url, bodies = posted
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    cloud.group()
    put(cloud, AlarmActions=[topic], OKActions=[topic])
    cloud.log(*((1, suspicious()) for _ in range(3)))
    cloud.log(*((61, suspicious(CUSTOMER)) for _ in range(3)))
    bench.emulator.step(cloud.start + 120)
    bench.emulator.step(cloud.start + 180)
    assert [one["ContributorAttributes"]["client_ip"] for one in contributors(cloud)] == [
        SCANNER,
        CUSTOMER,
    ]
    bench.emulator.step(cloud.start + 600)
    messages = [json.loads(body["Message"]) for body in bodies]
    assert [
        (message["AlarmContributorAttributes"]["client_ip"], message["NewStateValue"])
        for message in messages
    ] == [(SCANNER, "ALARM"), (CUSTOMER, "ALARM"), (SCANNER, "OK"), (CUSTOMER, "OK")]


def test_contributors_are_told_to_the_caller(aws: Aws, cloud: Cloud) -> None:
    """`flask errwatch lab` prints them: the alarm's own transition names no one."""
    from flask_errwatch.lab import Clock

    told: list[str] = []
    emulator = CloudWatchEmulator(
        aws,
        Clock(start=cloud.start, origin=cloud.start, speed=1),
        on_transition=lambda _: None,
        on_contributor=lambda change: told.append(str(change)),
        on_warning=told.append,
    )
    cloud.group()
    put(cloud)
    cloud.log(*((1, suspicious()) for _ in range(3)))
    emulator.step(cloud.start + 120)
    assert told == ["scan, 203.0.113.9: OK -> ALARM (6)."]


def test_log_alarms_are_listed_only_when_asked_for(cloud: Cloud) -> None:
    """As in AWS, DescribeAlarms returns them with their type alone. A prefix narrows them."""
    cloud.group()
    cloud.alarm("errors")
    put(cloud)
    put(cloud, "other")
    describe = cloud.cloudwatch.describe_alarms
    assert "LogAlarms" not in describe()
    listed = describe(AlarmTypes=["LogAlarm"])
    assert [alarm["AlarmName"] for alarm in listed["LogAlarms"]] == ["scan", "other"]
    assert listed["MetricAlarms"] == []
    assert [one["AlarmName"] for one in describe(AlarmTypes=["MetricAlarm"])["MetricAlarms"]] == [
        "errors"
    ]
    narrowed = describe(AlarmTypes=["LogAlarm"], AlarmNamePrefix="sc")
    assert [alarm["AlarmName"] for alarm in narrowed["LogAlarms"]] == ["scan"]
    stored = narrowed["LogAlarms"][0]
    assert stored["ScheduledQueryConfiguration"]["ScheduleConfiguration"]["EndTimeOffset"] == 60
    assert stored["AlarmArn"] == "arn:aws:cloudwatch:us-east-1:123456789012:alarm:scan"


def test_a_log_alarm_is_deleted_alone(cloud: Cloud) -> None:
    """As in AWS, a call that names it and another alarm is refused, and deletes neither."""
    cloud.group()
    cloud.alarm("errors")
    put(cloud)
    with pytest.raises(ClientError, match="ValidationError"):
        cloud.cloudwatch.delete_alarms(AlarmNames=["scan", "errors"])
    assert described(cloud)["AlarmName"] == "scan"
    cloud.cloudwatch.delete_alarms(AlarmNames=["scan"])
    assert cloud.cloudwatch.describe_alarms(AlarmTypes=["LogAlarm"])["LogAlarms"] == []
    with pytest.raises(ClientError, match="ResourceNotFound"):
        contributors(cloud)


def test_a_changed_threshold_keeps_the_state(bench: Bench, cloud: Cloud, posted: Posted) -> None:
    """A changed query resets the alarm, as in AWS. No one is told twice of one contributor."""
    url, bodies = posted
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    cloud.group()
    put(cloud, AlarmActions=[topic])
    cloud.log(*((1, suspicious()) for _ in range(4)))
    bench.emulator.step(cloud.start + 120)
    put(cloud, AlarmActions=[topic], Threshold=5.0)
    bench.emulator.step(cloud.start + 130)
    assert described(cloud)["StateValue"] == "ALARM"
    put(cloud, AlarmActions=[topic], query={"QueryString": "filter suspicion > 1"})
    bench.emulator.step(cloud.start + 140)
    assert described(cloud)["StateValue"] == "INSUFFICIENT_DATA"
    assert len(bodies) == 1


def test_a_composite_alarm_may_name_a_log_alarm(bench: Bench, cloud: Cloud) -> None:
    """Both are judged in the log alarm's group."""
    cloud.group()
    put(cloud)
    cloud.cloudwatch.put_composite_alarm(AlarmName="app", AlarmRule='ALARM("scan")')
    cloud.log(*((1, suspicious()) for _ in range(3)))
    bench.emulator.step(cloud.start + 120)
    assert ("app", "OK", "ALARM") in bench.changes
    assert bench.warnings == []


def test_more_contributors_than_a_run_returns_are_partial_data(bench: Bench, cloud: Cloud) -> None:
    """The evaluation state says so, as long as there are so many."""
    cloud.group()
    put(cloud)
    cloud.log(*((1, suspicious(f"10.0.{number // 250}.{number % 250}")) for number in range(501)))
    bench.emulator.step(cloud.start + 120)
    assert described(cloud)["EvaluationState"] == "PARTIAL_DATA"
    bench.emulator.step(cloud.start + 600)
    assert "EvaluationState" not in described(cloud)


@pytest.mark.parametrize(
    ("query", "warning"),
    [
        ({"QueryString": "stats count(*) by x"}, "The judge reads `filter CONDITION`"),
        ({"LogGroupIdentifiers": ["shop", "blog"]}, "The lab judges log alarms of one log group."),
        (
            {
                "ScheduleConfiguration": {
                    "ScheduleExpression": "cron(0 * * * ? *)",
                    "StartTimeOffset": 60,
                }
            },
            "The judge reads rate(1 minute)",
        ),
    ],
)
def test_a_log_alarm_that_cannot_be_judged_is_warned_about(
    bench: Bench, cloud: Cloud, query: dict[str, Any], warning: str
) -> None:
    """It is named with what to use instead, and stays in its state."""
    cloud.group()
    put(cloud, query=query)
    bench.emulator.step(cloud.start + 120)
    (sentence,) = bench.warnings
    assert warning in sentence
    assert "log alarm 'scan'" in sentence
    assert described(cloud)["StateValue"] == "INSUFFICIENT_DATA"

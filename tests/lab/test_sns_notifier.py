"""Notifications of an alarm's state changes: their content, and which topics get them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_errwatch._aws import Aws
from flask_errwatch.lab.sns_notifier import SnsNotifier
from tests.lab.lab_bench import Cloud

Posted = tuple[str, list[dict[str, Any]]]


def subscribed(cloud: Cloud, *endpoints: str) -> str:
    """Creates a topic with these subscribers and returns its ARN."""
    topic = str(cloud.sns.create_topic(Name="alarms")["TopicArn"])
    for endpoint in endpoints:
        protocol = endpoint.partition(":")[0]
        cloud.sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    return topic


def stored(cloud: Cloud, **more: Any) -> dict[str, Any]:
    """Creates the alarm `errors` and returns it as DescribeAlarms does."""
    cloud.alarm("errors", **more)
    alarm: dict[str, Any] = cloud.cloudwatch.describe_alarms()["MetricAlarms"][0]
    return alarm


def test_message_is_the_one_that_cloudwatch_sends(aws: Aws, cloud: Cloud, posted: Posted) -> None:
    """SNS posts it to the subscriber: subject, states, reason, time in UTC and the trigger."""
    url, bodies = posted
    topic = subscribed(cloud, url)
    alarm = stored(
        cloud,
        AlarmActions=[topic],
        AlarmDescription="Too many.",
        Dimensions=[{"Name": "host", "Value": "a"}],
        DatapointsToAlarm=1,
    )
    assert SnsNotifier(aws).notify(alarm, "OK", "ALARM", "3 > 2", 1_700_000_000.25) == []
    (body,) = bodies
    assert (body["Type"], body["TopicArn"]) == ("Notification", topic)
    assert body["Subject"] == 'ALARM: "errors" in us-east-1'
    assert json.loads(body["Message"]) == {
        "AlarmName": "errors",
        "AlarmDescription": "Too many.",
        "AWSAccountId": "123456789012",
        "NewStateValue": "ALARM",
        "NewStateReason": "3 > 2",
        "StateChangeTime": "2023-11-14T22:13:20.250+0000",
        "Region": "us-east-1",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors",
        "OldStateValue": "OK",
        "OKActions": [],
        "AlarmActions": [topic],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "errors",
            "Namespace": "Application Logs",
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": None,
            "Dimensions": [{"name": "host", "value": "a"}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 2.0,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": "",
        },
    }


@pytest.mark.parametrize(("state", "count"), [("ALARM", 1), ("OK", 0), ("INSUFFICIENT_DATA", 0)])
def test_only_the_new_states_actions_run(
    aws: Aws, cloud: Cloud, posted: Posted, state: str, count: int
) -> None:
    """An alarm with actions for ALARM alone notifies of no other state."""
    url, bodies = posted
    alarm = stored(cloud, AlarmActions=[subscribed(cloud, url)])
    SnsNotifier(aws).notify(alarm, "OK", state, "", 0)
    assert len(bodies) == count


def test_disabled_actions_and_other_actions_do_not_run(
    aws: Aws, cloud: Cloud, posted: Posted
) -> None:
    """Nothing is published when ActionsEnabled is false, nor for an EC2 action."""
    url, bodies = posted
    topic = subscribed(cloud, url)
    silent = stored(cloud, AlarmActions=[topic], ActionsEnabled=False)
    assert SnsNotifier(aws).notify(silent, "OK", "ALARM", "", 0) == []
    other = stored(cloud, AlarmActions=["arn:aws:automate:us-east-1:ec2:stop"])
    assert SnsNotifier(aws).notify(other, "OK", "ALARM", "", 0) == []
    assert bodies == []


def test_no_subscriber_outside_this_machine_is_notified(
    aws: Aws, cloud: Cloud, posted: Posted
) -> None:
    """A lab does not call a real pager: it skips the topic and names the host."""
    url, bodies = posted
    topic = subscribed(cloud, url, "https://pager.example.com/hook", "mailto:a@example.com")
    alarm = stored(cloud, AlarmActions=[topic])
    failures = SnsNotifier(aws).notify(alarm, "OK", "ALARM", "", 0)
    assert failures == ["not sent, since pager.example.com is outside this machine"]
    assert bodies == []


def test_subscriber_that_does_not_answer_is_named_not_raised(aws: Aws, cloud: Cloud) -> None:
    """A subscriber that does not listen or a missing topic is returned as a sentence."""
    topic = subscribed(cloud, "http://127.0.0.1:9/")
    failures = SnsNotifier(aws).notify(stored(cloud, AlarmActions=[topic]), "OK", "ALARM", "", 0)
    assert [failure.partition(" failed")[0] for failure in failures] == ["not sent: sns:Publish"]
    gone = stored(cloud, AlarmActions=["arn:aws:sns:us-east-1:123456789012:gone"])
    failures = SnsNotifier(aws).notify(gone, "OK", "ALARM", "", 0)
    assert len(failures) == 1
    assert failures[0].startswith("not sent: sns:")

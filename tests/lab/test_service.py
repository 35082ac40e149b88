"""From stored lines to metrics, states and messages, seen with plain boto3."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from flask_errwatch._aws import Aws
from flask_errwatch.lab import Clock
from flask_errwatch.lab.service import Service
from tests.lab.lab_bench import Bench, Cloud

Posted = tuple[str, list[dict[str, Any]]]

ERROR = '{"event": "Error"}'
CALM = '{"event": "Heartbeat"}'
PATTERN = '{ $.event = "Error" }'


def test_alarm_starts_without_data_and_then_is_ok(bench: Bench, cloud: Cloud) -> None:
    """As in AWS: INSUFFICIENT_DATA at first, OK after the first evaluation."""
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors")
    assert cloud.state("errors")[0] == "OK"  # moto's own beginning
    bench.service.step(cloud.start + 30)
    assert cloud.state("errors")[0] == "INSUFFICIENT_DATA"
    assert bench.told == []
    bench.service.step(cloud.start + 60)
    assert cloud.state("errors")[0] == "OK"
    assert bench.told == [("errors", "INSUFFICIENT_DATA", "OK")]


def test_lines_become_metric_data_state_and_message(
    bench: Bench, cloud: Cloud, posted: Posted
) -> None:
    """The whole chain: three matching lines in a minute ring, a calm minute ends it."""
    url, bodies = posted
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors", AlarmActions=[topic], OKActions=[topic])
    cloud.log((1, ERROR), (2, CALM), (3, ERROR), (4, ERROR))
    bench.service.step(cloud.start + 60)
    assert cloud.state("errors")[0] == "ALARM"
    assert "3" in cloud.state("errors")[1]
    assert cloud.sum("errors", 0) == [3.0]
    assert cloud.sum("errors", 0, "SampleCount") == [4.0]
    cloud.log((61, CALM))
    bench.service.step(cloud.start + 120)
    assert cloud.sum("errors", 1) == [0.0]
    assert cloud.sum("errors", 2) == []
    assert bench.told == [
        ("errors", "INSUFFICIENT_DATA", "ALARM"),
        ("errors", "ALARM", "OK"),
    ]
    messages = [json.loads(body["Message"]) for body in bodies]
    assert [each["NewStateValue"] for each in messages] == ["ALARM", "OK"]
    assert messages[0]["NewStateReason"] == bench.transitions[0].reason


def test_stored_pattern_decides_not_the_name(bench: Bench, cloud: Cloud) -> None:
    """What counts is the filter as it stands; put again, it counts from then on otherwise."""
    cloud.group()
    cloud.filter("errors", '"Heartbeat"')
    cloud.alarm("errors")
    cloud.log((1, ERROR), (2, ERROR), (3, ERROR), (4, CALM))
    bench.service.step(cloud.start + 60)
    assert cloud.sum("errors", 0) == [1.0]
    cloud.filter("errors", PATTERN)
    cloud.log((61, ERROR), (62, CALM))
    bench.service.step(cloud.start + 120)
    assert cloud.sum("errors", 1) == [1.0]
    assert cloud.sum("errors", 0) == [1.0]


def test_filters_see_the_lines_of_their_own_group_only(bench: Bench, cloud: Cloud) -> None:
    """Two groups may have filters of one name; each counts its own lines."""
    for group in ("shop", "blog"):
        cloud.group(group)
        cloud.filter("errors", PATTERN, group=group, metricName=f"{group}-errors")
        cloud.alarm(f"{group}-errors")
    cloud.log((1, ERROR), (2, ERROR), (3, ERROR), group="blog")
    bench.service.step(cloud.start + 60)
    assert (cloud.state("blog-errors")[0], cloud.state("shop-errors")[0]) == ("ALARM", "OK")
    assert (cloud.sum("blog-errors", 0), cloud.sum("shop-errors", 0)) == ([3.0], [])


def test_dimensions_unit_and_value_are_put_as_the_filter_says(bench: Bench, cloud: Cloud) -> None:
    """A filter that reads its value and a dimension from the line gives that metric data."""
    cloud.group()
    cloud.logs.put_metric_filter(
        logGroupName="shop",
        filterName="slow",
        filterPattern='{ $.route = "*" }',
        metricTransformations=[
            {
                "metricName": "ms",
                "metricNamespace": "Application Logs",
                "metricValue": "$.ms",
                "unit": "Milliseconds",
                "dimensions": {"Route": "$.route"},
            }
        ],
    )
    cloud.log((1, '{"route": "/a", "ms": 20}'), (2, '{"route": "/a", "ms": 40}'), (3, CALM))
    bench.service.step(cloud.start + 60)
    (datapoint,) = cloud.cloudwatch.get_metric_statistics(
        Namespace="Application Logs",
        MetricName="ms",
        Dimensions=[{"Name": "Route", "Value": "/a"}],
        StartTime=cloud.start,
        EndTime=cloud.start + 60,
        Period=60,
        Statistics=["Sum", "Maximum", "SampleCount"],
    )["Datapoints"]
    assert (datapoint["Sum"], datapoint["Maximum"], datapoint["SampleCount"]) == (60, 40, 2)
    assert datapoint["Unit"] == "Milliseconds"


def test_state_outlives_a_change_of_the_alarm(bench: Bench, cloud: Cloud) -> None:
    """The emulator puts a changed alarm back to OK; in AWS and here it keeps its state."""
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors")
    cloud.log((1, ERROR), (2, ERROR), (3, ERROR))
    bench.service.step(cloud.start + 60)
    cloud.alarm("errors", AlarmDescription="Changed.")
    assert cloud.state("errors")[0] == "OK"
    bench.service.step(cloud.start + 90)
    assert cloud.state("errors")[0] == "ALARM"
    assert bench.told == [("errors", "INSUFFICIENT_DATA", "ALARM")]


def test_state_set_by_hand_is_announced_and_taken_back(
    bench: Bench, cloud: Cloud, posted: Posted
) -> None:
    """SetAlarmState tries the way to the subscriber, as in AWS, and does not last."""
    url, bodies = posted
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors", AlarmActions=[topic], OKActions=[topic])
    bench.service.step(cloud.start + 60)
    bodies.clear()
    cloud.cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")
    bench.service.step(cloud.start + 70)
    assert cloud.state("errors")[0] == "OK"
    messages = [json.loads(body["Message"]) for body in bodies]
    assert [(each["NewStateValue"], each["OldStateValue"]) for each in messages] == [
        ("ALARM", "OK"),
        ("OK", "ALARM"),
    ]
    assert messages[0]["NewStateReason"] == "a test"


def test_what_cannot_be_judged_is_said_and_the_rest_is_judged(bench: Bench, cloud: Cloud) -> None:
    """Metric math, a metric without a filter, a wrong pattern: warnings, no end of the lab."""
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.filter("broken", "{ $.event = }")
    cloud.alarm("errors")
    cloud.alarm("fed-by-nobody")
    cloud.cloudwatch.put_metric_alarm(
        AlarmName="math",
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Metrics=[{"Id": "a", "Expression": "TIME_SERIES(1)", "Period": 60, "ReturnData": True}],
    )
    bench.service.step(cloud.start + 60)
    assert bench.told == [("errors", "INSUFFICIENT_DATA", "OK")]
    assert len(bench.warnings) == 3
    assert "pattern of metric filter 'broken'" in bench.warnings[0]
    assert "alarm fed-by-nobody: no metric filter feeds its metric." in bench.warnings
    assert any("metrics of alarm 'math'" in each for each in bench.warnings)


def test_filter_that_goes_leaves_its_alarm_alone(bench: Bench, cloud: Cloud) -> None:
    """Without its filter an alarm is no longer judged; a new filter has it judged again."""
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors")
    bench.service.step(cloud.start + 60)
    cloud.logs.delete_metric_filter(logGroupName="shop", filterName="errors")
    cloud.log((61, ERROR), (62, ERROR), (63, ERROR))
    bench.service.step(cloud.start + 120)
    assert cloud.state("errors")[0] == "OK"
    assert bench.warnings == ["alarm errors: no metric filter feeds its metric."]
    assert cloud.sum("errors", 1) == []


@pytest.mark.parametrize("speed", [1, 60])
def test_metric_data_stands_at_the_labs_time(aws: Aws, cloud: Cloud, speed: int) -> None:
    """A line written ten seconds after the start counts ten times the speed later."""
    hour_ago = cloud.start - 3600
    clock = Clock(start=cloud.start, origin=hour_ago, speed=speed)
    service = Service(aws, clock, tell=lambda _: None, warn=lambda _: None)
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.log((10, ERROR))
    service.step(hour_ago)
    minute = 10 * speed // 60
    assert cloud.sum("errors", -60 + minute) == [1.0]


def test_many_metric_data_go_in_several_calls(bench: Bench, cloud: Cloud) -> None:
    """More than a thousand kinds of samples exceed one PutMetricData; all arrive."""
    cloud.group()
    target = {"metricName": "n", "metricNamespace": "Application Logs", "metricValue": "$.n"}
    cloud.logs.put_metric_filter(
        logGroupName="shop",
        filterName="n",
        filterPattern="{ $.n >= 0 }",
        metricTransformations=[target],
    )
    cloud.log(*((1, json.dumps({"n": n})) for n in range(1100)))
    bench.service.step(cloud.start + 60)
    assert cloud.sum("n", 0, "SampleCount") == [1100.0]
    assert boto3.client("cloudwatch").list_metrics()["Metrics"][0]["MetricName"] == "n"


def test_message_that_is_not_sent_is_said(bench: Bench, cloud: Cloud) -> None:
    """The alarm rings all the same when its subscriber is outside this machine."""
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://pager.example.com/")
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors", AlarmActions=[topic])
    cloud.log((1, ERROR), (2, ERROR), (3, ERROR))
    bench.service.step(cloud.start + 60)
    assert cloud.state("errors")[0] == "ALARM"
    assert bench.warnings == [
        "alarm errors: not sent, since pager.example.com is outside this machine."
    ]

"""Lines become metric data, alarm states and notifications, observed with plain boto3."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from flask_errwatch._aws import Aws
from flask_errwatch.config import load
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.lab import Clock
from flask_errwatch.lab.emulator import CloudWatchEmulator
from flask_errwatch.provision.apply import bootstrap
from flask_errwatch.provision.status import read_status
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
    assert cloud.state("errors")[0] == "OK"  # moto's initial state
    bench.emulator.step(cloud.start + 30)
    assert cloud.state("errors")[0] == "INSUFFICIENT_DATA"
    assert bench.changes == []
    bench.emulator.step(cloud.start + 60)
    assert cloud.state("errors")[0] == "OK"
    assert bench.changes == [("errors", "INSUFFICIENT_DATA", "OK")]


def test_lines_become_metric_data_state_and_notification(
    bench: Bench, cloud: Cloud, posted: Posted
) -> None:
    """Three matching lines in a minute raise the alarm. A minute without any resolves it."""
    url, bodies = posted
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors", AlarmActions=[topic], OKActions=[topic])
    cloud.log((1, ERROR), (2, CALM), (3, ERROR), (4, ERROR))
    bench.emulator.step(cloud.start + 60)
    assert cloud.state("errors")[0] == "ALARM"
    assert "3" in cloud.state("errors")[1]
    assert cloud.sum("errors", 0) == [3.0]
    assert cloud.sum("errors", 0, "SampleCount") == [4.0]
    cloud.log((61, CALM))
    bench.emulator.step(cloud.start + 120)
    assert cloud.sum("errors", 1) == [0.0]
    assert cloud.sum("errors", 2) == []
    assert bench.changes == [
        ("errors", "INSUFFICIENT_DATA", "ALARM"),
        ("errors", "ALARM", "OK"),
    ]
    messages = [json.loads(body["Message"]) for body in bodies]
    assert [message["NewStateValue"] for message in messages] == ["ALARM", "OK"]
    assert messages[0]["NewStateReason"] == bench.transitions[0].reason


def test_stored_pattern_decides_not_the_name(bench: Bench, cloud: Cloud) -> None:
    """The filter's current pattern counts. A changed pattern applies to later lines only."""
    cloud.group()
    cloud.filter("errors", '"Heartbeat"')
    cloud.alarm("errors")
    cloud.log((1, ERROR), (2, ERROR), (3, ERROR), (4, CALM))
    bench.emulator.step(cloud.start + 60)
    assert cloud.sum("errors", 0) == [1.0]
    cloud.filter("errors", PATTERN)
    cloud.log((61, ERROR), (62, CALM))
    bench.emulator.step(cloud.start + 120)
    assert cloud.sum("errors", 1) == [1.0]
    assert cloud.sum("errors", 0) == [1.0]


def test_filters_see_the_lines_of_their_own_group_only(bench: Bench, cloud: Cloud) -> None:
    """Two groups may have filters of the same name. Each counts its own lines."""
    for group in ("shop", "blog"):
        cloud.group(group)
        cloud.filter("errors", PATTERN, group=group, metricName=f"{group}-errors")
        cloud.alarm(f"{group}-errors")
    cloud.log((1, ERROR), (2, ERROR), (3, ERROR), group="blog")
    bench.emulator.step(cloud.start + 60)
    assert (cloud.state("blog-errors")[0], cloud.state("shop-errors")[0]) == ("ALARM", "OK")
    assert (cloud.sum("blog-errors", 0), cloud.sum("shop-errors", 0)) == ([3.0], [])


def test_dimensions_unit_and_value_are_those_of_the_filter(bench: Bench, cloud: Cloud) -> None:
    """A filter may read its value and a dimension from the line."""
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
    bench.emulator.step(cloud.start + 60)
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
    """A changed alarm, which moto resets to OK, keeps its state in the lab, as in AWS."""
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors")
    cloud.log((1, ERROR), (2, ERROR), (3, ERROR))
    bench.emulator.step(cloud.start + 60)
    cloud.alarm("errors", AlarmDescription="Changed.")
    assert cloud.state("errors")[0] == "OK"
    bench.emulator.step(cloud.start + 90)
    assert cloud.state("errors")[0] == "ALARM"
    assert bench.changes == [("errors", "INSUFFICIENT_DATA", "ALARM")]


def test_state_set_by_hand_is_notified_and_reverted(
    bench: Bench, cloud: Cloud, posted: Posted
) -> None:
    """SetAlarmState notifies the subscriber, as in AWS, and lasts until the next evaluation."""
    url, bodies = posted
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors", AlarmActions=[topic], OKActions=[topic])
    bench.emulator.step(cloud.start + 60)
    bodies.clear()
    cloud.cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")
    bench.emulator.step(cloud.start + 70)
    assert cloud.state("errors")[0] == "OK"
    messages = [json.loads(body["Message"]) for body in bodies]
    assert [(message["NewStateValue"], message["OldStateValue"]) for message in messages] == [
        ("ALARM", "OK"),
        ("OK", "ALARM"),
    ]
    assert messages[0]["NewStateReason"] == "a test"


def test_what_cannot_be_judged_is_warned_about_and_the_rest_is_judged(
    bench: Bench, cloud: Cloud
) -> None:
    """Metric math, a metric without a filter and an invalid pattern do not stop the lab."""
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.filter("broken", "{ $.event = }")
    cloud.alarm("errors")
    cloud.alarm("without-filter")
    cloud.cloudwatch.put_metric_alarm(
        AlarmName="math",
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Metrics=[{"Id": "a", "Expression": "TIME_SERIES(1)", "Period": 60, "ReturnData": True}],
    )
    bench.emulator.step(cloud.start + 60)
    bench.emulator.step(cloud.start + 61)
    assert bench.changes == [("errors", "INSUFFICIENT_DATA", "OK")]
    assert len(bench.warnings) == 3
    assert "pattern of metric filter 'broken'" in bench.warnings[0]
    assert (
        "alarm without-filter: no metric filter or insight rule feeds its metric." in bench.warnings
    )
    assert any("metrics of alarm 'math'" in warning for warning in bench.warnings)


def test_an_alarm_whose_filter_is_deleted_just_before_it_is_no_warning(
    bench: Bench, cloud: Cloud
) -> None:
    """Between the two calls of `destroy`, and of `apply`, a step may see the one without the other.

    Where the filter comes back and is deleted for good, that is warned about.
    """
    cloud.group()
    cloud.alarm("errors")
    bench.emulator.step(cloud.start + 1)
    cloud.filter("errors", PATTERN)
    bench.emulator.step(cloud.start + 2)
    cloud.logs.delete_metric_filter(logGroupName="shop", filterName="errors")
    bench.emulator.step(cloud.start + 3)
    cloud.cloudwatch.delete_alarms(AlarmNames=["errors"])
    bench.emulator.step(cloud.start + 4)
    bench.emulator.step(cloud.start + 5)
    assert bench.warnings == []


def test_alarm_without_its_filter_keeps_its_state(bench: Bench, cloud: Cloud) -> None:
    """When its filter is deleted, an alarm is no longer judged, and a warning names it."""
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors")
    bench.emulator.step(cloud.start + 60)
    cloud.logs.delete_metric_filter(logGroupName="shop", filterName="errors")
    cloud.log((61, ERROR), (62, ERROR), (63, ERROR))
    bench.emulator.step(cloud.start + 120)
    assert cloud.state("errors")[0] == "OK"
    assert bench.warnings == []
    for second in (121, 122):
        bench.emulator.step(cloud.start + second)
    assert bench.warnings == ["alarm errors: no metric filter or insight rule feeds its metric."]
    assert cloud.sum("errors", 1) == []


@pytest.mark.parametrize("speed", [1, 60])
def test_metric_data_has_the_labs_time(aws: Aws, cloud: Cloud, speed: int) -> None:
    """A line written ten seconds after the start is counted at ten times the speed later."""
    hour_ago = cloud.start - 3600
    clock = Clock(start=cloud.start, origin=hour_ago, speed=speed)
    emulator = CloudWatchEmulator(
        aws, clock, on_transition=lambda _: None, on_warning=lambda _: None
    )
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.log((10, ERROR))
    emulator.step(hour_ago)
    minute = 10 * speed // 60
    assert cloud.sum("errors", -60 + minute) == [1.0]


def test_many_metric_data_are_put_in_several_calls(bench: Bench, cloud: Cloud) -> None:
    """More than 1,000 distinct samples exceed one PutMetricData. All are put."""
    cloud.group()
    target = {"metricName": "n", "metricNamespace": "Application Logs", "metricValue": "$.n"}
    cloud.logs.put_metric_filter(
        logGroupName="shop",
        filterName="n",
        filterPattern="{ $.n >= 0 }",
        metricTransformations=[target],
    )
    cloud.log(*((1, json.dumps({"n": n})) for n in range(1100)))
    bench.emulator.step(cloud.start + 60)
    assert cloud.sum("n", 0, "SampleCount") == [1100.0]
    assert boto3.client("cloudwatch").list_metrics()["Metrics"][0]["MetricName"] == "n"


def test_notification_that_is_not_sent_is_warned_about(bench: Bench, cloud: Cloud) -> None:
    """The alarm fires all the same when its subscriber is outside this machine."""
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://pager.example.com/")
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors", AlarmActions=[topic])
    cloud.log((1, ERROR), (2, ERROR), (3, ERROR))
    bench.emulator.step(cloud.start + 60)
    assert cloud.state("errors")[0] == "ALARM"
    assert bench.warnings == [
        "alarm errors: not sent, since pager.example.com is outside this machine."
    ]


def test_a_composite_alarm_notifies_for_the_app(
    bench: Bench, cloud: Cloud, posted: Posted, aws: Aws
) -> None:
    """`apply` creates it in the lab, and the judge evaluates it: one message for two alarms."""
    url, bodies = posted
    keys = {
        "ERRWATCH_DEFAULTS": "0.1",  # both of these notify
        "ERRWATCH_NOTIFY": "app",
        "ERRWATCH_SNS_TOPIC": "alarms",
        "ERRWATCH_SUBSCRIPTIONS": url,
        "ERRWATCH_ALARM_PERIOD": 60,
        "ERRWATCH_ALARM_THRESHOLD": 0,
        "ERRWATCH_DATA_PROTECTION": True,
    }
    config = load(keys, {}, app_name="shop")
    catalogue = Catalogue(DEFAULT_DETECTORS).configured(config)
    bootstrap(aws, catalogue, config)
    assert read_status(aws, catalogue, config).plan.is_empty
    bench.emulator.step(cloud.start + 60)
    bodies.clear()  # the first OK, from INSUFFICIENT_DATA
    bench.transitions.clear()
    cloud.logs.create_log_stream(logGroupName="shop", logStreamName="one")
    cloud.log((61, '{"event": "Not Found Error"}'), (62, '{"event": "Authentication Error"}'))
    bench.emulator.step(cloud.start + 120)
    assert sorted(bench.changes) == [
        ("shop-alarms", "OK", "ALARM"),
        ("shop-authentication-error", "OK", "ALARM"),
        ("shop-not-found-error", "OK", "ALARM"),
    ]
    (message,) = [json.loads(body["Message"]) for body in bodies]
    assert (message["AlarmName"], message["NewStateValue"]) == ("shop-alarms", "ALARM")
    assert 'ALARM("shop-not-found-error")' in message["AlarmRule"]
    assert "Trigger" not in message
    assert bench.warnings == []


def test_a_composite_alarm_of_unknown_alarms_is_warned_about(bench: Bench, cloud: Cloud) -> None:
    """It is not judged, and the lab goes on."""
    cloud.group()
    cloud.filter("errors", PATTERN)
    cloud.alarm("errors")
    for name, rule in (("both", 'ALARM("errors") OR ALARM("gone")'), ("odd", "ALARM(")):
        cloud.cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule)
    bench.emulator.step(cloud.start + 60)
    assert bench.changes == [("errors", "INSUFFICIENT_DATA", "OK")]
    assert "alarm both: the lab does not judge all the alarms of its rule." in bench.warnings
    assert any("rule of alarm 'odd'" in warning for warning in bench.warnings)


def test_an_alarm_on_an_insight_rule_is_judged(bench: Bench, cloud: Cloud) -> None:
    """Three lines of one client raise it, two of another do not, and a silent minute ends it."""
    cloud.group()
    rule = {
        "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
        "LogGroupNames": ["shop"],
        "LogFormat": "JSON",
        "Contribution": {"Keys": ["$.client_ip"], "Filters": []},
        "AggregateOn": "Count",
    }
    cloud.cloudwatch.put_insight_rule(
        RuleName="errors", RuleDefinition=json.dumps(rule), RuleState="ENABLED"
    )
    for name, rules in (("busiest", '"errors"'), ("other", '"missing"')):
        expression = f'FILL(INSIGHT_RULE_METRIC({rules}, "MaxContributorValue"), 0)'
        cloud.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Metrics=[{"Id": "m", "Expression": expression, "Period": 60}],
            EvaluationPeriods=1,
            Threshold=2.0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
    clients = ["192.0.2.1"] * 2 + ["192.0.2.2"] * 2
    cloud.log(*((1, json.dumps({"client_ip": client})) for client in clients))
    bench.emulator.step(cloud.start + 60)
    assert bench.changes == [("busiest", "INSUFFICIENT_DATA", "OK")]
    cloud.log((61, json.dumps({"client_ip": "192.0.2.2"})))
    cloud.log(*((62, json.dumps({"client_ip": "192.0.2.2"})) for _ in range(2)))
    bench.emulator.step(cloud.start + 120)
    assert bench.changes[1:] == [("busiest", "OK", "ALARM")]
    bench.emulator.step(cloud.start + 180)
    assert bench.changes[2:] == [("busiest", "ALARM", "OK")]
    assert bench.warnings == ["alarm other: no metric filter or insight rule feeds its metric."]

"""Each kind of alarm, from its declaration to the values that CloudWatch gets."""

from __future__ import annotations

import json

import pytest

from flask_errwatch import AnomalyAlarm, BusyAlarm, RequestMetric
from flask_errwatch import config as configuration
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Catalogue, Detector
from flask_errwatch.errors import ConfigurationError
from flask_errwatch.provision import (
    AnomalyDetector,
    AwsScope,
    CompositeAlarm,
    Desired,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    desired_resources,
)
from flask_errwatch.provision.topics import Topics

TOPIC = "arn:aws:sns:eu-central-1:123456789012:ops"
PLACE = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
MARKER = "managed-by=flask-errwatch app=shop"
BALANCER = RequestMetric(
    namespace="AWS/ApplicationELB",
    name="RequestCount",
    dimensions=(("LoadBalancer", "app/shop/50dc6c495c0c9188"),),
)


def desired_for(*detectors: Detector, app: str = "shop", **settings: object) -> Desired:
    """Returns the desired resources of these detectors."""
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name=app)
    catalogue = Catalogue(detectors or DEFAULT_DETECTORS).configured(config)
    return desired_resources(catalogue, config, topics=Topics(default=TOPIC), scope=PLACE)


def login_failed(alarm: Alarm | AnomalyAlarm | BusyAlarm | None) -> Detector:
    """Returns a detector with that alarm."""
    return Detector(name="login-failed", event="Login Failed", alarm=alarm)


def test_anomaly_alarm_is_a_band_over_the_filters_metric() -> None:
    """Model, metric and alarm agree. Without a threshold, only values above the band breach."""
    desired = desired_for(
        login_failed(AnomalyAlarm(band=2.5, evaluation_periods=3, datapoints_to_alarm=2))
    )
    (band,) = desired.alarms
    assert desired.anomaly_detectors == (
        AnomalyDetector(
            namespace="Application Logs", metric_name="shop-login-failed", statistic="Sum"
        ),
    )
    assert band.metrics == (
        MetricQuery(
            id="count",
            namespace="Application Logs",
            metric_name="shop-login-failed",
            statistic="Sum",
            period=300,
            return_data=True,
        ),
        MetricQuery(
            id="band",
            expression="ANOMALY_DETECTION_BAND(count, 2.5)",
            label="shop-login-failed (usual)",
            return_data=True,
        ),
    )
    assert (band.name, band.threshold, band.threshold_metric_id) == (
        "shop-login-failed",
        None,
        "band",
    )
    assert band.comparison_operator == "GreaterThanUpperThreshold"
    assert (band.metric_name, band.namespace, band.statistic, band.period) == (None,) * 4
    assert (band.evaluation_periods, band.datapoints_to_alarm) == (3, 2)
    assert band.alarm_actions == band.ok_actions == (TOPIC,)


def test_busy_alarm_notifies_once_when_both_conditions_hold() -> None:
    """Two alarms without actions, and a composite alarm that notifies."""
    alarm = BusyAlarm(errors=Alarm(threshold=20), requests=BALANCER, minimum_requests=500)
    desired = desired_for(login_failed(alarm))
    failures, requests = desired.alarms
    assert (failures.name, failures.threshold, failures.alarm_actions) == (
        "shop-login-failed",
        20.0,
        (),
    )
    assert requests == MetricAlarm(
        name="shop-login-failed-requests",
        description=f"Enough requests come in: failures of shop-login-failed count. "
        f"No one is notified.\n{MARKER}",
        namespace="AWS/ApplicationELB",
        metric_name="RequestCount",
        dimensions=(("LoadBalancer", "app/shop/50dc6c495c0c9188"),),
        statistic="Sum",
        period=300,
        evaluation_periods=1,
        threshold=500.0,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching",
    )
    (composite,) = desired.composites
    assert isinstance(composite, CompositeAlarm)
    assert composite.name == "shop-login-failed-busy"
    assert composite.rule == 'ALARM("shop-login-failed") AND ALARM("shop-login-failed-requests")'
    assert composite.alarm_actions == composite.ok_actions == (TOPIC,)
    assert composite.description.startswith("Too many failures while the app is in use.")
    assert composite.description.endswith(f"\n{MARKER}")


def test_one_source_is_enough_below_the_threshold_of_all() -> None:
    """A rule ranks client addresses. Half of the threshold is enough for the busiest one."""
    desired = desired_for(
        PER_SOURCE_ALARMS="not-found-error", DETECTORS={"not-found-error": {"period": 60}}
    )
    rules = {rule.name: rule for rule in desired.insight_rules}
    assert {*rules} == {"shop-not-found-error-one-source", "shop-scan-one-source"}
    rule = rules["shop-not-found-error-one-source"]
    assert json.loads(rule.definition) == {
        "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
        "LogGroupNames": ["shop"],
        "LogFormat": "JSON",
        "Contribution": {
            "Keys": ["$.client_ip"],
            "Filters": [{"Match": "$.event", "In": ["Not Found Error"]}],
        },
        "AggregateOn": "Count",
    }
    alarm = next(alarm for alarm in desired.alarms if alarm.name == rule.name)
    (query,) = alarm.metrics
    assert query.expression == (
        'FILL(INSIGHT_RULE_METRIC("shop-not-found-error-one-source", "MaxContributorValue"), 0)'
    )
    assert (query.period, alarm.threshold) == (60, 5.0)
    assert (alarm.comparison_operator, alarm.treat_missing_data) == (
        "GreaterThanThreshold",
        "notBreaching",
    )
    assert alarm.alarm_actions == (TOPIC,)
    assert alarm.description.startswith("One client address alone causes many of these.")
    assert "\nFirst: find the client_ip in its lines" in alarm.description


def test_a_quotation_mark_cannot_be_in_the_name_of_a_rule() -> None:
    """It would end the name inside the alarm's expression."""
    keys = {"ERRWATCH_PER_SOURCE_ALARMS": "not-found-error", "ERRWATCH_LOG_GROUP": "shop"}
    config = configuration.load(keys, {}, app_name='a"b')
    catalogue = Catalogue(DEFAULT_DETECTORS).configured(config)
    with pytest.raises(ConfigurationError, match="choose a shorter or plainer ERRWATCH_APP_NAME"):
        desired_resources(catalogue, config)


@pytest.mark.parametrize(
    ("alarm", "configured", "expected"),
    [
        (Alarm(threshold=7), None, 3.0),
        (Alarm(threshold=7), 2, 2.0),
        (BusyAlarm(errors=Alarm(threshold=9), requests=BALANCER, minimum_requests=1), None, 4.0),
        (AnomalyAlarm(), None, 5.0),
        (None, None, 5.0),
    ],
)
def test_threshold_of_one_source(
    alarm: Alarm | AnomalyAlarm | BusyAlarm | None, configured: float | None, expected: float
) -> None:
    """Its configured threshold, else half of the detector's, else half of the default."""
    desired = desired_for(login_failed(alarm), PER_SOURCE_ALARMS={"login-failed": configured})
    source_alarm = next(
        alarm for alarm in desired.alarms if alarm.name == "shop-login-failed-one-source"
    )
    assert (source_alarm.threshold, source_alarm.metrics[0].period) == (expected, 300)


def test_per_source_alarm_of_an_unknown_detector_is_refused() -> None:
    """A misspelt name would create no alarm."""
    with pytest.raises(ConfigurationError, match=r"ERRWATCH_PER_SOURCE_ALARMS\['not-fuond'\]"):
        desired_for(PER_SOURCE_ALARMS="not-fuond")


def test_silence_fires() -> None:
    """A separate filter counts heartbeats. The alarm fires when none of five arrives."""
    desired = desired_for(SILENCE_ALARM=True, HEARTBEAT_SECONDS=100)
    heartbeats, silent = desired.filters[-1], desired.alarms[-1]
    assert heartbeats == MetricFilter(
        log_group="shop",
        name="shop-heartbeat",
        pattern='{ $.event = "Heartbeat" }',
        namespace="Application Logs",
        metric_name="shop-heartbeat",
    )
    assert (silent.name, silent.metric_name) == ("shop-silent", "shop-heartbeat")
    assert (silent.comparison_operator, silent.threshold) == ("LessThanThreshold", 1.0)
    assert (silent.statistic, silent.period, silent.evaluation_periods) == ("Sum", 540, 1)
    assert silent.treat_missing_data == "breaching"
    assert silent.alarm_actions == (TOPIC,)
    assert "*20Heartbeat*22" not in silent.description
    assert "*22Heartbeat*22" in silent.description
    assert desired_for(SILENCE_ALARM=True).alarms[-1].period == 300


def test_a_process_that_died_fires() -> None:
    """One is too many: its requests had no answer. Off by default, with its filter."""
    desired = desired_for(PROCESS_ALARM=True, ALARM_PERIOD=600)
    deaths, alarm = desired.filters[-1], desired.alarms[-1]
    assert deaths == MetricFilter(
        log_group="shop",
        name="shop-process-died",
        pattern='{ $.event = "Process Died" }',
        namespace="Application Logs",
        metric_name="shop-process-died",
    )
    assert (alarm.name, alarm.metric_name) == ("shop-process-died", "shop-process-died")
    assert (alarm.comparison_operator, alarm.threshold) == ("GreaterThanThreshold", 0.0)
    assert (alarm.statistic, alarm.period, alarm.evaluation_periods) == ("Sum", 600, 1)
    assert (alarm.treat_missing_data, alarm.alarm_actions) == ("notBreaching", (TOPIC,))
    assert "*22Process*20Died*22" in alarm.description
    without = desired_for(SILENCE_ALARM=True)
    assert not [alarm for alarm in (*without.filters, *without.alarms) if "died" in alarm.name]


@pytest.mark.parametrize("seconds", [0, 17_281])
def test_silence_needs_heartbeats(seconds: int) -> None:
    """Without heartbeats, or with one in five hours, the alarm would be wrong."""
    with pytest.raises(ConfigurationError, match="set ERRWATCH_HEARTBEAT_SECONDS"):
        desired_for(SILENCE_ALARM=True, HEARTBEAT_SECONDS=seconds)


def test_detector_in_the_place_of_a_further_alarm_is_refused() -> None:
    """Two alarms of one name would overwrite each other on every run."""
    both = (
        Detector(name="login", event="Login"),
        Detector(name="login-one-source", event="Login One Source"),
    )
    with pytest.raises(ConfigurationError, match="Two alarms would have this name") as caught:
        desired_for(*both, PER_SOURCE_ALARMS="login")
    assert [problem.value for problem in caught.value.problems] == ["shop-login-one-source"]
    silent = Detector(name="heartbeat", event="Beat")
    with pytest.raises(ConfigurationError, match="Two metric filters would have this name"):
        desired_for(silent, SILENCE_ALARM=True)


def test_rule_that_cloudwatch_would_refuse_is_refused_before() -> None:
    """A rule's name has at most 128 characters, an alarm's 255."""
    app = "s" * 120
    with pytest.raises(ConfigurationError, match="choose a shorter or plainer ERRWATCH_APP_NAME"):
        desired_for(app=app, LOG_GROUP="shop", PER_SOURCE_ALARMS="not-found-error")


def test_names_of_further_alarms_have_a_maximum_length_too() -> None:
    """The detector's name is short enough, that of its second alarm is not."""
    alarm = BusyAlarm(requests=BALANCER, minimum_requests=1)
    with pytest.raises(ConfigurationError, match="at most 255"):
        desired_for(login_failed(alarm), app="s" * 238)


def test_app_name_that_would_break_a_composite_rule_is_refused() -> None:
    """A quotation mark ends the name inside the rule."""
    alarm = BusyAlarm(requests=BALANCER, minimum_requests=1)
    with pytest.raises(ConfigurationError, match="leave '\"' out of the app's name"):
        desired_for(login_failed(alarm), app='the "shop"', LOG_GROUP="shop")


def test_extras_are_created_only_on_request() -> None:
    """By default there are log group, filters, topic, alarms, the rule of `scan`, no more."""
    desired = desired_for(SNS_TOPIC="ops")
    assert [rule.name for rule in desired.insight_rules] == ["shop-scan-one-source"]
    assert (desired.log_alarms, desired.anomaly_detectors, desired.composites) == ((), (), ())
    assert (desired.queries, desired.dashboard) == ((), None)
    more = desired_for(SNS_TOPIC="ops", DASHBOARD=True, SAVED_QUERIES="yes")
    assert more.dashboard is not None
    assert more.dashboard.name == "shop-errors"
    assert f'"markdown":"{MARKER}"' in more.dashboard.body
    assert more.queries[0].name == "shop/top-sources"
    assert more.queries[0].query.startswith(f"# {MARKER}\nfilter ispresent(client_ip)")
    assert more.queries[0].log_groups == ("shop",)
    assert [resource.kind for resource in more.resources[-2:]] == ["saved query", "dashboard"]


def test_topic_policy_lets_the_accounts_alarms_publish_and_its_owner_in() -> None:
    """SNS's default statement stays. Our statement only allows alarms of this account."""
    (policy,) = desired_for(SNS_TOPIC="ops").policies
    owner, alarms = json.loads(policy.document)["Statement"]
    assert owner["Condition"] == {"StringEquals": {"AWS:SourceOwner": "123456789012"}}
    assert alarms == {
        "Sid": "flask-errwatch-alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": TOPIC,
        "Condition": {
            "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"},
            "StringEquals": {"aws:SourceAccount": "123456789012"},
        },
    }

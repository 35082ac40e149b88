"""Desired resources: pure, deterministic, and exactly the values of the reference."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from flask_errwatch import config as configuration
from flask_errwatch.config import Config
from flask_errwatch.detectors import CRITICAL_ERROR, DEFAULT_DETECTORS, Alarm, Catalogue, Detector
from flask_errwatch.detectors.defaults import FLOOD
from flask_errwatch.provision import (
    Desired,
    LogGroup,
    MetricFilter,
    Subscription,
    Topic,
    desired_resources,
)
from flask_errwatch.provision.descriptions import lines_link
from flask_errwatch.provision.descriptions import of_detector as description
from flask_errwatch.provision.resources.tags import tags_for
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.topics import Topics

CHINA = AwsScope(partition="aws-cn", region="cn-north-1", account="123456789012")
TOPIC_ARN = "arn:aws-cn:sns:cn-north-1:123456789012:ops"
TAGS = (("managed-by", "flask-errwatch"), ("app", "shop"))


def _config(**settings: object) -> Config:
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    return configuration.load(keys, {}, app_name="shop")


def _desired(*detectors: Detector, topic_arn: str | None = None, **settings: object) -> Desired:
    config = _config(**settings)
    catalogue = Catalogue(detectors or DEFAULT_DETECTORS).configured(config)
    return desired_resources(catalogue, config, topics=Topics(default=topic_arn))


def test_log_group_and_filter_are_those_of_the_reference() -> None:
    """Every default of log group and filter."""
    desired = _desired()
    assert desired.log_group == LogGroup(name="shop", retention_days=90, log_class="STANDARD")
    assert desired.log_group.tags == TAGS
    assert desired.filters[0] == MetricFilter(
        log_group="shop",
        name="shop-critical-error",
        pattern='{ $.event = "Critical Error" }',
        namespace="Application Logs",
        metric_name="shop-critical-error",
        value="1",
        unit="Count",
        default=0.0,
        dimensions=(),
    )


def test_order_is_that_of_creation_and_of_the_catalogue() -> None:
    """Each resource comes after those that it needs, and a second call returns the same."""
    settings = {"SNS_TOPIC": "ops", "SUBSCRIPTIONS": "mailto:ops@example.com"}
    first = _desired(topic_arn=TOPIC_ARN, **settings)
    kinds = [resource.kind for resource in first.resources]
    assert kinds == [
        *("log group", *["metric filter"] * 9, "topic", "subscription"),
        *("insight rule", *["alarm"] * 8),
    ]
    assert [metric_filter.name for metric_filter in first.filters] == [
        "shop-critical-error",
        "shop-authentication-error",
        "shop-bad-request-error",
        "shop-not-found-error",
        "shop-method-not-allowed-error",
        "shop-rate-limit-error",
        "shop-client-error",
        "shop-scan",
        "shop-failure-flood",
    ]
    assert first == _desired(topic_arn=TOPIC_ARN, **settings)


def test_alarm_takes_its_metric_from_the_filter() -> None:
    """Alarm and filter agree on namespace, metric and dimensions, and the alarm has no unit."""
    desired = _desired(NAMESPACE="Shop/Errors", APP_NAME="the shop", LOG_GROUP="shop")
    by_name = {metric_filter.name: metric_filter for metric_filter in desired.filters}
    on_metrics = [alarm for alarm in desired.alarms if alarm.name not in desired.source_alarms]
    assert len(on_metrics) == 7
    for alarm in on_metrics:
        counted = by_name[alarm.name]
        assert (alarm.namespace, alarm.metric_name) == ("Shop/Errors", counted.metric_name)
        assert alarm.dimensions == counted.dimensions == ()
        assert alarm.unit is None


def test_alarm_fields_are_the_detectors_own() -> None:
    """What an `Alarm` declares reaches the resource, M of N included."""
    declared = Alarm(
        threshold=2.5,
        period=60,
        evaluation_periods=5,
        datapoints_to_alarm=3,
        statistic="Maximum",
        comparison_operator="LessThanThreshold",
        treat_missing_data="breaching",
    )
    (alarm,) = _desired(Detector(name="login-failed", event="Login Failed", alarm=declared)).alarms
    assert (alarm.threshold, alarm.period, alarm.evaluation_periods) == (2.5, 60, 5)
    assert (alarm.datapoints_to_alarm, alarm.statistic) == (3, "Maximum")
    assert (alarm.comparison_operator, alarm.treat_missing_data) == (
        "LessThanThreshold",
        "breaching",
    )


def test_m_equal_to_n_is_the_same_as_no_m() -> None:
    """Both ways to require all datapoints result in the same resource."""
    declared = Alarm(evaluation_periods=3, datapoints_to_alarm=3)
    (alarm,) = _desired(Detector(name="login-failed", event="Login Failed", alarm=declared)).alarms
    assert alarm.datapoints_to_alarm is None


def test_bare_catalogue_means_the_configured_values() -> None:
    """A catalogue whose thresholds are not filled in gets the configured ones."""
    config = _config(ALARM_THRESHOLD=4, ALARM_PERIOD=120)
    desired = desired_resources(Catalogue(DEFAULT_DETECTORS), config)
    # The last two have their own. The period of an expression is in its query.
    scan, flood = (16.0, None), (float(FLOOD), 300)
    declared = [(alarm.threshold, alarm.period) for alarm in desired.alarms]
    assert declared == [*[(4.0, 120)] * 6, scan, flood]


def test_actions_are_the_topic_and_only_for_alarm_and_ok() -> None:
    """ALARM and OK notify the topic, of alarms that notify; OK not of an alarm on one source."""
    desired = _desired(topic_arn=TOPIC_ARN, SNS_TOPIC="ops")
    assert desired.topics == (Topic(name="ops", arn=TOPIC_ARN),)
    for alarm in desired.alarms:
        actions = () if alarm.name in desired.silent else (TOPIC_ARN,)
        assert alarm.alarm_actions == actions
        assert alarm.ok_actions == (() if alarm.name in desired.source_alarms else actions)
        assert alarm.insufficient_data_actions == ()
    assert desired.silent == {
        "shop-bad-request-error",
        "shop-not-found-error",
        "shop-method-not-allowed-error",
    }


def test_topic_by_arn_is_used_and_not_created() -> None:
    """A topic given by its ARN is notified by the alarms, and not created."""
    desired = _desired(topic_arn=TOPIC_ARN, SNS_TOPIC=TOPIC_ARN)
    assert desired.topics == ()
    assert desired.alarms[0].alarm_actions == (TOPIC_ARN,)


def test_no_topic_no_actions() -> None:
    """Without a topic there are neither actions nor subscriptions."""
    desired = _desired()
    assert (desired.topics, desired.subscriptions, desired.alarms[0].alarm_actions) == ((), (), ())


@pytest.mark.parametrize(
    ("url", "protocol", "endpoint"),
    [
        ("mailto:ops@example.com", "email", "ops@example.com"),
        ("https://example.com/hook?k=1", "https", "https://example.com/hook?k=1"),
        ("http://example.com:8080/hook", "http", "http://example.com:8080/hook"),
        ("sms:+4915112345678", "sms", "+4915112345678"),
        (
            "arn:aws:sqs:eu-central-1:123456789012:q",
            "sqs",
            "arn:aws:sqs:eu-central-1:123456789012:q",
        ),
        (
            "arn:aws:lambda:eu-central-1:123456789012:function:f",
            "lambda",
            "arn:aws:lambda:eu-central-1:123456789012:function:f",
        ),
    ],
)
def test_scheme_is_the_protocol(url: str, protocol: str, endpoint: str) -> None:
    """Each kind of URL becomes SNS's protocol and endpoint."""
    (subscription,) = _desired(
        topic_arn=TOPIC_ARN, SNS_TOPIC="ops", SUBSCRIPTIONS=[url]
    ).subscriptions
    assert subscription == Subscription(topic_arn=TOPIC_ARN, protocol=protocol, endpoint=endpoint)


def test_subscription_written_twice_is_one() -> None:
    """SNS allows one subscription per endpoint."""
    twice = "mailto:ops@example.com,mailto:ops@example.com"
    assert (
        len(_desired(topic_arn=TOPIC_ARN, SNS_TOPIC="ops", SUBSCRIPTIONS=twice).subscriptions) == 1
    )


def test_description_has_meaning_place_advice_runbook_and_owner() -> None:
    """A line for each, the marker line last."""
    detector = Detector(
        name="login-failed",
        event="Login Failed",
        description="Someone\nguesses  passwords.",
        runbook_url="https://example.com/login",
    )
    assert description(detector, _config(LOG_GROUP="web"), None) == (
        'Someone guesses passwords. Its lines say "Login Failed" in log group web.\n'
        "First: open its newest lines and see what they share: a path, a client_ip, a release.\n"
        "Runbook: https://example.com/login\n"
        "managed-by=flask-errwatch app=shop"
    )


def test_long_description_keeps_runbook_and_marker() -> None:
    """At most 1,024 characters: the words are cut first. Unprintable characters are replaced."""
    detector = Detector(
        name="login-failed",
        event="Login Failed",
        description="\x1b[31m" + "w" * 495,
        runbook_url="https://example.com/" + "r" * 380,
    )
    text = description(detector, _config(APP_NAME="s" * 225), CHINA)
    assert len(text) == 1024
    assert text.startswith("?[31mwww")
    assert "\nLines: " not in text  # it does not fit
    assert text.endswith("rrr\nmanaged-by=flask-errwatch app=" + "s" * 225)


@pytest.mark.parametrize(
    ("partition", "region", "home"),
    [
        ("aws", "eu-central-1", "https://eu-central-1.console.aws.amazon.com/cloudwatch/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/cloudwatch/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/cloud"),
    ],
)
def test_link_leads_to_the_console_of_its_partition(partition: str, region: str, home: str) -> None:
    """Each partition has its own console."""
    link = lines_link(
        "Login Failed", "shop", AwsScope(partition=partition, region=region, account="")
    )
    assert link is not None
    assert link.startswith(home)
    assert f"?region={region}#logsV2:logs-insights$3FqueryDetail$3D" in link


def test_link_of_an_unknown_partition_is_left_out() -> None:
    """No link is better than a wrong one."""
    scope = AwsScope(partition="aws-iso", region="us-iso-east-1", account="")
    assert lines_link("Login Failed", "shop", scope) is None
    assert "Lines:" not in description(CRITICAL_ERROR, _config(), scope)


def test_link_decodes_to_the_query_and_the_group() -> None:
    """Decoded step by step, it is the console's own notation. No character can end a link early."""
    link = lines_link('event = "Login Failed"', "/web/shop#1", CHINA)
    assert link is not None
    assert re.fullmatch(r"https://[a-z0-9.-]+/cloudwatch/home[?]region=[a-z0-9-]+#[\w:$*.-]+", link)
    detail = unquote(unquote(link.split("#", 1)[1].replace("$", "%")))
    assert detail == (
        "logsV2:logs-insights?queryDetail=~(end~0~start~-10800~timeType~'RELATIVE~unit~'seconds"
        "~editorString~'filter*20event*20*3d*20*22Login*20Failed*22*0a*7c*20sort*20*40timestamp"
        "*20desc*0a*7c*20limit*20100~source~(~'*2fweb*2fshop*231))"
    )


def test_tag_values_contain_only_what_aws_allows() -> None:
    """An app name may contain characters that a tag's value may not."""
    assert tags_for("shop & söhne (eu)") == (
        ("managed-by", "flask-errwatch"),
        ("app", "shop _ söhne _eu_"),
    )

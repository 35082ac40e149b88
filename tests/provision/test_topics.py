"""A topic for each level, and alarms that do not notify of OK."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from flask_errwatch import AnomalyAlarm, ConfigurationError, SourceAlarm
from flask_errwatch import config as configuration
from flask_errwatch._aws import Aws
from flask_errwatch.detectors import Alarm, Catalogue, Detector
from flask_errwatch.provision import Plan
from flask_errwatch.provision.export import to_cloudformation, to_terraform
from flask_errwatch.provision.export.iam import iam_policy

Shop = Callable[..., Plan]


def arn(name: str) -> str:
    """The ARN of a topic of the account."""
    return f"arn:aws:sns:eu-central-1:123456789012:{name}"


LEVELS = (
    Detector(name="paid-twice", event="Paid Twice", level="critical", alarm=Alarm()),
    Detector(name="refund-failed", event="Refund Failed", level="error", alarm=Alarm()),
    Detector(name="cart-odd", event="Cart Odd", level="warning", alarm=Alarm()),
    Detector(name="cart-new", event="Cart New", level="info", alarm=Alarm()),
)
TOPICS = {"critical": "pager", "error": "errors", "warning": arn("others")}
SETTINGS: dict[str, object] = {
    "SNS_TOPIC": "ops",
    "SNS_TOPICS": TOPICS,
    "SUBSCRIPTIONS": "mailto:ops@example.com",
    "SILENCE_ALARM": True,
    "PROCESS_ALARM": True,
}


def actions(aws: Aws) -> dict[str, tuple[list[str], list[str]]]:
    """The alarm and OK actions of each alarm."""
    alarms = aws.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    return {
        alarm["AlarmName"].removeprefix("shop-"): (alarm["AlarmActions"], alarm["OKActions"])
        for alarm in alarms
    }


def test_each_level_notifies_its_topic(aws: Aws, shop: Shop) -> None:
    """A level that is not named notifies the topic of all. Silence is critical."""
    aws.call("sns", "create_topic", Name="others")
    plan = shop(detectors=LEVELS, **SETTINGS)
    assert plan.warnings == ()
    expected = {
        "paid-twice": "pager",
        "refund-failed": "errors",
        "cart-odd": "others",
        "cart-new": "ops",
        "silent": "pager",
        "process-died": "errors",
    }
    assert actions(aws) == {name: ([arn(topic)], [arn(topic)]) for name, topic in expected.items()}
    assert shop(detectors=LEVELS, **SETTINGS).is_empty


def test_topics_by_name_are_created_with_policy_and_subscriptions(aws: Aws, shop: Shop) -> None:
    """Whoever is subscribed to the topic of all is told of each level, also of one by its ARN."""
    aws.call("sns", "create_topic", Name="others")
    shop(detectors=LEVELS, **SETTINGS)
    topics = [topic["TopicArn"] for topic in aws.call("sns", "list_topics")["Topics"]]
    assert sorted(topics) == sorted(map(arn, ("ops", "pager", "errors", "others")))
    for name in ("ops", "pager", "errors", "others"):
        listed = aws.call("sns", "list_subscriptions_by_topic", TopicArn=arn(name))
        assert [one["Endpoint"] for one in listed["Subscriptions"]] == ["ops@example.com"]
    for name in ("ops", "pager", "errors"):
        attributes = aws.call("sns", "get_topic_attributes", TopicArn=arn(name))["Attributes"]
        sids = [one["Sid"] for one in json.loads(attributes["Policy"])["Statement"]]
        assert sids == ["__default_statement_ID", "flask-errwatch-alarms"]


def test_two_levels_may_share_a_topic(aws: Aws, shop: Shop) -> None:
    """It is created once, also if it is that of all others."""
    shop(detectors=LEVELS, SNS_TOPIC="ops", SNS_TOPICS={"critical": "ops", "error": "ops"})
    assert [topic["TopicArn"] for topic in aws.call("sns", "list_topics")["Topics"]] == [arn("ops")]


def test_only_topics_of_levels(aws: Aws, shop: Shop) -> None:
    """A level without a topic notifies no one."""
    shop(detectors=LEVELS, SNS_TOPICS={"critical": "pager"}, SUBSCRIPTIONS="mailto:a@example.com")
    assert actions(aws)["paid-twice"][0] == [arn("pager")]
    assert actions(aws)["refund-failed"][0] == []


def test_each_missing_topic_is_named(aws: Aws, shop: Shop) -> None:
    """CloudWatch does not check that a topic exists."""
    del aws
    plan = shop(
        detectors=LEVELS,
        dry_run=True,
        SNS_TOPIC=arn("gone"),
        SNS_TOPICS={"critical": arn("lost"), "error": "made"},
    )
    assert plan.warnings == (
        f"topic {arn('lost')} does not exist: no one would be notified.",
        f"topic {arn('gone')} does not exist: no one would be notified.",
    )


def test_destroy_keeps_the_topic_that_others_use(aws: Aws, shop: Shop) -> None:
    """Each topic is judged by itself."""
    from flask_errwatch.provision.apply import make_destroy_plan

    shop(detectors=LEVELS, SNS_TOPIC="ops", SNS_TOPICS={"critical": "pager"})
    aws.call(
        "cloudwatch",
        "put_metric_alarm",
        AlarmName="web",
        Namespace="Web",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn("pager")],
    )
    keys = {"ERRWATCH_SNS_TOPIC": "ops", "ERRWATCH_SNS_TOPICS": {"critical": "pager"}}
    config = configuration.load(keys, {}, app_name="shop")
    plan = make_destroy_plan(aws, Catalogue(LEVELS).configured(config), config)
    notes = {change.resource.label: (change.action, change.note) for change in plan.entries}
    assert notes["pager"] == ("unchanged", "stays: notified by 1 alarm of others, such as web")
    assert notes["ops"] == ("delete", "with all of its subscriptions")


def test_a_topic_elsewhere_is_refused_by_its_own_key(shop: Shop) -> None:
    """An alarm notifies only topics of its region."""
    there = "arn:aws:sns:us-east-1:123456789012:pager"
    with pytest.raises(ConfigurationError, match="can only notify a topic there") as caught:
        shop(SNS_TOPICS={"critical": there})
    assert [(one.key, one.value) for one in caught.value.problems] == [
        ("ERRWATCH_SNS_TOPICS", there)
    ]


@pytest.mark.parametrize(
    "value", [{"fatal": "pager"}, {"critical": "no topic"}, ["pager"], "pager"]
)
def test_topics_of_another_form_are_refused(value: object) -> None:
    """A level that does not exist, a name that SNS refuses, no mapping."""
    with pytest.raises(ConfigurationError, match="ERRWATCH_SNS_TOPICS"):
        configuration.load({"ERRWATCH_SNS_TOPICS": value}, {}, app_name="shop")


def test_one_alarm_for_all_has_one_topic() -> None:
    """With `ERRWATCH_NOTIFY=app` a level could not choose."""
    keys = {"ERRWATCH_SNS_TOPICS": '{"critical": "pager"}', "ERRWATCH_NOTIFY": "app"}
    with pytest.raises(ConfigurationError, match="one alarm notifies for all levels"):
        configuration.load({}, keys, app_name="shop")


def exported(**settings: object) -> tuple[Catalogue, configuration.Config]:
    """The catalogue and configuration of an export."""
    keys = {f"ERRWATCH_{name}": value for name, value in {**SETTINGS, **settings}.items()}
    config = configuration.load(keys, {}, app_name="shop")
    return Catalogue(LEVELS).configured(config), config


def test_exports_refer_to_each_topic() -> None:
    """A topic by name is a resource, one by its ARN is that ARN."""
    template = json.loads(to_cloudformation(*exported()))["Resources"]
    assert {name for name in template if template[name]["Type"] == "AWS::SNS::Topic"} == {
        *("OpsTopic", "PagerTopic", "ErrorsTopic")
    }
    assert template["PaidTwiceAlarm"]["Properties"]["AlarmActions"] == [{"Ref": "PagerTopic"}]
    assert template["CartOddAlarm"]["Properties"]["AlarmActions"] == [arn("others")]
    assert template["CartNewAlarm"]["Properties"]["AlarmActions"] == [{"Ref": "OpsTopic"}]
    policies = [one for one in template.values() if one["Type"] == "AWS::SNS::TopicPolicy"]
    assert [one["Properties"]["Topics"] for one in policies] == [
        [{"Ref": name}] for name in ("OpsTopic", "PagerTopic", "ErrorsTopic")
    ]
    terraform = to_terraform(*exported())
    assert "alarm_actions       = [aws_sns_topic.pager.arn]" in terraform
    assert "alarm_actions       = local.alarm_actions" in terraform
    assert f'alarm_actions       = ["{arn("others")}"]' in terraform


def test_an_export_with_topics_of_levels_alone_still_has_the_parameter() -> None:
    """The topic of all others may be given at deployment, and no subscription depends on it."""
    one = exported(SNS_TOPIC="", SNS_TOPICS={"critical": "pager"})
    template = json.loads(to_cloudformation(*one))
    assert template["Parameters"]["SnsTopicArn"]["Default"] == ""
    subscribed = [
        resource["Properties"]["TopicArn"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SNS::Subscription"
    ]
    assert subscribed == [{"Ref": "PagerTopic"}]


def test_a_web_hook_of_several_topics_is_one_parameter() -> None:
    """Its URL is a secret, and given once."""
    template = json.loads(to_cloudformation(*exported(SUBSCRIPTIONS="https://h.example.com/s3")))
    secrets = [name for name, one in template["Parameters"].items() if one.get("NoEcho")]
    assert len(secrets) == 1
    endpoints = [
        resource["Properties"]["Endpoint"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SNS::Subscription"
    ]
    assert endpoints == [{"Ref": secrets[0]}] * 4


def test_the_policy_has_every_topic() -> None:
    """Those that the app creates, and those that it only subscribes to."""
    statements = iam_policy("deploy", *exported())["Statement"]
    assert isinstance(statements, list)
    by_sid = {one["Sid"]: one for one in statements}
    assert [one.rsplit(":", 1)[1] for one in by_sid["Topic"]["Resource"]] == [
        *("ops", "pager", "errors")
    ]
    assert by_sid["TopicOfOthers"]["Resource"] == arn("others")


KINDS = (
    *LEVELS,
    Detector(name="slow", event="Slow", alarm=AnomalyAlarm()),
    Detector(name="scan", where="$.suspicion > 0", alarm=SourceAlarm(threshold=5, period=300)),
)


def test_ok_actions_can_be_left_out_everywhere(aws: Aws, shop: Shop) -> None:
    """Each alarm still notifies that it fires. Turned on again, the actions come back."""
    settings: dict[str, object] = {**SETTINGS, "SNS_TOPICS": {}}
    shop(detectors=LEVELS, OK_ACTIONS=False, **settings)
    assert [ok for _, ok in actions(aws).values()] == [[]] * 6
    assert {tuple(fired) for fired, _ in actions(aws).values()} == {(arn("ops"),)}
    shop(detectors=LEVELS, **settings)
    assert {tuple(ok) for _, ok in actions(aws).values()} == {(arn("ops"),)}


@pytest.mark.parametrize("notify", ["each", "app"])
def test_exports_leave_ok_actions_out_too(notify: str) -> None:
    """Of every kind of alarm, composite ones included."""
    keys = {"ERRWATCH_SNS_TOPIC": "ops", "ERRWATCH_OK_ACTIONS": "off", "ERRWATCH_NOTIFY": notify}
    config = configuration.load(keys, {}, app_name="shop")
    template = to_cloudformation(Catalogue(KINDS).configured(config), config)
    assert "AlarmActions" in template
    assert "OKActions" not in template

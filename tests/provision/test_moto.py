"""Against moto's server, over HTTP: the resources after a run, and the calls of a second run.

What moto does differently from AWS is tested in test_stubbed.py.

"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.errors import AwsCallError, ConfigurationError, ProvisioningError
from flask_errwatch.provision import Difference, Plan
from flask_errwatch.provision.apply import apply_plan, bootstrap, make_plan

Shop = Callable[..., Plan]
Writes = Callable[[], list[str]]

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
WITH_TOPIC = {
    "SNS_TOPIC": "ops",
    "SUBSCRIPTIONS": "mailto:ops@example.com,https://hooks.example.com/s3cret",
}
#: Group and retention, 7 filters, topic and its policy, 2 subscriptions, 6 alarms.
WRITES = [
    *("CreateLogGroup", "PutRetentionPolicy"),
    *("PutMetricFilter",) * 7,
    *("CreateTopic", "SetTopicAttributes", "Subscribe", "Subscribe"),
    *("PutMetricAlarm",) * 6,
]

#: Only the first two detectors: every kind of call, and two of each repeated kind.
TWO = DEFAULT_DETECTORS[:2]
WRITES_OF_TWO = [
    *("CreateLogGroup", "PutRetentionPolicy", "PutMetricFilter", "PutMetricFilter"),
    *("CreateTopic", "SetTopicAttributes", "Subscribe", "Subscribe"),
    *("PutMetricAlarm", "PutMetricAlarm"),
]


def _alarms(aws: Aws) -> dict[str, dict[str, object]]:
    listed = aws.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    return {entry["AlarmName"]: entry for entry in listed}


def _filters(aws: Aws) -> list[dict[str, object]]:
    return list(aws.pages("logs", "describe_metric_filters", "metricFilters", logGroupName="shop"))


def _failing(aws: Aws, event: str, is_due: Callable[[str], bool], code: str) -> None:
    """Makes calls fail: `before-call` does not send them, `after-call` loses the response."""

    def fail(model: object, **_: object) -> None:
        name = str(getattr(model, "name", model))
        if is_due(name):
            raise ClientError({"Error": {"Code": code, "Message": "made to fail"}}, name)

    for service in ("logs", "cloudwatch", "sns", "sts"):
        aws.client(service).meta.events.register(event, fail, unique_id="fault")


def _healed(aws: Aws, event: str) -> None:
    for service in ("logs", "cloudwatch", "sns", "sts"):
        aws.client(service).meta.events.unregister(event, unique_id="fault")


def _nth_write(number: int) -> Callable[[str], bool]:
    seen: list[str] = []

    def is_due(name: str) -> bool:
        if name.startswith(("Describe", "List", "Get")):
            return False
        seen.append(name)
        return len(seen) == number

    return is_due


def test_created_resources_are_the_table_of_the_design(aws: Aws, shop: Shop) -> None:
    """Every default value is what moto stored."""
    shop(**WITH_TOPIC)
    (group,) = aws.call("logs", "describe_log_groups")["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == ("shop", 90)
    tags = aws.call("logs", "list_tags_for_resource", resourceArn=group["logGroupArn"])["tags"]
    assert tags == {"managed-by": "flask-errwatch", "app": "shop"}

    phrases = {
        "shop-critical-error": "Critical Error",
        "shop-authentication-error": "Authentication Error",
        "shop-bad-request-error": "Bad Request Error",
        "shop-not-found-error": "Not Found Error",
        "shop-method-not-allowed-error": "Method Not Allowed Error",
        "shop-rate-limit-error": "Rate Limit Error",
        "shop-client-error": "Client Error",
    }
    stored = {str(metric_filter["filterName"]): metric_filter for metric_filter in _filters(aws)}
    assert len(_filters(aws)) == 7
    assert list(stored) == list(phrases)
    for name, phrase in phrases.items():
        assert stored[name]["logGroupName"] == "shop"
        assert stored[name]["filterPattern"] == f'{{ $.event = "{phrase}" }}'
        assert stored[name]["metricTransformations"] == [
            {
                "metricName": name,
                "metricNamespace": "Application Logs",
                "metricValue": "1",
                "defaultValue": 0.0,
                "unit": "Count",
            }
        ]

    alarms = _alarms(aws)
    assert sorted(alarms) == sorted(set(phrases) - {"shop-client-error"})
    expected: dict[str, object] = {
        "Namespace": "Application Logs",
        "Dimensions": [],
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 10.0,
        "Period": 300,
        "EvaluationPeriods": 1,
        "Statistic": "Sum",
        "TreatMissingData": "notBreaching",
        "ActionsEnabled": True,
        "AlarmActions": [ARN],
        "OKActions": [ARN],
        "InsufficientDataActions": [],
    }
    for name, alarm in alarms.items():
        assert {key: alarm[key] for key in expected} == expected
        assert alarm["MetricName"] == name
        assert "Unit" not in alarm
        assert str(alarm["AlarmDescription"]).endswith("\nmanaged-by=flask-errwatch app=shop")
        listed = aws.call("cloudwatch", "list_tags_for_resource", ResourceARN=alarm["AlarmArn"])
        assert listed["Tags"] == [
            {"Key": "managed-by", "Value": "flask-errwatch"},
            {"Key": "app", "Value": "shop"},
        ]

    assert aws.call("sns", "list_topics")["Topics"] == [{"TopicArn": ARN}]
    topic_tags = aws.call("sns", "list_tags_for_resource", ResourceArn=ARN)["Tags"]
    assert {"Key": "managed-by", "Value": "flask-errwatch"} in topic_tags
    subscribed = aws.call("sns", "list_subscriptions_by_topic", TopicArn=ARN)["Subscriptions"]
    assert [
        (subscription["Protocol"], subscription["Endpoint"]) for subscription in subscribed
    ] == [
        ("email", "ops@example.com"),
        ("https", "https://hooks.example.com/s3cret"),
    ]


def test_the_default_catalogue_is_applied_and_taken_back(
    aws: Aws, shop: Shop, writes: Writes
) -> None:
    """A second run writes nothing. `ERRWATCH_DEFAULTS` leads back to the catalogue of 0.1."""
    shop(DEFAULTS="0.2", **WITH_TOPIC)
    stored = {str(entry["filterName"]): entry for entry in _filters(aws)}
    assert stored["shop-scan"]["filterPattern"] == "{ $.suspicion > 0 }"
    assert "'metricValue': '$.suspicion'" in str(stored["shop-scan"]["metricTransformations"])
    alarms = _alarms(aws)
    assert alarms["shop-failure-flood"]["AlarmActions"] == [ARN]
    assert alarms["shop-not-found-error"].get("AlarmActions", []) == []
    writes()
    assert shop(DEFAULTS="0.2", **WITH_TOPIC).is_empty
    assert writes() == []
    shop(**WITH_TOPIC)
    assert "shop-scan" not in {str(entry["filterName"]) for entry in _filters(aws)}
    assert _alarms(aws)["shop-not-found-error"]["AlarmActions"] == [ARN]
    assert shop(**WITH_TOPIC).is_empty


def test_first_run_writes_each_thing_once(shop: Shop, writes: Writes) -> None:
    """No call is made twice, and the whole plan was applied."""
    plan = shop(**WITH_TOPIC)
    assert writes() == WRITES
    assert (len(plan.applied), plan.pending) == (18, ())
    assert str(plan).splitlines()[-1] == "Applied: 18 created, 0 updated, 0 unchanged."


def test_second_run_writes_nothing(shop: Shop, writes: Writes) -> None:
    """A second run makes no writing call at all."""
    shop(**WITH_TOPIC)
    writes()
    plan = shop(**WITH_TOPIC)
    assert writes() == []
    assert plan.is_empty
    assert str(plan).splitlines()[-1] == "Nothing to change: 18 resources as declared."


def test_dry_run_touches_nothing(aws: Aws, shop: Shop, writes: Writes) -> None:
    """A plan only reads."""
    plan = shop(dry_run=True, **WITH_TOPIC)
    assert writes() == []
    assert aws.call("logs", "describe_log_groups")["logGroups"] == []
    assert plan.count("create") == 18
    assert (plan.applied, len(plan.pending)) == ((), 18)
    assert str(plan).splitlines()[-1] == "Plan: 18 to create, 0 to update, 0 unchanged."


def test_one_threshold_is_one_update(aws: Aws, shop: Shop, writes: Writes) -> None:
    """A changed threshold changes one alarm, and nothing else of it."""
    shop(**WITH_TOPIC)
    writes()
    plan = shop(DETECTORS={"not-found-error": {"threshold": 50}}, **WITH_TOPIC)
    (change,) = plan.changes
    assert str(change) == "update alarm shop-not-found-error"
    assert change.differences == (Difference(field="threshold", old=10.0, new=50.0),)
    assert writes() == ["TagResource", "PutMetricAlarm"]
    assert _alarms(aws)["shop-not-found-error"]["Threshold"] == 50.0
    assert "threshold: 10 → 50" in str(plan)


def test_alarm_edited_by_hand_is_put_back(aws: Aws, shop: Shop) -> None:
    """Each edited field is named, and set back to its declared value."""
    shop()
    alarm = _alarms(aws)["shop-critical-error"]
    edited: dict[str, object] = {
        "AlarmName": "shop-critical-error",
        "AlarmDescription": alarm["AlarmDescription"],
        "Namespace": "Application Logs",
        "MetricName": "shop-critical-error",
        "Statistic": "Sum",
        "Unit": "Seconds",
        "Period": 300,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 10,
        "ComparisonOperator": "GreaterThanThreshold",
        "OKActions": [ARN],
    }
    aws.call("cloudwatch", "put_metric_alarm", **edited)
    (change,) = shop().changes
    assert change.differences == (
        Difference(field="evaluation_periods", old=3, new=1),
        Difference(field="datapoints_to_alarm", old=2, new=None),
        Difference(field="treat_missing_data", old="missing", new="notBreaching"),
        Difference(field="unit", old="Seconds", new=None),
        Difference(field="ok_actions", old=(ARN,), new=()),
    )
    assert shop().is_empty


def test_namespace_changes_filters_and_alarms_together(shop: Shop, writes: Writes) -> None:
    """Filter and alarm agree after a change too."""
    shop()
    writes()
    plan = shop(NAMESPACE="Shop")
    assert {difference.field for change in plan.changes for difference in change.differences} == {
        "namespace"
    }
    assert (plan.count("update"), plan.count("unchanged")) == (13, 1)
    # moto keeps both filters of a name where AWS replaces the first.
    assert writes() == ["PutMetricFilter"] * 7 + ["TagResource", "PutMetricAlarm"] * 6


def test_added_detector_creates_only_its_own(shop: Shop) -> None:
    """One more detector is one more filter and one more alarm."""
    shop()
    plan = shop(detectors=(*DEFAULT_DETECTORS, Detector(name="login-failed", event="Login Failed")))
    assert [str(change) for change in plan.changes] == [
        "create metric filter shop-login-failed",
        "create alarm shop-login-failed",
    ]


def test_more_than_a_page_of_everything(aws: Aws, shop: Shop, calls: list[str]) -> None:
    """60 detectors and 120 subscriptions among 300 unmanaged alarms: few calls, none missed."""
    for number in range(300):
        aws.call(
            "cloudwatch",
            "put_metric_alarm",
            AlarmName=f"shop-other-{number:03}",
            Namespace="Foreign",
            MetricName="m",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    many = tuple(Detector(name=f"d{n}", event=f"Event {n}") for n in range(60))
    hooks = [f"https://hooks.example.com/{number}" for number in range(120)]
    shop(detectors=many, SNS_TOPIC="ops", SUBSCRIPTIONS=hooks)
    assert len(_filters(aws)) == 60
    assert len(_alarms(aws)) == 360
    calls.clear()
    plan = shop(detectors=many, SNS_TOPIC="ops", SUBSCRIPTIONS=hooks)
    assert (plan.is_empty, plan.count("unchanged")) == (True, 1 + 60 + 1 + 1 + 120 + 60)
    assert sorted(calls) == [
        "DescribeAlarms",
        "DescribeAlarms",
        "DescribeAlarms",
        "DescribeLogGroups",
        "DescribeMetricFilters",
        "GetCallerIdentity",
        "GetTopicAttributes",
        "ListDashboards",
        "ListSubscriptionsByTopic",
        "ListSubscriptionsByTopic",
        "ListTagsForResource",
        "ListTagsForResource",
    ]


@pytest.mark.parametrize("event", ["before-call", "after-call"])
@pytest.mark.parametrize("number", range(1, len(WRITES_OF_TWO) + 1))
def test_failure_at_every_call_is_finished_by_the_next_run(
    aws: Aws, shop: Shop, number: int, event: str
) -> None:
    """Whether the call or its response was lost, the next run completes and repeats nothing."""
    _failing(aws, event, _nth_write(number), "InternalFailure")
    with pytest.raises(ProvisioningError) as caught:
        shop(detectors=TWO, **WITH_TOPIC)
    _healed(aws, event)
    error = caught.value
    assert error.cause is not None
    assert error.cause.action.endswith(f":{WRITES_OF_TWO[number - 1]}")
    assert len(error.applied) + len(error.pending) == 9
    # Creating the group and giving it its retention are two calls of one change.
    assert len(error.applied) == (0 if number <= 2 else number - 2)
    assert error.pending[0].endswith("(begun)") is (number == 2)
    assert "Run it again to finish" in str(error)

    shop(detectors=TWO, **WITH_TOPIC)
    assert shop(detectors=TWO, **WITH_TOPIC).is_empty
    assert [metric_filter["filterName"] for metric_filter in _filters(aws)] == [
        "shop-critical-error",
        "shop-authentication-error",
    ]
    assert len(_alarms(aws)) == 2
    (group,) = aws.call("logs", "describe_log_groups")["logGroups"]
    # Between the two calls the group is one without a retention, which is never set unasked.
    is_between = (number, event) in {(1, "after-call"), (2, "before-call")}
    assert group.get("retentionInDays") == (None if is_between else 90)
    subscribed = aws.call("sns", "list_subscriptions_by_topic", TopicArn=ARN)["Subscriptions"]
    assert len(subscribed) == 2


@pytest.mark.parametrize("number", [1, 2])
def test_failed_update_is_planned_again(aws: Aws, shop: Shop, number: int) -> None:
    """An alarm's update is two calls. Whichever fails, the next run makes both."""
    shop()
    changed = {"DETECTORS": {"not-found-error": {"threshold": 50}}}
    _failing(aws, "before-call", _nth_write(number), "InternalFailure")
    with pytest.raises(ProvisioningError) as caught:
        shop(**changed)
    _healed(aws, "before-call")
    begun = " (begun)" if number == 2 else ""
    assert caught.value.pending == (f"update alarm shop-not-found-error{begun}",)
    assert shop(**changed).count("update") == 1
    assert shop(**changed).is_empty


def test_failure_names_what_was_applied_and_what_was_not(aws: Aws, shop: Shop) -> None:
    """The message names the denied action, the remedy, and all applied and pending changes."""
    _failing(aws, "before-call", "PutMetricFilter".__eq__, "AccessDeniedException")
    few = (Detector(name="login-failed", event="Login Failed"),)
    with pytest.raises(ProvisioningError) as caught:
        shop(detectors=few)
    assert str(caught.value) == (
        "Could not create metric filter shop-login-failed: "
        "logs:PutMetricFilter failed with AccessDeniedException (made to fail): "
        "Allow logs:PutMetricFilter in the IAM policy of this process's role.\n"
        "Applied: create log group shop.\n"
        "Not applied: create metric filter shop-login-failed, create alarm shop-login-failed.\n"
        "Run it again to finish: what already exists is not changed."
    )
    assert isinstance(caught.value.cause, AwsCallError)


@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("DescribeLogGroups", "logs:DescribeLogGroups"),
        ("DescribeAlarms", "cloudwatch:DescribeAlarms"),
        ("GetTopicAttributes", "sns:GetTopicAttributes"),
    ],
)
def test_denied_read_names_the_action(aws: Aws, shop: Shop, call: str, action: str) -> None:
    """Without permission to read, planning fails and nothing is changed."""
    _failing(aws, "before-call", call.__eq__, "AccessDenied")
    with pytest.raises(ProvisioningError) as caught:
        shop(**WITH_TOPIC)
    assert f"Allow {action} in the IAM policy" in str(caught.value)
    assert (caught.value.applied, caught.value.pending) == ((), ())
    assert (caught.value.applied, caught.value.pending) == ((), ())


@pytest.mark.usefixtures("account")
def test_no_region_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without a topic, the message names the key to set."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    for keys in ({"ERRWATCH_SNS_TOPIC": "ops"}, {}):
        config = configuration.load(keys, {}, app_name="shop")
        with pytest.raises(ProvisioningError, match="Set ERRWATCH_REGION"):
            bootstrap(Aws(patience=PROVISIONING), Catalogue(DEFAULT_DETECTORS), config)


def test_no_credentials_is_one_sentence(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message states that credentials are missing and how to set them."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ProvisioningError, match="Give the process AWS credentials"):
        shop()


def test_group_of_another_owner_keeps_its_retention(aws: Aws, shop: Shop, writes: Writes) -> None:
    """Filters are added. The owner's retention stays, and the plan has a note."""
    aws.call("logs", "create_log_group", logGroupName="shop", tags={"managed-by": "terraform"})
    aws.call("logs", "put_retention_policy", logGroupName="shop", retentionInDays=400)
    writes()
    plan = shop()
    assert "PutRetentionPolicy" not in writes()
    assert plan.unchanged[0].note == "keeps its 400 days: it is not managed by this app"
    assert "log group      shop  (keeps its 400 days: it is not managed by this app)" in str(plan)
    assert aws.call("logs", "describe_log_groups")["logGroups"][0]["retentionInDays"] == 400
    assert shop().is_empty


def test_group_without_retention_gets_ours_only_by_force(aws: Aws, shop: Shop) -> None:
    """A group that a sender created keeps its events for ever, until a person says otherwise."""
    aws.call("logs", "create_log_group", logGroupName="shop")
    aws.call("logs", "create_log_group", logGroupName="shop-admin")
    shop()
    plan = shop()
    assert plan.is_empty
    assert "`flask errwatch apply --force` sets 90 days, which deletes older events." in str(plan)
    config = configuration.load({"ERRWATCH_DEFAULTS": "0.1"}, {}, app_name="shop")
    catalogue = Catalogue(DEFAULT_DETECTORS).configured(config)
    forced = make_plan(aws, catalogue, config, limit_retention=True)
    (change,) = forced.changes
    assert change.differences == (Difference(field="retention_days", old=None, new=90),)
    assert "Needs --force: retention of log group shop = 90: It is unlimited" in str(forced)
    apply_plan(aws, forced, force=True)
    groups = aws.call("logs", "describe_log_groups")["logGroups"]
    assert {group["logGroupName"]: group.get("retentionInDays") for group in groups} == {
        "shop": 90,
        "shop-admin": None,
    }
    assert shop().is_empty


def test_own_group_follows_the_configured_retention(aws: Aws, shop: Shop, writes: Writes) -> None:
    """A group with this app's tags is managed: it gets the configured retention."""
    shop()
    writes()
    plan = shop(RETENTION_DAYS=365)
    assert [str(change) for change in plan.changes] == ["update log group shop"]
    assert writes() == ["PutRetentionPolicy"]
    assert aws.call("logs", "describe_log_groups")["logGroups"][0]["retentionInDays"] == 365


def test_unmanaged_alarm_and_filter_of_a_declared_name_are_refused(
    aws: Aws, shop: Shop, writes: Writes
) -> None:
    """Nothing unmanaged is overwritten. The error names all conflicts at once."""
    aws.call("logs", "create_log_group", logGroupName="shop")
    aws.call(
        "logs",
        "put_metric_filter",
        logGroupName="shop",
        filterName="shop-not-found-error",
        filterPattern="404",
        metricTransformations=[
            {"metricName": "Misses", "metricNamespace": "Web", "metricValue": "1"}
        ],
    )
    aws.call(
        "cloudwatch",
        "put_metric_alarm",
        AlarmName="shop-critical-error",
        AlarmDescription="Ours since 2019",
        Namespace="Web",
        MetricName="Errors",
        Dimensions=[{"Name": "Host", "Value": "a"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    writes()
    with pytest.raises(ProvisioningError) as caught:
        shop()
    assert writes() == []
    assert [(problem.key, problem.value) for problem in caught.value.problems] == [
        ("metric filter", "shop-not-found-error"),
        ("alarm", "shop-critical-error"),
    ]
    assert str(caught.value).count("not managed by this app") == 2
    assert _alarms(aws)["shop-critical-error"]["AlarmDescription"] == "Ours since 2019"


def test_quota_of_filters_is_checked_before_the_first_write(
    aws: Aws, shop: Shop, writes: Writes
) -> None:
    """A log group has at most 100 filters. The plan refuses the 101st before any write."""
    aws.call("logs", "create_log_group", logGroupName="shop")
    for number in range(94):
        aws.call(
            "logs",
            "put_metric_filter",
            logGroupName="shop",
            filterName=f"foreign-{number}",
            filterPattern="x",
            metricTransformations=[
                {"metricName": "m", "metricNamespace": "Web", "metricValue": "1"}
            ],
        )
    writes()
    with pytest.raises(ProvisioningError, match="101 metric filters of at most 100"):
        shop()
    assert writes() == []
    assert len(shop(detectors=DEFAULT_DETECTORS[:6]).changes) == 12


def test_existing_topic_is_used_as_it_is(aws: Aws, shop: Shop, writes: Writes) -> None:
    """A topic of that name gets subscriptions, but no tags and no attributes."""
    aws.call("sns", "create_topic", Name="ops", Tags=[{"Key": "team", "Value": "ops"}])
    aws.call("sns", "subscribe", TopicArn=ARN, Protocol="email", Endpoint="ops@example.com")
    writes()
    shop(**WITH_TOPIC)
    sns = [name for name in writes() if name in {"CreateTopic", "Subscribe", "SetTopicAttributes"}]
    assert sns == ["Subscribe"]
    assert aws.call("sns", "list_tags_for_resource", ResourceArn=ARN)["Tags"] == [
        {"Key": "team", "Value": "ops"}
    ]


def test_topic_by_arn_is_never_created(aws: Aws, shop: Shop, calls: list[str]) -> None:
    """An ARN needs no identity and no creation. The plan warns of a topic that does not exist."""
    plan = shop(SNS_TOPIC=ARN)
    assert {"CreateTopic", "GetCallerIdentity"}.isdisjoint(calls)
    assert _alarms(aws)["shop-critical-error"]["AlarmActions"] == [ARN]
    assert plan.warnings == (f"topic {ARN} does not exist: no one would be notified.",)
    assert f"Warning: topic {ARN} does not exist" in str(plan)
    aws.call("sns", "create_topic", Name=ARN.rpartition(":")[2])
    assert shop(SNS_TOPIC=ARN).warnings == ()


def test_a_shared_log_group_is_a_warning(shop: Shop) -> None:
    """Two apps in one log group count each other's lines, which no pattern can prevent."""
    assert shop(LOG_GROUP="all").warnings == ()
    (warning,) = shop(LOG_GROUP="all", APP_NAME="blog").warnings
    assert warning.startswith("log group all is shared")
    assert "shop-critical-error" in warning


@pytest.mark.parametrize(
    "arn",
    ["arn:aws:sns:us-east-1:123456789012:ops", "arn:aws-cn:sns:eu-central-1:123456789012:ops"],
)
def test_topic_of_another_region_or_partition_is_refused(shop: Shop, arn: str) -> None:
    """CloudWatch would accept the ARN and notify no one."""
    with pytest.raises(ConfigurationError, match="partition aws, region eu-central-1"):
        shop(SNS_TOPIC=arn)


@pytest.mark.usefixtures("account")
def test_partition_is_the_regions_own(moto_url: str) -> None:
    """In China the topic's ARN begins with `arn:aws-cn:`."""
    config = configuration.load({"ERRWATCH_SNS_TOPIC": "ops"}, {}, app_name="shop")
    china = Aws(region="cn-north-1", endpoint_url=moto_url, patience=PROVISIONING)
    bootstrap(china, Catalogue(DEFAULT_DETECTORS), config)
    (topic,) = china.call("sns", "list_topics")["Topics"]
    assert topic["TopicArn"] == "arn:aws-cn:sns:cn-north-1:123456789012:ops"
    alarm = next(china.pages("cloudwatch", "describe_alarms", "MetricAlarms"))
    assert alarm["OKActions"] == [topic["TopicArn"]]
    assert bootstrap(china, Catalogue(DEFAULT_DETECTORS), config).is_empty


def test_group_that_is_created_meanwhile_is_no_failure(aws: Aws, shop: Shop) -> None:
    """A sender or a second worker may create the group between plan and application."""
    plan = shop(dry_run=True)
    aws.call("logs", "create_log_group", logGroupName="shop")
    assert apply_plan(aws, plan).pending == ()
    assert shop().is_empty


@pytest.mark.parametrize(
    ("name", "pattern", "value"),
    [
        ("shop-critical-error", '{ $.level = "fatal" }', "1"),
        ("shop-client-error", "[ip, ..., status=4*]", "1"),
        ("shop-bad-request-error", '{ $.event = "Bad Request Error" }', "$.n"),
    ],
)
def test_an_unmanaged_filter_is_never_rewritten(
    aws: Aws, shop: Shop, name: str, pattern: str, value: str
) -> None:
    """An unmanaged filter with a declared name stops the plan before any change."""
    aws.call("logs", "create_log_group", logGroupName="shop")
    theirs = {"metricName": name, "metricNamespace": "TheirTeam", "metricValue": value}
    aws.call(
        "logs",
        "put_metric_filter",
        logGroupName="shop",
        filterName=name,
        filterPattern=pattern,
        metricTransformations=[theirs],
    )
    with pytest.raises(ProvisioningError, match="--adopt"):
        shop()
    (kept,) = aws.pages("logs", "describe_metric_filters", "metricFilters", logGroupName="shop")
    assert kept["filterPattern"] == pattern
    assert kept["metricTransformations"][0]["metricNamespace"] == "TheirTeam"

"""Against botocore's Stubber: what moto does not do, or does otherwise than AWS.

The Stubber checks every parameter against the service's own model. Each test names the gap.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_errwatch import config as configuration
from flask_errwatch._aws import Aws
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.errors import ProvisioningError
from flask_errwatch.provision import Plan, provision
from tests.provision.stubbed_aws import StubbedAws

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
GROUP_ARN = "arn:aws:logs:eu-central-1:123456789012:log-group:shop"
ALARM_ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-login-failed"
FEW = Catalogue((Detector(name="login-failed", event="Login Failed"),))
TAGS = [{"Key": "managed-by", "Value": "flask-errwatch"}, {"Key": "app", "Value": "shop"}]
#: Its link is that of the console in Frankfurt.
DESCRIPTION = (
    'Its lines say "Login Failed" in log group shop.\n'
    "First: open its newest lines and see what they share: a path, a client_ip, a release.\n"
    "Lines: https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central"
    "-1#logsV2:logs-insights$3FqueryDetail$3D$257E$2528end$257E0$257Estart$257E-10800$257"
    "EtimeType$257E$2527RELATIVE$257Eunit$257E$2527seconds$257EeditorString$257E$2527filt"
    "er*20event*20*3d*20*22Login*20Failed*22*0a*7c*20sort*20*40timestamp*20desc*0a*7c*20l"
    "imit*20100$257Esource$257E$2528$257E$2527shop$2529$2529\n"
    "managed-by=flask-errwatch app=shop"
)


@pytest.fixture
def stubbed() -> Iterator[StubbedAws]:
    """Every awaited call has to be made, in order, and no other."""
    aws = StubbedAws()
    for each in aws.stubs.values():
        each.activate()
    yield aws
    for each in aws.stubs.values():
        each.assert_no_pending_responses()


def _run(aws: Aws, *, dry_run: bool = False, **settings: object) -> Plan:
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    return provision(aws, FEW.configured(config), config, dry_run=dry_run)


def _alarm(**changed: object) -> dict[str, object]:
    standing: dict[str, object] = {
        "AlarmName": "shop-login-failed",
        "AlarmArn": ALARM_ARN,
        "AlarmDescription": DESCRIPTION,
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "MetricName": "shop-login-failed",
        "Namespace": "Application Logs",
        "Statistic": "Sum",
        "Dimensions": [],
        "Period": 300,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "Threshold": 10.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return {**standing, **changed}


def _filter(name: str, **changed: object) -> dict[str, object]:
    transformation = {
        "metricName": name,
        "metricNamespace": "Application Logs",
        "metricValue": "1",
        "defaultValue": 0.0,
        "unit": "Count",
    }
    return {
        "filterName": name,
        "filterPattern": '{ $.event = "Login Failed" }',
        "metricTransformations": [transformation],
        "logGroupName": "shop",
        **changed,
    }


def _expect_group(aws: StubbedAws, **group: object) -> None:
    entry = {"logGroupName": "shop", "arn": f"{GROUP_ARN}:*", "retentionInDays": 90, **group}
    aws.expect("describe_log_groups", {"logGroups": [entry]}, logGroupNamePrefix="shop")
    aws.stubs["logs"].add_response(
        "list_tags_for_resource",
        {"tags": {"managed-by": "flask-errwatch", "app": "shop"}},
        {"resourceArn": GROUP_ARN},
    )


def _expect_alarms(aws: StubbedAws, *pages: list[dict[str, object]]) -> None:
    """The listings of metric alarms, composite alarms and dashboards."""
    asked: dict[str, object] = {
        "AlarmNamePrefix": "shop-",
        "AlarmTypes": ["MetricAlarm"],
        "MaxRecords": 100,
    }
    for number, page in enumerate(pages, start=1):
        answer: dict[str, object] = {"MetricAlarms": page}
        if number < len(pages):
            answer["NextToken"] = f"page-{number + 1}"
        aws.expect("describe_alarms", answer, **asked)
        asked = {**asked, "NextToken": f"page-{number + 1}"}
    asked = {"AlarmNamePrefix": "shop-", "AlarmTypes": ["CompositeAlarm"], "MaxRecords": 100}
    aws.expect("describe_alarms", {"CompositeAlarms": []}, **asked)
    aws.expect("list_dashboards", {"DashboardEntries": []}, DashboardNamePrefix="shop-errors")


def _expect_filters(aws: StubbedAws, *pages: list[dict[str, object]]) -> None:
    asked: dict[str, object] = {"logGroupName": "shop"}
    for number, page in enumerate(pages, start=1):
        answer: dict[str, object] = {"metricFilters": page}
        if number < len(pages):
            answer["nextToken"] = f"page-{number + 1}"
        aws.expect("describe_metric_filters", answer, **asked)
        asked = {**asked, "nextToken": f"page-{number + 1}"}


def test_every_page_of_filters_and_alarms_is_read(stubbed: StubbedAws) -> None:
    """In moto MaxRecords is ignored, and filters are not paged; AWS pages both.

    AWS also reports `DatapointsToAlarm` where M is N, and the older `arn` with its `:*`.
    """
    _expect_group(stubbed)
    foreign = [_filter(f"foreign-{number}") for number in range(50)]
    _expect_filters(stubbed, foreign, [_filter("shop-login-failed")])
    others = [
        _alarm(AlarmName=f"shop-foreign-{number}", AlarmDescription="Somebody else's")
        for number in range(100)
    ]
    _expect_alarms(stubbed, others, others, [_alarm()])
    plan = _run(stubbed)
    assert (plan.is_empty, plan.count("unchanged")) == (True, 3)


def test_filters_of_a_missing_group_are_not_asked_for(stubbed: StubbedAws) -> None:
    """AWS answers ResourceNotFoundException there; moto an empty list."""
    prefixed = {"logGroupName": "shop-admin", "arn": f"{GROUP_ARN}-admin:*"}
    stubbed.expect("describe_log_groups", {"logGroups": [prefixed]}, logGroupNamePrefix="shop")
    _expect_alarms(stubbed, [])
    assert _run(stubbed, dry_run=True).count("create") == 3


def test_update_of_an_alarm_tags_it_by_a_call_of_its_own(stubbed: StubbedAws) -> None:
    """AWS ignores Tags when PutMetricAlarm updates; moto takes them, and resets the state."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    _expect_alarms(stubbed, [_alarm(Threshold=3.0, Unit="Bytes")])
    stubbed.stubs["cloudwatch"].add_response(
        "tag_resource", {}, {"ResourceARN": ALARM_ARN, "Tags": TAGS}
    )
    put = {key: value for key, value in _alarm().items() if key != "AlarmArn"}
    del put["DatapointsToAlarm"]
    stubbed.expect("put_metric_alarm", {}, **put)
    assert _run(stubbed).applied[0].differences[0].field == "threshold"


def test_update_of_a_filter_is_one_put(stubbed: StubbedAws) -> None:
    """AWS replaces the filter of that name; moto would keep both."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed", filterPattern="Login")])
    _expect_alarms(stubbed, [_alarm()])
    declared = _filter("shop-login-failed")
    stubbed.expect("put_metric_filter", {}, **declared)
    plan = _run(stubbed)
    assert [str(each) for each in plan.applied] == ["update metric filter shop-login-failed"]


def test_pending_subscription_is_not_repeated(stubbed: StubbedAws) -> None:
    """AWS lists `PendingConfirmation` until the person agrees; moto confirms at once."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    _expect_alarms(stubbed, [_alarm(AlarmActions=[ARN], OKActions=[ARN])])
    pending = {
        "SubscriptionArn": "PendingConfirmation",
        "Owner": "123456789012",
        "Protocol": "email",
        "Endpoint": "ops@example.com",
        "TopicArn": ARN,
    }
    confirmed = {**pending, "Endpoint": "dev@example.com", "SubscriptionArn": f"{ARN}:1"}
    stubbed.expect(
        "list_subscriptions_by_topic",
        {"Subscriptions": [pending], "NextToken": "more"},
        TopicArn=ARN,
    )
    stubbed.expect(
        "list_subscriptions_by_topic",
        {"Subscriptions": [confirmed]},
        TopicArn=ARN,
        NextToken="more",
    )
    urls = "mailto:ops@example.com,mailto:dev@example.com"
    plan = _run(stubbed, SNS_TOPIC=ARN, SUBSCRIPTIONS=urls)
    assert plan.is_empty
    assert [each.note for each in plan.entries if each.resource.kind == "subscription"] == [
        "waits for its owner to confirm it",
        "",
    ]


def test_infrequent_access_group_is_refused(stubbed: StubbedAws) -> None:
    """AWS takes no metric filters there; moto has no classes."""
    _expect_group(stubbed, logGroupClass="INFREQUENT_ACCESS")
    _expect_filters(stubbed, [])
    _expect_alarms(stubbed, [])
    with pytest.raises(ProvisioningError, match="class INFREQUENT_ACCESS, which carries no"):
        _run(stubbed)


def test_new_group_is_of_the_standard_class(stubbed: StubbedAws) -> None:
    """The class is not kept by moto, so the call itself is looked at."""
    stubbed.expect("describe_log_groups", {"logGroups": []}, logGroupNamePrefix="shop")
    _expect_alarms(stubbed, [_alarm()])
    stubbed.expect(
        "create_log_group",
        {},
        logGroupName="shop",
        logGroupClass="STANDARD",
        tags={"managed-by": "flask-errwatch", "app": "shop"},
    )
    stubbed.expect("put_retention_policy", {}, logGroupName="shop", retentionInDays=90)
    stubbed.expect("put_metric_filter", {}, **_filter("shop-login-failed"))
    assert len(_run(stubbed).applied) == 2


def test_alarm_on_an_expression_or_band_is_read_all_the_same(stubbed: StubbedAws) -> None:
    """Somebody made ours a math alarm: it has no metric, no statistic, no threshold."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    edited = _alarm(Metrics=[{"Id": "e1", "Expression": "m1*2"}])
    for key in ("MetricName", "Namespace", "Statistic", "Period", "Threshold", "Dimensions"):
        del edited[key]
    _expect_alarms(stubbed, [edited])
    (change,) = _run(stubbed, dry_run=True).changes
    assert [each.field for each in change.differences] == [
        "namespace",
        "metric_name",
        "statistic",
        "period",
        "threshold",
        "metrics",
    ]


def test_what_aws_answers_cannot_reach_the_terminal(stubbed: StubbedAws) -> None:
    """Control characters in a foreign description are shown as `?`, on one line."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    evil = "\x1b]0;pwned\x07\u202e\nmanaged-by=flask-errwatch app=shop"
    _expect_alarms(stubbed, [_alarm(AlarmDescription=evil, OKActions=["a\x1bb", "c"])])
    shown = str(_run(stubbed, dry_run=True))
    assert "description: ?]0;pwned???managed-by=flask-errwatch app=shop → Its lines" in shown
    assert "ok_actions: a?b, c → none" in shown
    assert all(char.isprintable() or char == "\n" for char in shown)

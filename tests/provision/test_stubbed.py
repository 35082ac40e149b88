"""Against botocore's Stubber: what moto lacks or does differently from AWS.

The Stubber checks every parameter against the service's own model. Each test names the gap.

"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from flask_errwatch import AnomalyAlarm, BusyAlarm, RequestMetric
from flask_errwatch import config as configuration
from flask_errwatch._aws import Aws
from flask_errwatch.detectors import Alarm, Catalogue, Detector
from flask_errwatch.errors import ProvisioningError
from flask_errwatch.provision import Plan, QueryDefinition, desired_resources
from flask_errwatch.provision.apply import apply_plan, bootstrap
from tests.provision.stubbed_aws import StubbedAws

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
GROUP_ARN = "arn:aws:logs:eu-central-1:123456789012:log-group:shop"
ALARM_ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-login-failed"
FEW = Catalogue((Detector(name="login-failed", event="Login Failed"),))
TAGS = [{"Key": "managed-by", "Value": "flask-errwatch"}, {"Key": "app", "Value": "shop"}]
#: Its link leads to the console in Frankfurt.
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


def _run(
    aws: Aws, catalogue: Catalogue = FEW, *, dry_run: bool = False, **settings: object
) -> Plan:
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    return bootstrap(aws, catalogue.configured(config), config, dry_run=dry_run)


def _alarm(**changed: object) -> dict[str, object]:
    entry: dict[str, object] = {
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
    return {**entry, **changed}


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


def _expect_alarms(
    aws: StubbedAws,
    *pages: list[dict[str, object]],
    composites: Sequence[dict[str, object]] = (),
    then: Callable[[], None] = lambda: None,
) -> None:
    """Expects the listings of metric alarms, composite alarms, those of `then`, and dashboards."""
    arguments: dict[str, object] = {
        "AlarmNamePrefix": "shop-",
        "AlarmTypes": ["MetricAlarm"],
        "MaxRecords": 100,
    }
    for number, page in enumerate(pages, start=1):
        answer: dict[str, object] = {"MetricAlarms": page}
        if number < len(pages):
            answer["NextToken"] = f"page-{number + 1}"
        aws.expect("describe_alarms", answer, **arguments)
        arguments = {**arguments, "NextToken": f"page-{number + 1}"}
    arguments = {"AlarmNamePrefix": "shop-", "AlarmTypes": ["CompositeAlarm"], "MaxRecords": 100}
    aws.expect("describe_alarms", {"CompositeAlarms": list(composites)}, **arguments)
    arguments = {**arguments, "AlarmTypes": ["LogAlarm"]}
    aws.expect("describe_alarms", {"LogAlarms": []}, **arguments)
    then()
    aws.expect("list_dashboards", {"DashboardEntries": []}, DashboardNamePrefix="shop-errors")


def _expect_filters(aws: StubbedAws, *pages: list[dict[str, object]]) -> None:
    arguments: dict[str, object] = {"logGroupName": "shop"}
    for number, page in enumerate(pages, start=1):
        answer: dict[str, object] = {"metricFilters": page}
        if number < len(pages):
            answer["nextToken"] = f"page-{number + 1}"
        aws.expect("describe_metric_filters", answer, **arguments)
        arguments = {**arguments, "nextToken": f"page-{number + 1}"}


def test_every_page_of_filters_and_alarms_is_read(stubbed: StubbedAws) -> None:
    """Moto ignores MaxRecords, and does not page filters. AWS pages both.

    AWS also returns `DatapointsToAlarm` where M is N, and the older `arn` with its `:*`.

    """
    _expect_group(stubbed)
    foreign = [_filter(f"foreign-{number}") for number in range(50)]
    _expect_filters(stubbed, foreign, [_filter("shop-login-failed")])
    others = [
        _alarm(AlarmName=f"shop-foreign-{number}", AlarmDescription="Unmanaged")
        for number in range(100)
    ]
    _expect_alarms(stubbed, others, others, [_alarm()])
    plan = _run(stubbed)
    assert (plan.is_empty, plan.count("unchanged")) == (True, 3)


def test_filters_of_a_missing_group_are_not_listed(stubbed: StubbedAws) -> None:
    """There AWS answers ResourceNotFoundException, moto an empty list."""
    prefixed = {"logGroupName": "shop-admin", "arn": f"{GROUP_ARN}-admin:*"}
    stubbed.expect("describe_log_groups", {"logGroups": [prefixed]}, logGroupNamePrefix="shop")
    _expect_alarms(stubbed, [])
    assert _run(stubbed, dry_run=True).count("create") == 3


def test_update_of_an_alarm_tags_it_by_a_separate_call(stubbed: StubbedAws) -> None:
    """AWS ignores Tags when PutMetricAlarm updates. moto sets them, and resets the state."""
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
    """AWS replaces the filter of that name. moto would keep both."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed", filterPattern="Login")])
    _expect_alarms(stubbed, [_alarm()])
    declared = _filter("shop-login-failed")
    stubbed.expect("put_metric_filter", {}, **declared)
    plan = _run(stubbed)
    assert [str(change) for change in plan.applied] == ["update metric filter shop-login-failed"]


def test_pending_subscription_is_not_repeated(stubbed: StubbedAws) -> None:
    """AWS lists `PendingConfirmation` until the owner confirms. moto confirms at once."""
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
    assert [change.note for change in plan.entries if change.resource.kind == "subscription"] == [
        "waits for its owner to confirm it",
        "",
    ]


def test_infrequent_access_group_is_refused(stubbed: StubbedAws) -> None:
    """AWS allows no metric filters there. moto has no classes."""
    _expect_group(stubbed, logGroupClass="INFREQUENT_ACCESS")
    _expect_filters(stubbed, [])
    _expect_alarms(stubbed, [])
    with pytest.raises(ProvisioningError, match="class INFREQUENT_ACCESS, which does not"):
        _run(stubbed)


def test_new_group_is_of_the_standard_class(stubbed: StubbedAws) -> None:
    """Moto does not store the class, so the test checks the call itself."""
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
    """A managed alarm edited into a math alarm has no metric, no statistic and no threshold."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    edited = _alarm(Metrics=[{"Id": "e1", "Expression": "m1*2"}])
    for key in ("MetricName", "Namespace", "Statistic", "Period", "Threshold", "Dimensions"):
        del edited[key]
    _expect_alarms(stubbed, [edited])
    (change,) = _run(stubbed, dry_run=True).changes
    assert [difference.field for difference in change.differences] == [
        "namespace",
        "metric_name",
        "statistic",
        "period",
        "threshold",
        "metrics",
    ]


def test_control_characters_from_aws_do_not_reach_the_terminal(stubbed: StubbedAws) -> None:
    """Control characters in a description are shown as `?`, on one line."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    evil = "\x1b]0;pwned\x07\u202e\nmanaged-by=flask-errwatch app=shop"
    _expect_alarms(stubbed, [_alarm(AlarmDescription=evil, OKActions=["a\x1bb", "c"])])
    shown = str(_run(stubbed, dry_run=True))
    assert "description: ?]0;pwned???managed-by=flask-errwatch app=shop → Its lines" in shown
    assert "ok_actions: a?b, c → none" in shown
    assert all(char.isprintable() or char == "\n" for char in shown)


BUSY = Catalogue(
    (
        Detector(
            name="login-failed",
            event="Login Failed",
            alarm=BusyAlarm(
                errors=Alarm(threshold=20),
                requests=RequestMetric(
                    namespace="AWS/ApplicationELB",
                    name="RequestCount",
                    dimensions=(("LoadBalancer", "app/shop/1"),),
                ),
                minimum_requests=500,
            ),
        ),
    )
)
COMPOSITE = {
    "AlarmName": "shop-login-failed-busy",
    "AlarmDescription": DESCRIPTION.replace(
        "Its lines", "Too many failures while the app is in use. Its lines"
    ),
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": [],
    "InsufficientDataActions": [],
    "AlarmRule": 'ALARM("shop-login-failed") AND ALARM("shop-login-failed-requests")',
}
REQUESTS = {
    "AlarmName": "shop-login-failed-requests",
    "AlarmDescription": "Enough requests come in: failures of shop-login-failed count. "
    "No one is notified.\n"
    "managed-by=flask-errwatch app=shop",
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": [],
    "InsufficientDataActions": [],
    "Namespace": "AWS/ApplicationELB",
    "MetricName": "RequestCount",
    "Dimensions": [{"Name": "LoadBalancer", "Value": "app/shop/1"}],
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 500.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}
RULE_ARN = f"{ALARM_ARN}-busy"


def test_composite_alarm_is_put_after_its_conditions(stubbed: StubbedAws) -> None:
    """Moto has no composite alarms: the three puts are checked against AWS's own model."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    _expect_alarms(stubbed, [])
    failures = {key: value for key, value in _alarm(Threshold=20.0).items() if key != "AlarmArn"}
    del failures["DatapointsToAlarm"]
    stubbed.expect("put_metric_alarm", {}, **failures, Tags=TAGS)
    stubbed.expect("put_metric_alarm", {}, **REQUESTS, Tags=TAGS)
    stubbed.expect("put_composite_alarm", {}, **COMPOSITE, Tags=TAGS)
    assert len(_run(stubbed, BUSY).applied) == 3


def test_existing_composite_alarm_is_read_and_put_back(stubbed: StubbedAws) -> None:
    """It is in a separate listing. An edited rule is one update, tags first."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    edited = {**COMPOSITE, "AlarmArn": RULE_ARN, "AlarmRule": "TRUE"}
    requests = {**REQUESTS, "AlarmArn": f"{ALARM_ARN}-requests"}
    _expect_alarms(stubbed, [_alarm(Threshold=20.0), requests], composites=[edited])
    stubbed.stubs["cloudwatch"].add_response(
        "tag_resource", {}, {"ResourceARN": RULE_ARN, "Tags": TAGS}
    )
    stubbed.expect("put_composite_alarm", {}, **COMPOSITE)
    (change,) = _run(stubbed, BUSY).applied
    assert [difference.field for difference in change.differences] == ["rule"]


def test_composite_alarm_is_deleted_before_its_conditions(stubbed: StubbedAws) -> None:
    """For a detector without it: one call for each alarm, the composite first."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    requests = {**REQUESTS, "AlarmArn": f"{ALARM_ARN}-requests"}
    composite = {**COMPOSITE, "AlarmArn": RULE_ARN}
    _expect_alarms(stubbed, [_alarm(), requests], composites=[composite])
    for name in ("shop-login-failed-busy", "shop-login-failed-requests"):
        stubbed.expect("delete_alarms", {}, AlarmNames=[name])
    keys = configuration.load({}, {}, app_name="shop")
    plan = bootstrap(stubbed, FEW.configured(keys), keys, dry_run=True)
    assert plan.count("delete") == 2
    apply_plan(stubbed, plan, force=True)


MODEL = {
    "Namespace": "Application Logs",
    "MetricName": "shop-login-failed",
    "Dimensions": [],
    "Stat": "Sum",
}
BAND_ALARM = {
    "AlarmName": "shop-login-failed",
    "AlarmDescription": DESCRIPTION,
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": [],
    "InsufficientDataActions": [],
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanUpperThreshold",
    "TreatMissingData": "notBreaching",
    "ThresholdMetricId": "band",
    "Metrics": [
        {
            "Id": "count",
            "ReturnData": True,
            "MetricStat": {
                "Metric": {
                    "Namespace": "Application Logs",
                    "MetricName": "shop-login-failed",
                    "Dimensions": [],
                },
                "Period": 300,
                "Stat": "Sum",
            },
        },
        {
            "Id": "band",
            "ReturnData": True,
            "Label": "shop-login-failed (usual)",
            "Expression": "ANOMALY_DETECTION_BAND(count, 2)",
        },
    ],
}
UNUSUAL = Catalogue((Detector(name="login-failed", event="Login Failed", alarm=AnomalyAlarm()),))


def _expect_models(aws: StubbedAws, *models: Mapping[str, object]) -> Callable[[], None]:
    return lambda: aws.expect(
        "describe_anomaly_detectors",
        {"AnomalyDetectors": list(models)},
        Namespace="Application Logs",
    )


def test_band_is_learnt_before_its_alarm_is_put(stubbed: StubbedAws) -> None:
    """Moto has no anomaly detectors. The alarm has no field of a plain metric."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    _expect_alarms(stubbed, [], then=_expect_models(stubbed))
    stubbed.expect("put_anomaly_detector", {}, SingleMetricAnomalyDetector=MODEL)
    stubbed.expect("put_metric_alarm", {}, **BAND_ALARM, Tags=TAGS)
    assert len(_run(stubbed, UNUSUAL).applied) == 2


@pytest.mark.parametrize("is_newer", [True, False])
def test_existing_band_is_left_alone(stubbed: StubbedAws, *, is_newer: bool) -> None:
    """AWS returns a model in the older fields, the newer structure, or both."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    model: Mapping[str, object] = {"SingleMetricAnomalyDetector": MODEL} if is_newer else MODEL
    of_expression: dict[str, object] = {"MetricMathAnomalyDetector": {"MetricDataQueries": []}}
    banded = {**BAND_ALARM, "AlarmArn": ALARM_ARN}
    _expect_alarms(stubbed, [banded], then=_expect_models(stubbed, model, of_expression))
    assert _run(stubbed, UNUSUAL).is_empty


def test_band_that_is_no_longer_declared_is_deleted(stubbed: StubbedAws) -> None:
    """The existing alarm shows that a model exists, which is deleted before the alarm changes."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    banded = {**BAND_ALARM, "AlarmArn": ALARM_ARN}
    _expect_alarms(stubbed, [banded], then=_expect_models(stubbed, MODEL))
    stubbed.expect("delete_anomaly_detector", {}, SingleMetricAnomalyDetector=MODEL)
    stubbed.stubs["cloudwatch"].add_response(
        "tag_resource", {}, {"ResourceARN": ALARM_ARN, "Tags": TAGS}
    )
    plain = {key: value for key, value in _alarm().items() if key != "AlarmArn"}
    del plain["DatapointsToAlarm"]
    stubbed.expect("put_metric_alarm", {}, **plain)
    assert len(_run(stubbed).applied) == 2


def _saved(aws: StubbedAws) -> tuple[QueryDefinition, ...]:
    config = configuration.load({"ERRWATCH_SAVED_QUERIES": True}, {}, app_name="shop")
    del aws
    return desired_resources(FEW.configured(config), config).queries


def _entry(query: QueryDefinition, number: int, **changed: object) -> dict[str, object]:
    return {
        "queryDefinitionId": f"id-{number}",
        "name": query.name,
        "queryString": query.query,
        "logGroupNames": ["shop"],
        **changed,
    }


def test_saved_queries_are_put_once_and_updated_by_their_id(stubbed: StubbedAws) -> None:
    """Moto has none. A put without an id creates a second query of the same name."""
    first, second, third, *others = _saved(stubbed)
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    entries = [
        _entry(first, 1),
        _entry(second, 2, queryString=f"{second.query}\n| limit 5"),
        # Saved by someone else, once with the name of ours, and one that we no longer declare.
        {"queryDefinitionId": "theirs", "name": "shop/mine", "queryString": "filter x"},
        {"queryDefinitionId": "same name", "name": first.name, "queryString": "filter x"},
        _entry(third, 4, name="shop/former"),
        *(_entry(query, number) for number, query in enumerate(others, start=5)),
    ]
    _expect_alarms(stubbed, [_alarm()])
    # botocore has no paginator for this listing: the pages are followed by their token.
    prefix = {"queryDefinitionNamePrefix": "shop/"}
    stubbed.expect(
        "describe_query_definitions",
        {"queryDefinitions": entries[:4], "nextToken": "2"},
        **prefix,
    )
    stubbed.expect(
        "describe_query_definitions", {"queryDefinitions": entries[4:]}, **prefix, nextToken="2"
    )
    stubbed.expect("delete_query_definition", {"success": True}, queryDefinitionId="id-4")
    for query, which in ((second, {"queryDefinitionId": "id-2"}), (third, {})):
        stubbed.expect(
            "put_query_definition",
            {"queryDefinitionId": "id"},
            name=query.name,
            queryString=query.query,
            logGroupNames=["shop"],
            **which,
        )
    plan = _run(stubbed, SAVED_QUERIES=True)
    assert [str(change) for change in plan.applied] == [
        "delete saved query shop/former",
        f"update saved query {second.name}",
        f"create saved query {third.name}",
    ]


RULE = {
    "RuleName": "shop-login-failed-one-source",
    "RuleState": "ENABLED",
    "RuleDefinition": '{"AggregateOn":"Count","Contribution":{"Filters":[{"In":["Login Failed"],'
    '"Match":"$.event"}],"Keys":["$.client_ip"]},"LogFormat":"JSON","LogGroupNames":["shop"],'
    '"Schema":{"Name":"CloudWatchLogRule","Version":1}}',
}
SOURCE_ALARM = {
    "AlarmName": "shop-login-failed-one-source",
    "AlarmArn": f"{ALARM_ARN}-one-source",
    "AlarmDescription": "x\nmanaged-by=flask-errwatch app=shop",
    "Metrics": [
        {
            "Id": "busiest",
            "Expression": 'INSIGHT_RULE_METRIC("shop-login-failed-one-source", '
            '"MaxContributorValue")',
        }
    ],
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 5.0,
}


def _rule(**changed: object) -> dict[str, object]:
    return {
        "Name": RULE["RuleName"],
        "State": "ENABLED",
        "Schema": '{"Name":"CloudWatchLogRule","Version":1}',
        "Definition": RULE["RuleDefinition"],
        **changed,
    }


def test_unmanaged_rule_is_refused_and_a_managed_one_is_compared_as_json(
    stubbed: StubbedAws,
) -> None:
    """AWS may return other spacing. Without our alarm, a different rule is unmanaged."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    spaced = str(RULE["RuleDefinition"]).replace(":", ": ")
    _expect_alarms(
        stubbed,
        [_alarm()],
        then=lambda: stubbed.expect(
            "describe_insight_rules", {"InsightRules": [_rule(Definition=spaced)]}
        ),
    )
    plan = _run(stubbed, dry_run=True, PER_SOURCE_ALARMS="login-failed")
    assert [str(change) for change in plan.changes] == ["create alarm shop-login-failed-one-source"]
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    _expect_alarms(
        stubbed,
        [_alarm()],
        then=lambda: stubbed.expect(
            "describe_insight_rules", {"InsightRules": [_rule(Definition="{}")]}
        ),
    )
    with pytest.raises(ProvisioningError, match="An insight rule of this name exists"):
        _run(stubbed, PER_SOURCE_ALARMS="login-failed")


def test_rule_that_was_not_deleted_is_no_success(stubbed: StubbedAws) -> None:
    """DeleteInsightRules answers 200 and lists its failures. moto never fails there."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [_filter("shop-login-failed")])
    _expect_alarms(
        stubbed,
        [_alarm(), SOURCE_ALARM],
        then=lambda: stubbed.expect("describe_insight_rules", {"InsightRules": [_rule()]}),
    )
    failure = {"FailureCode": "InternalError", "FailureDescription": "try later"}
    stubbed.expect("delete_insight_rules", {"Failures": [failure]}, RuleNames=[RULE["RuleName"]])
    with pytest.raises(ProvisioningError, match=r"InternalError \(try later\)") as caught:
        _run(stubbed)
    assert caught.value.pending[0] == "delete insight rule shop-login-failed-one-source"


def test_quota_that_aws_itself_reports_is_one_sentence(stubbed: StubbedAws) -> None:
    """Filters may be added between plan and application. moto has no quota."""
    _expect_group(stubbed)
    _expect_filters(stubbed, [])
    _expect_alarms(stubbed, [_alarm()])
    stubbed.stubs["logs"].add_client_error(
        "put_metric_filter", "LimitExceededException", "Resource limit exceeded.", 400
    )
    with pytest.raises(ProvisioningError) as caught:
        _run(stubbed)
    assert str(caught.value) == (
        "Could not create metric filter shop-login-failed: logs:PutMetricFilter failed with "
        "LimitExceededException (Resource limit exceeded.): A quota of the account is reached: "
        "delete unused resources or request an increase.\n"
        "Applied: nothing.\n"
        "Not applied: create metric filter shop-login-failed.\n"
        "Run it again to finish: what already exists is not changed."
    )


def test_what_is_gone_already_counts_as_deleted(stubbed: StubbedAws) -> None:
    """AWS answers ResourceNotFoundException for a missing filter, where moto succeeds."""
    _expect_group(stubbed)
    gone = _filter("shop-paid-twice", filterPattern='{ $.event = "Paid Twice" }')
    _expect_filters(stubbed, [_filter("shop-login-failed"), gone])
    _expect_alarms(stubbed, [_alarm()])
    stubbed.stubs["logs"].add_client_error(
        "delete_metric_filter", "ResourceNotFoundException", "gone", 400
    )
    assert [str(change) for change in _run(stubbed).applied] == [
        "delete metric filter shop-paid-twice"
    ]

"""Translates the resources of an export into the API calls with which `apply` creates them.

Defaults are dropped on both sides: empty lists, and that an alarm's actions are enabled. So is the
description of a role. JSON documents are compared as documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tests.provision.export.hcl_reader import Module
from tests.provision.export.recorded import AwsCall
from tests.provision.export.template_reader import Template

#: The arguments of each call by the method's name, sorted.
Calls = dict[str, list[dict[str, Any]]]
_DOCUMENTS = {
    *("DashboardBody", "policyDocument", "RuleDefinition", "AttributeValue"),
    *("AssumeRolePolicyDocument", "PolicyDocument"),
}
WRITES = (
    *("create_log_group", "put_retention_policy", "put_metric_filter", "create_topic"),
    "put_data_protection_policy",
    *("set_topic_attributes", "subscribe", "put_insight_rule", "put_anomaly_detector"),
    *("put_metric_alarm", "put_composite_alarm", "put_query_definition", "put_dashboard"),
    *("put_log_alarm", "create_role", "put_role_policy", "create_ip_set"),
)


def write_calls(calls: Sequence[AwsCall]) -> Calls:
    """The recorded calls that write."""
    return {
        method: _sorted(_compared(call) for call in calls if call.method == method)
        for method in WRITES
    }


def _compared(call: AwsCall) -> Mapping[str, Any]:
    arguments = dict(call.arguments)
    if call.method == "create_role":
        del arguments["Description"]
    return arguments


def _sorted(arguments: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return sorted(map(_normalize, arguments), key=json.dumps)


def _normalize(arguments: Mapping[str, Any]) -> dict[str, Any]:
    normalized: dict[str, Any] = {}
    for key in sorted(arguments):
        value = arguments[key]
        if key in _DOCUMENTS:
            value = json.loads(value) if isinstance(value, str) else value
        value = _normalize_value(value)
        if value is not None and value != [] and (key, value) != ("ActionsEnabled", True):
            normalized[key] = value
    return normalized


def _normalize_value(value: Any) -> Any:
    """The value with numbers as floats and sorted keys, without empty lists of dimensions."""
    if isinstance(value, Mapping):
        pairs = ((key, _normalize_value(value[key])) for key in sorted(value))
        return {key: member for key, member in pairs if member is not None and member != []}
    if isinstance(value, list | tuple):
        return [_normalize_value(member) for member in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value


def _rename(attributes: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """The attributes with the API's names. Fails for an attribute without a name."""
    unknown = set(attributes) - set(names)
    assert not unknown, f"unknown attributes: {unknown}"
    return {names[key]: value for key, value in attributes.items()}


def _pairs(tags: Mapping[str, str] | None, key: str = "Key") -> list[dict[str, str]]:
    return [{key: name, "Value": value} for name, value in (tags or {}).items()]


def of_terraform(module: Module) -> Calls:
    """The calls that create the resources of a Terraform module."""
    calls: Calls = {method: [] for method in WRITES}
    for address in module.names:
        kind = address.split(".")[0]
        for method, arguments in _TERRAFORM[kind](module.resource(address)):
            calls[method].append(arguments)
    return {method: _sorted(arguments) for method, arguments in calls.items()}


def _log_group(attributes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    retention = {
        "logGroupName": attributes["name"],
        "retentionInDays": attributes.pop("retention_in_days"),
    }
    names = {"name": "logGroupName", "log_group_class": "logGroupClass", "tags": "tags"}
    return [
        ("create_log_group", _rename(attributes, **names)),
        ("put_retention_policy", retention),
    ]


def _filter(attributes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    (exported,) = attributes.pop("metric_transformation")
    transformation = _rename(
        exported,
        namespace="metricNamespace",
        name="metricName",
        value="metricValue",
        unit="unit",
        default_value="defaultValue",
        dimensions="dimensions",
    )
    if "defaultValue" in transformation:
        transformation["defaultValue"] = float(transformation["defaultValue"])
    names = {"name": "filterName", "log_group_name": "logGroupName", "pattern": "filterPattern"}
    arguments = {**_rename(attributes, **names), "metricTransformations": [transformation]}
    return [("put_metric_filter", arguments)]


_ALARM = {
    "alarm_name": "AlarmName",
    "alarm_description": "AlarmDescription",
    "actions_enabled": "ActionsEnabled",
    "alarm_actions": "AlarmActions",
    "ok_actions": "OKActions",
    "insufficient_data_actions": "InsufficientDataActions",
    "tags": "Tags",
}
_METRIC_ALARM = {
    **_ALARM,
    "namespace": "Namespace",
    "metric_name": "MetricName",
    "dimensions": "Dimensions",
    "statistic": "Statistic",
    "period": "Period",
    "evaluation_periods": "EvaluationPeriods",
    "datapoints_to_alarm": "DatapointsToAlarm",
    "comparison_operator": "ComparisonOperator",
    "threshold": "Threshold",
    "threshold_metric_id": "ThresholdMetricId",
    "treat_missing_data": "TreatMissingData",
    "unit": "Unit",
}


def _alarm(attributes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    queries = attributes.pop("metric_query", [])
    attributes["tags"] = _pairs(attributes.get("tags"))
    if "dimensions" in attributes:
        attributes["dimensions"] = _pairs(attributes["dimensions"], "Name")
    arguments = _rename(attributes, **_METRIC_ALARM)
    return [("put_metric_alarm", {**arguments, "Metrics": [*map(_metric_query, queries)]})]


def _metric_query(attributes: dict[str, Any]) -> dict[str, Any]:
    metrics = attributes.pop("metric", [])
    names = {"id": "Id", "expression": "Expression", "label": "Label", "period": "Period"}
    query = _rename(attributes, **names, return_data="ReturnData")
    for exported in metrics:
        statistic = {"Stat": exported.pop("stat"), "Period": exported.pop("period")}
        exported["dimensions"] = _pairs(exported.get("dimensions"), "Name")
        metric = _rename(
            exported, namespace="Namespace", metric_name="MetricName", dimensions="Dimensions"
        )
        query["MetricStat"] = {**statistic, "Metric": metric}
    return query


def _composite(attributes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    attributes["tags"] = _pairs(attributes.get("tags"))
    return [("put_composite_alarm", _rename(attributes, **_ALARM, alarm_rule="AlarmRule"))]


def _log_alarm(attributes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The attributes of `awscc` are those of CloudFormation in snake case."""
    attributes.pop("depends_on", None)
    attributes["tags"] = [{"Key": tag["key"], "Value": tag["value"]} for tag in attributes["tags"]]
    query = attributes["scheduled_query_configuration"]
    query["schedule_configuration"] = _rename(
        query["schedule_configuration"],
        schedule_expression="ScheduleExpression",
        start_time_offset="StartTimeOffset",
        end_time_offset="EndTimeOffset",
    )
    attributes["scheduled_query_configuration"] = _rename(
        query,
        query_string="QueryString",
        aggregation_expression="AggregationExpression",
        log_group_identifiers="LogGroupIdentifiers",
        scheduled_query_role_arn="ScheduledQueryRoleARN",
        schedule_configuration="ScheduleConfiguration",
    )
    names = {
        **_ALARM,
        "scheduled_query_configuration": "ScheduledQueryConfiguration",
        "query_results_to_evaluate": "QueryResultsToEvaluate",
        "query_results_to_alarm": "QueryResultsToAlarm",
        "comparison_operator": "ComparisonOperator",
        "threshold": "Threshold",
        "treat_missing_data": "TreatMissingData",
    }
    return [("put_log_alarm", _rename(attributes, **names))]


def _tagged(method: str, **names: str) -> Callable[[dict[str, Any]], Any]:
    def calls(attributes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        if "tags" in attributes:
            attributes["tags"] = _pairs(attributes["tags"])
        return [(method, _rename(attributes, **names))]

    return calls


def _policy(attributes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    arguments = _rename(attributes, arn="TopicArn", policy="AttributeValue")
    return [("set_topic_attributes", {**arguments, "AttributeName": "Policy"})]


def _dashboard(attributes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    # The provider's resource takes no tags.
    arguments = _rename(attributes, dashboard_name="DashboardName", dashboard_body="DashboardBody")
    return [("put_dashboard", arguments)]


def _ip_set(attributes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    assert attributes.pop("lifecycle") == [{"ignore_changes": ["addresses"]}]
    names = {"name": "Name", "description": "Description", "scope": "Scope", "tags": "Tags"}
    names |= {"ip_address_version": "IPAddressVersion", "addresses": "Addresses"}
    attributes["tags"] = _pairs(attributes["tags"])
    return [("create_ip_set", _rename(attributes, **names))]


_TERRAFORM: dict[str, Callable[[dict[str, Any]], list[tuple[str, dict[str, Any]]]]] = {
    "aws_cloudwatch_log_group": _log_group,
    "aws_cloudwatch_log_data_protection_policy": _tagged(
        "put_data_protection_policy",
        log_group_name="logGroupIdentifier",
        policy_document="policyDocument",
    ),
    "aws_cloudwatch_log_metric_filter": _filter,
    "aws_sns_topic": _tagged("create_topic", name="Name", tags="Tags"),
    "aws_sns_topic_policy": _policy,
    "aws_sns_topic_subscription": _tagged(
        "subscribe", topic_arn="TopicArn", protocol="Protocol", endpoint="Endpoint"
    ),
    "aws_cloudwatch_contributor_insight_rule": _tagged(
        "put_insight_rule",
        rule_name="RuleName",
        rule_state="RuleState",
        rule_definition="RuleDefinition",
        tags="Tags",
    ),
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_cloudwatch_composite_alarm": _composite,
    "awscc_cloudwatch_log_alarm": _log_alarm,
    "aws_iam_role": _tagged(
        "create_role", name="RoleName", assume_role_policy="AssumeRolePolicyDocument", tags="Tags"
    ),
    "aws_iam_role_policy": _tagged(
        "put_role_policy", name="PolicyName", role="RoleName", policy="PolicyDocument"
    ),
    "aws_cloudwatch_query_definition": _tagged(
        "put_query_definition",
        name="name",
        query_string="queryString",
        log_group_names="logGroupNames",
    ),
    "aws_cloudwatch_dashboard": _dashboard,
    "aws_wafv2_ip_set": _ip_set,
}


def of_cloudformation(template: Template) -> Calls:
    """The calls that create the resources of a CloudFormation template."""
    calls: Calls = {method: [] for method in WRITES}
    for group in template.of_type("AWS::Logs::LogGroup"):
        days = {"logGroupName": group["LogGroupName"], "retentionInDays": group["RetentionInDays"]}
        tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
        names = {"logGroupName": group["LogGroupName"], "logGroupClass": group["LogGroupClass"]}
        calls["create_log_group"].append({**names, "tags": tags})
        calls["put_retention_policy"].append(days)
        if "DataProtectionPolicy" in group:
            name, policy = group["LogGroupName"], group["DataProtectionPolicy"]
            calls["put_data_protection_policy"].append(
                {"logGroupIdentifier": name, "policyDocument": policy}
            )
    for metric_filter in template.of_type("AWS::Logs::MetricFilter"):
        calls["put_metric_filter"].append(_metric_filter(metric_filter))
    for topic in template.of_type("AWS::SNS::Topic"):
        calls["create_topic"].append({"Name": topic["TopicName"], "Tags": topic["Tags"]})
    for policy in template.of_type("AWS::SNS::TopicPolicy"):
        attribute = {"AttributeName": "Policy", "AttributeValue": policy["PolicyDocument"]}
        calls["set_topic_attributes"] += [
            {**attribute, "TopicArn": arn} for arn in policy["Topics"]
        ]
    for rule in template.of_type("AWS::CloudWatch::InsightRule"):
        rule["RuleDefinition"] = rule.pop("RuleBody")
        calls["put_insight_rule"].append(rule)
    for query in template.of_type("AWS::Logs::QueryDefinition"):
        names = {"Name": "name", "QueryString": "queryString", "LogGroupNames": "logGroupNames"}
        calls["put_query_definition"].append(_rename(query, **names))
    for role in template.of_type("AWS::IAM::Role"):
        policies = [{**policy, "RoleName": role["RoleName"]} for policy in role.pop("Policies")]
        calls["put_role_policy"] += policies
        calls["create_role"].append(role)
    for kind, method in (
        ("AWS::CloudWatch::LogAlarm", "put_log_alarm"),
        ("AWS::SNS::Subscription", "subscribe"),
        ("AWS::CloudWatch::AnomalyDetector", "put_anomaly_detector"),
        ("AWS::CloudWatch::Alarm", "put_metric_alarm"),
        ("AWS::CloudWatch::CompositeAlarm", "put_composite_alarm"),
        ("AWS::CloudWatch::Dashboard", "put_dashboard"),
        ("AWS::WAFv2::IPSet", "create_ip_set"),
    ):
        # These properties have the names of the API.
        calls[method] += template.of_type(kind)
    return {method: _sorted(arguments) for method, arguments in calls.items()}


def _metric_filter(attributes: dict[str, Any]) -> dict[str, Any]:
    (transformation,) = attributes["MetricTransformations"]
    return {
        "logGroupName": attributes["LogGroupName"],
        "filterName": attributes["FilterName"],
        "filterPattern": attributes["FilterPattern"],
        "metricTransformations": [
            {name[0].lower() + name[1:]: value for name, value in transformation.items()}
        ],
    }

"""What an export would have AWS create, in the words of the API calls that `apply` makes.

Both sides lose what says nothing: empty lists, and that an alarm's actions are enabled. JSON
documents are compared as documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.provision.export.hcl_reader import Module
from tests.provision.export.recorded import Made
from tests.provision.export.template_reader import Template

#: Calls by the method's name, each with its arguments, in the order of the names in them.
Calls = dict[str, list[dict[str, Any]]]
_DOCUMENTS = {"DashboardBody", "RuleDefinition", "AttributeValue"}
WRITES = (
    *("create_log_group", "put_retention_policy", "put_metric_filter", "create_topic"),
    *("set_topic_attributes", "subscribe", "put_insight_rule", "put_anomaly_detector"),
    *("put_metric_alarm", "put_composite_alarm", "put_query_definition", "put_dashboard"),
)


def applied(made: Iterable[Made]) -> Calls:
    """The calls that were recorded and write."""
    listed = [*made]
    return {
        method: _sorted(each.arguments for each in listed if each.method == method)
        for method in WRITES
    }


def _sorted(arguments: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return sorted((_plain(each) for each in arguments), key=json.dumps)


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in sorted(arguments):
        value = arguments[key]
        if key in _DOCUMENTS:
            value = json.loads(value) if isinstance(value, str) else value
        value = _trimmed(value)
        if value is not None and value != [] and (key, value) != ("ActionsEnabled", True):
            found[key] = value
    return found


def _trimmed(value: Any) -> Any:
    """Numbers as floats and objects in one order, without empty lists of dimensions."""
    if isinstance(value, Mapping):
        pairs = ((key, _trimmed(value[key])) for key in sorted(value))
        return {key: each for key, each in pairs if each is not None and each != []}
    if isinstance(value, list | tuple):
        return [_trimmed(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value


def _renamed(attributes: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """The attributes under the API's names; one without a name there is a mistake."""
    unknown = set(attributes) - set(names)
    assert not unknown, f"what is {unknown}?"
    return {names[key]: value for key, value in attributes.items()}


def _pairs(tags: Mapping[str, str] | None, key: str = "Key") -> list[dict[str, str]]:
    return [{key: name, "Value": value} for name, value in (tags or {}).items()]


def of_terraform(module: Module) -> Calls:
    """What Terraform would create of a module's resources."""
    calls: Calls = {method: [] for method in WRITES}
    for address in module.names:
        kind = address.split(".")[0]
        for method, arguments in _TERRAFORM[kind](module.resource(address)):
            calls[method].append(arguments)
    return {method: _sorted(made) for method, made in calls.items()}


def _log_group(said: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    retention = {"logGroupName": said["name"], "retentionInDays": said.pop("retention_in_days")}
    names = {"name": "logGroupName", "log_group_class": "logGroupClass", "tags": "tags"}
    return [
        ("create_log_group", _renamed(said, **names)),
        ("put_retention_policy", retention),
    ]


def _filter(said: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    (transformation,) = said.pop("metric_transformation")
    made = _renamed(
        transformation,
        namespace="metricNamespace",
        name="metricName",
        value="metricValue",
        unit="unit",
        default_value="defaultValue",
        dimensions="dimensions",
    )
    if "defaultValue" in made:
        made["defaultValue"] = float(made["defaultValue"])
    names = {"name": "filterName", "log_group_name": "logGroupName", "pattern": "filterPattern"}
    return [("put_metric_filter", {**_renamed(said, **names), "metricTransformations": [made]})]


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


def _alarm(said: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    queries = said.pop("metric_query", [])
    said["tags"] = _pairs(said.get("tags"))
    if "dimensions" in said:
        said["dimensions"] = _pairs(said["dimensions"], "Name")
    made = _renamed(said, **_METRIC_ALARM)
    return [("put_metric_alarm", {**made, "Metrics": [_query(each) for each in queries]})]


def _query(said: dict[str, Any]) -> dict[str, Any]:
    metrics = said.pop("metric", [])
    names = {"id": "Id", "expression": "Expression", "label": "Label", "period": "Period"}
    made = _renamed(said, **names, return_data="ReturnData")
    for each in metrics:
        how = {"Stat": each.pop("stat"), "Period": each.pop("period")}
        each["dimensions"] = _pairs(each.get("dimensions"), "Name")
        metric = _renamed(
            each, namespace="Namespace", metric_name="MetricName", dimensions="Dimensions"
        )
        made["MetricStat"] = {**how, "Metric": metric}
    return made


def _composite(said: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    said["tags"] = _pairs(said.get("tags"))
    return [("put_composite_alarm", _renamed(said, **_ALARM, alarm_rule="AlarmRule"))]


def _tagged(method: str, **names: str) -> Callable[[dict[str, Any]], Any]:
    def made(said: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        if "tags" in said:
            said["tags"] = _pairs(said["tags"])
        return [(method, _renamed(said, **names))]

    return made


def _policy(said: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    made = _renamed(said, arn="TopicArn", policy="AttributeValue")
    return [("set_topic_attributes", {**made, "AttributeName": "Policy"})]


def _dashboard(said: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    # The provider's resource takes no tags.
    made = _renamed(said, dashboard_name="DashboardName", dashboard_body="DashboardBody")
    return [("put_dashboard", made)]


_TERRAFORM: dict[str, Callable[[dict[str, Any]], list[tuple[str, dict[str, Any]]]]] = {
    "aws_cloudwatch_log_group": _log_group,
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
    "aws_cloudwatch_query_definition": _tagged(
        "put_query_definition",
        name="name",
        query_string="queryString",
        log_group_names="logGroupNames",
    ),
    "aws_cloudwatch_dashboard": _dashboard,
}


def of_cloudformation(read: Template) -> Calls:
    """What CloudFormation would create of a template's resources."""
    calls: Calls = {method: [] for method in WRITES}
    for group in read.of_type("AWS::Logs::LogGroup"):
        days = {"logGroupName": group["LogGroupName"], "retentionInDays": group["RetentionInDays"]}
        tags = {each["Key"]: each["Value"] for each in group["Tags"]}
        names = {"logGroupName": group["LogGroupName"], "logGroupClass": group["LogGroupClass"]}
        calls["create_log_group"].append({**names, "tags": tags})
        calls["put_retention_policy"].append(days)
    for each in read.of_type("AWS::Logs::MetricFilter"):
        calls["put_metric_filter"].append(_lowered(each))
    for each in read.of_type("AWS::SNS::Topic"):
        calls["create_topic"].append({"Name": each["TopicName"], "Tags": each["Tags"]})
    for each in read.of_type("AWS::SNS::TopicPolicy"):
        policy = {"AttributeName": "Policy", "AttributeValue": each["PolicyDocument"]}
        calls["set_topic_attributes"] += [{**policy, "TopicArn": arn} for arn in each["Topics"]]
    for each in read.of_type("AWS::CloudWatch::InsightRule"):
        each["RuleDefinition"] = each.pop("RuleBody")
        calls["put_insight_rule"].append(each)
    for each in read.of_type("AWS::Logs::QueryDefinition"):
        names = {"Name": "name", "QueryString": "queryString", "LogGroupNames": "logGroupNames"}
        calls["put_query_definition"].append(_renamed(each, **names))
    for kind, method in (
        ("AWS::SNS::Subscription", "subscribe"),
        ("AWS::CloudWatch::AnomalyDetector", "put_anomaly_detector"),
        ("AWS::CloudWatch::Alarm", "put_metric_alarm"),
        ("AWS::CloudWatch::CompositeAlarm", "put_composite_alarm"),
        ("AWS::CloudWatch::Dashboard", "put_dashboard"),
    ):
        # These properties bear the API's own names.
        calls[method] += read.of_type(kind)
    return {method: _sorted(made) for method, made in calls.items()}


def _lowered(said: dict[str, Any]) -> dict[str, Any]:
    (transformation,) = said["MetricTransformations"]
    return {
        "logGroupName": said["LogGroupName"],
        "filterName": said["FilterName"],
        "filterPattern": said["FilterPattern"],
        "metricTransformations": [
            {name[0].lower() + name[1:]: value for name, value in transformation.items()}
        ],
    }

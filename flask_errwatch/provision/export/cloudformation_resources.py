"""Describes each kind of resource as CloudFormation does, with references to the others."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flask_errwatch.config.aws_values import MARKERS
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.export.identifiers import pascal
from flask_errwatch.provision.export.linked_resources import LinkedResources, NamedResource
from flask_errwatch.provision.export.portable import TOPIC
from flask_errwatch.provision.query_role import POLICY_NAME
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    AwsAlarm,
    CompositeAlarm,
    Dashboard,
    DataProtection,
    InsightRule,
    IpSet,
    LogAlarm,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    Pairs,
    QueryDefinition,
    QueryRole,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)
from flask_errwatch.provision.to_aws import schedule
from flask_errwatch.provision.tokens import token

#: The type of each kind, and the last word of its logical IDs, which all kinds share. A data
#: protection policy is a property of its log group.
TYPES: dict[type[Resource], tuple[str, str]] = {
    LogGroup: ("AWS::Logs::LogGroup", "LogGroup"),
    MetricFilter: ("AWS::Logs::MetricFilter", "Filter"),
    Topic: ("AWS::SNS::Topic", "Topic"),
    TopicPolicy: ("AWS::SNS::TopicPolicy", "TopicPolicy"),
    Subscription: ("AWS::SNS::Subscription", "Subscription"),
    InsightRule: ("AWS::CloudWatch::InsightRule", "InsightRule"),
    AnomalyDetector: ("AWS::CloudWatch::AnomalyDetector", "AnomalyDetector"),
    MetricAlarm: ("AWS::CloudWatch::Alarm", "Alarm"),
    QueryRole: ("AWS::IAM::Role", "Role"),
    LogAlarm: ("AWS::CloudWatch::LogAlarm", "LogAlarm"),
    CompositeAlarm: ("AWS::CloudWatch::CompositeAlarm", "CompositeAlarm"),
    QueryDefinition: ("AWS::Logs::QueryDefinition", "Query"),
    Dashboard: ("AWS::CloudWatch::Dashboard", "Dashboard"),
    IpSet: ("AWS::WAFv2::IPSet", "IpSet"),
}
#: The condition of what is for CloudFront: the stack is in its region.
CLOUDFRONT_CONDITION = "IsInCloudFrontRegion"

Properties = dict[str, object]


class CloudFormationResources(LinkedResources):
    """The descriptions of one app's resources.

    Args:
        desired: The desired state.
    """

    parameter_namespace = ""
    topic_parameter = "SnsTopicArn"
    no_topic = "an empty string"

    def __init__(self, desired: Desired) -> None:
        super().__init__(desired, pascal)

    def descriptions(self) -> dict[str, object]:
        """The description of each resource by its logical ID."""
        return {
            self._logical_id(resource): self._description(resource)
            for resource in self._desired.resources
            if type(resource) in TYPES
        }

    def _parameter_reference(self, name: str) -> str:
        return name

    def _name_reference(self, resource: NamedResource) -> str:
        return self._logical_id(resource)  # Ref returns the name

    def _arn_reference(self, resource: Topic | QueryRole | IpSet) -> str:
        name = self._logical_id(resource)
        return name if isinstance(resource, Topic) else f"{name}.Arn"  # Ref returns a topic's ARN

    def _logical_id(self, resource: Resource) -> str:
        _, suffix = TYPES[type(resource)]
        key = f"{resource.kind} {resource.key}"
        return self._identifiers.of("", self._label(resource), key=key, suffix=suffix)

    def _description(self, resource: Resource) -> dict[str, object]:
        description: dict[str, object] = {"Type": TYPES[type(resource)][0]}
        if isinstance(resource, IpSet) and resource.region is not None:
            description["Condition"] = CLOUDFRONT_CONDITION
        if isinstance(resource, LogGroup | IpSet):
            description |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        if isinstance(resource, MetricAlarm):
            description |= self._depends_on(resource)
        properties = self._properties(resource)
        description["Properties"] = {
            name: value for name, value in properties.items() if value is not None
        }
        return description

    def _depends_on(self, alarm: MetricAlarm) -> dict[str, object]:
        """The Contributor Insights rules of an alarm: its expressions name them without a Ref."""
        expressions = " ".join(query.expression or "" for query in alarm.metrics)
        rules = [
            self._logical_id(rule)
            for rule in self._desired.insight_rules
            if f'"{rule.name}"' in expressions
        ]
        return {"DependsOn": rules} if rules else {}

    def _properties(self, resource: Resource) -> Properties:  # noqa: C901, PLR0912 - one case per kind
        match resource:
            case LogGroup():
                return {
                    "LogGroupName": resource.name,
                    "LogGroupClass": resource.log_class,
                    "RetentionInDays": resource.retention_days,
                    "DataProtectionPolicy": self._data_protection(),
                    "Tags": _tags(resource.tags),
                }
            case MetricFilter():
                return {
                    "FilterName": resource.name,
                    "LogGroupName": self._log_group(resource.log_group),
                    "FilterPattern": resource.pattern,
                    "MetricTransformations": [_transformation(resource)],
                }
            case Topic():
                return {"TopicName": resource.name, "Tags": _tags(resource.tags)}
            case TopicPolicy():
                policy = json.loads(resource.document)
                return {"Topics": [resource.topic_arn], "PolicyDocument": policy}
            case Subscription():
                return {
                    "TopicArn": resource.topic_arn,
                    "Protocol": resource.protocol,
                    "Endpoint": self._endpoint(resource),
                }
            case InsightRule():
                return {
                    "RuleName": resource.name,
                    "RuleState": resource.state,
                    "RuleBody": resource.definition,
                    "Tags": _tags(resource.tags),
                }
            case AnomalyDetector():
                return _anomaly_detector(resource)
            case MetricAlarm():
                return self._alarm(resource)
            case LogAlarm():
                return self._log_alarm(resource)
            case QueryRole():
                return _query_role(resource)
            case CompositeAlarm():
                return {
                    "AlarmName": resource.name,
                    "AlarmDescription": resource.description,
                    "AlarmRule": self._alarm_rule(resource),
                    **self._actions(resource),
                    "Tags": _tags(resource.tags),
                }
            case QueryDefinition():
                return {
                    "Name": resource.name,
                    "LogGroupNames": [self._log_group(name) for name in resource.log_groups],
                    "QueryString": resource.query,
                }
            case DataProtection():
                raise TypeError("CloudFormation has it as a property of the log group.")
            case Dashboard():
                return {
                    "DashboardName": resource.name,
                    "Tags": _tags(resource.tags),
                    "DashboardBody": self._body(resource),
                }
            case IpSet():
                return _ip_set(resource)

    def _data_protection(self) -> object:
        policy = self._desired.data_protection
        return None if policy is None else json.loads(policy.document)

    def _alarm(self, alarm: MetricAlarm) -> Properties:
        return {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "Namespace": alarm.namespace,
            "MetricName": alarm.metric_name,
            "Dimensions": _dimensions(alarm.dimensions),
            "Statistic": alarm.statistic,
            "Period": alarm.period,
            "Metrics": [_metric_query(query) for query in alarm.metrics] or None,
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.datapoints_to_alarm,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": self._threshold(alarm),
            "ThresholdMetricId": alarm.threshold_metric_id,
            "TreatMissingData": alarm.treat_missing_data,
            "Unit": alarm.unit,
            **self._actions(alarm),
            "Tags": _tags(alarm.tags),
        }

    def _log_alarm(self, alarm: LogAlarm) -> Properties:
        return {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "ScheduledQueryConfiguration": {
                "QueryString": alarm.query,
                "LogGroupIdentifiers": [self._log_group(name) for name in alarm.log_groups],
                "ScheduledQueryRoleARN": self._role(alarm),
                "ScheduleConfiguration": schedule(alarm),
                "AggregationExpression": alarm.aggregation,
            },
            "QueryResultsToEvaluate": alarm.evaluation_runs,
            "QueryResultsToAlarm": alarm.runs_to_alarm,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": self._threshold(alarm),
            "TreatMissingData": alarm.treat_missing_data,
            **self._actions(alarm),
            "Tags": _tags(alarm.tags),
        }

    def _actions(self, alarm: AwsAlarm) -> Properties:
        def actions(arns: Sequence[str]) -> object:
            if self.topic_origin == "resource" or token(TOPIC) not in arns:
                return [*arns] or None
            return {"Fn::If": ["HasTopic", [*arns], {"Ref": "AWS::NoValue"}]}

        return {
            "ActionsEnabled": None if alarm.actions_enabled else False,
            "AlarmActions": actions(alarm.alarm_actions),
            "OKActions": actions(alarm.ok_actions),
            "InsufficientDataActions": actions(alarm.insufficient_data_actions),
        }

    def _body(self, dashboard: Dashboard) -> str:
        """The dashboard's body as JSON, with references to the thresholds' parameters."""
        links = self._threshold_links()
        body = self._dashboard_body(dashboard, links)
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        for link in links.values():
            text = text.replace(f'"{link}"', link)  # a threshold is a number, without quotes
        return text


def _ip_set(ip_set: IpSet) -> Properties:
    """Properties of the app's name and scope alone: an update that changes one empties the set.

    So `ERRWATCH_TAGS` are left out.
    """
    marks = tuple((key, value) for key, value in ip_set.tags if key in MARKERS)
    return {
        "Name": ip_set.name,
        "Description": ip_set.description,
        "Scope": ip_set.scope,
        "IPAddressVersion": ip_set.family,
        "Addresses": [],
        "Tags": _tags(marks),
    }


def _query_role(role: QueryRole) -> Properties:
    policy = {"PolicyName": POLICY_NAME, "PolicyDocument": json.loads(role.permissions)}
    return {
        "RoleName": role.name,
        "AssumeRolePolicyDocument": json.loads(role.trust),
        "Policies": [policy],
        "Tags": _tags(role.tags),
    }


def _transformation(metric_filter: MetricFilter) -> Properties:
    transformation: Properties = {
        "MetricNamespace": metric_filter.namespace,
        "MetricName": metric_filter.metric_name,
        "MetricValue": metric_filter.value,
        "Unit": metric_filter.unit,
    }
    if metric_filter.default is not None:
        transformation["DefaultValue"] = json_number(metric_filter.default)
    if metric_filter.dimensions:
        transformation["Dimensions"] = _tags(metric_filter.dimensions)
    return transformation


def _anomaly_detector(detector: AnomalyDetector) -> Properties:
    metric: Properties = {
        "Namespace": detector.namespace,
        "MetricName": detector.metric_name,
        "Stat": detector.statistic,
    }
    if detector.dimensions:
        metric["Dimensions"] = _dimensions(detector.dimensions)
    return {"SingleMetricAnomalyDetector": metric}


def _metric_query(query: MetricQuery) -> Properties:
    properties: Properties = {"Id": query.id, "ReturnData": query.return_data}
    if query.label is not None:
        properties["Label"] = query.label
    if query.expression is not None:
        properties["Expression"] = query.expression
        if query.period is not None:
            properties["Period"] = query.period
        return properties
    metric: Properties = {"Namespace": query.namespace, "MetricName": query.metric_name}
    if query.dimensions:
        metric["Dimensions"] = _dimensions(query.dimensions)
    statistic = {"Metric": metric, "Stat": query.statistic, "Period": query.period}
    return {**properties, "MetricStat": statistic}


def _dimensions(pairs: Pairs) -> list[dict[str, str]] | None:
    return [{"Name": name, "Value": value} for name, value in pairs] or None


def _tags(tags: Pairs) -> list[dict[str, str]] | None:
    return [{"Key": key, "Value": value} for key, value in tags] or None


def json_number(value: float) -> float:
    """The number, as an int if it is whole.

    Example:
        >>> json_number(10.0), json_number(0.5)
        (10, 0.5)
    """
    return int(value) if value.is_integer() else value

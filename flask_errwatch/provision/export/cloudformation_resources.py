"""Each kind of resource as CloudFormation describes it, linked to the others by reference."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flask_errwatch.provision.dashboard import threshold_label
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.export.naming import Names, pascal
from flask_errwatch.provision.export.portable import TOPIC, is_secret, linked, tells, walked
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    CompositeAlarm,
    Dashboard,
    InsightRule,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    Pairs,
    QueryDefinition,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)
from flask_errwatch.provision.tokens import token

#: A kind's type, and the last word of its logical ids, which have one room for all kinds.
TYPES: dict[type[Resource], tuple[str, str]] = {
    LogGroup: ("AWS::Logs::LogGroup", "LogGroup"),
    MetricFilter: ("AWS::Logs::MetricFilter", "Filter"),
    Topic: ("AWS::SNS::Topic", "Topic"),
    TopicPolicy: ("AWS::SNS::TopicPolicy", "TopicPolicy"),
    Subscription: ("AWS::SNS::Subscription", "Subscription"),
    InsightRule: ("AWS::CloudWatch::InsightRule", "InsightRule"),
    AnomalyDetector: ("AWS::CloudWatch::AnomalyDetector", "AnomalyDetector"),
    MetricAlarm: ("AWS::CloudWatch::Alarm", "Alarm"),
    CompositeAlarm: ("AWS::CloudWatch::CompositeAlarm", "CompositeAlarm"),
    QueryDefinition: ("AWS::Logs::QueryDefinition", "Query"),
    Dashboard: ("AWS::CloudWatch::Dashboard", "Dashboard"),
}

Properties = dict[str, object]


class Resources:
    """The descriptions of one app's resources; tokens stand where `links` refers.

    Args:
        desired: What should stand.
    """

    def __init__(self, desired: Desired) -> None:
        self._names = Names(desired.app_name, pascal)
        self._all = desired.resources
        self.topic = next((each for each in self._all if isinstance(each, Topic)), None)
        #: Whether the topic is a parameter: it is referred to, and not among the resources.
        self.asks_for_topic = self.topic is None and tells(desired)
        self.alarms = [each for each in self._all if isinstance(each, MetricAlarm)]
        self.hooks = [
            each for each in self._all if isinstance(each, Subscription) and is_secret(each)
        ]
        #: What each token stands for, besides the words of a place.
        self.links = {TOPIC: "SnsTopicArn" if self.topic is None else self._id(self.topic)}

    def described(self) -> dict[str, object]:
        """Each resource's description by its logical id."""
        return {self._id(each): self._described(each) for each in self._all}

    def threshold(self, alarm: MetricAlarm) -> str:
        """The name of the parameter that holds an alarm's threshold."""
        return self._names.of("", alarm.name, key=f"threshold {alarm.name}", suffix="Threshold")

    def endpoint(self, hook: Subscription) -> str:
        """The name of the parameter that holds a web hook's URL."""
        return self._names.of("", hook.label, key=f"url {hook.key}", suffix="Url")

    def _id(self, resource: Resource) -> str:
        _, suffix = TYPES[type(resource)]
        key = f"{resource.kind} {resource.key}"
        named = self.topic if isinstance(resource, TopicPolicy) and self.topic else resource
        return self._names.of("", named.label, key=key, suffix=suffix)

    def _link(self, target: str) -> str:
        """A token that stands for a resource or parameter."""
        self.links[target] = target
        return token(target)

    def _described(self, resource: Resource) -> dict[str, object]:
        described: dict[str, object] = {"Type": TYPES[type(resource)][0]}
        if isinstance(resource, LogGroup):
            described |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        if isinstance(resource, MetricAlarm):
            described |= self._after_its_rules(resource)
        properties = self._properties(resource)
        given = {name: value for name, value in properties.items() if value is not None}
        return {**described, "Properties": given}

    def _after_its_rules(self, alarm: MetricAlarm) -> dict[str, object]:
        """An expression names its Contributor Insights rules in words that refer to nothing."""
        said = " ".join(each.expression or "" for each in alarm.metrics)
        needed = [
            self._id(each)
            for each in self._all
            if isinstance(each, InsightRule) and f'"{each.name}"' in said
        ]
        return {"DependsOn": needed} if needed else {}

    def _properties(self, resource: Resource) -> Properties:  # noqa: C901 - one case a kind
        match resource:
            case LogGroup():
                return _log_group(resource)
            case MetricFilter():
                return self._filter(resource)
            case Topic():
                return {"TopicName": resource.name, "Tags": _tags(resource.tags)}
            case TopicPolicy():
                policy = json.loads(resource.document)
                return {"Topics": [resource.topic_arn], "PolicyDocument": policy}
            case Subscription():
                return self._subscription(resource)
            case InsightRule():
                return _insight_rule(resource)
            case AnomalyDetector():
                return _anomaly_detector(resource)
            case MetricAlarm():
                return self._alarm(resource)
            case CompositeAlarm():
                return self._composite(resource)
            case QueryDefinition():
                groups = [self._group(each) for each in resource.log_groups]
                said: Properties = {"Name": resource.name, "LogGroupNames": groups}
                return {**said, "QueryString": resource.query}
            case Dashboard():
                shown: Properties = {"DashboardName": resource.name, "Tags": _tags(resource.tags)}
                return {**shown, "DashboardBody": self._body(resource)}

    def _group(self, name: str) -> str:
        own = next((e for e in self._all if isinstance(e, LogGroup) and e.name == name), None)
        return name if own is None else self._link(self._id(own))

    def _filter(self, counted: MetricFilter) -> Properties:
        transformation: Properties = {
            "MetricNamespace": counted.namespace,
            "MetricName": counted.metric_name,
            "MetricValue": counted.value,
            "Unit": counted.unit,
        }
        if counted.default is not None:
            transformation["DefaultValue"] = _number(counted.default)
        if counted.dimensions:
            dimensions = [{"Key": name, "Value": value} for name, value in counted.dimensions]
            transformation["Dimensions"] = dimensions
        return {
            "FilterName": counted.name,
            "LogGroupName": self._group(counted.log_group),
            "FilterPattern": counted.pattern,
            "MetricTransformations": [transformation],
        }

    def _subscription(self, wanted: Subscription) -> Properties:
        hidden = is_secret(wanted)
        return {
            "TopicArn": wanted.topic_arn,
            "Protocol": wanted.protocol,
            "Endpoint": self._link(self.endpoint(wanted)) if hidden else wanted.endpoint,
        }

    def _alarm(self, alarm: MetricAlarm) -> Properties:
        has_threshold = alarm.threshold is not None
        return {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "Namespace": alarm.namespace,
            "MetricName": alarm.metric_name,
            "Dimensions": _dimensions(alarm.dimensions),
            "Statistic": alarm.statistic,
            "Period": alarm.period,
            "Metrics": [_query(each) for each in alarm.metrics] or None,
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.datapoints_to_alarm,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": self._link(self.threshold(alarm)) if has_threshold else None,
            "ThresholdMetricId": alarm.threshold_metric_id,
            "TreatMissingData": alarm.treat_missing_data,
            "Unit": alarm.unit,
            **self._actions(alarm),
            "Tags": _tags(alarm.tags),
        }

    def _composite(self, alarm: CompositeAlarm) -> Properties:
        links = {
            each.name: self._link(self._id(each))
            for each in self._all
            if isinstance(each, MetricAlarm | CompositeAlarm) and f'"{each.name}"' in alarm.rule
        }
        return {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "AlarmRule": linked(alarm.rule, links),
            **self._actions(alarm),
            "Tags": _tags(alarm.tags),
        }

    def _actions(self, alarm: MetricAlarm | CompositeAlarm) -> Properties:
        return {
            "ActionsEnabled": None if alarm.actions_enabled else False,
            "AlarmActions": self._told(alarm.alarm_actions),
            "OKActions": self._told(alarm.ok_actions),
            "InsufficientDataActions": self._told(alarm.insufficient_data_actions),
        }

    def _told(self, arns: Sequence[str]) -> object:
        if self.topic is not None or token(TOPIC) not in arns:
            return list(arns) or None
        return {"Fn::If": ["HasTopic", list(arns), {"Ref": "AWS::NoValue"}]}

    def _body(self, dashboard: Dashboard) -> str:
        """The body as text; the thresholds' lines are drawn at the parameters."""
        labels = {threshold_label(each): self._link(self.threshold(each)) for each in self.alarms}

        def change(value: object) -> object:
            if isinstance(value, dict) and "value" in value and value.get("label") in labels:
                return {**value, "value": labels[value["label"]]}
            return value

        body = walked(json.loads(dashboard.body), change)
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        for number in labels.values():
            text = text.replace(f'"{number}"', number)
        return text


def _log_group(group: LogGroup) -> Properties:
    return {
        "LogGroupName": group.name,
        "LogGroupClass": group.log_class,
        "RetentionInDays": group.retention_days,
        "Tags": _tags(group.tags),
    }


def _insight_rule(rule: InsightRule) -> Properties:
    return {
        "RuleName": rule.name,
        "RuleState": rule.state,
        "RuleBody": rule.definition,
        "Tags": _tags(rule.tags),
    }


def _anomaly_detector(model: AnomalyDetector) -> Properties:
    metric = {
        "Namespace": model.namespace,
        "MetricName": model.metric_name,
        "Stat": model.statistic,
    }
    dimensions = _dimensions(model.dimensions)
    return {
        "SingleMetricAnomalyDetector": metric | ({"Dimensions": dimensions} if dimensions else {})
    }


def _query(query: MetricQuery) -> Properties:
    said: Properties = {"Id": query.id, "ReturnData": query.return_data}
    if query.label is not None:
        said["Label"] = query.label
    if query.expression is not None:
        period = {} if query.period is None else {"Period": query.period}
        return {**said, "Expression": query.expression, **period}
    metric: Properties = {"Namespace": query.namespace, "MetricName": query.metric_name}
    dimensions = _dimensions(query.dimensions)
    if dimensions:
        metric["Dimensions"] = dimensions
    return {
        **said,
        "MetricStat": {"Metric": metric, "Stat": query.statistic, "Period": query.period},
    }


def _dimensions(pairs: Pairs) -> list[dict[str, str]] | None:
    return [{"Name": name, "Value": value} for name, value in pairs] or None


def _tags(tags: Pairs) -> list[dict[str, str]] | None:
    return [{"Key": key, "Value": value} for key, value in tags] or None


def _number(value: float) -> float:
    return int(value) if value.is_integer() else value

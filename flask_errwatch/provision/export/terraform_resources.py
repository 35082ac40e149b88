"""Each kind of resource as a Terraform block, linked to the others by reference."""

from __future__ import annotations

import json

from flask_errwatch.provision.dashboard import threshold_label
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.export.hcl import Block, Encoded, Expression, number
from flask_errwatch.provision.export.naming import Names, snake
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
from flask_errwatch.provision.tokens import ANYWHERE, token

#: The actions of every alarm, as a local value.
ACTIONS = "local.alarm_actions"

#: The AWS provider has no resource for an anomaly detector: CloudWatch makes it with the alarm.
TYPES: dict[type[Resource], str] = {
    LogGroup: "aws_cloudwatch_log_group",
    MetricFilter: "aws_cloudwatch_log_metric_filter",
    Topic: "aws_sns_topic",
    TopicPolicy: "aws_sns_topic_policy",
    Subscription: "aws_sns_topic_subscription",
    InsightRule: "aws_cloudwatch_contributor_insight_rule",
    MetricAlarm: "aws_cloudwatch_metric_alarm",
    CompositeAlarm: "aws_cloudwatch_composite_alarm",
    QueryDefinition: "aws_cloudwatch_query_definition",
    Dashboard: "aws_cloudwatch_dashboard",
}


class Resources:
    """The blocks of one app's resources.

    Args:
        desired: What should stand.
    """

    def __init__(self, desired: Desired) -> None:
        self._names = Names(desired.app_name, snake)
        self._all = desired.resources
        self._links: dict[str, str] = {}
        self.topic = next((each for each in self._all if isinstance(each, Topic)), None)
        #: Whether the topic is a parameter: it is referred to, and not among the resources.
        self.asks_for_topic = self.topic is None and tells(desired)
        self.alarms = [each for each in self._all if isinstance(each, MetricAlarm)]
        self.hooks = [
            each for each in self._all if isinstance(each, Subscription) and is_secret(each)
        ]
        self._groups = {each.name: each for each in self._all if isinstance(each, LogGroup)}
        self._metrics = {
            (each.namespace, each.metric_name): each
            for each in self._all
            if isinstance(each, MetricFilter)
        }

    def blocks(self) -> tuple[Block, ...]:
        """One block per resource that Terraform knows, each after what it refers to."""
        return tuple(self._block(each) for each in self._all if type(each) in TYPES)

    def expression(self, token_name: str) -> str:
        """What a token of the model stands for."""
        if token_name == TOPIC:
            return "var.sns_topic_arn" if self.topic is None else f"{self._address(self.topic)}.arn"
        return self._links[token_name]

    def threshold(self, alarm: MetricAlarm) -> str:
        """The name of the variable that holds an alarm's threshold."""
        return self._names.of("variable", alarm.name, suffix="threshold")

    def endpoint(self, hook: Subscription) -> str:
        """The name of the variable that holds a web hook's URL."""
        return self._names.of("variable", hook.label, key=hook.key, suffix="url")

    def _address(self, resource: Resource) -> str:
        kind = TYPES[type(resource)]
        named = self.topic if isinstance(resource, TopicPolicy) and self.topic else resource
        return f"{kind}.{self._names.of(kind, named.label, key=resource.key)}"

    def _link(self, expression: str) -> str:
        """A token that stands for an expression inside a longer text."""
        name = f"link_{len(self._links)}"
        self._links[name] = expression
        return token(name)

    def _block(self, resource: Resource) -> Block:
        kind, name = self._address(resource).split(".")
        arguments, blocks = self._written(resource)
        return Block("resource", (kind, name), arguments, blocks)

    def _written(  # noqa: C901 - one case a kind
        self, resource: Resource
    ) -> tuple[dict[str, object], tuple[Block, ...]]:
        match resource:
            case LogGroup():
                return _log_group(resource), ()
            case MetricFilter():
                return self._filter(resource)
            case Topic():
                return {"name": resource.name, "tags": _tags(resource.tags)}, ()
            case TopicPolicy():
                policy = Encoded(json.loads(resource.document))
                return {"arn": resource.topic_arn, "policy": policy}, ()
            case Subscription():
                return self._subscription(resource), ()
            case InsightRule():
                return _insight_rule(resource), ()
            case MetricAlarm():
                return self._alarm(resource)
            case CompositeAlarm():
                return self._composite(resource), ()
            case QueryDefinition():
                groups = [self._group(each) for each in resource.log_groups]
                said = {"name": resource.name, "log_group_names": groups}
                return {**said, "query_string": resource.query}, ()
            case Dashboard():
                body = Encoded(self._body(json.loads(resource.body)))
                return {"dashboard_name": resource.name, "dashboard_body": body}, ()
            case AnomalyDetector():
                raise TypeError("The AWS provider has no such resource.")

    def _group(self, name: str) -> object:
        own = self._groups.get(name)
        return name if own is None else Expression(f"{self._address(own)}.name")

    def _filter(self, counted: MetricFilter) -> tuple[dict[str, object], tuple[Block, ...]]:
        arguments = {
            "name": counted.name,
            "log_group_name": self._group(counted.log_group),
            "pattern": counted.pattern,
        }
        transformation: dict[str, object] = {
            "namespace": counted.namespace,
            "name": counted.metric_name,
            "value": counted.value,
            "unit": counted.unit,
            "default_value": None if counted.default is None else number(counted.default),
            "dimensions": dict(counted.dimensions) or None,
        }
        return arguments, (Block("metric_transformation", (), transformation),)

    def _subscription(self, wanted: Subscription) -> dict[str, object]:
        hidden = is_secret(wanted)
        return {
            "topic_arn": wanted.topic_arn,
            "protocol": wanted.protocol,
            "endpoint": Expression(f"var.{self.endpoint(wanted)}") if hidden else wanted.endpoint,
        }

    def _alarm(self, alarm: MetricAlarm) -> tuple[dict[str, object], tuple[Block, ...]]:
        threshold = None
        if alarm.threshold is not None:
            threshold = Expression(f"var.{self.threshold(alarm)}")
        arguments: dict[str, object] = {
            "alarm_name": alarm.name,
            **self._metric(alarm),
            "statistic": alarm.statistic,
            "period": alarm.period,
            "evaluation_periods": alarm.evaluation_periods,
            "datapoints_to_alarm": alarm.datapoints_to_alarm,
            "comparison_operator": alarm.comparison_operator,
            "threshold": threshold,
            "threshold_metric_id": alarm.threshold_metric_id,
            "treat_missing_data": alarm.treat_missing_data,
            "unit": alarm.unit,
            **_actions(alarm),
            "alarm_description": alarm.description,
            "tags": _tags(alarm.tags),
        }
        return arguments, tuple(self._query(each) for each in alarm.metrics)

    def _metric(self, source: MetricAlarm | MetricQuery) -> dict[str, object]:
        """Namespace and name of a metric: those of the filter that feeds it, by reference."""
        dimensions = dict(source.dimensions) or None
        words: tuple[object, object] = (source.namespace, source.metric_name)
        for key, counted in self._metrics.items():
            if key == (source.namespace, source.metric_name):
                made = f"{self._address(counted)}.metric_transformation[0]"
                words = (Expression(f"{made}.namespace"), Expression(f"{made}.name"))
        return {"namespace": words[0], "metric_name": words[1], "dimensions": dimensions}

    def _query(self, query: MetricQuery) -> Block:
        expression = query.expression
        if expression is not None:
            rules = {each.name: each for each in self._all if isinstance(each, InsightRule)}
            links = {
                name: self._link(f"{self._address(each)}.rule_name") for name, each in rules.items()
            }
            expression = linked(expression, links)
        arguments: dict[str, object] = {
            "id": query.id,
            "expression": expression,
            "label": query.label,
            "period": query.period if expression is not None else None,
            "return_data": query.return_data,
        }
        if expression is not None:
            return Block("metric_query", (), arguments)
        metric = {**self._metric(query), "stat": query.statistic, "period": query.period}
        return Block("metric_query", (), arguments, (Block("metric", (), metric),))

    def _composite(self, alarm: CompositeAlarm) -> dict[str, object]:
        children = [each for each in self._all if isinstance(each, MetricAlarm | CompositeAlarm)]
        links = {
            each.name: self._link(f"{self._address(each)}.alarm_name")
            for each in children
            if f'"{each.name}"' in alarm.rule
        }
        return {
            "alarm_name": alarm.name,
            "alarm_rule": linked(alarm.rule, links),
            **_actions(alarm),
            "alarm_description": alarm.description,
            "tags": _tags(alarm.tags),
        }

    def _body(self, body: object) -> object:
        """The dashboard's body: it follows the alarms, and draws the variables' thresholds."""
        labels = {threshold_label(each): f"var.{self.threshold(each)}" for each in self.alarms}
        arns = {
            ANYWHERE.alarm_arn(each.name): f"{self._address(each)}.arn"
            for each in self._all
            if isinstance(each, MetricAlarm | CompositeAlarm)
        }

        def change(value: object) -> object:
            if isinstance(value, str) and value in arns:
                return Expression(arns[value])
            if isinstance(value, dict) and "value" in value and value.get("label") in labels:
                return {**value, "value": Expression(labels[value["label"]])}
            return value

        return walked(body, change)


def _log_group(group: LogGroup) -> dict[str, object]:
    return {
        "name": group.name,
        "log_group_class": group.log_class,
        "retention_in_days": group.retention_days,
        "tags": _tags(group.tags),
    }


def _insight_rule(rule: InsightRule) -> dict[str, object]:
    return {
        "rule_name": rule.name,
        "rule_state": rule.state,
        "rule_definition": Encoded(json.loads(rule.definition)),
        "tags": _tags(rule.tags),
    }


def _actions(alarm: MetricAlarm | CompositeAlarm) -> dict[str, object]:
    """What the alarm tells: by the local value where that is the topic and nothing else."""

    def told(arns: tuple[str, ...]) -> object:
        return Expression(ACTIONS) if arns == (token(TOPIC),) else list(arns) or None

    return {
        "actions_enabled": None if alarm.actions_enabled else False,
        "alarm_actions": told(alarm.alarm_actions),
        "ok_actions": told(alarm.ok_actions),
        "insufficient_data_actions": told(alarm.insufficient_data_actions),
    }


def _tags(tags: Pairs) -> dict[str, str] | None:
    return dict(tags) or None

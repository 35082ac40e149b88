"""Describes each kind of resource as a Terraform block that refers to the others."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.export.hcl import Block, Encoded, Expression, number
from flask_errwatch.provision.export.identifiers import snake
from flask_errwatch.provision.export.linked_resources import LinkedResources, NamedResource
from flask_errwatch.provision.export.portable import TOPIC, map_json
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
from flask_errwatch.provision.to_aws import schedule_expression
from flask_errwatch.provision.tokens import ANYWHERE, token

#: The local value with the actions of every alarm.
ACTIONS = "local.alarm_actions"

#: The AWS provider has no resource for an anomaly detector: CloudWatch creates it with the alarm.
TYPES: dict[type[Resource], str] = {
    LogGroup: "aws_cloudwatch_log_group",
    DataProtection: "aws_cloudwatch_log_data_protection_policy",
    MetricFilter: "aws_cloudwatch_log_metric_filter",
    Topic: "aws_sns_topic",
    TopicPolicy: "aws_sns_topic_policy",
    Subscription: "aws_sns_topic_subscription",
    InsightRule: "aws_cloudwatch_contributor_insight_rule",
    MetricAlarm: "aws_cloudwatch_metric_alarm",
    QueryRole: "aws_iam_role",
    LogAlarm: "awscc_cloudwatch_log_alarm",
    CompositeAlarm: "aws_cloudwatch_composite_alarm",
    QueryDefinition: "aws_cloudwatch_query_definition",
    Dashboard: "aws_cloudwatch_dashboard",
    IpSet: "aws_wafv2_ip_set",
}
#: The alias of the provider for what is in CloudFront's region.
CLOUDFRONT_PROVIDER = "cloudfront"
#: The type of a role's inline policy, which has the role's name.
_ROLE_POLICY = "aws_iam_role_policy"
_NAME_ATTRIBUTES: dict[type[NamedResource], str] = {
    LogGroup: "name",
    InsightRule: "rule_name",
    MetricAlarm: "alarm_name",
    LogAlarm: "alarm_name",
    CompositeAlarm: "alarm_name",
}

Arguments = dict[str, object]


class TerraformResources(LinkedResources):
    """The blocks of one app's resources.

    Args:
        desired: The desired state.
    """

    parameter_namespace = "variable"
    topic_parameter = "sns_topic_arn"
    no_topic = "null"

    def __init__(self, desired: Desired) -> None:
        super().__init__(desired, snake)
        self._filters = {
            (metric_filter.namespace, metric_filter.metric_name): metric_filter
            for metric_filter in desired.filters
        }

    def blocks(self) -> tuple[Block, ...]:
        """A block for each resource that Terraform has, in the order of creation."""
        blocks: list[Block] = []
        for resource in self._desired.resources:
            if type(resource) in TYPES:
                blocks.append(self._block(resource))
            if isinstance(resource, QueryRole):
                blocks.append(self._role_policy(resource))
        return tuple(blocks)

    def _parameter_reference(self, name: str) -> str:
        return f"var.{name}"

    def _name_reference(self, resource: NamedResource) -> str:
        return f"{self._address(resource)}.{_NAME_ATTRIBUTES[type(resource)]}"

    def _arn_reference(self, resource: Topic | QueryRole | IpSet) -> str:
        return f"{self._address(resource)}.arn"

    def _address(self, resource: Resource) -> str:
        return f"{TYPES[type(resource)]}.{self._name(resource)}"

    def _name(self, resource: Resource) -> str:
        kind = TYPES[type(resource)]
        return self._identifiers.of(kind, self._label(resource), key=resource.key)

    def _block(self, resource: Resource) -> Block:
        kind, name = TYPES[type(resource)], self._name(resource)
        blocks: tuple[Block, ...] = ()
        if isinstance(resource, MetricFilter):
            blocks = (_transformation(resource),)
        elif isinstance(resource, MetricAlarm):
            blocks = tuple(self._metric_query(query) for query in resource.metrics)
        elif isinstance(resource, IpSet):
            blocks = (_KEEPING_ADDRESSES,)
        return Block("resource", (kind, name), self._arguments(resource), blocks)

    def _arguments(self, resource: Resource) -> Arguments:  # noqa: C901, PLR0912 - one case per kind
        match resource:
            case LogGroup():
                return {
                    "name": resource.name,
                    "log_group_class": resource.log_class,
                    "retention_in_days": resource.retention_days,
                    "tags": _tags(resource.tags),
                }
            case MetricFilter():
                return {
                    "name": resource.name,
                    "log_group_name": self._log_group(resource.log_group),
                    "pattern": resource.pattern,
                }
            case DataProtection():
                return {
                    "log_group_name": self._log_group(resource.log_group),
                    "policy_document": Encoded(json.loads(resource.document)),
                }
            case Topic():
                return {"name": resource.name, "tags": _tags(resource.tags)}
            case TopicPolicy():
                policy = Encoded(json.loads(resource.document))
                return {"arn": resource.topic_arn, "policy": policy}
            case Subscription():
                return {
                    "topic_arn": resource.topic_arn,
                    "protocol": resource.protocol,
                    "endpoint": self._endpoint(resource),
                }
            case InsightRule():
                return {
                    "rule_name": resource.name,
                    "rule_state": resource.state,
                    "rule_definition": Encoded(json.loads(resource.definition)),
                    "tags": _tags(resource.tags),
                }
            case MetricAlarm():
                return self._alarm(resource)
            case LogAlarm():
                return self._log_alarm(resource)
            case QueryRole():
                return {
                    "name": resource.name,
                    "assume_role_policy": Encoded(json.loads(resource.trust)),
                    "tags": _tags(resource.tags),
                }
            case CompositeAlarm():
                return {
                    "alarm_name": resource.name,
                    "alarm_rule": self._alarm_rule(resource),
                    **_actions(resource),
                    "alarm_description": resource.description,
                    "tags": _tags(resource.tags),
                }
            case QueryDefinition():
                return {
                    "name": resource.name,
                    "log_group_names": [self._log_group(name) for name in resource.log_groups],
                    "query_string": resource.query,
                }
            case Dashboard():
                return {"dashboard_name": resource.name, "dashboard_body": self._body(resource)}
            case IpSet():
                return _ip_set(resource)
            case AnomalyDetector():
                raise TypeError("The AWS provider has no resource for an anomaly detector.")

    def _alarm(self, alarm: MetricAlarm) -> Arguments:
        return {
            "alarm_name": alarm.name,
            **self._metric(alarm),
            "statistic": alarm.statistic,
            "period": alarm.period,
            "evaluation_periods": alarm.evaluation_periods,
            "datapoints_to_alarm": alarm.datapoints_to_alarm,
            "comparison_operator": alarm.comparison_operator,
            "threshold": self._threshold(alarm),
            "threshold_metric_id": alarm.threshold_metric_id,
            "treat_missing_data": alarm.treat_missing_data,
            "unit": alarm.unit,
            **_actions(alarm),
            "alarm_description": alarm.description,
            "tags": _tags(alarm.tags),
        }

    def _log_alarm(self, alarm: LogAlarm) -> Arguments:
        """The attributes of the provider `awscc`, which are CloudFormation's in snake case."""
        role = self._desired.query_role
        policy = None if role is None else [Expression(f"{_ROLE_POLICY}.{self._name(role)}")]
        return {
            "alarm_name": alarm.name,
            "scheduled_query_configuration": {
                "query_string": alarm.query,
                "aggregation_expression": alarm.aggregation,
                "log_group_identifiers": [self._log_group(name) for name in alarm.log_groups],
                "scheduled_query_role_arn": self._role(alarm),
                "schedule_configuration": {
                    "schedule_expression": schedule_expression(alarm.rate),
                    "start_time_offset": alarm.window + alarm.delay,
                    "end_time_offset": alarm.delay,
                },
            },
            "query_results_to_evaluate": alarm.evaluation_runs,
            "query_results_to_alarm": alarm.runs_to_alarm,
            "comparison_operator": alarm.comparison_operator,
            "threshold": self._threshold(alarm),
            "treat_missing_data": alarm.treat_missing_data,
            **_actions(alarm),
            "alarm_description": alarm.description,
            "tags": [{"key": key, "value": value} for key, value in alarm.tags],
            "depends_on": policy,
        }

    def _role_policy(self, role: QueryRole) -> Block:
        """The inline policy, which is a separate resource."""
        arguments: Arguments = {
            "name": POLICY_NAME,
            "role": Expression(f"{self._address(role)}.id"),
            "policy": Encoded(json.loads(role.permissions)),
        }
        return Block("resource", (_ROLE_POLICY, self._name(role)), arguments)

    def _metric(self, source: MetricAlarm | MetricQuery) -> Arguments:
        """A metric, by reference to the filter that publishes it."""
        namespace: object = source.namespace
        name: object = source.metric_name
        metric_filter = self._filters.get((source.namespace or "", source.metric_name or ""))
        if metric_filter is not None:
            transformation = f"{self._address(metric_filter)}.metric_transformation[0]"
            namespace = Expression(f"{transformation}.namespace")
            name = Expression(f"{transformation}.name")
        dimensions = dict(source.dimensions) or None
        return {"namespace": namespace, "metric_name": name, "dimensions": dimensions}

    def _metric_query(self, query: MetricQuery) -> Block:
        expression = query.expression
        if expression is not None:
            expression = self._link_names(expression, self._desired.insight_rules)
        arguments: Arguments = {
            "id": query.id,
            "expression": expression,
            "label": query.label,
            "period": None if expression is None else query.period,
            "return_data": query.return_data,
        }
        if expression is not None:
            return Block("metric_query", (), arguments)
        metric = {**self._metric(query), "stat": query.statistic, "period": query.period}
        return Block("metric_query", (), arguments, (Block("metric", (), metric),))

    def _body(self, dashboard: Dashboard) -> Encoded:
        """The dashboard's body, with references to the alarms and to the thresholds' variables."""
        arns = {
            ANYWHERE.alarm_arn(alarm.name): f"{self._address(alarm)}.arn" for alarm in self._alarms
        }

        def change(value: object) -> object:
            is_arn = isinstance(value, str) and value in arns
            return Expression(arns[str(value)]) if is_arn else value

        return Encoded(map_json(self._dashboard_body(dashboard, self._threshold_links()), change))


#: Blocking writes the addresses: Terraform creates a set without any, and keeps them.
_KEEPING_ADDRESSES = Block("lifecycle", arguments={"ignore_changes": [Expression("addresses")]})


def _ip_set(ip_set: IpSet) -> Arguments:
    is_elsewhere = ip_set.region is not None
    return {
        "provider": Expression(f"aws.{CLOUDFRONT_PROVIDER}") if is_elsewhere else None,
        "name": ip_set.name,
        "description": ip_set.description,
        "scope": ip_set.scope,
        "ip_address_version": ip_set.family,
        "addresses": [],
        "tags": _tags(ip_set.tags),
    }


def _transformation(metric_filter: MetricFilter) -> Block:
    default = metric_filter.default
    return Block(
        "metric_transformation",
        (),
        {
            "namespace": metric_filter.namespace,
            "name": metric_filter.metric_name,
            "value": metric_filter.value,
            "unit": metric_filter.unit,
            "default_value": None if default is None else number(default),
            "dimensions": dict(metric_filter.dimensions) or None,
        },
    )


def _actions(alarm: AwsAlarm) -> Arguments:
    """The actions of an alarm: the local value where they are exactly the topic."""

    def actions(arns: Sequence[str]) -> object:
        return Expression(ACTIONS) if [*arns] == [token(TOPIC)] else [*arns] or None

    return {
        "actions_enabled": None if alarm.actions_enabled else False,
        "alarm_actions": actions(alarm.alarm_actions),
        "ok_actions": actions(alarm.ok_actions),
        "insufficient_data_actions": actions(alarm.insufficient_data_actions),
    }


def _tags(tags: Pairs) -> dict[str, str] | None:
    return dict(tags) or None

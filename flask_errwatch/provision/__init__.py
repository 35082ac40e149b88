"""Catalogue -> resources -> plan -> AWS.

This front exports the resource model, the desired state and the plan, all of them values.
`refresh`, `discovery`, `status` and `apply` are the edge: they call AWS.
"""

from flask_errwatch.provision.change import Change, Difference
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    CompositeAlarm,
    Dashboard,
    InsightRule,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
    QueryDefinition,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)
from flask_errwatch.provision.scope import AwsScope

__all__ = [
    "AnomalyDetector",
    "AwsScope",
    "Change",
    "CompositeAlarm",
    "Dashboard",
    "Desired",
    "Difference",
    "InsightRule",
    "LogGroup",
    "MetricAlarm",
    "MetricFilter",
    "MetricQuery",
    "Plan",
    "QueryDefinition",
    "Resource",
    "Subscription",
    "Topic",
    "TopicPolicy",
    "desired_resources",
]

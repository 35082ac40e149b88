"""Provisioning: catalogue -> desired resources -> plan -> AWS.

Exports the resource model, the desired state and the plan, which are all values. Only `apply`,
`discovery`, `refresh` and `status` call AWS or read the clock. All other modules are pure.
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

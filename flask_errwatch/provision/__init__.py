"""Desired AWS resources as values, the plan that leads to them, and its application."""

from flask_errwatch.provision.apply import apply, applying, plan, provision, removal_plan
from flask_errwatch.provision.desired import Desired, desired
from flask_errwatch.provision.place import Place
from flask_errwatch.provision.plan import Change, Difference, Plan
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

__all__ = [
    "AnomalyDetector",
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
    "Place",
    "Plan",
    "QueryDefinition",
    "Resource",
    "Subscription",
    "Topic",
    "TopicPolicy",
    "apply",
    "applying",
    "desired",
    "plan",
    "provision",
    "removal_plan",
]

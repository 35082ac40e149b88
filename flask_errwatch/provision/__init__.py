"""Desired AWS resources as values, the plan that leads to them, and its application."""

from flask_errwatch.provision.apply import apply, plan, provision
from flask_errwatch.provision.desired import Desired, desired
from flask_errwatch.provision.plan import Change, Difference, Plan
from flask_errwatch.provision.resources import (
    LogGroup,
    MetricAlarm,
    MetricFilter,
    Resource,
    Subscription,
    Topic,
)

__all__ = [
    "Change",
    "Desired",
    "Difference",
    "LogGroup",
    "MetricAlarm",
    "MetricFilter",
    "Plan",
    "Resource",
    "Subscription",
    "Topic",
    "apply",
    "desired",
    "plan",
    "provision",
]

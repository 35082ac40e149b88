"""The resource model: what exists in AWS, or should, as values that can be compared.

Everything reads these values: `apply`, the exports, `status`, the judge and the replay. Fields that
take no part in a comparison (`compare=False`) are written for people or known only to AWS. `key`
tells resources of one kind apart, `label` is how a person sees one.
"""

from flask_errwatch.provision.resources.alarms import (
    AlarmState,
    AnomalyDetector,
    CompositeAlarm,
    InsightRule,
    MetricAlarm,
    MetricQuery,
)
from flask_errwatch.provision.resources.dashboard import Dashboard
from flask_errwatch.provision.resources.logs import (
    FILTERS_PER_GROUP,
    LogGroup,
    MetricFilter,
    QueryDefinition,
)
from flask_errwatch.provision.resources.named import Pairs
from flask_errwatch.provision.resources.sns import Subscription, Topic, TopicPolicy

Resource = (
    LogGroup
    | MetricFilter
    | Topic
    | TopicPolicy
    | Subscription
    | InsightRule
    | AnomalyDetector
    | MetricAlarm
    | CompositeAlarm
    | QueryDefinition
    | Dashboard
)

__all__ = [
    "FILTERS_PER_GROUP",
    "AlarmState",
    "AnomalyDetector",
    "CompositeAlarm",
    "Dashboard",
    "InsightRule",
    "LogGroup",
    "MetricAlarm",
    "MetricFilter",
    "MetricQuery",
    "Pairs",
    "QueryDefinition",
    "Resource",
    "Subscription",
    "Topic",
    "TopicPolicy",
]

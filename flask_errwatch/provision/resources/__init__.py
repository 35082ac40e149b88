"""The resource model: AWS resources as comparable values, both desired and actual.

`apply`, the exports, `status`, the judge and the replay all read these values. Fields with
`compare=False` are either known only to AWS or written for people. `key` identifies a resource
among those of its kind, and `label` is how it is shown.
"""

from flask_errwatch.provision.resources.cloudwatch import (
    AlarmState,
    AnomalyDetector,
    CompositeAlarm,
    Dashboard,
    InsightRule,
    MetricAlarm,
    MetricQuery,
)
from flask_errwatch.provision.resources.logs import (
    FILTERS_PER_GROUP,
    DataProtection,
    LogGroup,
    MetricFilter,
    QueryDefinition,
)
from flask_errwatch.provision.resources.named import Pairs
from flask_errwatch.provision.resources.sns import Subscription, Topic, TopicPolicy

Resource = (
    LogGroup
    | DataProtection
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
    "DataProtection",
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

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
    LogAlarm,
    MetricAlarm,
    MetricQuery,
)
from flask_errwatch.provision.resources.iam import QueryRole
from flask_errwatch.provision.resources.logs import (
    FILTERS_PER_GROUP,
    DataProtection,
    LogGroup,
    MetricFilter,
    QueryDefinition,
)
from flask_errwatch.provision.resources.named import Pairs
from flask_errwatch.provision.resources.sns import Subscription, Topic, TopicPolicy
from flask_errwatch.provision.resources.waf import Family, IpSet, WafScope

Resource = (
    LogGroup
    | DataProtection
    | MetricFilter
    | Topic
    | TopicPolicy
    | Subscription
    | QueryRole
    | InsightRule
    | AnomalyDetector
    | MetricAlarm
    | LogAlarm
    | CompositeAlarm
    | QueryDefinition
    | Dashboard
    | IpSet
)
#: What has a state, and notifies.
AwsAlarm = MetricAlarm | LogAlarm | CompositeAlarm

__all__ = [
    "FILTERS_PER_GROUP",
    "AlarmState",
    "AnomalyDetector",
    "AwsAlarm",
    "CompositeAlarm",
    "Dashboard",
    "DataProtection",
    "Family",
    "InsightRule",
    "IpSet",
    "LogAlarm",
    "LogGroup",
    "MetricAlarm",
    "MetricFilter",
    "MetricQuery",
    "Pairs",
    "QueryDefinition",
    "QueryRole",
    "Resource",
    "Subscription",
    "Topic",
    "TopicPolicy",
    "WafScope",
]

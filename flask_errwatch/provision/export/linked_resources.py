"""What the Terraform and CloudFormation exports share: links between resources, and parameters.

A link is a token. Each language replaces it with a reference to another resource or to a parameter
of the export.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from flask_errwatch.provision.dashboard import threshold_label
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.export.identifiers import Identifiers, Style
from flask_errwatch.provision.export.portable import (
    TOPIC,
    is_secret,
    map_json,
    replace_names,
    uses_topic,
)
from flask_errwatch.provision.resources import (
    AwsAlarm,
    CompositeAlarm,
    Dashboard,
    InsightRule,
    IpSet,
    LogAlarm,
    LogGroup,
    MetricAlarm,
    QueryRole,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)
from flask_errwatch.provision.tokens import only_token, token

#: Resources that others refer to by name.
NamedResource = LogGroup | InsightRule | AwsAlarm


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A value that can be set at deployment.

    Attributes:
        name: Its identifier.
        description: Its meaning.
        default: The default value. None for no topic, and for a secret, which has no default.
        is_number: Whether it is a number.
        is_secret: Whether it must not be shown.
    """

    name: str
    description: str
    default: str | float | None = None
    is_number: bool = False
    is_secret: bool = False


#: Where the topic's ARN comes from: a resource of the template, a parameter, or nowhere.
TopicOrigin = Literal["resource", "parameter", "none"]


class LinkedResources(ABC):
    """The resources of one app, with links between them.

    Args:
        desired: The desired state.
        style: The style of identifiers.
    """

    #: The namespace of parameters' identifiers.
    parameter_namespace: ClassVar[str]
    #: The name of the parameter with the topic's ARN, and its value for no topic.
    topic_parameter: ClassVar[str]
    no_topic: ClassVar[str]

    def __init__(self, desired: Desired, style: Style) -> None:
        self._desired = desired
        self._identifiers = Identifiers(desired.app_name, style)
        self._alarms = desired.every_alarm
        #: The reference that replaces each token. Describing resources adds links.
        self.links = {TOPIC: self._parameter_reference(self.topic_parameter)}
        self.topic_origin: TopicOrigin = "parameter" if uses_topic(desired) else "none"
        for topic in desired.topics:
            name = only_token(topic.arn)
            if name is not None:
                self.links[name] = self._arn_reference(topic)
            if name == TOPIC:
                self.topic_origin = "resource"

    @abstractmethod
    def _parameter_reference(self, name: str) -> str:
        """The language's reference to a parameter."""

    @abstractmethod
    def _name_reference(self, resource: NamedResource) -> str:
        """The language's reference to a resource's name."""

    @abstractmethod
    def _arn_reference(self, resource: Topic | QueryRole | IpSet) -> str:
        """The language's reference to the ARN of the topic, the role or an IP set."""

    def parameters(self, topic_arn: str | None) -> Iterator[Parameter]:
        """The topic, the threshold of each alarm, and the URL of each web hook.

        Args:
            topic_arn: The default of the topic's ARN.
        """
        if self.topic_origin == "parameter":
            yield Parameter(
                name=self.topic_parameter,
                description="ARN of the SNS topic to notify when an alarm fires or returns to OK, "
                f"or {self.no_topic} for none.",
                default=topic_arn,
            )
        for alarm in self._with_thresholds():
            if alarm.threshold is not None:
                yield Parameter(
                    name=self._threshold_parameter(alarm),
                    description=f"Threshold of the alarm {alarm.name}.",
                    default=alarm.threshold,
                    is_number=True,
                )
        secrets = filter(is_secret, self._desired.subscriptions)
        for subscription in {self._url_parameter(one): one for one in secrets}.values():
            yield Parameter(
                name=self._url_parameter(subscription),
                description=f"URL of the subscription {subscription.label}. "
                "It may contain a secret.",
                is_secret=True,
            )

    def ip_set_arns(self) -> tuple[str, ...]:
        """A link to the ARN of each IP set."""
        return tuple(self._link(self._arn_reference(one)) for one in self._desired.ip_sets)

    def _with_thresholds(self) -> tuple[MetricAlarm | LogAlarm, ...]:
        """The alarms that may have a threshold."""
        return (*self._desired.alarms, *self._desired.log_alarms)

    def _threshold_parameter(self, alarm: MetricAlarm | LogAlarm) -> str:
        return self._identifiers.of(
            self.parameter_namespace,
            alarm.name,
            key=f"threshold {alarm.name}",
            suffix="threshold",
        )

    def _url_parameter(self, subscription: Subscription) -> str:
        return self._identifiers.of(
            self.parameter_namespace,
            subscription.label,
            key=f"url {subscription.endpoint}",
            suffix="url",
        )

    def _label(self, resource: Resource) -> str:
        """The source of a resource's identifier. A policy is named after its topic."""
        if isinstance(resource, QueryRole):
            return "log alarms"  # its name contains the region, which is a token here
        if isinstance(resource, IpSet):
            return f"blocked {resource.family.lower()}"  # the app's name is different in its name
        if isinstance(resource, TopicPolicy):
            return next(one.label for one in self._desired.topics if one.arn == resource.topic_arn)
        return resource.label

    def _link(self, reference: str) -> str:
        """A token that the reference replaces."""
        name = f"link_{len(self.links)}"
        self.links[name] = reference
        return token(name)

    def _threshold(self, alarm: MetricAlarm | LogAlarm) -> str | None:
        """A link to the parameter with an alarm's threshold. None for an anomaly alarm."""
        if alarm.threshold is None:
            return None
        return self._link(self._parameter_reference(self._threshold_parameter(alarm)))

    def _endpoint(self, subscription: Subscription) -> str:
        """The endpoint, as a link to a parameter if it is a secret."""
        if not is_secret(subscription):
            return subscription.endpoint
        return self._link(self._parameter_reference(self._url_parameter(subscription)))

    def _role(self, alarm: LogAlarm) -> str:
        """The ARN of the role of a log alarm, as a link if the role is among the resources."""
        role = self._desired.query_role
        return alarm.role if role is None else self._link(self._arn_reference(role))

    def _log_group(self, name: str) -> str:
        """The name of a log group, as a link if the group is among the resources."""
        log_group = self._desired.log_group
        is_declared = log_group in self._desired.resources and name == log_group.name
        return self._link(self._name_reference(log_group)) if is_declared else name

    def _alarm_rule(self, alarm: CompositeAlarm) -> str:
        """The rule of a composite alarm, with links to the other alarms."""
        return self._link_names(alarm.rule, self._alarms)

    def _link_names(self, text: str, resources: Iterable[NamedResource]) -> str:
        """A text with links in place of the quoted names of resources."""
        links = {
            resource.name: self._link(self._name_reference(resource))
            for resource in resources
            if f'"{resource.name}"' in text
        }
        return replace_names(text, links)

    def _threshold_links(self) -> dict[str, str]:
        """A link to each threshold's parameter, by the label of its line on the dashboard."""
        links = {threshold_label(alarm): self._threshold(alarm) for alarm in self._desired.alarms}
        return {label: link for label, link in links.items() if link is not None}

    @staticmethod
    def _dashboard_body(dashboard: Dashboard, links: Mapping[str, str]) -> object:
        """The dashboard's body, with links as the values of the threshold lines."""

        def change(value: object) -> object:
            if isinstance(value, dict) and "value" in value and value.get("label") in links:
                return {**value, "value": links[value["label"]]}
            return value

        return map_json(json.loads(dashboard.body), change)

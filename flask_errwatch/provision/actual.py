"""`Actual`: the resources that exist in AWS, unmanaged ones included."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from flask_errwatch.provision.resources import (
    AwsAlarm,
    CompositeAlarm,
    LogAlarm,
    MetricAlarm,
    Resource,
)

#: Any class of the resource model.
ResourceT = TypeVar("ResourceT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Actual:
    """Everything that exists where an app's resources belong.

    Attributes:
        resources: The resources. Of alarms, those whose name begins with the app's.
        notes: What could not be checked, in sentences.
        topic_users: Names of other apps' alarms that notify this app's topic.
        missing_topic: ARN of the topic that the alarms shall notify, if it does not exist.
        region: The region that was read. None when it does not matter.
    """

    resources: tuple[Resource, ...]
    notes: tuple[str, ...] = ()
    topic_users: tuple[str, ...] = ()
    missing_topic: str | None = None
    region: str | None = None
    _by_key: dict[tuple[str, str], Resource] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key = {(resource.kind, resource.key): resource for resource in self.resources}
        object.__setattr__(self, "_by_key", by_key)

    def counterpart(self, desired: Resource) -> Resource | None:
        """Returns the resource with the kind and key of a desired one."""
        return self._by_key.get((desired.kind, desired.key))

    def of_type(self, cls: type[ResourceT]) -> tuple[ResourceT, ...]:
        """Returns all resources of a class."""
        return tuple(resource for resource in self.resources if isinstance(resource, cls))

    def alarm(self, name: str) -> AwsAlarm | None:
        """Returns the alarm of that name. All kinds of alarms share their names."""
        for kind in (MetricAlarm.kind, LogAlarm.kind, CompositeAlarm.kind):
            alarm = self._by_key.get((kind, name))
            if isinstance(alarm, AwsAlarm):
                return alarm
        return None

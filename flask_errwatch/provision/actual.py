"""`Actual`: the resources that exist in AWS, unmanaged ones included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from flask_errwatch.provision.resources import (
    AwsAlarm,
    CompositeAlarm,
    LogAlarm,
    LogGroup,
    MetricAlarm,
    Pairs,
    QueryRole,
    Resource,
    Topic,
)

#: Any class of the resource model.
ResourceT = TypeVar("ResourceT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Actual:
    """Everything that exists where an app's resources belong.

    Attributes:
        resources: The resources. Of alarms, those whose name begins with the app's.
        notes: What could not be checked, in sentences.
        topic_users: Names of other apps' alarms that notify a topic of this app, by its ARN.
        missing_topics: ARNs of the topics that the alarms shall notify and that do not exist.
        tagged: Kind and key of the resources whose tags were read apart from them.
        region: The region that was read. None when it does not matter.
    """

    resources: tuple[Resource, ...]
    notes: tuple[str, ...] = ()
    topic_users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing_topics: tuple[str, ...] = ()
    tagged: frozenset[tuple[str, str]] = frozenset()
    region: str | None = None
    _by_key: dict[tuple[str, str], Resource] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key = {(resource.kind, resource.key): resource for resource in self.resources}
        object.__setattr__(self, "_by_key", by_key)

    def counterpart(self, desired: Resource) -> Resource | None:
        """Returns the resource with the kind and key of a desired one."""
        return self._by_key.get((desired.kind, desired.key))

    def tags_of(self, existing: Resource) -> Pairs | None:
        """Returns the tags of an existing resource. None if they were not read."""
        if isinstance(existing, LogGroup | Topic | QueryRole):  # they show the owner
            return existing.tags
        if (existing.kind, existing.key) not in self.tagged:
            return None
        return getattr(existing, "tags", None)

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

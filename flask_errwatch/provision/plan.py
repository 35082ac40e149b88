"""The plan: the difference between what should stand and what stands, as a value that prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Literal

from flask_errwatch.errors import Problem, ProvisioningError
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.resources import (
    FILTERS_PER_GROUP,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    Resource,
    Subscription,
    Topic,
)

Action = Literal["create", "update", "unchanged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One field that stands otherwise than declared.

    Attributes:
        field: The field's name in the resource model.
        old: What stands.
        new: What is declared.
    """

    field: str
    old: object
    new: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What becomes of one resource.

    Attributes:
        action: `create`, `update` or `unchanged`.
        resource: What is declared.
        actual: What stands; None where nothing does.
        differences: The fields that an update changes.
        note: What a person should know of it, or empty.
    """

    action: Action
    resource: Resource
    actual: Resource | None = None
    differences: tuple[Difference, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.resource.kind} {self.resource.label}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What `bootstrap_alarms` would do or has done; `print` shows it as a table.

    Attributes:
        entries: One per declared resource, in the order of creation, unchanged ones included.
        done: How many of `changes`, from the first, have been applied.
    """

    entries: tuple[Change, ...]
    done: int = 0

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is created or updated, in the order in which it is applied."""
        return tuple(each for each in self.entries if each.action != "unchanged")

    @property
    def unchanged(self) -> tuple[Change, ...]:
        """What stands as declared."""
        return tuple(each for each in self.entries if each.action == "unchanged")

    @property
    def applied(self) -> tuple[Change, ...]:
        """The changes that have been applied."""
        return self.changes[: self.done]

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that have not been applied."""
        return self.changes[self.done :]

    @property
    def is_empty(self) -> bool:
        """Whether everything stands as declared."""
        return not self.changes

    def count(self, action: Action) -> int:
        """How many resources are to be created, updated, or left alone."""
        return sum(each.action == action for each in self.entries)

    def one_more_applied(self) -> Plan:
        """The plan after its first pending change was applied."""
        return replace(self, done=self.done + 1)

    def __str__(self) -> str:
        from flask_errwatch.provision.table import table

        return table(self)


def compared(desired: Desired, actual: Actual) -> Plan:
    """The plan that leads from what stands to what should.

    Raises:
        ProvisioningError: Naming everything of somebody else that is in the way.
    """
    entries: list[Change] = []
    problems: list[Problem] = list(_quota_problems(desired, actual))
    for each in desired.resources:
        outcome = _compared(each, desired, actual)
        if isinstance(outcome, Change):
            entries.append(outcome)
        else:
            problems.append(outcome)
    if problems:
        raise ProvisioningError(*problems)
    return Plan(entries=tuple(entries))


def _compared(resource: Resource, desired: Desired, actual: Actual) -> Change | Problem:
    match resource:
        case LogGroup():
            return _log_group(resource, actual.log_group)
        case MetricFilter():
            found = actual.filters.get(resource.name)
            return _owned(resource, found, is_ours=found is not None and found.is_ours)
        case MetricAlarm():
            stands = actual.alarms.get(resource.name)
            is_ours = stands is not None and stands.belongs_to(desired.app_name)
            return _owned(resource, stands, is_ours=is_ours)
        case Topic():
            return Change(action="unchanged" if actual.has_topic else "create", resource=resource)
        case Subscription():
            return _subscription(resource, actual)


def _log_group(declared: LogGroup, stands: LogGroup | None) -> Change | Problem:
    """Another owner's group is used as it is; only a missing retention is filled in."""
    if stands is None:
        return Change(action="create", resource=declared)
    if stands.log_class != declared.log_class:
        remedy = (
            f"It is of class {stands.log_class}, which carries no metric filters and cannot be "
            "changed: set ERRWATCH_LOG_GROUP to another name."
        )
        return Problem(key="log group", value=declared.name, remedy=remedy)
    is_ours = set(declared.tags) <= set(stands.tags)
    if is_ours or stands.retention_days is None or declared == stands:
        return _changed(declared, stands)
    note = f"keeps its {stands.retention_days} days: it is not this app's own"
    return Change(action="unchanged", resource=declared, actual=stands, note=note)


def _owned(
    declared: MetricFilter | MetricAlarm,
    stands: MetricFilter | MetricAlarm | None,
    *,
    is_ours: bool,
) -> Change | Problem:
    if stands is None:
        return Change(action="create", resource=declared)
    if is_ours or declared == stands:
        return _changed(declared, stands)
    remedy = (
        f"A {declared.kind} of this name stands, and flask-errwatch did not make it: it is left "
        "alone. Rename or delete it, or choose another ERRWATCH_APP_NAME."
    )
    return Problem(key=declared.kind, value=declared.name, remedy=remedy)


def _changed(declared: Resource, stands: Resource) -> Change:
    found = tuple(_differences(declared, stands))
    action: Action = "update" if found else "unchanged"
    return Change(action=action, resource=declared, actual=stands, differences=found)


def _differences(declared: Resource, stands: Resource) -> Iterator[Difference]:
    for each in fields(declared):
        old, new = getattr(stands, each.name), getattr(declared, each.name)
        if each.compare and old != new:
            yield Difference(field=each.name, old=old, new=new)


def _subscription(declared: Subscription, actual: Actual) -> Change:
    is_confirmed = actual.subscriptions.get((declared.protocol, declared.endpoint))
    if is_confirmed is None:
        return Change(action="create", resource=declared)
    note = "" if is_confirmed else "waits for its owner to confirm it"
    return Change(action="unchanged", resource=declared, note=note)


def _quota_problems(desired: Desired, actual: Actual) -> Iterator[Problem]:
    new = [each for each in desired.filters if each.name not in actual.filters]
    total = len(actual.filters) + len(new)
    if new and total > FILTERS_PER_GROUP:
        remedy = (
            f"It would carry {total} metric filters of at most {FILTERS_PER_GROUP}: delete "
            "filters that are not used, or give the app a log group of its own."
        )
        yield Problem(key="log group", value=desired.log_group.name, remedy=remedy)

"""The plan: the difference between what should stand and what stands, as a value that prints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from flask_errwatch.errors import Problem, ProvisioningError
from flask_errwatch.provision.alarms import CompositeAlarm, MetricAlarm
from flask_errwatch.provision.resources import LogGroup, Resource

Action = Literal["create", "update", "delete", "unchanged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One field that stands otherwise than declared.

    Attributes:
        field: The field's name in the resource model; within a JSON document, its path.
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
        action: `create`, `update`, `delete` or `unchanged`.
        resource: What is declared; for a deletion, what stands.
        actual: What stands; None where nothing does.
        differences: The fields that an update changes.
        note: What a person should know of it, or empty.
        is_adopted: Whether it takes over what somebody else made.
    """

    action: Action
    resource: Resource
    actual: Resource | None = None
    differences: tuple[Difference, ...] = ()
    note: str = ""
    is_adopted: bool = False

    def __str__(self) -> str:
        return f"{self.action} {self.resource.kind} {self.resource.label}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What `bootstrap_alarms` would do or has done; `print` shows it as a table.

    Attributes:
        entries: One per resource, in the order in which they are applied, unchanged ones
            included: first what is deleted, then what is declared, each after what it needs.
        done: How many of `changes`, from the first, have been applied.
        notes: What could not be looked at, in sentences.
        warnings: What stands in AWS that keeps the alarms from meaning what they say.
    """

    entries: tuple[Change, ...]
    done: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is created, updated or deleted, in the order in which it is applied."""
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

    @property
    def dangers(self) -> tuple[Problem, ...]:
        """What a person should have confirmed before this plan is applied."""
        return (*_many_deletions(self), *_shorter_retentions(self))

    def count(self, action: Action) -> int:
        """How many resources are to be created, updated, deleted, or left alone."""
        return sum(each.action == action for each in self.entries)

    def raise_if_unsafe(self) -> None:
        """Refuses a plan that would lose more than a person is likely to mean.

        Raises:
            ProvisioningError: When it deletes more than half of the alarms, or shortens a
                retention, which deletes log events.
        """
        if self.dangers:
            raise ProvisioningError(*self.dangers)

    def one_more_applied(self) -> Plan:
        """The plan after its first pending change was applied."""
        return replace(self, done=self.done + 1)

    def to_dict(self) -> dict[str, object]:
        """The plan as JSON values, for programs: `flask errwatch plan --json`."""
        from flask_errwatch.provision.table import plan_values

        return plan_values(self)

    def __str__(self) -> str:
        from flask_errwatch.provision.table import table

        return table(self)


_FORCE = "If that is meant, run `flask errwatch apply --force`."


def _many_deletions(plan: Plan) -> tuple[Problem, ...]:
    """The app's own alarms that stand are those that are deleted, changed or left alone."""
    standing = [
        each
        for each in plan.entries
        if isinstance(each.resource, MetricAlarm | CompositeAlarm)
        and each.action != "create"
        and not each.is_adopted
    ]
    deleted = sum(each.action == "delete" for each in standing)
    if 2 * deleted <= len(standing):
        return ()
    remedy = f"More than half of the app's {len(standing)} alarms would go. {_FORCE}"
    return (Problem(key="alarms to delete", value=deleted, remedy=remedy),)


def _shorter_retentions(plan: Plan) -> tuple[Problem, ...]:
    """A retention where there was none is not shorter: nobody chose to keep events for ever."""
    return tuple(
        Problem(
            key=f"retention of log group {each.resource.name}",
            value=each.resource.retention_days,
            remedy=(
                f"It is {each.actual.retention_days} days: older events would be deleted. {_FORCE}"
            ),
        )
        for each in plan.changes
        if each.action == "update"
        and isinstance(each.resource, LogGroup)
        and isinstance(each.actual, LogGroup)
        and each.actual.retention_days is not None
        and each.resource.retention_days is not None
        and each.resource.retention_days < each.actual.retention_days
    )

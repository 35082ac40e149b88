"""`Plan`: the difference between desired and actual resources, as a value that prints."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, get_args

from flask_errwatch._text import counted, one_line
from flask_errwatch.errors import AwsCallError, DestroyError, Problem, ProvisioningError
from flask_errwatch.provision.change import Action, Change
from flask_errwatch.provision.cost import (
    PRICES_AS_OF,
    PRICES_REGION,
    Cost,
    cost_line,
    monthly_costs,
)
from flask_errwatch.provision.plan_text import PlanRow, change_values, plan_row, table_lines
from flask_errwatch.provision.resources import AwsAlarm, LogGroup, Subscription
from flask_errwatch.provision.source_alarms import family


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What `bootstrap_alarms` would do or has done. `print` shows it as a table.

    Attributes:
        entries: One per resource, unchanged ones included, in the order of application: first
            the deletions, then the declared resources, each after those that it needs.
        done: How many of `changes`, from the first, have been applied.
        notes: What could not be checked, in sentences.
        warnings: Conditions in AWS that make the alarms unreliable or useless, in sentences.
        explanations: What was chosen, why, and what it costs, in sentences.
    """

    entries: tuple[Change, ...]
    done: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    explanations: tuple[str, ...] = ()

    _error: ClassVar[type[ProvisioningError]] = ProvisioningError

    @property
    def changes(self) -> tuple[Change, ...]:
        """The entries that create, update or delete, in the order of application."""
        return tuple(change for change in self.entries if change.action != "unchanged")

    @property
    def unchanged(self) -> tuple[Change, ...]:
        """The entries of resources that stay as they are."""
        return tuple(change for change in self.entries if change.action == "unchanged")

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
        """Whether the plan changes nothing."""
        return not self.changes

    @property
    def dangers(self) -> tuple[Problem, ...]:
        """The reasons why this plan needs confirmation before it is applied."""
        return (*_many_deletions(self), *_shorter_retentions(self))

    def count(self, action: Action) -> int:
        """Returns the number of resources with that action."""
        return sum(change.action == action for change in self.entries)

    def raise_if_unsafe(self) -> None:
        """Refuses a plan that would delete more than is likely to be intended.

        Raises:
            ProvisioningError: When it deletes more than half of the alarms, or shortens a
                retention, which deletes log events.
        """
        if self.dangers:
            raise ProvisioningError(*self.dangers)

    def failure(
        self, *problems: Problem, cause: AwsCallError | None = None, is_begun: bool = False
    ) -> ProvisioningError:
        """Returns the error of a plan whose first pending change failed or was interrupted.

        Args:
            *problems: What prevented it.
            cause: The call that failed.
            is_begun: Whether a part of the change was made.
        """
        first, *others = map(str, self.pending)
        return self._error(
            *problems,
            cause=cause,
            applied=map(str, self.applied),
            pending=(f"{first} (begun)" if is_begun else first, *others),
        )

    def one_more_applied(self) -> Plan:
        """Returns the plan after its first pending change was applied."""
        return replace(self, done=self.done + 1)

    @property
    def rows(self) -> tuple[PlanRow, ...]:
        """A row for each resource, ready to be shown."""
        return tuple(plan_row(change, is_done=is_done) for change, is_done in self._with_progress())

    @property
    def rows_of_changes(self) -> tuple[PlanRow, ...]:
        """The rows without those of resources that stay as declared."""
        return tuple(row for row in self.rows if row.action != "unchanged")

    @property
    def confirmations(self) -> tuple[str, ...]:
        """Who has to confirm a subscription, and how: a sentence for each that waits."""
        waiting = [
            change.resource
            for change in self.entries
            if isinstance(change.resource, Subscription)
            and change.action != "delete"
            and not (isinstance(change.actual, Subscription) and change.actual.arn)
        ]
        return tuple(one_line(each.confirmation) for each in waiting if each.confirmation)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The lines below the rows: notes, warnings, explanations, dangers, cost and summary."""
        return (
            *(f"Not checked: {one_line(note)}" for note in self.notes),
            *(f"Warning: {one_line(warning)}" for warning in self.warnings),
            *map(one_line, self.explanations),
            *(f"Needs --force: {danger}" for danger in self.dangers if self.pending),
            cost_line(self._monthly_costs()),
            self.summary,
        )

    @property
    def summary(self) -> str:
        """The last line: the number of resources that are created, updated, deleted, unchanged."""
        if self.is_empty:
            return f"Nothing to change: {counted(len(self.entries), 'resource')} as declared."
        is_whole = not self.pending
        words = (
            ("created", "updated", "deleted")
            if is_whole
            else ("to create", "to update", "to delete")
        )
        counts = [
            f"{self.count('create')} {words[0]}",
            f"{self.count('update')} {words[1]}",
            f"{self.count('unchanged')} unchanged",
        ]
        if self.count("delete"):
            counts.insert(2, f"{self.count('delete')} {words[2]}")
        progress = f" ({self.done} of {len(self.changes)} applied)"
        started = progress if self.done and not is_whole else ""
        return f"{'Applied' if is_whole else 'Plan'}: {', '.join(counts)}{started}."

    def to_dict(self) -> dict[str, object]:
        """Returns the plan as JSON values, for programs: `flask errwatch plan --json`."""
        costs = self._monthly_costs()
        return {
            "changes": [
                change_values(change, is_done=is_done) for change, is_done in self._with_progress()
            ],
            "summary": {action: self.count(action) for action in get_args(Action)},
            "dangers": [str(danger) for danger in self.dangers],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "explanations": list(self.explanations),
            "monthly_cost": {
                "usd": round(sum(cost.dollars for cost in costs), 2),
                "of": [
                    {"what": cost.what, "count": cost.count, "usd": cost.dollars} for cost in costs
                ],
                "prices": f"{PRICES_REGION}, {PRICES_AS_OF}",
            },
        }

    def __str__(self) -> str:
        rows = [((row.word, row.kind, row.label), row.differences) for row in self.rows]
        return "\n".join([*table_lines(rows), *self.remarks])

    def _with_progress(self) -> Iterator[tuple[Change, bool]]:
        """Yields each entry, and whether it is a change that has been applied."""
        applied = set(map(id, self.applied))
        return ((change, id(change) in applied) for change in self.entries)

    def _monthly_costs(self) -> tuple[Cost, ...]:
        """Returns the cost of the resources that exist after the plan."""
        return monthly_costs(
            change.resource for change in self.entries if change.action != "delete"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DestroyPlan(Plan):
    """What `destroy` would do or has done. That it deletes much is intended: nothing is refused."""

    _error: ClassVar[type[ProvisioningError]] = DestroyError

    @property
    def dangers(self) -> tuple[Problem, ...]:
        """None."""
        return ()

    @property
    def rows(self) -> tuple[PlanRow, ...]:
        """A row for each resource that is deleted or kept."""
        return tuple(
            replace(row, word="kept") if row.action == "unchanged" else row
            for row in super(DestroyPlan, self).rows
        )

    @property
    def rows_of_changes(self) -> tuple[PlanRow, ...]:
        """All rows: what is kept matters as much."""
        return self.rows

    @property
    def remarks(self) -> tuple[str, ...]:
        """The lines below the rows: what was not checked, and the summary."""
        return (*(f"Not checked: {one_line(note)}" for note in self.notes), self.summary)

    @property
    def summary(self) -> str:
        """The last line: the number of resources that are deleted and kept."""
        kept = f", {self.count('unchanged')} kept" if self.unchanged else ""
        if self.is_empty:
            return f"Nothing to delete{kept}."
        word = "To delete" if self.pending else "Deleted"
        return f"{word}: {counted(len(self.changes), 'resource')}{kept}."


_FORCE = "If that is intended, run `flask errwatch apply --force`."


def _many_deletions(plan: Plan) -> tuple[Problem, ...]:
    """A plan that deletes more than half of the existing alarms that the app manages."""
    existing = [
        change
        for change in plan.entries
        if isinstance(change.resource, AwsAlarm)
        and change.action != "create"
        and not change.is_import
    ]
    # An alarm on sources of another kind takes the place of the old one.
    created = {
        family(change.resource.label)
        for change in plan.entries
        if change.action == "create" and isinstance(change.resource, AwsAlarm)
    }
    deleted = sum(
        change.action == "delete" and family(change.resource.label) not in created
        for change in existing
    )
    if 2 * deleted <= len(existing):
        return ()
    remedy = (
        f"More than half of the app's {counted(len(existing), 'alarm')} would be deleted. {_FORCE}"
    )
    return (Problem(key="alarms to delete", value=deleted, remedy=remedy),)


def _shorter_retentions(plan: Plan) -> tuple[Problem, ...]:
    """A retention that is shorter than before, or where there was none."""
    return tuple(
        Problem(
            key=f"retention of log group {change.resource.name}",
            value=change.resource.retention_days,
            remedy=(
                f"It is {_written(change.actual.retention_days)}: older events would be deleted. "
                f"{_FORCE}"
            ),
        )
        for change in plan.changes
        if change.action == "update"
        and isinstance(change.resource, LogGroup)
        and isinstance(change.actual, LogGroup)
        and _kept_for(change.resource) < _kept_for(change.actual)
    )


def _kept_for(group: LogGroup) -> float:
    return math.inf if group.retention_days is None else group.retention_days


def _written(retention_days: int | None) -> str:
    return "unlimited" if retention_days is None else counted(retention_days, "day")

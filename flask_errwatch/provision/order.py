"""The order in which a plan is applied. Pure.

Deletions come first, then the declared resources, each after those that it needs. There are four
exceptions:

- An alarm on sources that another kind replaces is deleted after that one is created, with its
  rules. Where other alarms notify in its place, it is deleted after these do.
- CloudWatch does not delete an alarm that a composite alarm names, so it is deleted at the end,
  after the composite no longer names it.
- A composite alarm that takes over the notification is written before its alarms lose theirs.
- A composite alarm that gives the notification back is deleted after its alarms have theirs.

So no one is left without notification meanwhile, whichever call is the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from flask_errwatch.provision.change import Change
from flask_errwatch.provision.resources import (
    AwsAlarm,
    CompositeAlarm,
    InsightRule,
    LogAlarm,
    MetricAlarm,
)
from flask_errwatch.provision.source_alarms import family


def in_order(deletions: Sequence[Change], changes: Sequence[Change]) -> tuple[Change, ...]:
    """Returns the entries of a plan in the order of application.

    Args:
        deletions: Deletions, in the order of `diff.DELETION`, composite alarms parents first.
        changes: One per declared resource, in the order of creation.
    """
    late_alarms = _deleted_late(deletions, changes)
    created = {_alarm_name(change) for change in changes if change.action == "create"} - {""}
    others_notify = any(map(_begins_to_notify, changes))
    late = [
        change
        for change in deletions
        if _alarm_name(change) in late_alarms
        or _is_replaced(change, created)
        or (others_notify and _is_on_sources(change) and _alarm_name(change) not in created)
    ]
    successors = {
        child
        for change in changes
        if isinstance(change.resource, CompositeAlarm)
        for child in change.resource.children
    }
    handing_over = [change for change in changes if _hands_over(change, successors)]
    return (
        *(change for change in deletions if change not in late),
        *(change for change in changes if change not in handing_over),
        *handing_over,
        *late,
    )


def _deleted_late(removed: Iterable[Change], changes: Iterable[Change]) -> set[str]:
    """Returns the names of alarms that are deleted after the declared resources are written."""
    composites = {
        change.resource.name: change.resource
        for change in removed
        if isinstance(change.resource, CompositeAlarm)
    }
    kept = {_alarm_name(change) for change in changes}
    # Composites that give the notification back to an alarm that stays.
    late: set[str] = {name for name in composites if kept & _descendants(composites, {name})}
    # Alarms that a composite which stays still names.
    for change in changes:
        if isinstance(change.actual, CompositeAlarm):
            late |= change.actual.children
    return late | _descendants(composites, late)


def _descendants(composites: Mapping[str, CompositeAlarm], names: Iterable[str]) -> set[str]:
    """Returns the alarms that the rules name, also through another composite alarm."""
    found: set[str] = set()
    waiting = {*names}
    while waiting:
        children: set[str] = set()
        for name in waiting:
            children |= composites[name].children if name in composites else frozenset()
        waiting = children - found
        found |= children
    return found


def _is_replaced(change: Change, created: set[str]) -> bool:
    """Whether another kind of alarm on sources takes the place of this one, or of its rule.

    An alarm of the same name cannot: then the old one is deleted before.
    """
    old = change.resource
    if not isinstance(old, MetricAlarm | LogAlarm | InsightRule) or old.name in created:
        return False
    return family(old.name) in set(map(family, created))


def _begins_to_notify(change: Change) -> bool:
    """Whether an update gives actions to an alarm that has none."""
    desired, actual = change.resource, change.actual
    return (
        isinstance(desired, AwsAlarm)
        and isinstance(actual, AwsAlarm)
        and bool(desired.alarm_actions)
        and not actual.alarm_actions
    )


def _is_on_sources(change: Change) -> bool:
    """Whether it is an alarm on sources, or its rule: its name has the suffix of a kind."""
    old = change.resource
    if isinstance(old, LogAlarm | InsightRule):
        return True
    return isinstance(old, MetricAlarm) and family(old.name) != old.name


def _alarm_name(change: Change) -> str:
    alarm = change.resource
    return alarm.name if isinstance(alarm, AwsAlarm) else ""


def _hands_over(change: Change, successors: set[str]) -> bool:
    """Whether an update takes the notification from an alarm that a composite alarm names."""
    desired, actual = change.resource, change.actual
    return (
        change.action == "update"
        and isinstance(desired, AwsAlarm)
        and isinstance(actual, AwsAlarm)
        and desired.name in successors
        and bool(actual.alarm_actions)
        and not desired.alarm_actions
    )


def parents_first(composites: Iterable[CompositeAlarm]) -> Iterator[CompositeAlarm]:
    """Yields composite alarms before those that their rules name, otherwise in their order."""
    waiting = {composite.name: composite for composite in composites}
    while waiting:
        named = {child for composite in waiting.values() for child in composite.children}
        # Rules that name one another in a circle were written by hand: any order is as good.
        for name in [name for name in waiting if name not in named] or [*waiting]:
            yield waiting.pop(name)

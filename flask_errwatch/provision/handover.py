"""Whether the alarms on sources already replace alarms that stop notifying. Pure.

An alarm of `Alarm(notify=False)` has no actions. One that has some in AWS keeps them until each
alarm on sources exists, notifies and has been evaluated: so an upgrade never leaves an
app without notification.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TypeVar

from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.notification import OR, in_alarm
from flask_errwatch.provision.resources import (
    AwsAlarm,
    CompositeAlarm,
    LogAlarm,
    MetricAlarm,
    Resource,
)

AlarmT = TypeVar("AlarmT", MetricAlarm, CompositeAlarm)

#: The fields of a log alarm whose change resets its states in CloudWatch.
RESETTING = ("query", "aggregation", "log_groups", "rate", "window", "delay")


@dataclass(frozen=True, kw_only=True, slots=True)
class Handover:
    """What a plan leads to, and the alarms that stop notifying.

    Attributes:
        desired: The desired resources. Alarms that wait have the actions that they have in AWS.
        notes: A remark per alarm that stops notifying, or waits with it, by its name.
        explanations: Why alarms wait, in sentences.
    """

    desired: Desired
    notes: dict[str, str]
    explanations: tuple[str, ...] = ()


def hand_over(desired: Desired, actual: Actual) -> Handover:
    """Returns what a plan may lead to now.

    Args:
        desired: The resources that the app declares.
        actual: The resources that exist.
    """
    silenced = {alarm.name: alarm for alarm in _silenced(desired, actual)}
    waiting_for = [*_not_evaluated(desired, actual)]
    if not silenced or not waiting_for:
        return Handover(desired=desired, notes=dict.fromkeys(silenced, "stops notifying"))
    names = ", ".join(waiting_for)
    kept = replace(
        desired,
        alarms=tuple(_with_actions(alarm, silenced) for alarm in desired.alarms),
        composites=tuple(_with_actions(alarm, silenced) for alarm in desired.composites),
        app_alarms=tuple(_naming(alarm, actual, silenced.keys()) for alarm in desired.app_alarms),
    )
    return Handover(
        desired=kept,
        notes=dict.fromkeys(silenced, f"notifies until {names} has been evaluated"),
        explanations=(_explanation(", ".join(silenced), names),),
    )


def _explanation(silenced: str, names: str) -> str:
    return (
        f"{silenced} will stop notifying, and still notify because {names} has not been evaluated "
        "yet: run `flask errwatch apply` again in ten minutes."
    )


def _silenced(desired: Desired, actual: Actual) -> Iterator[MetricAlarm | CompositeAlarm]:
    """Yields the existing alarms that notify, themselves or by the app's alarm, and shall not."""
    named = _named_by((*desired.composites, *desired.app_alarms))
    named_before = _named_by(map(actual.counterpart, desired.app_alarms))
    alarms: tuple[MetricAlarm | CompositeAlarm, ...] = (*desired.alarms, *desired.composites)
    for alarm in alarms:
        existing = actual.counterpart(alarm)
        if alarm.alarm_actions or alarm.name in named:
            continue
        if isinstance(existing, MetricAlarm | CompositeAlarm) and (
            existing.alarm_actions or alarm.name in named_before
        ):
            yield existing


def _named_by(resources: Iterable[Resource | None]) -> set[str]:
    """Returns the alarms that the rules of composite alarms name."""
    composites = (resource for resource in resources if isinstance(resource, CompositeAlarm))
    return {name for composite in composites for name in composite.children}


def _not_evaluated(desired: Desired, actual: Actual) -> Iterator[str]:
    """Yields the alarms on sources that notify and have no state of their own yet."""
    named = _named_by(desired.app_alarms)
    alarms: tuple[MetricAlarm | LogAlarm, ...] = (*desired.log_alarms, *desired.alarms)
    for alarm in alarms:
        notifies = alarm.alarm_actions or alarm.name in named
        if alarm.name in desired.source_alarms and notifies:
            existing = actual.counterpart(alarm)
            if not isinstance(existing, AwsAlarm) or not _is_evaluated(alarm, existing):
                yield alarm.name


def _is_evaluated(desired: AwsAlarm, existing: AwsAlarm) -> bool:
    state = existing.state
    return (
        state is not None
        and state.value != "INSUFFICIENT_DATA"
        and existing.actions_enabled
        and not is_reset(desired, existing)
    )


def is_reset(desired: object, existing: object) -> bool:
    """Whether an update resets the states of a log alarm in CloudWatch."""
    if not isinstance(desired, LogAlarm) or not isinstance(existing, LogAlarm):
        return False
    return any(getattr(desired, name) != getattr(existing, name) for name in RESETTING)


def _with_actions(alarm: AlarmT, silenced: Mapping[str, MetricAlarm | CompositeAlarm]) -> AlarmT:
    existing = silenced.get(alarm.name)
    if existing is None:
        return alarm
    return replace(alarm, alarm_actions=existing.alarm_actions, ok_actions=existing.ok_actions)


def _naming(alarm: CompositeAlarm, actual: Actual, silenced: AbstractSet[str]) -> CompositeAlarm:
    """Returns an app's alarm that still names the alarms that wait, if it named them."""
    existing = actual.counterpart(alarm)
    if not isinstance(existing, CompositeAlarm):
        return alarm
    kept = existing.children & silenced
    # The rule in AWS is kept where it only has more alarms, so that a plan that waits is empty.
    if existing.children == alarm.children | kept:
        return replace(alarm, rule=existing.rule)
    return replace(alarm, rule=OR.join([alarm.rule, *map(in_alarm, sorted(kept))]))

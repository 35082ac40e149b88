"""From what should stand and what stands to the plan: pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import zip_longest

from flask_errwatch.errors import Problem, ProvisioningError
from flask_errwatch.provision.change import Action, Change, Difference
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.from_aws import Actual
from flask_errwatch.provision.ownership import is_ours
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.resources import (
    FILTERS_PER_GROUP,
    AnomalyDetector,
    CompositeAlarm,
    Dashboard,
    InsightRule,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    QueryDefinition,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)

#: The order of deletion. What tells whose another resource is goes after it: an interrupted
#: deletion is then found again. Rules, models and filters are told by their alarms.
DELETION = (
    Dashboard,
    QueryDefinition,
    CompositeAlarm,
    InsightRule,
    AnomalyDetector,
    MetricFilter,
    MetricAlarm,
)


def diff(desired: Desired, actual: Actual, *, adopt: bool = False) -> Plan:
    """The plan that leads from what stands to what should.

    Args:
        desired: What should stand.
        actual: What stands.
        adopt: Take over what somebody else made under a declared name.

    Raises:
        ProvisioningError: Naming everything that is in the way.
    """
    entries = list(_deletions(desired, actual))
    problems = list(_quota_problems(desired, actual, entries))
    for each in desired.resources:
        outcome = _compared(each, desired, actual, adopt=adopt)
        if isinstance(outcome, Change):
            entries.append(outcome)
        else:
            problems.append(outcome)
    if problems:
        raise ProvisioningError(*problems)
    warnings = tuple(_warnings(desired, actual))
    return Plan(entries=tuple(entries), notes=actual.unseen, warnings=warnings)


def _warnings(desired: Desired, actual: Actual) -> Iterator[str]:
    if actual.missing_topic is not None:
        yield f"there is no topic {actual.missing_topic}: the alarms would tell nobody."
    declared = {each.pattern: each.name for each in desired.filters}
    names = set(declared.values())
    others = [
        each.name
        for each in actual.of(MetricFilter)
        if each.pattern in declared
        and each.name not in names
        and not is_ours(each, desired.app_name, actual)
    ]
    if others:
        yield (
            f"log group {desired.log_group.name} is shared: its lines are also counted by filters "
            f"of others, such as {others[0]}, and theirs by yours. Give each app a log group."
        )


def destroy_plan(app_name: str, log_group: str, actual: Actual, *, with_logs: bool) -> Plan:
    """The plan that removes everything of an app.

    Args:
        app_name: The app.
        log_group: Its log group's name.
        actual: What stands.
        with_logs: Delete the log group too, if it is the app's own.
    """
    entries = [
        Change(action="delete", resource=each, actual=each)
        for each in _deletable(actual)
        if is_ours(each, app_name, actual)
    ]
    entries += [_topic_removal(each, app_name, actual) for each in actual.of(Topic)]
    groups = (each for each in actual.of(LogGroup) if each.name == log_group)
    entries += [_group_removal(each, app_name, actual, with_logs=with_logs) for each in groups]
    return Plan(entries=tuple(entries), notes=actual.unseen)


def _deletions(desired: Desired, actual: Actual) -> Iterator[Change]:
    """What is the app's own and no longer declared; a log group or topic is never among it."""
    declared = {(each.kind, each.key) for each in desired.resources}
    for each in _deletable(actual):
        is_declared = (each.kind, each.key) in declared
        if not is_declared and is_ours(each, desired.app_name, actual):
            yield Change(action="delete", resource=each, actual=each)


def _deletable(actual: Actual) -> Iterator[Resource]:
    for kind in DELETION:
        yield from (each for each in actual.resources if isinstance(each, kind))


def _topic_removal(topic: Topic, app_name: str, actual: Actual) -> Change:
    if not is_ours(topic, app_name, actual):
        note = "stays: it is not this app's own"
    elif actual.topic_users:
        others = ", ".join(actual.topic_users[:3])
        note = f"stays: {len(actual.topic_users)} alarms of others tell it, such as {others}"
    else:
        note = "with all of its subscriptions"
        return Change(action="delete", resource=topic, actual=topic, note=note)
    return Change(action="unchanged", resource=topic, actual=topic, note=note)


def _group_removal(group: LogGroup, app_name: str, actual: Actual, *, with_logs: bool) -> Change:
    if not is_ours(group, app_name, actual):
        note = "stays: it is not this app's own"
    elif not with_logs:
        note = "stays with its events; --with-logs deletes it"
    else:
        note = "with all of its events"
        return Change(action="delete", resource=group, actual=group, note=note)
    return Change(action="unchanged", resource=group, actual=group, note=note)


def _compared(
    declared: Resource, desired: Desired, actual: Actual, *, adopt: bool
) -> Change | Problem:
    stands = actual.like(declared)
    match declared:
        case LogGroup():
            return _log_group(declared, stands, desired, actual)
        case Topic():
            return _topic(declared, stands, desired, actual)
        case TopicPolicy():
            return _policy(declared, stands, desired, actual)
        case Subscription():
            return _subscription(declared, stands)
        case _:
            return _owned(declared, stands, desired, actual, adopt=adopt)


def _log_group(
    declared: LogGroup, stands: Resource | None, desired: Desired, actual: Actual
) -> Change | Problem:
    """Another owner's group is used as it is; only a missing retention is filled in."""
    if not isinstance(stands, LogGroup):
        return Change(action="create", resource=declared)
    if stands.log_class != declared.log_class:
        remedy = (
            f"It is of class {stands.log_class}, which carries no metric filters and cannot be "
            "changed: set ERRWATCH_LOG_GROUP to another name."
        )
        return Problem(key="log group", value=declared.name, remedy=remedy)
    ours = is_ours(stands, desired.app_name, actual)
    if ours or stands.retention_days is None or declared == stands:
        return _changed(declared, stands)
    note = f"keeps its {stands.retention_days} days: it is not this app's own"
    return Change(action="unchanged", resource=declared, actual=stands, note=note)


def _topic(declared: Topic, stands: Resource | None, desired: Desired, actual: Actual) -> Change:
    if stands is None:
        return Change(action="create", resource=declared)
    ours = is_ours(stands, desired.app_name, actual)
    note = "" if ours else "used as it is: it is not this app's own"
    return Change(action="unchanged", resource=declared, actual=stands, note=note)


def _policy(
    declared: TopicPolicy, stands: Resource | None, desired: Desired, actual: Actual
) -> Change:
    if not isinstance(stands, TopicPolicy):
        return Change(action="create", resource=declared)
    owned = (
        is_ours(each, desired.app_name, actual)
        for each in actual.of(Topic)
        if each.arn == declared.topic_arn
    )
    if not any(owned):
        note = "left as it is: the topic is not this app's own"
        return Change(action="unchanged", resource=declared, actual=stands, note=note)
    # Somebody's further statements stay beside ours.
    return _changed(replace(declared, others=stands.others), stands)


def _subscription(declared: Subscription, stands: Resource | None) -> Change:
    if not isinstance(stands, Subscription):
        return Change(action="create", resource=declared)
    note = "" if stands.arn else "waits for its owner to confirm it"
    return Change(action="unchanged", resource=declared, actual=stands, note=note)


def _owned(
    declared: Resource, stands: Resource | None, desired: Desired, actual: Actual, *, adopt: bool
) -> Change | Problem:
    if isinstance(declared, MetricAlarm | CompositeAlarm):
        # Metric and composite alarms share their names: the other kind is in the way too.
        stands = actual.alarm(declared.name)
    if stands is None:
        return Change(action="create", resource=declared)
    if stands.kind != declared.kind:
        remedy = f"{_article(stands)} of this name stands: delete it, or rename the detector."
        return Problem(key=declared.kind, value=declared.label, remedy=remedy)
    if declared == stands or is_ours(stands, desired.app_name, actual):
        return _changed(declared, stands)
    if adopt:
        return replace(_changed(declared, stands), note="adopted", is_adopted=True)
    remedy = (
        f"{_article(declared)} of this name stands, and flask-errwatch did not make it: it is "
        "left alone. Rename or delete it, choose another ERRWATCH_APP_NAME, or take it over with "
        "`flask errwatch apply --adopt`."
    )
    return Problem(key=declared.kind, value=declared.label, remedy=remedy)


def _article(resource: Resource) -> str:
    return f"{'An' if resource.kind[0] in 'ai' else 'A'} {resource.kind}"


def _changed(declared: Resource, stands: Resource) -> Change:
    found = tuple(_differences(declared, stands))
    action: Action = "update" if found else "unchanged"
    return Change(action=action, resource=declared, actual=stands, differences=found)


#: Fields that hold a JSON document, compared leaf by leaf.
_DOCUMENTS = {"body", "definition", "statement"}


def _differences(declared: Resource, stands: Resource) -> Iterator[Difference]:
    for each in fields(declared):
        old, new = getattr(stands, each.name), getattr(declared, each.name)
        if not each.compare or old == new:
            continue
        if each.name in _DOCUMENTS:
            yield from _within(each.name, _parsed(old), _parsed(new))
        else:
            yield Difference(field=each.name, old=old, new=new)


def _parsed(text: str) -> object:
    """The document, or the text itself where somebody stored something else."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _within(path: str, old: object, new: object) -> Iterator[Difference]:
    """The leaves in which two JSON documents differ, by path."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _within(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for number, (left, right) in enumerate(zip_longest(old, new)):
            yield from _within(f"{path}[{number}]", left, right)
    elif old != new:
        yield Difference(field=path, old=old, new=new)


def _quota_problems(desired: Desired, actual: Actual, deletions: list[Change]) -> Iterator[Problem]:
    """A log group's filters are counted with those of others, after our own are deleted."""
    kept = {each.name for each in actual.of(MetricFilter)}
    kept -= {each.resource.key for each in deletions if isinstance(each.resource, MetricFilter)}
    new = [each for each in desired.filters if each.name not in kept]
    total = len(kept) + len(new)
    if new and total > FILTERS_PER_GROUP:
        remedy = (
            f"It would carry {total} metric filters of at most {FILTERS_PER_GROUP}: delete "
            "filters that are not used, or give the app a log group of its own."
        )
        yield Problem(key="log group", value=desired.log_group.name, remedy=remedy)

"""Compares desired with actual resources, and makes the plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from flask_errwatch._text import counted
from flask_errwatch.errors import Problem, ProvisioningError
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.change import Action, Change
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.differences import field_differences, tag_differences
from flask_errwatch.provision.handover import hand_over, is_reset
from flask_errwatch.provision.notification import why_not_quiet
from flask_errwatch.provision.order import in_order, parents_first
from flask_errwatch.provision.ownership import is_managed
from flask_errwatch.provision.plan import DestroyPlan, Plan
from flask_errwatch.provision.quotas import quota_problems
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    AwsAlarm,
    CompositeAlarm,
    Dashboard,
    DataProtection,
    InsightRule,
    IpSet,
    LogAlarm,
    LogGroup,
    MetricAlarm,
    MetricFilter,
    QueryDefinition,
    QueryRole,
    Resource,
    Subscription,
    Topic,
    TopicPolicy,
)
from flask_errwatch.provision.service_groups import creation_remedy, owner_of

#: The order of deletion. A resource that identifies the owner of another is deleted after it, so
#: that an interrupted deletion can be resumed. Alarms identify the owner of rules, models, filters.
#: IP sets come first: WAF refuses to delete one that a rule uses, and then nothing was deleted.
DELETION: tuple[type[Resource], ...] = (
    IpSet,
    Dashboard,
    QueryDefinition,
    DataProtection,
    CompositeAlarm,
    InsightRule,
    AnomalyDetector,
    MetricFilter,
    MetricAlarm,
    LogAlarm,
    QueryRole,
)

_UNMANAGED = "it is not managed by this app"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Consent:
    """What a plan may do because the person said so.

    Attributes:
        import_unmanaged: Import unmanaged resources that have a declared name.
        limit_retention: Give a retention to a log group that has none.
    """

    import_unmanaged: bool
    limit_retention: bool


def diff(
    desired: Desired,
    actual: Actual,
    *,
    import_unmanaged: bool = False,
    limit_retention: bool = False,
) -> Plan:
    """Returns the plan that leads from the actual to the desired resources.

    Args:
        desired: The resources that the app declares.
        actual: The resources that exist.
        import_unmanaged: Import unmanaged resources that have a declared name.
        limit_retention: Give a retention to a log group that has none, which deletes events.

    Raises:
        ProvisioningError: Naming every conflict.
    """
    consent = _Consent(import_unmanaged=import_unmanaged, limit_retention=limit_retention)
    handover = hand_over(desired, actual)
    explanations = (*desired.explanations, *handover.explanations)
    desired = handover.desired
    declared = {(resource.kind, resource.key) for resource in desired.resources}
    deletions = [
        Change(action="delete", resource=resource, actual=resource)
        for resource in _deletable(actual, desired.app_name)
        if (resource.kind, resource.key) not in declared
    ]
    problems = list(quota_problems(desired, actual, deletions))
    changes: list[Change] = []
    outcomes = [*_service_group(desired.log_group, actual)]
    outcomes += [
        _compare(resource, desired.app_name, actual, consent) for resource in desired.resources
    ]
    for outcome in outcomes:
        if isinstance(outcome, Change):
            change = _with_tags(outcome, desired.app_name, actual)
            changes.append(_with_alarm_notes(change, desired, handover.notes))
        else:
            problems.append(outcome)
    if problems:
        raise ProvisioningError(*problems)
    warnings = tuple(_warnings(desired, actual))
    entries = in_order(deletions, changes)
    explanations = (*explanations, *_left_alone(desired, changes))
    return Plan(entries=entries, notes=actual.notes, warnings=warnings, explanations=explanations)


def _left_alone(desired: Desired, changes: Iterable[Change]) -> Iterator[str]:
    """Yields what a plan leaves as people have it, though it is declared otherwise."""
    resources = [change.resource for change in changes]
    group, days = desired.log_group, desired.log_group.retention_days
    is_unlimited = replace(group, retention_days=None) in resources
    if is_unlimited and days is not None and group in desired.resources:
        yield (
            f"Log group {group.name} exists without a retention and keeps its events for ever: "
            f"`flask errwatch apply --force` sets {counted(days, 'day')}, which deletes older "
            "events."
        )
    alarms = (resource for resource in resources if isinstance(resource, AwsAlarm))
    disabled = [alarm.name for alarm in alarms if not alarm.actions_enabled]
    if disabled:
        yield (
            f"The actions of {', '.join(disabled)} were disabled in AWS and stay so: `aws "
            "cloudwatch enable-alarm-actions` enables them."
        )


def _with_tags(change: Change, app_name: str, actual: Actual) -> Change:
    """Adds the declared tags that a resource of the app lacks. Others are left as they are."""
    existing = change.actual
    tags = None if existing is None else actual.tags_of(existing)
    if existing is None or tags is None:
        return change
    differences = tuple(tag_differences(change.resource, tags))
    is_own = change.is_import or is_managed(existing, app_name, actual)
    if not differences or not is_own:
        return change
    return replace(change, action="update", differences=(*change.differences, *differences))


def _with_note(change: Change, note: str) -> Change:
    return replace(change, note="; ".join(filter(None, (change.note, note))))


def _with_alarm_notes(change: Change, desired: Desired, handover: Mapping[str, str]) -> Change:
    """Says of an alarm whether it notifies, and why `ERRWATCH_QUIET_PERIODS` leaves it."""
    alarm = change.resource
    if not isinstance(alarm, MetricAlarm | CompositeAlarm):
        return change
    notes = [change.note]
    if alarm.name in handover:
        notes.append(handover[alarm.name])
    elif alarm.name in desired.silent:
        notes.append("does not notify")
    if isinstance(alarm, MetricAlarm) and desired.quiet_periods > 1:
        notes.append(why_not_quiet(alarm, desired.quiet_periods))
    return replace(change, note="; ".join(filter(None, notes)))


def missing_service_group(desired: Desired, actual: Actual) -> Problem | None:
    """Returns a problem if an AWS service has not created its log group, which filters need."""
    group = desired.log_group
    if owner_of(group.name) is None or actual.counterpart(group) is not None:
        return None
    remedy = f"It does not exist. {creation_remedy(group.name)}"
    return Problem(key="log group", value=group.name, remedy=remedy)


def _warnings(desired: Desired, actual: Actual) -> Iterator[str]:
    for arn in actual.missing_topics:
        yield f"topic {arn} does not exist: no one would be notified."
    names = {metric_filter.name for metric_filter in desired.filters}
    patterns = {metric_filter.pattern for metric_filter in desired.filters}
    others = [
        metric_filter.name
        for metric_filter in actual.of_type(MetricFilter)
        if metric_filter.pattern in patterns
        and metric_filter.name not in names
        and not is_managed(metric_filter, desired.app_name, actual)
    ]
    if others:
        yield (
            f"log group {desired.log_group.name} is shared: its lines are also counted by filters "
            f"of others, such as {others[0]}, and theirs by yours. Give each app a log group."
        )


def destroy_plan(app_name: str, log_group: str, actual: Actual, *, with_logs: bool) -> DestroyPlan:
    """Returns the plan that deletes everything that an app manages.

    Args:
        app_name: The app.
        log_group: Its log group's name.
        actual: The resources that exist.
        with_logs: Delete the log group too, if the app manages it.
    """
    deletions = [
        Change(action="delete", resource=resource, actual=resource, note=_lost_with(resource))
        for resource in _deletable(actual, app_name)
    ]
    entries = [*in_order(deletions, [])]
    entries += [_topic_removal(topic, app_name, actual) for topic in actual.of_type(Topic)]
    entries += [
        _log_group_removal(group, app_name, actual, with_logs=with_logs)
        for group in actual.of_type(LogGroup)
        if group.name == log_group
    ]
    return DestroyPlan(entries=tuple(entries), notes=actual.notes)


def _deletable(actual: Actual, app_name: str) -> Iterator[Resource]:
    """Yields the resources that the app manages, except log groups and topics."""
    composites = (*parents_first(actual.of_type(CompositeAlarm)),)
    for cls in DELETION:
        for resource in composites if cls is CompositeAlarm else actual.of_type(cls):
            if is_managed(resource, app_name, actual):
                yield resource


def _lost_with(resource: Resource) -> str:
    """A note on the addresses that are no longer blocked."""
    if not isinstance(resource, IpSet):
        return ""
    return f"with {counted(resource.entries, 'blocked address')}"


def _topic_removal(topic: Topic, app_name: str, actual: Actual) -> Change:
    if not is_managed(topic, app_name, actual):
        return _kept(topic, topic, f"stays: {_UNMANAGED}")
    others = actual.topic_users.get(topic.arn)
    if others:
        users = ", ".join(others[:3])
        alarms = counted(len(others), "alarm")
        note = f"stays: notified by {alarms} of others, such as {users}"
        return _kept(topic, topic, note)
    note = "with all of its subscriptions"
    return Change(action="delete", resource=topic, actual=topic, note=note)


def _log_group_removal(
    group: LogGroup, app_name: str, actual: Actual, *, with_logs: bool
) -> Change:
    owner = owner_of(group.name)
    if owner is not None:
        return _kept(group, group, f"stays: it belongs to {owner}")
    if not is_managed(group, app_name, actual):
        return _kept(group, group, f"stays: {_UNMANAGED}")
    if not with_logs:
        return _kept(group, group, "stays with its events; --with-logs deletes it")
    return Change(action="delete", resource=group, actual=group, note="with all of its events")


def _compare(
    desired: Resource, app_name: str, actual: Actual, consent: _Consent
) -> Change | Problem:
    existing = actual.counterpart(desired)
    if isinstance(desired, AwsAlarm):
        return _alarm(desired, app_name, actual, consent)
    match desired, existing:
        case _, None:
            return Change(action="create", resource=desired)
        case QueryRole(), QueryRole() if not is_managed(existing, app_name, actual):
            remedy = (
                "A role of this name exists without the tags of this app: it is left alone. Delete "
                "it, or set ERRWATCH_LOG_ALARM_ROLE to its ARN."
            )
            return Problem(key=desired.kind, value=desired.name, remedy=remedy)
        case LogGroup(), LogGroup():
            is_own = is_managed(existing, app_name, actual)
            return _log_group(desired, existing, consent, is_own=is_own)
        case Topic(), Topic():
            is_own = is_managed(existing, app_name, actual)
            return _kept(desired, existing, "" if is_own else f"used as it is: {_UNMANAGED}")
        case TopicPolicy(), TopicPolicy():
            return _topic_policy(desired, existing, app_name, actual)
        case DataProtection(), DataProtection() if not is_managed(existing, app_name, actual):
            # A log group has one policy, and that of others protects what they wanted.
            return _kept(desired, existing, f"left as it is: {_UNMANAGED}")
        case IpSet(), IpSet():
            is_own = is_managed(existing, app_name, actual)
            return _kept(desired, existing, "" if is_own else f"left as it is: {_UNMANAGED}")
        case Subscription(), Subscription():
            note = "" if existing.arn else "waits for its owner to confirm it"
            return _kept(desired, existing, note)
        case _:
            return _named(desired, existing, app_name, actual, consent)


def _alarm(desired: AwsAlarm, app_name: str, actual: Actual, consent: _Consent) -> Change | Problem:
    """Compares an alarm. All kinds of alarms share their names."""
    existing = actual.alarm(desired.name)
    if existing is None:
        return Change(action="create", resource=desired)
    is_other_kind = {type(existing), type(desired)} == {MetricAlarm, LogAlarm}
    if is_other_kind and existing.belongs_to(app_name):  # it is deleted first
        note = f"replaces the {existing.kind} of this name"
        return Change(action="create", resource=desired, note=note)
    is_disabled = desired.actions_enabled and not existing.actions_enabled
    if is_disabled:  # by a person, who had a reason
        desired = replace(desired, actions_enabled=False)
    outcome = _named(desired, existing, app_name, actual, consent)
    if isinstance(outcome, Change) and is_reset(desired, existing):
        outcome = _with_note(outcome, "CloudWatch resets its states")
    if isinstance(outcome, Change) and is_disabled:
        outcome = _with_note(outcome, "its actions stay disabled")
    return outcome


def _service_group(desired: LogGroup, actual: Actual) -> Iterator[Change | Problem]:
    """Uses the group of an AWS service as it is."""
    owner, existing = owner_of(desired.name), actual.counterpart(desired)
    if owner is not None and isinstance(existing, LogGroup):
        note = f"used as it is: it belongs to {owner}"
        yield _class_problem(desired, existing) or _kept(existing, existing, note)


def _class_problem(desired: LogGroup, existing: LogGroup) -> Problem | None:
    if existing.log_class == desired.log_class:
        return None
    remedy = (
        f"It is of class {existing.log_class}, which does not support metric filters and "
        "cannot be changed: set ERRWATCH_LOG_GROUP to another name."
    )
    return Problem(key="log group", value=desired.name, remedy=remedy)


def _log_group(
    desired: LogGroup, existing: LogGroup, consent: _Consent, *, is_own: bool
) -> Change | Problem:
    """Uses an unmanaged group as it is, and limits a retention only with consent."""
    problem = _class_problem(desired, existing)
    if problem is not None:
        return problem
    kept = desired.retention_days
    if existing.retention_days is None and kept is not None and not consent.limit_retention:
        unlimited = _changed(replace(desired, retention_days=None), existing)
        return _with_note(unlimited, "keeps its events for ever")
    if is_own or existing.retention_days is None or desired == existing:
        return _changed(desired, existing)
    return _kept(desired, existing, f"keeps its {existing.retention_days} days: {_UNMANAGED}")


def _topic_policy(
    desired: TopicPolicy, existing: TopicPolicy, app_name: str, actual: Actual
) -> Change:
    topics = (topic for topic in actual.of_type(Topic) if topic.arn == desired.topic_arn)
    if not any(is_managed(topic, app_name, actual) for topic in topics):
        note = "left as it is: the topic is not managed by this app"
        return _kept(desired, existing, note)
    # Keeps the statements of others beside ours.
    return _changed(replace(desired, others=existing.others), existing)


def _named(
    desired: Resource, existing: Resource, app_name: str, actual: Actual, consent: _Consent
) -> Change | Problem:
    """Compares a resource that is written only if the app manages or imports it."""
    if existing.kind != desired.kind:
        remedy = f"{_article(existing)} of this name exists: delete it, or rename the detector."
        return Problem(key=desired.kind, value=desired.label, remedy=remedy)
    if desired == existing or is_managed(existing, app_name, actual):
        return _changed(desired, existing)
    if consent.import_unmanaged:
        return replace(_changed(desired, existing), note="imported", is_import=True)
    remedy = (
        f"{_article(desired)} of this name exists and is not managed by this app: it is left "
        "alone. Rename or delete it, choose another ERRWATCH_APP_NAME, or import it with "
        "`flask errwatch apply --adopt`."
    )
    return Problem(key=desired.kind, value=desired.label, remedy=remedy)


def _article(resource: Resource) -> str:
    return f"{'An' if resource.kind[0] in 'ai' else 'A'} {resource.kind}"


def _changed(desired: Resource, existing: Resource) -> Change:
    differences = tuple(field_differences(desired, existing))
    action: Action = "update" if differences else "unchanged"
    return Change(action=action, resource=desired, actual=existing, differences=differences)


def _kept(desired: Resource, existing: Resource, note: str) -> Change:
    """Leaves a resource as it is, even if it differs, for the reason in the note."""
    return Change(action="unchanged", resource=desired, actual=existing, note=note)

"""An upgrade blinds nobody: alarms stop notifying once an alarm on sources stands in for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_errwatch import SourceAlarm
from flask_errwatch import config as configuration
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.provision import Desired, Plan, Resource, desired_resources
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.diff import diff
from flask_errwatch.provision.resources import AlarmState, AwsAlarm, CompositeAlarm, LogAlarm
from flask_errwatch.provision.topics import Topics

TOPIC = "arn:aws:sns:eu-central-1:123456789012:ops"
ROLE = "arn:aws:iam::123456789012:role/lines"
SCAN = Detector(
    name="scan",
    where="$.suspicion > 0",
    value="$.suspicion",
    alarm=SourceAlarm(threshold=16, period=600),
)
NOT_FOUND = Detector(name="not-found-error", event="Not Found Error", statuses=(404,))
CRITICAL = Detector(name="critical-error", event="Critical Error", statuses=("5xx",))


def before(**settings: object) -> Desired:
    """Returns what version 0.1 provisioned."""
    return _desired((CRITICAL, NOT_FOUND), **settings)


def after(**settings: object) -> Desired:
    """Returns the same with the alarm on sources, and `not-found-error` no longer notifying."""
    desired = _desired((SCAN, CRITICAL, NOT_FOUND), **settings)
    alarms = tuple(
        replace(alarm, alarm_actions=(), ok_actions=()) if "not-found" in alarm.name else alarm
        for alarm in desired.alarms
    )
    app_alarms = tuple(
        replace(alarm, rule=alarm.rule.replace(' OR ALARM("shop-not-found-error")', ""))
        for alarm in desired.app_alarms
    )
    return replace(desired, alarms=alarms, app_alarms=app_alarms)


def _desired(detectors: tuple[Detector, ...], **settings: object) -> Desired:
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    catalogue = Catalogue(detectors).configured(config)
    return desired_resources(catalogue, config, topics=Topics(default=TOPIC))


def existing(desired: Desired, state: str = "OK") -> tuple[Resource, ...]:
    """Returns the resources as they exist after `apply`, all alarms in that state."""
    return tuple(
        replace(resource, state=AlarmState(value=state))
        if isinstance(resource, AwsAlarm)
        else resource
        for resource in desired.resources
    )


def applied(plan: Plan, resources: tuple[Resource, ...], state: str = "OK") -> Actual:
    """Returns what exists after the plan."""
    kept = {(resource.kind, resource.key): resource for resource in resources}
    for change in plan.changes:
        resource = change.resource
        if change.action == "delete":
            del kept[resource.kind, resource.key]
        elif isinstance(resource, AwsAlarm):
            old = change.actual.state if isinstance(change.actual, AwsAlarm) else None
            new = replace(resource, state=old or AlarmState(value=state))
            kept[resource.kind, resource.key] = new
        else:
            kept[resource.kind, resource.key] = resource
    return Actual(resources=tuple(kept.values()))


def row(plan: Plan, name: str) -> str:
    """Returns the plan's row of an alarm."""
    return next(
        str(row) for row in plan.rows if row.kind != "metric filter" and row.label.startswith(name)
    )


KINDS: list[dict[str, object]] = [
    {"LOG_ALARM_ROLE": ROLE},
    {},
    {"SOURCE_ALARMS": "site"},
]
SOURCES = ["shop-scan", "shop-scan-one-source", "shop-scan-all"]


@pytest.mark.parametrize(("settings", "source"), [*zip(KINDS, SOURCES, strict=True)])
def test_an_alarm_notifies_until_the_alarm_on_sources_was_evaluated(
    settings: dict[str, object], source: str
) -> None:
    """First `apply` creates it, then it waits, and only then actions are taken off."""
    old = existing(before())
    first = diff(after(**settings), Actual(resources=old))
    assert row(first, "shop-not-found-error") == (
        f"unchanged alarm shop-not-found-error  (notifies until {source} has been evaluated)"
    )
    assert {(change.action, change.resource.label) for change in first.changes} >= {
        ("create", source)
    }
    assert first.explanations[-1] == (
        f"shop-not-found-error will stop notifying, and still notify because {source} has not been "
        "evaluated yet: run `flask errwatch apply` again in ten minutes."
    )
    waiting = applied(first, old, state="INSUFFICIENT_DATA")
    second = diff(after(**settings), waiting)
    assert second.is_empty
    assert second.explanations[-1] == first.explanations[-1]
    evaluated = Actual(
        resources=tuple(
            replace(resource, state=AlarmState(value="OK"))
            if isinstance(resource, AwsAlarm)
            else resource
            for resource in waiting.resources
        )
    )
    third = diff(after(**settings), evaluated)
    assert row(third, "shop-not-found-error") == (
        "update alarm shop-not-found-error  (stops notifying)"
    )
    assert [change.resource.label for change in third.changes] == ["shop-not-found-error"]
    assert diff(after(**settings), applied(third, evaluated.resources)).is_empty


def test_an_alarm_on_sources_that_starts_anew_is_not_evaluated() -> None:
    """Its query changed, and CloudWatch forgets its states."""
    old = existing(before())
    resources = applied(diff(after(LOG_ALARM_ROLE=ROLE), Actual(resources=old)), old).resources
    edited = tuple(
        replace(resource, query="filter suspicion > 1")
        if isinstance(resource, LogAlarm)
        else resource
        for resource in resources
    )
    plan = diff(after(LOG_ALARM_ROLE=ROLE), Actual(resources=edited))
    assert row(plan, "shop-scan") == ("update log alarm shop-scan  (CloudWatch resets its states)")
    assert "notifies until shop-scan" in row(plan, "shop-not-found-error")


def test_without_an_alarm_on_sources_nothing_waits() -> None:
    """Who turned it off wants no other alarm in its place."""
    desired = after(SOURCE_ALARMS="off")
    plan = diff(desired, Actual(resources=existing(before())))
    assert row(plan, "shop-not-found-error").endswith("(stops notifying)")


def test_an_alarm_on_sources_that_notifies_nobody_is_not_waited_for() -> None:
    """Without a topic no alarm notifies, and taking the topic away is at once."""
    desired = after(LOG_ALARM_ROLE=ROLE)
    silent = replace(
        desired,
        alarms=tuple(replace(alarm, alarm_actions=(), ok_actions=()) for alarm in desired.alarms),
        log_alarms=tuple(replace(alarm, alarm_actions=()) for alarm in desired.log_alarms),
    )
    plan = diff(silent, Actual(resources=existing(before())))
    assert row(plan, "shop-critical-error").endswith("(stops notifying)")


def test_the_apps_alarm_names_it_until_then() -> None:
    """With `ERRWATCH_NOTIFY="app"` the alarm notifies by the composite alarm that names it."""
    settings: dict[str, object] = {"NOTIFY": "app", "LOG_ALARM_ROLE": ROLE}
    old = existing(before(**settings))
    first = diff(after(**settings), Actual(resources=old))
    assert [str(change) for change in first.changes if change.resource.kind != "metric filter"] == [
        "create log alarm shop-scan"
    ]
    waiting = applied(first, old, state="INSUFFICIENT_DATA")
    assert diff(after(**settings), waiting).is_empty
    evaluated = applied(first, old)
    last = diff(after(**settings), evaluated)
    (composite,) = (change.resource for change in last.changes)
    assert isinstance(composite, CompositeAlarm)
    assert composite.rule == 'ALARM("shop-critical-error")'
    assert row(last, "shop-not-found-error").endswith("(stops notifying)")


@pytest.mark.parametrize("old", range(3))
@pytest.mark.parametrize("new", range(3))
def test_another_kind_is_created_before_the_old_one_is_deleted(old: int, new: int) -> None:
    """Its rule goes with it. At no time is there neither."""
    if old == new:
        return
    resources = existing(after(**KINDS[old]))
    plan = diff(after(**KINDS[new]), Actual(resources=resources))
    order = [(change.action, change.resource.label) for change in plan.changes]
    assert order.index(("create", SOURCES[new])) < order.index(("delete", SOURCES[old]))
    kinds = [change.resource.kind for change in plan.changes if change.action == "delete"]
    assert kinds == (["insight rule", "alarm"] if old == 1 else [kinds[0]])
    assert not plan.dangers


def test_a_log_alarm_takes_over_the_name_of_an_alarm() -> None:
    """One name cannot be two alarms: ours is deleted first, that of others is refused."""
    alarm = Detector(name="scan", event="Scan")
    plan = diff(
        _desired((SCAN,), LOG_ALARM_ROLE=ROLE), Actual(resources=existing(_desired((alarm,))))
    )
    order = [str(change) for change in plan.changes if change.resource.kind != "metric filter"]
    assert order == ["delete alarm shop-scan", "create log alarm shop-scan"]
    assert "(replaces the alarm of this name)" in row(
        replace(plan, entries=tuple(c for c in plan.entries if c.action == "create")), "shop-scan"
    )


def test_the_others_notify_before_an_alarm_on_sources_is_deleted() -> None:
    """Whichever call is refused, someone is notified of a scan."""
    actual = Actual(resources=existing(after()))
    desired = replace(before(), app_name="shop")
    changes = [(change.action, change.resource.label) for change in diff(desired, actual).changes]
    notifying = changes.index(("update", "shop-not-found-error"))
    assert notifying < changes.index(("delete", "shop-scan-one-source"))

"""How often alarms notify: quiet periods, and the composite alarm of the app."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from flask_errwatch import AnomalyAlarm, BusyAlarm, RequestMetric
from flask_errwatch import config as configuration
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Catalogue, Detector
from flask_errwatch.errors import ConfigurationError
from flask_errwatch.provision import (
    AwsScope,
    CompositeAlarm,
    Desired,
    MetricAlarm,
    Plan,
    desired_resources,
)
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.diff import destroy_plan, diff
from flask_errwatch.provision.resources import AwsAlarm
from flask_errwatch.provision.topics import Topics
from flask_errwatch.simulation import Judge

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
HERE = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
BUSY = BusyAlarm(
    errors=Alarm(threshold=20),
    requests=RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount"),
    minimum_requests=500,
)
PAID_TWICE = Detector(name="paid-twice", event="Paid Twice", alarm=BUSY)
SLOW = Alarm(threshold=1, evaluation_periods=5, datapoints_to_alarm=3)
NOON = 1_700_049_600  # 2023-11-15T12:00:00Z


def shop(*detectors: Detector, name: str = "shop", **settings: object) -> Desired:
    """The desired resources of an app with a topic."""
    keys = {f"ERRWATCH_{key}": value for key, value in {"DEFAULTS": "0.1", **settings}.items()}
    keys |= {"ERRWATCH_SNS_TOPIC": ARN, "ERRWATCH_LOG_GROUP": "shop"}
    config = configuration.load(keys, {}, app_name=name)
    catalogue = Catalogue(detectors or DEFAULT_DETECTORS).configured(config)
    return desired_resources(catalogue, config, topics=Topics(default=ARN), scope=HERE)


def login(alarm: Alarm | AnomalyAlarm | BusyAlarm | None = None) -> Detector:
    """A detector with an alarm."""
    return Detector(name="login-failed", event="Login Failed", alarm=alarm or Alarm())


def windows(desired: Desired) -> dict[str, tuple[int | None, int | None]]:
    """N and M of every metric alarm."""
    return {
        alarm.name: (alarm.evaluation_periods, alarm.datapoints_to_alarm)
        for alarm in desired.alarms
    }


def test_the_defaults_change_nothing() -> None:
    """An upgrade plans nothing: each alarm has one of one datapoint, notifies, and is alone."""
    desired = shop()
    assert set(windows(desired).values()) == {(1, None)}
    assert {(*alarm.alarm_actions, *alarm.ok_actions) for alarm in desired.alarms} == {(ARN, ARN)}
    assert (desired.composites, desired.app_alarms, desired.data_protection) == ((), (), None)
    plan = diff(desired, Actual(resources=desired.resources))
    assert plan.is_empty
    assert [change.note for change in plan.entries if change.note] == []


def test_an_alarm_that_one_period_makes_fire_waits_for_quiet_periods() -> None:
    """M stays 1, so it fires as fast. N is the number of quiet periods, or more if it was more."""
    many = Alarm(threshold=1, evaluation_periods=4, datapoints_to_alarm=1)
    desired = shop(
        login(AnomalyAlarm()),
        Detector(name="not-found-error", event="Not Found Error", alarm=Alarm(threshold=5)),
        Detector(name="many", event="Many", alarm=many),
        QUIET_PERIODS=3,
        PER_SOURCE_ALARMS="not-found-error",
        SILENCE_ALARM=True,
        PROCESS_ALARM=True,
    )
    assert windows(desired) == {
        "shop-login-failed": (3, 1),
        "shop-not-found-error": (3, 1),
        "shop-not-found-error-one-source": (3, 1),
        "shop-many": (4, 1),
        "shop-silent": (3, 1),
        "shop-process-died": (3, 1),
    }


def test_alarms_that_are_left_are_named_in_the_plan() -> None:
    """Those that several datapoints make fire, and the parts of a composite alarm."""
    desired = shop(login(SLOW), PAID_TWICE, QUIET_PERIODS=3)
    assert windows(desired) == {
        "shop-login-failed": (5, 3),
        "shop-paid-twice": (1, None),
        "shop-paid-twice-requests": (1, None),
    }
    notes = {
        change.resource.label: change.note
        for change in diff(desired, Actual(resources=())).entries
        if isinstance(change.resource, MetricAlarm)
    }
    part = "without quiet periods: it is a part of a composite alarm"
    assert notes == {
        "shop-login-failed": "without quiet periods: it needs 3 of 5 periods",
        "shop-paid-twice": part,
        "shop-paid-twice-requests": part,
    }
    assert "shop-login-failed  (without quiet periods: it needs 3 of 5 periods)" in str(
        diff(desired, Actual(resources=()))
    )


@pytest.mark.parametrize(("period", "most"), [(60, 1440), (3600, 24), (28_800, 3)])
def test_a_window_of_more_than_a_day_is_left(period: int, most: int) -> None:
    """CloudWatch would evaluate it once an hour, so that it would fire later than before."""
    detector = login(Alarm(threshold=1, period=period))
    assert windows(shop(detector, QUIET_PERIODS=most))["shop-login-failed"] == (most, 1)
    if most < 1440:
        desired = shop(detector, QUIET_PERIODS=most + 1)
        assert windows(desired)["shop-login-failed"] == (1, None)
        text = f"(without quiet periods: {most + 1} periods of {period} s are more than a day)"
        assert text in str(diff(desired, Actual(resources=())))


@pytest.mark.parametrize("value", [0, -1, 1.5, "many", 1441])
def test_a_number_of_periods_that_makes_no_sense_is_refused(value: object) -> None:
    """At least 1, and at most the minutes of a day."""
    with pytest.raises(ConfigurationError, match="Use a whole number"):
        shop(QUIET_PERIODS=value)


def test_one_composite_alarm_notifies_for_the_app() -> None:
    """It names each alarm that would notify, and has their actions. They have none."""
    desired = shop(login(), PAID_TWICE, NOTIFY="app", SILENCE_ALARM=True)
    (whole,) = desired.app_alarms
    assert whole.name == "shop-alarms"
    assert whole.rule == (
        'ALARM("shop-login-failed") OR ALARM("shop-silent") OR ALARM("shop-paid-twice-busy")'
    )
    assert (whole.alarm_actions, whole.ok_actions) == ((ARN,), (ARN,))
    assert whole.belongs_to("shop")
    others: tuple[MetricAlarm | CompositeAlarm, ...] = (*desired.alarms, *desired.composites)
    assert {(*alarm.alarm_actions, *alarm.ok_actions) for alarm in others} == {()}
    assert desired.resources.index(whole) > max(map(desired.resources.index, others))


def test_an_alarm_that_does_not_notify_has_a_state_and_no_actions() -> None:
    """The plan says so, and the composite alarm of the app does not name it."""
    quiet = replace(login(Alarm(notify=False)), name="quiet", event="Quiet")
    part = login(replace(BUSY, errors=Alarm(threshold=20, notify=False)))
    desired = shop(quiet, part, replace(login(), name="loud", event="Loud"))
    assert {
        alarm.name: alarm.alarm_actions + alarm.ok_actions for alarm in desired.every_alarm
    } == {
        "shop-quiet": (),
        "shop-login-failed": (),
        "shop-login-failed-requests": (),
        "shop-login-failed-busy": (),
        "shop-loud": (ARN, ARN),
    }
    notes = {
        change.resource.name: change.note
        for change in diff(desired, Actual(resources=())).entries
        if isinstance(change.resource, MetricAlarm | CompositeAlarm)
    }
    assert {name for name, note in notes.items() if note == "does not notify"} == {
        "shop-quiet",
        "shop-login-failed-busy",
    }
    (whole,) = shop(quiet, part, replace(login(), name="loud", event="Loud"), **APP).app_alarms
    assert (whole.rule, whole.alarm_actions) == ('ALARM("shop-loud")', (ARN,))
    assert shop(quiet, **APP).app_alarms == ()


def test_what_a_rule_cannot_hold_is_split_and_still_notifies_once() -> None:
    """At most 100 alarms and 10,240 characters in each rule. Only the one alarm has actions."""
    many = [Detector(name=f"d-{n}", event=f"D {n}", alarm=Alarm(threshold=1)) for n in range(95)]
    settings = {"NOTIFY": "app", "PER_SOURCE_ALARMS": [detector.name for detector in many]}
    for name in ("shop", "s" * 100):
        desired = shop(*many, name=name, **settings)
        *parts, whole = desired.app_alarms
        assert whole.name == f"{name}-alarms"
        assert whole.children == {part.name for part in parts}
        assert [bool(alarm.alarm_actions) for alarm in desired.app_alarms][-1] is True
        assert not any(part.alarm_actions or part.ok_actions for part in parts)
        assert max(len(alarm.rule) for alarm in desired.app_alarms) <= 10_240
        assert max(len(alarm.children) for alarm in desired.app_alarms) <= 100
        named = Counter(child for part in parts for child in part.children)
        assert named == Counter(alarm.name for alarm in desired.alarms)
        Judge(desired.resources)  # reads every rule, within the limits of PutCompositeAlarm


@pytest.mark.parametrize("mark", ['"', "\\"])
def test_an_app_name_that_would_break_the_rule_is_refused(mark: str) -> None:
    """It would end the quoted name, or might escape what follows it."""
    with pytest.raises(ConfigurationError, match=r"leave '.+' out of the app's name"):
        shop(name=f"a{mark}b", NOTIFY="app")
    assert shop(name=f"a{mark}b").app_alarms == ()


def test_a_detector_in_its_place_is_refused() -> None:
    """A detector `alarms` would have an alarm of the same name."""
    alarms = Detector(name="alarms", event="Alarms", alarm=Alarm())
    with pytest.raises(ConfigurationError, match="rename one of the detectors"):
        shop(alarms, NOTIFY="app")


EACH, APP = {"NOTIFY": "each"}, {"NOTIFY": "app"}
NEW = Detector(name="new", event="New", alarm=Alarm())
CHANGES: dict[str, tuple[Desired, Desired]] = {
    "each to app": (shop(**EACH), shop(**APP)),
    "app to each": (shop(**APP), shop(**EACH)),
    "each to app, with more": (shop(login(), PAID_TWICE, **EACH), shop(login(), PAID_TWICE, **APP)),
    "app to each, with more": (shop(login(), PAID_TWICE, **APP), shop(login(), PAID_TWICE, **EACH)),
    "a detector less": (shop(login(), NEW, PAID_TWICE, **APP), shop(login(), **APP)),
    "a detector more": (shop(login(), **APP), shop(login(), NEW, PAID_TWICE, **APP)),
    "another one": (shop(login(), PAID_TWICE, **APP), shop(NEW, **EACH)),
    "another one, too": (shop(login(), NEW, **EACH), shop(login(), PAID_TWICE, **APP)),
    "busy to plain": (shop(login(BUSY)), shop(login())),
    "plain to busy": (shop(login()), shop(login(BUSY))),
}


def notified(alarms: dict[str, AwsAlarm]) -> set[str]:
    """The alarms whose change to ALARM reaches the topic, by themselves or by a composite."""
    reached = {name for name, alarm in alarms.items() if alarm.alarm_actions}
    while more := _children(alarms, reached) - reached:
        reached |= more
    return reached


def _children(alarms: dict[str, AwsAlarm], names: set[str]) -> set[str]:
    composites = (alarms[name] for name in names if name in alarms)
    return {
        child
        for alarm in composites
        if isinstance(alarm, CompositeAlarm)
        for child in alarm.children
    }


@pytest.mark.parametrize("name", CHANGES)
def test_no_call_of_a_change_leaves_an_alarm_without_notification(name: str) -> None:
    """Nor is an alarm named before it exists, nor deleted while another alarm names it."""
    before, after = CHANGES[name]
    alarms = {alarm.name: alarm for alarm in before.every_alarm}
    lasting = {alarm.name for alarm in before.alarms} & {alarm.name for alarm in after.alarms}
    silent = {alarm.name for alarm in before.alarms if "requests" in alarm.name}
    lasting -= silent
    assert lasting <= notified(alarms)
    for change in diff(after, Actual(resources=before.resources)).changes:
        resource = change.resource
        if not isinstance(resource, AwsAlarm):
            continue
        if change.action == "delete":
            del alarms[resource.name]
        else:
            alarms[resource.name] = resource
        assert lasting <= notified(alarms), str(change)
        named = _children(alarms, {*alarms})
        assert named <= {*alarms}, str(change)
    assert alarms == {alarm.name: alarm for alarm in after.every_alarm}


def test_destroy_deletes_a_composite_alarm_before_those_that_it_names() -> None:
    """Whatever their names: CloudWatch lists them in alphabetical order."""
    desired = shop(login(), replace(PAID_TWICE, name="a"), **APP)
    resources = tuple(sorted(desired.resources, key=lambda resource: resource.key))
    plan = destroy_plan("shop", "shop", Actual(resources=resources), with_logs=False)
    assert alarm_deletions(plan) == [
        "shop-alarms",
        "shop-a-busy",
        "shop-a",
        "shop-a-requests",
        "shop-login-failed",
    ]


def alarm_deletions(plan: Plan) -> list[str]:
    """The deleted alarms, in order."""
    return [
        change.resource.label
        for change in plan.changes
        if isinstance(change.resource, MetricAlarm | CompositeAlarm)
    ]


#: A burst of eleven failures of five kinds every six minutes, for an hour.
BURSTS = range(NOON, NOON + 3600, 360)
KINDS = [detector.event for detector in DEFAULT_DETECTORS if detector.alarm is not None][:5]


def messages(desired: Desired) -> int:
    """The messages that one subscriber of the topic has of the attack, and of the hour after it."""
    judge = Judge(desired.resources, start=NOON - 3600)
    for minute in range(NOON - 3600, NOON + 7200, 60):
        judge.feed(minute * 1000, '{"event": "Heartbeat"}')
    judge.advance(NOON)
    for burst in BURSTS:
        for event in KINDS:
            for _ in range(11):
                judge.feed((burst + 1) * 1000, f'{{"event": "{event}"}}')
    notifying = {alarm.name for alarm in desired.every_alarm if alarm.alarm_actions}
    return sum(transition.alarm in notifying for transition in judge.advance(NOON + 7200))


def test_an_attack_of_an_hour_costs_few_messages() -> None:
    """About 100 without the keys, two per detector with quiet periods, two with one alarm too."""
    assert messages(shop()) == 100
    assert messages(shop(QUIET_PERIODS=3)) == 10
    assert messages(shop(QUIET_PERIODS=3, NOTIFY="app")) == 2


def test_quiet_periods_fire_as_fast() -> None:
    """The minute of the first ALARM is the same."""

    def first(desired: Desired) -> int:
        judge = Judge(desired.resources, start=NOON - 3600)
        judge.advance(NOON)
        for _ in range(11):
            judge.feed((NOON + 90) * 1000, '{"event": "Not Found Error"}')
        return next(change.at for change in judge.advance(NOON + 3600) if change.new == "ALARM")

    assert first(shop()) == first(shop(QUIET_PERIODS=3)) == NOON + 120

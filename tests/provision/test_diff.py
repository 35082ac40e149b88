"""From what should stand and what stands to the plan, as values alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

import pytest

from flask_errwatch import AnomalyAlarm, BusyAlarm, RequestMetric
from flask_errwatch import config as configuration
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Catalogue, Detector
from flask_errwatch.errors import ProvisioningError
from flask_errwatch.provision import (
    AwsScope,
    Change,
    CompositeAlarm,
    Desired,
    Difference,
    LogGroup,
    Plan,
    desired_resources,
)
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.change import Action
from flask_errwatch.provision.diff import destroy_plan, diff
from flask_errwatch.provision.resources import Resource, Topic, TopicPolicy
from flask_errwatch.provision.to_aws import calls_for

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
PLACE = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
EVERYTHING: dict[str, object] = {
    "SNS_TOPIC": "ops",
    "SUBSCRIPTIONS": "mailto:ops@example.com",
    "PER_SOURCE_ALARMS": "not-found-error",
    "SILENCE_ALARM": True,
    "DASHBOARD": True,
    "SAVED_QUERIES": True,
}
BUSY = BusyAlarm(
    errors=Alarm(threshold=20),
    requests=RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount"),
    minimum_requests=500,
)
ALL_KINDS = (
    *DEFAULT_DETECTORS,
    Detector(name="login-failed", event="Login Failed", alarm=AnomalyAlarm()),
    Detector(name="paid-twice", event="Paid Twice", alarm=BUSY),
)


def wanted(*detectors: Detector, **settings: object) -> Desired:
    """What should stand for the app `shop`."""
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    catalogue = Catalogue(detectors or DEFAULT_DETECTORS).configured(config)
    arn = ARN if config.sns_topic else None
    return desired_resources(catalogue, config, topic_arn=arn, scope=PLACE)


def standing(whole: Desired, *others: Resource, without: tuple[str, ...] = ()) -> Actual:
    """An account in which it stands, but for the kinds that are left out."""
    kept = tuple(each for each in whole.resources if each.kind not in without)
    return Actual(resources=(*kept, *others))


def changed(plan: Plan) -> list[str]:
    """The changes in words."""
    return [str(each) for each in plan.changes]


def test_what_stands_as_declared_is_left_alone() -> None:
    """Of every kind."""
    whole = wanted(*ALL_KINDS, **EVERYTHING)
    assert {each.kind for each in whole.resources} == {
        *("log group", "metric filter", "topic", "topic policy", "subscription"),
        *("insight rule", "anomaly detector", "alarm", "composite alarm"),
        *("saved query", "dashboard"),
    }
    assert diff(whole, standing(whole)).is_empty


def test_what_is_no_longer_declared_goes_in_an_order_that_can_be_resumed() -> None:
    """What tells whose something is goes after it: rules, models and filters before alarms."""
    before = wanted(*ALL_KINDS, **EVERYTHING)
    plan = diff(wanted(*DEFAULT_DETECTORS), standing(before))
    assert changed(plan) == [
        "delete dashboard shop-errors",
        *(f"delete saved query {each.name}" for each in before.queries),
        "delete composite alarm shop-paid-twice-busy",
        "delete insight rule shop-not-found-error-one-source",
        "delete anomaly detector shop-login-failed",
        "delete metric filter shop-login-failed",
        "delete metric filter shop-paid-twice",
        "delete metric filter shop-heartbeat",
        "delete alarm shop-not-found-error-one-source",
        "delete alarm shop-login-failed",
        "delete alarm shop-paid-twice",
        "delete alarm shop-paid-twice-requests",
        "delete alarm shop-silent",
        *(f"update alarm {each.name}" for each in wanted(*DEFAULT_DETECTORS).alarms),
    ]


def test_interrupted_deletion_is_found_again_after_every_step() -> None:
    """Whatever was deleted already: the next plan is the rest, and nothing else."""
    before, after = wanted(*ALL_KINDS, **EVERYTHING), wanted(**EVERYTHING)
    left = list(standing(before).resources)
    expected = changed(diff(after, Actual(resources=tuple(left))))
    while expected:
        plan = diff(after, Actual(resources=tuple(left)))
        assert changed(plan) == expected
        first = plan.changes[0]
        left = [each for each in left if (each.kind, each.key) != _key(first.resource)]
        if first.action == "update":
            left.append(first.resource)
        expected = expected[1:]
    assert diff(after, Actual(resources=tuple(left))).is_empty


def _key(resource: Resource) -> tuple[str, str]:
    return resource.kind, resource.key


def test_alarm_of_a_band_becomes_one_at_a_threshold() -> None:
    """The model goes while its alarm still tells whose it is; then the alarm is changed."""
    before = wanted(Detector(name="login-failed", event="Login Failed", alarm=AnomalyAlarm()))
    after = wanted(Detector(name="login-failed", event="Login Failed"))
    plan = diff(after, standing(before))
    assert changed(plan) == [
        "delete anomaly detector shop-login-failed",
        "update alarm shop-login-failed",
    ]
    fields = [each.field for each in plan.changes[1].differences]
    assert fields == [
        *("namespace", "metric_name", "statistic", "period", "threshold"),
        *("comparison_operator", "metrics", "threshold_metric_id"),
    ]


def test_documents_are_compared_leaf_by_leaf() -> None:
    """A change of a rule, a dashboard or a policy is shown where it is."""
    whole = wanted(**EVERYTHING)
    rule = whole.insight_rules[0]
    definition = json.loads(rule.definition)
    definition["Contribution"]["Filters"][0]["In"] = ["Bad", "Worse"]
    edited = replace(rule, definition=json.dumps(definition), state="DISABLED")
    others = tuple(each for each in whole.resources if each != rule)
    (change,) = diff(whole, Actual(resources=(*others, edited))).changes
    assert change.differences == (
        Difference(
            field="definition.Contribution.Filters[0].In[0]", old="Bad", new="Not Found Error"
        ),
        Difference(field="definition.Contribution.Filters[0].In[1]", old="Worse", new=None),
        Difference(field="state", old="DISABLED", new="ENABLED"),
    )
    broken = replace(rule, definition="{")
    (change,) = diff(whole, Actual(resources=(*others, broken))).changes
    assert [each.old for each in change.differences] == ["{"]


def test_adopting_takes_over_and_says_so() -> None:
    """Without the word it is refused, and the remedy names the option."""
    whole = wanted()
    foreign = replace(whole.alarms[0], description="Ours since 2019")
    others = tuple(each for each in whole.resources if each != whole.alarms[0])
    actual = Actual(resources=(*others, foreign))
    with pytest.raises(ProvisioningError, match="flask errwatch apply --adopt"):
        diff(whole, actual)
    (change,) = diff(whole, actual, adopt=True).changes
    assert (change.action, change.note, change.is_import) == ("update", "imported", True)
    assert [each.field for each in change.differences] == ["description"]


def test_alarm_of_the_other_kind_is_in_the_way_even_when_adopting() -> None:
    """Metric and composite alarms share their names, and neither can become the other."""
    whole = wanted()
    composite = CompositeAlarm(name="shop-critical-error", description="", rule="TRUE")
    actual = standing(whole, composite, without=("alarm",))
    with pytest.raises(ProvisioningError, match="A composite alarm of this name exists"):
        diff(whole, actual, adopt=True)


def test_most_alarms_are_not_deleted_unasked() -> None:
    """Half of them may go, more needs the word; foreign alarms do not count."""
    before = wanted(*DEFAULT_DETECTORS)
    half = diff(wanted(*DEFAULT_DETECTORS[:3]), standing(before))
    half.raise_if_unsafe()
    assert half.count("delete") == 7  # three alarms, four filters
    most = diff(wanted(*DEFAULT_DETECTORS[:2]), standing(before))
    with pytest.raises(ProvisioningError) as caught:
        most.raise_if_unsafe()
    assert str(caught.value) == (
        "alarms to delete = 4: More than half of the app's 6 alarms would be deleted. "
        "If that is intended, run `flask errwatch apply --force`.\nNothing was changed."
    )
    assert "Needs --force: alarms to delete = 4" in str(most)


def test_retention_is_not_shortened_unasked() -> None:
    """It deletes events; where none was chosen nobody chose to keep them for ever."""
    whole = wanted(RETENTION_DAYS=30)
    others = whole.resources[1:]

    def plan(days: int | None) -> Plan:
        group = replace(whole.log_group, retention_days=days)
        return diff(whole, Actual(resources=(group, *others)))

    with pytest.raises(ProvisioningError, match="It is 90 days: older events would be deleted"):
        plan(90).raise_if_unsafe()
    for days in (7, None):
        plan(days).raise_if_unsafe()
        assert changed(plan(days)) == ["update log group shop"]


def test_policy_keeps_what_others_wrote_into_it() -> None:
    """Only our statement is put back; the rest of the policy goes with it unchanged."""
    whole = wanted(SNS_TOPIC="ops")
    assert whole.policy is not None
    theirs = '{"Sid":"events"}'
    stands = TopicPolicy(topic_arn=ARN, statement="", others=(theirs,))
    actual = standing(whole, stands, without=("topic policy",))
    (change,) = diff(whole, actual).changes
    assert str(change) == "update topic policy ops"
    (call,) = calls_for(change)
    sent = json.loads(str(call.arguments["AttributeValue"]))
    assert [each["Sid"] for each in sent["Statement"]] == ["events", "flask-errwatch-alarms"]


def test_topic_of_somebody_else_keeps_its_policy() -> None:
    """It is used as it is, and the plan says so."""
    whole = wanted(SNS_TOPIC="ops")
    topic = Topic(name="ops", arn=ARN, tags=(("team", "ops"),))
    policy = TopicPolicy(topic_arn=ARN, statement="")
    plan = diff(whole, standing(whole, topic, policy, without=("topic", "topic policy")))
    assert plan.is_empty
    assert [each.note for each in plan.entries if each.note] == [
        "used as it is: it is not managed by this app",
        "left as it is: the topic is not managed by this app",
    ]


def test_removal_takes_everything_of_the_app_but_the_logs() -> None:
    """The log group goes only on request; what others made stays, and it is said why."""
    whole = wanted(*ALL_KINDS, **EVERYTHING)
    foreign = CompositeAlarm(name="shop-pager", description="Theirs", rule="TRUE")
    plan = destroy_plan("shop", "shop", standing(whole, foreign), with_logs=False)
    gone = {(each.resource.kind, each.resource.key) for each in plan.changes}
    stays = {"log group", "topic policy", "subscription"}
    assert gone == {_key(each) for each in whole.resources if each.kind not in stays}
    assert changed(plan)[-1] == "delete topic ops"
    assert [(each.resource.kind, each.note) for each in plan.unchanged] == [
        ("log group", "stays with its events; --with-logs deletes it")
    ]
    whole_plan = destroy_plan("shop", "shop", standing(whole), with_logs=True)
    assert changed(whole_plan)[-1] == "delete log group shop"


def test_removal_leaves_the_topic_and_the_group_of_others() -> None:
    """Other tags, or alarms of others that tell the topic, keep it."""
    whole = wanted(SNS_TOPIC="ops")
    group = LogGroup(name="shop", retention_days=90)
    topic = Topic(name="ops", arn=ARN)
    actual = standing(whole, group, topic, without=("log group", "topic"))
    plan = destroy_plan("shop", "shop", actual, with_logs=True)
    assert [each.note for each in plan.unchanged] == ["stays: it is not managed by this app"] * 2
    used = replace(standing(whole), topic_users=("pager", "web"))
    plan = destroy_plan("shop", "shop", used, with_logs=False)
    assert plan.unchanged[0].note == "stays: 2 alarms of others notify it, such as pager, web"


def test_deleted_filters_make_room_for_new_ones() -> None:
    """The quota counts what stands after the plan."""
    before = wanted(*(Detector(name=f"d{n}", event=f"D{n}") for n in range(100)))
    after = wanted(*(Detector(name=f"d{n}", event=f"D{n}") for n in range(50, 150)))
    assert diff(after, standing(before)).count("create") == 100
    more = wanted(*(Detector(name=f"d{n}", event=f"D{n}") for n in range(101)))
    with pytest.raises(ProvisioningError, match="101 metric filters of at most 100"):
        diff(more, standing(before))


def test_plan_as_json_says_what_the_table_says() -> None:
    """Actions, fields, cost and dangers, in values that JSON has."""
    whole = wanted(PER_SOURCE_ALARMS="not-found-error", DASHBOARD=True)
    stands = standing(wanted(), without=("log group",))
    values = json.loads(json.dumps(diff(whole, stands).to_dict()))
    assert values["summary"] == {"create": 4, "update": 0, "delete": 0, "unchanged": 13}
    assert values["changes"][0] == {
        "action": "create",
        "kind": "log group",
        "name": "shop",
        "applied": False,
    }
    assert values["monthly_cost"]["usd"] == 6.3
    assert values["monthly_cost"]["of"] == [
        {"what": "metric", "count": 7, "usd": 2.1},
        {"what": "alarm", "count": 7, "usd": 0.7},
        {"what": "insight rule", "count": 1, "usd": 0.5},
        {"what": "dashboard", "count": 1, "usd": 3.0},
    ]
    assert (values["dangers"], values["notes"]) == ([], [])
    edited = replace(whole.alarms[0], threshold=50.0, alarm_actions=(ARN,))
    actual = standing(replace(whole, alarms=(edited, *whole.alarms[1:])))
    change = next(
        each
        for each in diff(whole, actual).to_dict()["changes"]  # type: ignore[attr-defined]
        if each["action"] == "update"
    )
    assert change["differences"] == [
        {"field": "threshold", "old": 50.0, "new": 10.0},
        {"field": "alarm_actions", "old": [ARN], "new": []},
    ]


def test_cost_counts_each_kind_at_its_price() -> None:
    """A band counts as three metrics, a composite and a rule have prices of their own."""
    line = str(diff(wanted(*ALL_KINDS, **EVERYTHING), Actual(resources=()))).splitlines()[-2]
    assert line == (
        "Cost: at most 8.30 USD a month (10 metrics 3.00, 10 alarms 1.00, "
        "1 anomaly alarm 0.30, 1 composite alarm 0.50, 1 insight rule 0.50, 1 dashboard 3.00; "
        "us-east-1, 2026-02; lines, queries and free tier not counted)."
    )


def test_policy_and_subscription_have_no_deletion_of_their_own() -> None:
    """They go with their topic; a plan that deleted them would be a mistake."""
    whole = wanted(SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com")
    for each in (whole.policy, *whole.subscriptions):
        assert each is not None
        with pytest.raises(AssertionError):
            calls_for(Change(action="delete", resource=each))


def test_update_of_a_rule_or_dashboard_gives_no_tags() -> None:
    """AWS ignores them there."""
    whole = wanted(**EVERYTHING)
    for each in (whole.insight_rules[0], whole.dashboard):
        assert each is not None
        created, updated = (
            calls_for(Change(action=action, resource=each))[0].arguments
            for action in get_args(Action)[:2]
        )
        assert set(created) - set(updated) == {"Tags"}

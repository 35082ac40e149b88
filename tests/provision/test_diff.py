"""From desired and actual resources to the plan, as values only."""

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
    MetricFilter,
    Plan,
    desired_resources,
)
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.change import Action
from flask_errwatch.provision.diff import destroy_plan, diff
from flask_errwatch.provision.resources import Resource, Topic, TopicPolicy
from flask_errwatch.provision.to_aws import calls_for
from flask_errwatch.provision.topics import Topics

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
PLACE = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
EVERYTHING: dict[str, object] = {
    "SNS_TOPIC": "ops",
    "SUBSCRIPTIONS": "mailto:ops@example.com",
    "PER_SOURCE_ALARMS": "not-found-error",
    "SILENCE_ALARM": True,
    "PROCESS_ALARM": True,
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


def desired(*detectors: Detector, **settings: object) -> Desired:
    """Returns the desired resources of the app `shop`, which has the catalogue of 0.1."""
    keys = {f"ERRWATCH_{name}": value for name, value in {"DEFAULTS": "0.1", **settings}.items()}
    config = configuration.load(keys, {}, app_name="shop")
    catalogue = Catalogue(detectors or DEFAULT_DETECTORS).configured(config)
    arn = ARN if config.sns_topic else None
    return desired_resources(catalogue, config, topics=Topics(default=arn), scope=PLACE)


def existing(shop: Desired, *others: Resource, without: tuple[str, ...] = ()) -> Actual:
    """Returns an account in which the desired resources exist, without the kinds left out."""
    kept = tuple(resource for resource in shop.resources if resource.kind not in without)
    return Actual(resources=(*kept, *others))


def changed(plan: Plan) -> list[str]:
    """Returns the changes as strings."""
    return [str(change) for change in plan.changes]


def test_resources_that_match_are_left_alone() -> None:
    """A resource of any kind that matches its declaration is not changed."""
    shop = desired(*ALL_KINDS, **EVERYTHING)
    assert {resource.kind for resource in shop.resources} == {
        *("log group", "metric filter", "topic", "topic policy", "subscription"),
        *("insight rule", "anomaly detector", "alarm", "composite alarm"),
        *("saved query", "dashboard"),
    }
    assert diff(shop, existing(shop)).is_empty


def test_undeclared_resources_are_deleted_in_an_order_that_can_be_resumed() -> None:
    """A resource that identifies the owner of another is deleted after it."""
    before = desired(*ALL_KINDS, **EVERYTHING)
    plan = diff(desired(*DEFAULT_DETECTORS), existing(before))
    assert changed(plan) == [
        "delete dashboard shop-errors",
        *(f"delete saved query {query.name}" for query in before.queries),
        "delete composite alarm shop-paid-twice-busy",
        "delete insight rule shop-not-found-error-one-source",
        "delete anomaly detector shop-login-failed",
        "delete metric filter shop-login-failed",
        "delete metric filter shop-paid-twice",
        "delete metric filter shop-heartbeat",
        "delete metric filter shop-process-died",
        "delete alarm shop-not-found-error-one-source",
        "delete alarm shop-login-failed",
        "delete alarm shop-paid-twice",
        "delete alarm shop-paid-twice-requests",
        "delete alarm shop-silent",
        "delete alarm shop-process-died",
        *(f"update alarm {alarm.name}" for alarm in desired(*DEFAULT_DETECTORS).alarms),
    ]


def test_interrupted_deletion_is_resumed_after_every_step() -> None:
    """Whatever was deleted already, the next plan contains exactly the rest."""
    before, after = desired(*ALL_KINDS, **EVERYTHING), desired(**EVERYTHING)
    left = list(existing(before).resources)
    expected = changed(diff(after, Actual(resources=tuple(left))))
    while expected:
        plan = diff(after, Actual(resources=tuple(left)))
        assert changed(plan) == expected
        first = plan.changes[0]
        left = [
            resource for resource in left if (resource.kind, resource.key) != _key(first.resource)
        ]
        if first.action == "update":
            left.append(first.resource)
        expected = expected[1:]
    assert diff(after, Actual(resources=tuple(left))).is_empty


def _key(resource: Resource) -> tuple[str, str]:
    return resource.kind, resource.key


def test_alarm_of_a_band_becomes_one_at_a_threshold() -> None:
    """The model is deleted first, while its alarm still identifies the owner."""
    before = desired(Detector(name="login-failed", event="Login Failed", alarm=AnomalyAlarm()))
    after = desired(Detector(name="login-failed", event="Login Failed"))
    plan = diff(after, existing(before))
    assert changed(plan) == [
        "delete anomaly detector shop-login-failed",
        "update alarm shop-login-failed",
    ]
    fields = [difference.field for difference in plan.changes[1].differences]
    assert fields == [
        *("namespace", "metric_name", "statistic", "period", "threshold"),
        *("comparison_operator", "metrics", "threshold_metric_id"),
    ]


def test_documents_are_compared_leaf_by_leaf() -> None:
    """A change of a rule, a dashboard or a policy is shown with its path."""
    shop = desired(**EVERYTHING)
    rule = shop.insight_rules[0]
    definition = json.loads(rule.definition)
    definition["Contribution"]["Filters"][0]["In"] = ["Bad", "Worse"]
    edited = replace(rule, definition=json.dumps(definition), state="DISABLED")
    others = tuple(resource for resource in shop.resources if resource != rule)
    (change,) = diff(shop, Actual(resources=(*others, edited))).changes
    assert change.differences == (
        Difference(
            field="definition.Contribution.Filters[0].In[0]", old="Bad", new="Not Found Error"
        ),
        Difference(field="definition.Contribution.Filters[0].In[1]", old="Worse", new=None),
        Difference(field="state", old="DISABLED", new="ENABLED"),
    )
    broken = replace(rule, definition="{")
    (change,) = diff(shop, Actual(resources=(*others, broken))).changes
    assert [difference.old for difference in change.differences] == ["{"]


def test_adopt_imports_with_a_note() -> None:
    """Without `import_unmanaged` the plan is refused, and the remedy names the option."""
    shop = desired()
    foreign = replace(shop.alarms[0], description="Ours since 2019")
    others = tuple(resource for resource in shop.resources if resource != shop.alarms[0])
    actual = Actual(resources=(*others, foreign))
    with pytest.raises(ProvisioningError, match="flask errwatch apply --adopt"):
        diff(shop, actual)
    (change,) = diff(shop, actual, import_unmanaged=True).changes
    assert (change.action, change.note, change.is_import) == ("update", "imported", True)
    assert [difference.field for difference in change.differences] == ["description"]


def test_alarm_of_the_other_kind_is_a_conflict_even_with_adopt() -> None:
    """Metric and composite alarms share their names, and neither can become the other."""
    shop = desired()
    composite = CompositeAlarm(name="shop-critical-error", description="", rule="TRUE")
    actual = existing(shop, composite, without=("alarm",))
    with pytest.raises(ProvisioningError, match="A composite alarm of this name exists"):
        diff(shop, actual, import_unmanaged=True)


def test_most_alarms_are_not_deleted_unasked() -> None:
    """Half of them may be deleted. More needs `--force`. Unmanaged alarms do not count."""
    before = desired(*DEFAULT_DETECTORS)
    half = diff(desired(*DEFAULT_DETECTORS[:3]), existing(before))
    half.raise_if_unsafe()
    assert half.count("delete") == 7  # three alarms, four filters
    most = diff(desired(*DEFAULT_DETECTORS[:2]), existing(before))
    with pytest.raises(ProvisioningError) as caught:
        most.raise_if_unsafe()
    assert str(caught.value) == (
        "alarms to delete = 4: More than half of the app's 6 alarms would be deleted. "
        "If that is intended, run `flask errwatch apply --force`."
    )
    assert "Needs --force: alarms to delete = 4" in str(most)


def test_retention_is_not_shortened_unasked() -> None:
    """That deletes events, also where there was none, which is not even planned unasked."""
    shop = desired(RETENTION_DAYS=30)
    others = shop.resources[1:]

    def plan(days: int | None) -> Plan:
        group = replace(shop.log_group, retention_days=days)
        return diff(shop, Actual(resources=(group, *others)), limit_retention=days is None)

    with pytest.raises(ProvisioningError, match="It is 90 days: older events would be deleted"):
        plan(90).raise_if_unsafe()
    with pytest.raises(ProvisioningError, match="It is unlimited: older events would be deleted"):
        plan(None).raise_if_unsafe()
    plan(7).raise_if_unsafe()
    assert [changed(plan(days)) for days in (7, None)] == [["update log group shop"]] * 2
    forever = replace(shop.log_group, retention_days=None)
    unasked = diff(shop, Actual(resources=(forever, *others)))
    assert unasked.is_empty
    assert unasked.entries[0].note == "keeps its events for ever"
    assert unasked.explanations[-1] == (
        "Log group shop exists without a retention and keeps its events for ever: `flask errwatch "
        "apply --force` sets 30 days, which deletes older events."
    )


def test_lines_that_never_expire_shorten_nothing() -> None:
    """With `never` a retention is removed, which deletes no event, and one call does it."""
    shop = desired(RETENTION_DAYS="never")
    group, *others = shop.resources
    limited = replace(shop.log_group, retention_days=30)
    plan = diff(shop, Actual(resources=(limited, *others)))
    plan.raise_if_unsafe()
    (change,) = plan.changes
    assert [(call.method, dict(call.arguments)) for call in calls_for(change)] == [
        ("delete_retention_policy", {"logGroupName": "shop"})
    ]
    created = calls_for(Change(action="create", resource=group))
    assert [call.method for call in created] == ["create_log_group"]


def test_policy_keeps_what_others_wrote_into_it() -> None:
    """Only our statement is put back. The other statements stay unchanged."""
    shop = desired(SNS_TOPIC="ops")
    theirs = '{"Sid":"events"}'
    policy = TopicPolicy(topic_arn=ARN, statement="", others=(theirs,))
    actual = existing(shop, policy, without=("topic policy",))
    (change,) = diff(shop, actual).changes
    assert str(change) == "update topic policy ops"
    (call,) = calls_for(change)
    sent = json.loads(str(call.arguments["AttributeValue"]))
    assert [statement["Sid"] for statement in sent["Statement"]] == [
        "events",
        "flask-errwatch-alarms",
    ]


def test_unmanaged_topic_keeps_its_policy() -> None:
    """An unmanaged topic is used as it is, and the plan has a note."""
    shop = desired(SNS_TOPIC="ops")
    topic = Topic(name="ops", arn=ARN, tags=(("team", "ops"),))
    policy = TopicPolicy(topic_arn=ARN, statement="")
    plan = diff(shop, existing(shop, topic, policy, without=("topic", "topic policy")))
    assert plan.is_empty
    assert [change.note for change in plan.entries if change.note] == [
        "used as it is: it is not managed by this app",
        "left as it is: the topic is not managed by this app",
    ]


def test_destroy_deletes_everything_of_the_app_but_the_logs() -> None:
    """The log group is deleted only on request. Unmanaged resources stay, with a note."""
    shop = desired(*ALL_KINDS, **EVERYTHING)
    foreign = CompositeAlarm(name="shop-pager", description="Theirs", rule="TRUE")
    plan = destroy_plan("shop", "shop", existing(shop, foreign), with_logs=False)
    gone = {(change.resource.kind, change.resource.key) for change in plan.changes}
    stays = {"log group", "topic policy", "subscription"}
    assert gone == {_key(resource) for resource in shop.resources if resource.kind not in stays}
    assert changed(plan)[-1] == "delete topic ops"
    assert "--force" not in str(plan)
    plan.raise_if_unsafe()
    assert [(change.resource.kind, change.note) for change in plan.unchanged] == [
        ("log group", "stays with its events; --with-logs deletes it")
    ]
    whole_plan = destroy_plan("shop", "shop", existing(shop), with_logs=True)
    assert changed(whole_plan)[-1] == "delete log group shop"


def test_destroy_leaves_the_topic_and_the_group_of_others() -> None:
    """A topic with other tags, or that notifies for other alarms, stays."""
    shop = desired(SNS_TOPIC="ops")
    group = LogGroup(name="shop", retention_days=90)
    topic = Topic(name="ops", arn=ARN)
    actual = existing(shop, group, topic, without=("log group", "topic"))
    plan = destroy_plan("shop", "shop", actual, with_logs=True)
    assert [change.note for change in plan.unchanged] == [
        "stays: it is not managed by this app"
    ] * 2
    used = replace(existing(shop), topic_users={ARN: ("pager", "web")})
    plan = destroy_plan("shop", "shop", used, with_logs=False)
    assert plan.unchanged[0].note == "stays: notified by 2 alarms of others, such as pager, web"


def test_deleted_filters_make_room_for_new_ones() -> None:
    """The quota counts the filters that exist after the plan."""
    before = desired(*(Detector(name=f"d{n}", event=f"D{n}") for n in range(100)))
    after = desired(*(Detector(name=f"d{n}", event=f"D{n}") for n in range(50, 150)))
    assert diff(after, existing(before)).count("create") == 100
    more = desired(*(Detector(name=f"d{n}", event=f"D{n}") for n in range(101)))
    with pytest.raises(ProvisioningError, match="101 metric filters of at most 100"):
        diff(more, existing(before))


def test_a_group_has_few_filters_with_a_regular_expression() -> None:
    """The filters of others count too. Deleted ones do not, nor does a `%` in quotes."""

    def probes(numbers: range) -> list[Detector]:
        return [Detector(name=f"p{n}", event=f"P{n}", where=f"$.path = %^/p{n}%") for n in numbers]

    quoted = Detector(name="quoted", event="Quoted", where='$.path = "%2e%"')
    before = desired(*probes(range(5)), quoted)
    assert diff(desired(*probes(range(5, 10)), quoted), existing(before)).count("create") == 10
    foreign = MetricFilter(
        log_group="shop", name="theirs", pattern="%boom%", namespace="N", metric_name="theirs"
    )
    broken = replace(foreign, name="broken", pattern="{ %")
    with pytest.raises(ProvisioningError) as caught:
        diff(before, existing(before, foreign, broken))
    assert str(caught.value).startswith(
        "log group = 'shop': It would have 6 filters with a regular expression of at most 5: "
        "shop-p0, shop-p1, shop-p2, shop-p3, shop-p4, theirs. Write conditions without one."
    )


def test_plan_as_json_has_what_the_table_shows() -> None:
    """Actions, fields, cost and dangers as JSON values."""
    shop = desired(PER_SOURCE_ALARMS="not-found-error", DASHBOARD=True)
    actual = existing(desired(), without=("log group",))
    values = json.loads(json.dumps(diff(shop, actual).to_dict()))
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
    edited = replace(shop.alarms[0], threshold=50.0, alarm_actions=(ARN,))
    actual = existing(replace(shop, alarms=(edited, *shop.alarms[1:])))
    change = next(
        entry
        for entry in diff(shop, actual).to_dict()["changes"]  # type: ignore[attr-defined]
        if entry["action"] == "update"
    )
    assert change["differences"] == [
        {"field": "threshold", "old": 50.0, "new": 10.0},
        {"field": "alarm_actions", "old": [ARN], "new": []},
    ]


def test_cost_counts_each_kind_at_its_price() -> None:
    """A band counts as three metrics. A composite alarm and a rule have separate prices."""
    line = str(diff(desired(*ALL_KINDS, **EVERYTHING), Actual(resources=()))).splitlines()[-2]
    assert line == (
        "Cost: at most 8.70 USD a month (11 metrics 3.30, 11 alarms 1.10, "
        "1 anomaly alarm 0.30, 1 composite alarm 0.50, 1 insight rule 0.50, 1 dashboard 3.00; "
        "us-east-1, 2026-02; lines, queries and free tier not counted)."
    )


def test_policy_and_subscription_have_no_separate_deletion() -> None:
    """They are deleted with their topic. A plan that deletes them would be a bug."""
    shop = desired(SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com")
    resources: tuple[Resource, ...] = (*shop.policies, *shop.subscriptions)
    assert len(resources) == 2
    for resource in resources:
        with pytest.raises(AssertionError):
            calls_for(Change(action="delete", resource=resource))


def test_update_of_a_rule_or_dashboard_has_no_tags() -> None:
    """AWS ignores tags in these updates."""
    shop = desired(**EVERYTHING)
    for resource in (shop.insight_rules[0], shop.dashboard):
        assert resource is not None
        created, updated = (
            calls_for(Change(action=action, resource=resource))[0].arguments
            for action in get_args(Action)[:2]
        )
        assert set(created) - set(updated) == {"Tags"}

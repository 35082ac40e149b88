"""Whose is it: the rules by which something may be changed or deleted, each at its edge."""

from __future__ import annotations

import pytest

from flask_errwatch.provision import MetricAlarm, MetricFilter
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.ownership import is_managed, owner_by_phrase
from flask_errwatch.provision.resources import (
    AnomalyDetector,
    Dashboard,
    InsightRule,
    LogGroup,
    MetricQuery,
    QueryDefinition,
    Resource,
    Subscription,
    Topic,
)
from flask_errwatch.provision.resources.canonical_json import recanonical


def counted(name: str, phrase: str = "Login Failed", /, **changed: object) -> MetricFilter:
    """A filter as ours are, but for what is changed."""
    values: dict[str, object] = {
        "log_group": "shared",
        "name": name,
        "pattern": f'{{ $.event = "{phrase}" }}',
        "namespace": "Application Logs",
        "metric_name": name,
        **changed,
    }
    return MetricFilter(**values)  # type: ignore[arg-type]  # each test gives fitting ones


def alarm(name: str, app: str, **changed: object) -> MetricAlarm:
    """An alarm with the app's marker line."""
    values: dict[str, object] = {
        "name": name,
        "description": f"Words.\nmanaged-by=flask-errwatch app={app}",
        "evaluation_periods": 1,
        "comparison_operator": "GreaterThanThreshold",
        "treat_missing_data": "notBreaching",
        **changed,
    }
    return MetricAlarm(**values)  # type: ignore[arg-type]  # each test gives fitting ones


def ours(stands: Resource, *others: Resource) -> bool:
    """Whether it is the app `shop`'s own."""
    actual = Actual(resources=(stands, *others))
    return is_managed(stands, "shop", actual)


def test_filter_whose_alarm_is_ours_is_ours() -> None:
    """Also where the detector's name is not its phrase."""
    assert ours(counted("shop-bad-login"), alarm("shop-bad-login", "shop"))
    assert not ours(counted("shop-bad-login"), alarm("shop-bad-login", "shop-admin"))
    assert not ours(counted("shop-login-failed"), alarm("shop-login-failed", "x"))


def test_phrase_tells_where_the_apps_name_ends() -> None:
    """In a shared log group `shop` owns no filter of `shop-admin`, declared or not."""
    theirs = counted("shop-admin-login-failed")
    assert owner_by_phrase(theirs) == "shop-admin"
    assert not ours(theirs)
    assert not ours(theirs)
    assert ours(counted("shop-login-failed"))
    assert ours(counted("shop-admin-login-failed", "Admin Login Failed"))


def test_filter_that_tells_nothing_is_never_touched_on_suspicion() -> None:
    """Without an alarm and with a name of its own it may be anybody's."""
    silent = counted("shop-bad-login")
    assert owner_by_phrase(silent) is None
    assert not ours(silent)


@pytest.mark.parametrize(
    "changed",
    [
        {"metric_name": "Logins"},
        {"pattern": '{ $.event = "Login Failed" && $.status = 401 }'},
        {"pattern": "Login Failed"},
        {"value": "$.count"},
        {"unit": "None"},
        {"default": None},
        {"default": None, "dimensions": (("host", "$.host"),)},
    ],
)
def test_filter_of_another_form_is_not_deleted(changed: dict[str, object]) -> None:
    """A filter that somebody wrote beside ours, under a name like ours, stays."""
    assert not ours(counted("shop-login-failed", **changed))


def test_filter_that_counts_another_metric_is_somebody_elses() -> None:
    """Ours bear the name of their metric, whatever else tells."""
    foreign = counted("shop-login-failed", metric_name="Logins")
    assert not ours(foreign, alarm("shop-login-failed", "shop"))


def test_alarm_is_told_by_the_last_line_of_its_description() -> None:
    """A name that begins like ours is not enough, nor is the line in another place."""
    assert ours(alarm("shop-x", "shop"))
    assert not ours(alarm("shop-admin-x", "shop-admin"))
    line = "managed-by=flask-errwatch app=shop"
    assert not ours(alarm("shop-x", "shop", description=f"{line}\nEdited."))
    assert not ours(alarm("shop-x", "shop", description=f"{line}s"))


def test_rule_and_model_are_told_by_the_alarm_that_uses_them() -> None:
    """They carry nothing readable themselves."""
    rule = InsightRule(name="shop-x-one-source", definition="{}")
    term = MetricQuery(
        id="m", expression='INSIGHT_RULE_METRIC("shop-x-one-source", "MaxContributorValue")'
    )
    assert ours(rule, alarm("shop-x-one-source", "shop", metrics=(term,)))
    assert not ours(rule, alarm("shop-x-one-source", "other", metrics=(term,)))
    assert not ours(rule)
    model = AnomalyDetector(namespace="N", metric_name="shop-x", statistic="Sum")
    metric = MetricQuery(id="m", namespace="N", metric_name="shop-x", statistic="Sum", period=60)
    banded = alarm("shop-x", "shop", metrics=(metric,), threshold_metric_id="b")
    assert ours(model, banded)
    assert not ours(model, alarm("shop-x", "shop", metrics=(metric,)))
    assert not ours(AnomalyDetector(namespace="N", metric_name="y", statistic="Sum"), banded)


def test_group_and_topic_are_told_by_their_tags() -> None:
    """Further tags do not matter, another app's do."""
    tags = (("app", "shop"), ("managed-by", "flask-errwatch"), ("team", "web"))
    assert ours(LogGroup(name="shop", retention_days=90, tags=tags))
    assert not ours(LogGroup(name="shop", retention_days=90, tags=tags[:1]))
    assert ours(Topic(name="ops", arn="arn", tags=tags))
    assert not ours(Topic(name="ops", arn="arn", tags=(*tags[1:], ("app", "shop-admin"))))


def test_query_and_dashboard_are_told_by_what_stands_in_them() -> None:
    """A comment at the top of the query, a text on the dashboard; a name tells nothing."""
    query = "# managed-by=flask-errwatch app=shop\nfilter x"
    assert ours(QueryDefinition(name="shop/a", query=query, log_groups=()))
    assert not ours(QueryDefinition(name="shop/a", query="filter x", log_groups=()))
    assert not ours(QueryDefinition(name="shop/a", query=f"{query[:-9]}s\nx", log_groups=()))
    body = '{"widgets":[{"properties":{"markdown":"managed-by=flask-errwatch app=%s"}}]}'
    assert ours(Dashboard(name="shop-errors", body=recanonical(body % "shop")))
    assert not ours(Dashboard(name="shop-errors", body=recanonical(body % "shop-admin")))
    assert not ours(Dashboard(name="shop-errors", body="{}"))


def test_subscription_is_never_ours_to_delete() -> None:
    """People subscribe by hand beside us, and nothing tells them apart."""
    assert not ours(Subscription.of("mailto:ops@example.com", "arn"))


def test_a_dashboard_of_another_region_is_not_ours() -> None:
    """Dashboards are global: what the same app made elsewhere is never changed or deleted."""
    body = (
        '{"widgets":[{"properties":{"markdown":"managed-by=flask-errwatch app=shop"}},'
        '{"properties":{"region":"eu-central-1"}}]}'
    )
    there = Dashboard(name="shop-errors", body=recanonical(body))
    for region, is_ours_there in (("eu-central-1", True), ("us-east-1", False)):
        actual = Actual(resources=(there,), region=region)
        assert is_managed(there, "shop", actual) is is_ours_there

"""Ownership: the rules by which a resource may be changed or deleted, with their edge cases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_errwatch import Detector
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
from tests.simulation.resources import log_alarm


def metric_filter(name: str, phrase: str = "Login Failed", /, **changed: object) -> MetricFilter:
    """Returns a filter like a managed one, with some fields changed."""
    values: dict[str, object] = {
        "log_group": "shared",
        "name": name,
        "pattern": f'{{ $.event = "{phrase}" }}',
        "namespace": "Application Logs",
        "metric_name": name,
        **changed,
    }
    return MetricFilter(**values)  # type: ignore[arg-type]  # every test passes values of the right type


def alarm(name: str, app: str, **changed: object) -> MetricAlarm:
    """Returns an alarm with the app's marker line."""
    values: dict[str, object] = {
        "name": name,
        "description": f"Words.\nmanaged-by=flask-errwatch app={app}",
        "evaluation_periods": 1,
        "comparison_operator": "GreaterThanThreshold",
        "treat_missing_data": "notBreaching",
        **changed,
    }
    return MetricAlarm(**values)  # type: ignore[arg-type]  # every test passes values of the right type


def managed(resource: Resource, *others: Resource) -> bool:
    """Whether the resource is managed by the app `shop`."""
    actual = Actual(resources=(resource, *others))
    return is_managed(resource, "shop", actual)


def test_filter_whose_alarm_is_managed_is_managed() -> None:
    """This also holds where the detector's name is not its phrase."""
    assert managed(metric_filter("shop-bad-login"), alarm("shop-bad-login", "shop"))
    assert not managed(metric_filter("shop-bad-login"), alarm("shop-bad-login", "shop-admin"))
    assert not managed(metric_filter("shop-login-failed"), alarm("shop-login-failed", "x"))


def test_phrase_shows_where_the_apps_name_ends() -> None:
    """In a shared log group `shop` owns no filter of `shop-admin`, declared or not."""
    theirs = metric_filter("shop-admin-login-failed")
    assert owner_by_phrase(theirs) == "shop-admin"
    assert not managed(theirs)
    assert not managed(theirs)
    assert managed(metric_filter("shop-login-failed"))
    assert managed(metric_filter("shop-admin-login-failed", "Admin Login Failed"))


def test_a_filter_with_a_condition_has_the_owner_of_its_event() -> None:
    """So has one of a default detector without an event. An old filter is recognised too."""
    joined = Detector(name="login-failed", event="Login Failed", where="$.data.tries > 3").pattern
    assert managed(metric_filter("shop-login-failed", pattern=joined))
    assert not managed(metric_filter("shop-admin-login-failed", pattern=joined))
    assert managed(metric_filter("shop-critical-error", "Critical Error"))
    for name, is_own in (("shop-scan", True), ("shop-admin-scan", False)):
        scan = metric_filter(name, pattern="{ $.suspicion > 0 }", value="$.suspicion")
        assert managed(scan) is is_own
    flood = "{ $.status >= 400 && $.status < 500 }"
    assert managed(metric_filter("shop-failure-flood", pattern=flood))
    assert not managed(metric_filter("shop-scan", pattern="{ $.suspicion > 1 }"))


def test_an_alarm_on_its_metric_or_its_sources_shows_the_owner_of_a_filter() -> None:
    """Of a detector without an event that the app declares, nothing else does."""
    probes = metric_filter("shop-probe", pattern='{ $.path_class = "probe" }', value="$.data.n")
    assert not managed(probes)
    metric = {"namespace": probes.namespace, "metric_name": probes.metric_name}
    assert managed(probes, alarm("shop-probe-all", "shop", **metric))
    assert managed(probes, alarm("shop-probe-one-source", "shop"))
    assert not managed(probes, alarm("shop-probe-all", "shop"))
    assert not managed(probes, alarm("shop-probe-all", "x", **metric))
    named = replace(log_alarm("shop-probe"), description="managed-by=flask-errwatch app=shop")
    assert managed(probes, named)
    assert not managed(probes, replace(named, description="managed-by=flask-errwatch app=x"))


def test_filter_of_unknown_owner_is_never_touched() -> None:
    """Without an alarm, and with a name that is not its phrase, its owner is unknown."""
    silent = metric_filter("shop-bad-login")
    assert owner_by_phrase(silent) is None
    assert not managed(silent)


@pytest.mark.parametrize(
    "changed",
    [
        {"metric_name": "Logins"},
        {"pattern": '{ $.event = "Login Failed" && $.status = 401 }'},
        {"pattern": "Login Failed"},
        {"value": "$.items"},
        {"unit": "None"},
        {"default": None},
        {"default": None, "dimensions": (("host", "$.host"),)},
    ],
)
def test_filter_of_another_form_is_not_deleted(changed: dict[str, object]) -> None:
    """A filter that someone else wrote, with a name like ours, stays."""
    assert not managed(metric_filter("shop-login-failed", **changed))


def test_filter_that_counts_another_metric_is_unmanaged() -> None:
    """A managed filter has the name of its metric, whatever else matches."""
    foreign = metric_filter("shop-login-failed", metric_name="Logins")
    assert not managed(foreign, alarm("shop-login-failed", "shop"))


def test_alarm_is_identified_by_the_last_line_of_its_description() -> None:
    """A name with the app's prefix is not enough, nor is the marker on another line."""
    assert managed(alarm("shop-x", "shop"))
    assert not managed(alarm("shop-admin-x", "shop-admin"))
    line = "managed-by=flask-errwatch app=shop"
    assert not managed(alarm("shop-x", "shop", description=f"{line}\nEdited."))
    assert not managed(alarm("shop-x", "shop", description=f"{line}s"))


def test_rule_and_model_are_identified_by_the_alarm_that_uses_them() -> None:
    """The list calls return nothing else that identifies their owner."""
    rule = InsightRule(name="shop-x-one-source", definition="{}")
    query = MetricQuery(
        id="m", expression='INSIGHT_RULE_METRIC("shop-x-one-source", "MaxContributorValue")'
    )
    filled = replace(query, expression=f"FILL({query.expression}, 0)")
    assert managed(rule, alarm("shop-x-one-source", "shop", metrics=(query,)))
    assert managed(rule, alarm("shop-x-one-source", "shop", metrics=(filled,)))
    assert not managed(rule, alarm("shop-x-one-source", "other", metrics=(query,)))
    assert not managed(rule)
    model = AnomalyDetector(namespace="N", metric_name="shop-x", statistic="Sum")
    metric = MetricQuery(id="m", namespace="N", metric_name="shop-x", statistic="Sum", period=60)
    banded = alarm("shop-x", "shop", metrics=(metric,), threshold_metric_id="b")
    assert managed(model, banded)
    assert not managed(model, alarm("shop-x", "shop", metrics=(metric,)))
    assert not managed(AnomalyDetector(namespace="N", metric_name="y", statistic="Sum"), banded)


def test_group_and_topic_are_identified_by_their_tags() -> None:
    """Further tags do not matter, those of another app do."""
    tags = (("app", "shop"), ("managed-by", "flask-errwatch"), ("team", "web"))
    assert managed(LogGroup(name="shop", retention_days=90, tags=tags))
    assert not managed(LogGroup(name="shop", retention_days=90, tags=tags[:1]))
    assert managed(Topic(name="ops", arn="arn", tags=tags))
    assert not managed(Topic(name="ops", arn="arn", tags=(*tags[1:], ("app", "shop-admin"))))


def test_query_and_dashboard_are_identified_by_their_content() -> None:
    """A comment at the top of the query, a text widget on the dashboard, but not the name."""
    query = "# managed-by=flask-errwatch app=shop\nfilter x"
    assert managed(QueryDefinition(name="shop/a", query=query, log_groups=()))
    assert not managed(QueryDefinition(name="shop/a", query="filter x", log_groups=()))
    assert not managed(QueryDefinition(name="shop/a", query=f"{query[:-9]}s\nx", log_groups=()))
    body = '{"widgets":[{"properties":{"markdown":"managed-by=flask-errwatch app=%s"}}]}'
    assert managed(Dashboard(name="shop-errors", body=recanonical(body % "shop")))
    assert not managed(Dashboard(name="shop-errors", body=recanonical(body % "shop-admin")))
    assert not managed(Dashboard(name="shop-errors", body="{}"))


def test_subscription_is_never_managed() -> None:
    """People subscribe by hand too, and nothing distinguishes the two."""
    assert not managed(Subscription.of("mailto:ops@example.com", "arn"))


def test_a_dashboard_of_another_region_is_not_managed() -> None:
    """Dashboards are global: that of the same app elsewhere is never changed or deleted."""
    body = (
        '{"widgets":[{"properties":{"markdown":"managed-by=flask-errwatch app=shop"}},'
        '{"properties":{"region":"eu-central-1"}}]}'
    )
    there = Dashboard(name="shop-errors", body=recanonical(body))
    for region, is_managed_there in (("eu-central-1", True), ("us-east-1", False)):
        actual = Actual(resources=(there,), region=region)
        assert is_managed(there, "shop", actual) is is_managed_there

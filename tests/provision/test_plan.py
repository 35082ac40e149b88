"""The plan as a value, and the table that it prints."""

from __future__ import annotations

from flask_errwatch.provision import (
    Change,
    Difference,
    LogGroup,
    MetricFilter,
    Plan,
    Subscription,
    Topic,
)
from flask_errwatch.provision.to_aws import calls_for

GROUP = LogGroup(name="shop", retention_days=90)
TOPIC = Topic(name="ops", arn="arn:aws:sns:eu-central-1:123456789012:ops")
HOOK = Subscription.of("https://ann:pw@hooks.example.com/s3cret", TOPIC.arn)
PLAN = Plan(
    entries=(
        Change(
            action="update",
            resource=GROUP,
            differences=(Difference(field="retention_days", old=None, new=90),),
        ),
        Change(action="unchanged", resource=TOPIC),
        Change(action="create", resource=HOOK),
    )
)


def test_table_is_aligned_and_summed_up() -> None:
    """A row per resource, differences below, the sum last, and no secret of a webhook."""
    assert str(PLAN) == (
        "update     log group     shop\n"
        "                         retention_days: none → 90\n"
        "unchanged  topic         ops\n"
        "create     subscription  https://hooks.example.com/… of ops\n"
        "Cost: at most 0.00 USD a month (nothing; us-east-1, 2026-02; lines, queries and free "
        "tier not counted).\n"
        "Plan: 1 to create, 1 to update, 1 unchanged."
    )


def test_plan_remembers_what_was_applied() -> None:
    """Changes become applied one by one. The earlier plan does not change."""
    half = PLAN.one_more_applied()
    assert [str(change) for change in half.applied] == ["update log group shop"]
    assert [str(change) for change in half.pending] == [
        "create subscription https://hooks.example.com/…"
    ]
    assert str(half).splitlines()[0] == "updated    log group     shop"
    assert str(half).endswith("1 unchanged (1 of 2 applied).")
    whole = half.one_more_applied()
    assert str(whole).endswith("Applied: 1 created, 1 updated, 1 unchanged.")
    assert (PLAN.done, PLAN.applied) == (0, ())


def test_plan_without_changes_prints_a_sentence() -> None:
    """An empty plan prints a sentence."""
    plan = Plan(entries=(Change(action="unchanged", resource=TOPIC),))
    assert plan.is_empty
    assert str(plan).endswith("Nothing to change: 1 resource as declared.")


def test_filter_with_dimensions_has_no_default() -> None:
    """AWS refuses both together. The model can have either."""
    counted = MetricFilter(
        log_group="shop",
        name="shop-x",
        pattern='{ $.event = "X" }',
        namespace="Application Logs",
        metric_name="shop-x",
        default=None,
        dimensions=(("environment", "$.environment"),),
    )
    (call,) = calls_for(Change(action="create", resource=counted))
    assert call.arguments["metricTransformations"] == [
        {
            "metricNamespace": "Application Logs",
            "metricName": "shop-x",
            "metricValue": "1",
            "unit": "Count",
            "dimensions": {"environment": "$.environment"},
        }
    ]


def test_large_and_fractional_numbers_are_shown_in_full() -> None:
    """Thresholds are never rounded when they are shown."""
    differences = (
        Difference(field="threshold", old=1234567.0, new=0.25),
        Difference(field="period", old=60, new=300),
    )
    text = str(Plan(entries=(Change(action="update", resource=TOPIC, differences=differences),)))
    assert "threshold: 1234567 → 0.25" in text
    assert "period: 60 → 300" in text


def test_many_differences_are_counted_and_not_all_shown() -> None:
    """A dashboard that moved differs in hundreds of places."""
    many = tuple(Difference(field=f"body.widgets[{n}].y", old=n, new=n + 1) for n in range(25))
    text = str(Plan(entries=(Change(action="update", resource=TOPIC, differences=many),)))
    assert "body.widgets[19].y: 19 → 20" in text
    assert "body.widgets[20].y" not in text
    assert "and 5 more: --json has them all" in text

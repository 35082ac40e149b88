"""Against moto's server, over HTTP: deletions, interruptions, shared log groups and destroy.

moto keeps both filters of a name that is put twice, so no test here changes an existing filter.
What moto lacks is in test_stubbed.py.

"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.errors import ErrWatchError, ProvisioningError
from flask_errwatch.lab.moto_operations import add_missing_operations
from flask_errwatch.provision import Plan
from flask_errwatch.provision.apply import apply_plan, apply_steps, make_destroy_plan, make_plan

Shop = Callable[..., Plan]
Writes = Callable[[], list[str]]

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
READS = ("Describe", "List", "Get")
#: Everything that moto supports.
EXTRAS: dict[str, object] = {
    "SNS_TOPIC": "ops",
    "SUBSCRIPTIONS": "mailto:ops@example.com",
    "PER_SOURCE_ALARMS": "not-found-error,authentication-error",
    "SILENCE_ALARM": True,
    "PROCESS_ALARM": True,
    "DASHBOARD": True,
}
EXTRAS_OF_TWO: dict[str, object] = {**EXTRAS, "PER_SOURCE_ALARMS": "authentication-error"}
LOGIN = Detector(name="login-failed", event="Login Failed")


class Killed(BaseException):
    """Ends a run like a signal: no handler of an ordinary error catches it."""


def account_of(aws: Aws) -> dict[str, list[str]]:
    """Returns the names of everything in the account, duplicates included."""
    groups = [
        group["logGroupName"] for group in aws.pages("logs", "describe_log_groups", "logGroups")
    ]
    filters = [
        f"{group}/{metric_filter['filterName']}"
        for group in groups
        for metric_filter in aws.pages(
            "logs", "describe_metric_filters", "metricFilters", logGroupName=group
        )
    ]
    alarms = aws.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    rules = aws.pages("cloudwatch", "describe_insight_rules", "InsightRules")
    dashboards = aws.pages("cloudwatch", "list_dashboards", "DashboardEntries")
    topics = [topic["TopicArn"] for topic in aws.pages("sns", "list_topics", "Topics")]
    subscriptions = aws.pages("sns", "list_subscriptions", "Subscriptions")
    return {
        "groups": sorted(groups),
        "filters": sorted(filters),
        "alarms": sorted(alarm["AlarmName"] for alarm in alarms),
        "rules": sorted(rule["Name"] for rule in rules),
        "dashboards": sorted(dashboard["DashboardName"] for dashboard in dashboards),
        "topics": sorted(topics),
        "subscriptions": sorted(subscription["Endpoint"] for subscription in subscriptions),
    }


@contextmanager
def watched(aws: Aws, event: str, do: Callable[[str], None]) -> Iterator[None]:
    """Calls a function at each AWS call, with the call's name."""

    def hook(model: object, **_: object) -> None:
        do(str(getattr(model, "name", model)))

    events = [aws.client(name).meta.events for name in ("logs", "cloudwatch", "sns", "sts")]
    for emitter in events:
        emitter.register(event, hook, unique_id="watcher")
    try:
        yield
    finally:
        for emitter in events:
            emitter.unregister(event, unique_id="watcher")


def killing(number: int) -> Callable[[str], None]:
    """Returns a function that ends the run at the n-th writing call."""
    seen: Iterator[int] = iter(range(1, 10_000))

    def strike(name: str) -> None:
        if not name.startswith(READS) and next(seen) == number:
            raise Killed

    return strike


def test_removed_detector_deletes_exactly_its_resources(
    aws: Aws, shop: Shop, writes: Writes
) -> None:
    """Filter, alarm, rule and per-source alarm are deleted. Nothing else is written."""
    shop(**EXTRAS)
    before = account_of(aws)
    writes()
    fewer = tuple(detector for detector in DEFAULT_DETECTORS if detector.name != "not-found-error")
    settings = {**EXTRAS, "PER_SOURCE_ALARMS": "authentication-error"}
    plan = shop(detectors=fewer, **settings)
    assert [str(change) for change in plan.changes] == [
        "delete insight rule shop-not-found-error-one-source",
        "delete metric filter shop-not-found-error",
        "delete alarm shop-not-found-error",
        "delete alarm shop-not-found-error-one-source",
        "update dashboard shop-errors",
    ]
    assert writes() == [
        *("DeleteInsightRules", "DeleteMetricFilter", "DeleteAlarms", "DeleteAlarms"),
        "PutDashboard",
    ]
    after = account_of(aws)
    for kind, names in before.items():
        gone = [name for name in names if name not in after[kind]]
        assert all("not-found-error" in name for name in gone)
        assert not any("not-found-error" in name for name in after[kind])
        assert [name for name in after[kind] if name not in names] == []
    assert str(plan).splitlines()[-1] == ("Applied: 0 created, 1 updated, 4 deleted, 21 unchanged.")
    assert shop(detectors=fewer, **settings).is_empty


def _was_killed(aws: Aws, event: str, number: int, run: Callable[[], Plan]) -> bool:
    """Whether the run made that many writing calls, and was killed at the last one."""
    with watched(aws, event, killing(number)):
        try:
            run()
        except Killed:
            return True
    return False


@pytest.mark.stress
@pytest.mark.parametrize("event", ["before-call", "after-call"])
@pytest.mark.parametrize("is_first", [True, False])
def test_killed_at_every_call_in_turn_the_next_run_completes(
    aws: Aws, shop: Shop, empty_account: Callable[[], None], event: str, *, is_first: bool
) -> None:
    """Holds for a run that only creates, and for one that creates, updates and deletes.

    `before-call` is a kill before the request is sent, `after-call` one after the response.

    """

    def before() -> Plan:
        return shop(detectors=DEFAULT_DETECTORS[:2], **EXTRAS_OF_TWO)

    def after() -> Plan:
        settings = {
            **EXTRAS_OF_TWO,
            "PER_SOURCE_ALARMS": "login-failed",
            "DETECTORS": {"critical-error": {"threshold": 50}},
            "RETENTION_DAYS": 365,
        }
        return shop(detectors=(DEFAULT_DETECTORS[0], LOGIN), **settings)

    run = before if is_first else after
    before()
    run()
    expected = account_of(aws)
    number = 1
    while True:
        empty_account()
        if not is_first:
            before()
        if not _was_killed(aws, event, number, run):
            break
        run()
        assert run().is_empty, number
        assert account_of(aws) == expected, number
        number += 1
    # Group and its retention, 3 filters, topic, policy, subscription, rule, 4 alarms, dashboard.
    # Then 4 deletions, retention, filter, rule, an alarm with its tags, 2 alarms, dashboard.
    assert number - 1 == (16 if is_first else 12)


def test_interrupted_run_knows_how_far_it_came(aws: Aws, shop: Shop) -> None:
    """The caller of the steps has the plan after the last applied change."""
    seen = [shop(dry_run=True)]
    with watched(aws, "before-call", killing(4)), pytest.raises(Killed):
        seen.extend(apply_steps(aws, seen[0]))
    latest = seen[-1]
    assert [str(change) for change in latest.applied] == [
        "create log group shop",
        "create metric filter shop-critical-error",
    ]
    assert len(latest.pending) == 12


def test_throttled_calls_are_retried(aws: Aws, shop: Shop) -> None:
    """Two `ThrottlingException` responses per call do not fail the run."""
    refusals: dict[bytes, int] = {}

    def refuse(request: object, **_: object) -> AWSResponse | None:
        body = bytes(getattr(request, "body", b"") or b"")
        refusals[body] = refusals.get(body, 0) + 1
        if refusals[body] > 2:
            return None
        raw = RawBody(b'{"__type": "ThrottlingException", "message": "Rate exceeded"}')
        return AWSResponse("http://throttled", 400, {}, raw)

    events = aws.client("logs").meta.events
    events.register("before-send.cloudwatch-logs.PutMetricFilter", refuse)
    plan = shop(detectors=(LOGIN,))
    assert plan.pending == ()
    assert list(refusals.values()) == [3]


class RawBody:
    """A response body as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yields the whole body."""
        yield self._content


class Paging(Aws):
    """Cuts moto's list responses into pages as long as those of AWS, and counts the calls."""

    count = 0

    def call(self, service: str, method: str, /, **arguments: object) -> dict[str, Any]:
        """Returns a page of moto's response."""
        self.count += 1
        start = int(str(arguments.pop("nextToken", arguments.pop("NextToken", 0))))
        answer = super().call(service, method, **arguments)
        for listing, key, token, size in (
            ("describe_alarms", "MetricAlarms", "NextToken", 100),
            ("describe_metric_filters", "metricFilters", "nextToken", 50),
        ):
            if method == listing and arguments.get("AlarmTypes") != ["CompositeAlarm"]:
                whole = answer[key]
                answer = {key: whole[start : start + size]}
                if start + size < len(whole):
                    answer[token] = str(start + size)
        return answer


@pytest.mark.stress
def test_sixty_detectors_among_three_hundred_others(aws: Aws, shop: Shop, calls: list[str]) -> None:
    """The plan takes a few paged calls, and unmanaged resources stay as they are."""
    # Otherwise moto would page through all alarms when it is asked for log alarms.
    add_missing_operations()
    for number in range(300):
        aws.call(
            "cloudwatch",
            "put_metric_alarm",
            AlarmName=f"shop-other-{number:03}",
            AlarmDescription="Unmanaged",
            Namespace="Foreign",
            MetricName="m",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    foreign_filter = {"metricName": "m", "metricNamespace": "Web", "metricValue": "1"}
    # 40 in the app's own group, which takes 100, and the others in groups of similar names.
    for group, number in (("shop", 40), ("shop-1", 90), ("shop-2", 90), ("sho", 80)):
        aws.call("logs", "create_log_group", logGroupName=group)
        for index in range(number):
            aws.call(
                "logs",
                "put_metric_filter",
                logGroupName=group,
                filterName=f"shop-foreign-{index:03}",
                filterPattern="x",
                metricTransformations=[foreign_filter],
            )
    before = account_of(aws)
    many = tuple(Detector(name=f"event-{n}", event=f"Event {n}") for n in range(60))
    calls.clear()
    plan = shop(detectors=many, dry_run=True)
    assert plan.count("create") == 120
    assert sorted(calls) == [
        *("DescribeAlarms", "DescribeAlarms", "DescribeAlarms"),
        *("DescribeLogGroups", "DescribeMetricFilters"),
        *("ListDashboards", "ListTagsForResource"),
    ]
    apply_plan(aws, plan)
    assert shop(detectors=many, dry_run=True).is_empty
    paging = Paging(patience=PROVISIONING)
    config = configuration.load({"ERRWATCH_SNS_TOPIC": "ops"}, {}, app_name="shop")
    assert make_plan(paging, Catalogue(many).configured(config), config).count("update") == 60
    # Alarms 4, log alarms 1, composites 1, filters 2, then group, tags and dashboards, then account
    # and topic.
    assert paging.count == 4 + 1 + 1 + 2 + 3 + 2
    # Destroying the app deletes exactly its own resources.
    apply_plan(aws, destroy_plan_of(aws, detectors=many), force=True)
    assert account_of(aws) == before


def destroy_plan_of(
    aws: Aws,
    *,
    detectors: tuple[Detector, ...] = DEFAULT_DETECTORS,
    app: str = "shop",
    with_logs: bool = False,
    **settings: object,
) -> Plan:
    """Returns the plan that destroys an app. It does not retry, since moto has no saved queries."""
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name=app)
    impatient = Aws(patience=PROVISIONING._replace(attempts=1))
    del aws  # the fixture is needed, its client is not
    catalogue = Catalogue(detectors).configured(config)
    return make_destroy_plan(impatient, catalogue, config, with_logs=with_logs)


def test_destroy_leaves_the_account_as_it_was_but_for_the_logs(aws: Aws, shop: Shop) -> None:
    """Everything of the app is deleted. The group and its events stay until `with_logs`."""
    shop(**EXTRAS)
    plan = destroy_plan_of(aws, **EXTRAS)  # type: ignore[arg-type]  # none of them is an argument
    assert plan.count("delete") == 9 + 10 + 2 + 1 + 1
    # What moto lacks: a lab that ran in this process before has added it.
    lacking = {"saved queries", "anomaly detectors"}
    assert {note.split(":", 1)[0] for note in plan.notes} <= lacking
    apply_plan(aws, plan, force=True)
    left = account_of(aws)
    assert left.pop("groups") == ["shop"]
    assert set(map(len, left.values())) <= {0, 1}  # moto keeps subscriptions of a deleted topic
    assert (left["alarms"], left["filters"], left["topics"]) == ([], [], [])
    apply_plan(aws, destroy_plan_of(aws, with_logs=True), force=True)
    assert account_of(aws)["groups"] == []
    assert destroy_plan_of(aws).is_empty


def test_apps_that_share_a_log_group_and_a_prefix_keep_their_resources(
    aws: Aws, account: None
) -> None:
    """`shop` deletes a detector, then everything: `shop-admin` is untouched, and vice versa."""
    del account

    def run(app: str, detectors: tuple[Detector, ...] = DEFAULT_DETECTORS) -> Plan:
        keys = {"ERRWATCH_LOG_GROUP": "shared"}
        config = configuration.load(keys, {}, app_name=app)
        plan = make_plan(aws, Catalogue(detectors).configured(config), config)
        return apply_plan(aws, plan)

    run("shop")
    run("shop-admin")
    admins = [name for name in account_of(aws)["filters"] if "shop-admin" in name]
    assert len(admins) == 9
    fewer = run("shop", (*DEFAULT_DETECTORS[:5], *DEFAULT_DETECTORS[7:]))
    assert [str(change) for change in fewer.changes] == [
        "delete metric filter shop-rate-limit-error",
        "delete metric filter shop-client-error",
        "delete alarm shop-rate-limit-error",
    ]
    apply_plan(aws, destroy_plan_of(aws, app="shop", LOG_GROUP="shared"), force=True)
    assert account_of(aws)["filters"] == admins
    assert run("shop-admin").is_empty
    assert run("shop").count("create") == 18
    apply_plan(aws, destroy_plan_of(aws, app="shop-admin", LOG_GROUP="shared"), force=True)
    assert run("shop").is_empty


def test_topic_that_others_use_stays(aws: Aws, shop: Shop) -> None:
    """Destroying the app does not silence another app's alarm that notifies its topic."""
    shop(SNS_TOPIC="ops")
    aws.call(
        "cloudwatch",
        "put_metric_alarm",
        AlarmName="pager",
        Namespace="Web",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[ARN],
    )
    apply_plan(aws, destroy_plan_of(aws, SNS_TOPIC="ops"), force=True)
    assert account_of(aws)["topics"] == [ARN]


def test_unsafe_plan_is_refused_before_the_first_write(shop: Shop, writes: Writes) -> None:
    """`bootstrap_alarms` does not delete most of the alarms, and the error names the remedy."""
    shop()
    writes()
    with pytest.raises(ProvisioningError, match="flask errwatch apply --force"):
        shop(detectors=DEFAULT_DETECTORS[:1])
    with pytest.raises(ProvisioningError, match="older events would be deleted"):
        shop(RETENTION_DAYS=30)
    assert writes() == []


def test_subscription_of_another_partition_is_refused(shop: Shop) -> None:
    """SNS delivers to queues of other regions, but not of other partitions."""
    queue = "arn:aws-cn:sqs:cn-north-1:123456789012:q"
    with pytest.raises(ErrWatchError, match="Use an ARN of partition aws"):
        shop(SNS_TOPIC="ops", SUBSCRIPTIONS=queue)
    there = "arn:aws:sqs:us-east-1:123456789012:q"
    assert shop(SNS_TOPIC="ops", SUBSCRIPTIONS=there).pending == ()


def test_refused_listing_of_what_is_not_declared_is_noted(aws: Aws, shop: Shop) -> None:
    """An older policy may not list dashboards: the plan has a note, and is made without them."""

    def deny(name: str) -> None:
        if name == "ListDashboards":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, name)

    with watched(aws, "before-call", deny):
        plan = shop()
        assert [note.split(" failed")[0] for note in plan.notes] == [
            "dashboards: cloudwatch:ListDashboards"
        ]
        assert "Not checked: dashboards: cloudwatch:ListDashboards failed" in str(plan)
        with pytest.raises(ProvisioningError, match="Allow cloudwatch:ListDashboards"):
            shop(DASHBOARD=True)

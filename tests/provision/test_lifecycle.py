"""Against moto's server, over HTTP: removing, interrupting, sharing and destroying.

moto keeps both filters of a name that is put twice, so no test here changes a filter that
stands. What moto lacks is in test_provision_stubbed.py.
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
from flask_errwatch.provision import Plan
from flask_errwatch.provision.apply import apply_plan, apply_steps, make_destroy_plan, make_plan

Shop = Callable[..., Plan]
Writes = Callable[[], list[str]]

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
READS = ("Describe", "List", "Get")
#: Everything that moto can hold.
EXTRAS: dict[str, object] = {
    "SNS_TOPIC": "ops",
    "SUBSCRIPTIONS": "mailto:ops@example.com",
    "PER_SOURCE_ALARMS": "not-found-error,authentication-error",
    "SILENCE_ALARM": True,
    "DASHBOARD": True,
}
EXTRAS_OF_TWO: dict[str, object] = {**EXTRAS, "PER_SOURCE_ALARMS": "authentication-error"}
LOGIN = Detector(name="login-failed", event="Login Failed")


class Killed(BaseException):
    """Ends a run the way a signal does: no handler of an ordinary error sees it."""


def account_of(aws: Aws) -> dict[str, list[str]]:
    """The names of everything in the account, each as often as it stands."""
    groups = [
        each["logGroupName"] for each in aws.pages("logs", "describe_log_groups", "logGroups")
    ]
    filters = [
        f"{group}/{each['filterName']}"
        for group in groups
        for each in aws.pages(
            "logs", "describe_metric_filters", "metricFilters", logGroupName=group
        )
    ]
    alarms = aws.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    rules = aws.pages("cloudwatch", "describe_insight_rules", "InsightRules")
    boards = aws.pages("cloudwatch", "list_dashboards", "DashboardEntries")
    topics = [each["TopicArn"] for each in aws.pages("sns", "list_topics", "Topics")]
    people = aws.pages("sns", "list_subscriptions", "Subscriptions")
    return {
        "groups": sorted(groups),
        "filters": sorted(filters),
        "alarms": sorted(each["AlarmName"] for each in alarms),
        "rules": sorted(each["Name"] for each in rules),
        "dashboards": sorted(each["DashboardName"] for each in boards),
        "topics": sorted(topics),
        "subscriptions": sorted(each["Endpoint"] for each in people),
    }


@contextmanager
def watched(aws: Aws, event: str, do: Callable[[str], None]) -> Iterator[None]:
    """Runs something at each call, with the call's name."""

    def hook(model: object, **_: object) -> None:
        do(str(getattr(model, "name", model)))

    events = [aws.client(name).meta.events for name in ("logs", "cloudwatch", "sns", "sts")]
    for each in events:
        each.register(event, hook, unique_id="watcher")
    try:
        yield
    finally:
        for each in events:
            each.unregister(event, unique_id="watcher")


def killing(number: int) -> Callable[[str], None]:
    """Ends the run at the n-th call that writes."""
    seen: Iterator[int] = iter(range(1, 10_000))

    def strike(name: str) -> None:
        if not name.startswith(READS) and next(seen) == number:
            raise Killed

    return strike


def test_removed_detector_takes_exactly_its_resources_with_it(
    aws: Aws, shop: Shop, writes: Writes
) -> None:
    """Filter, alarm, rule and per-source alarm go; nothing else is written."""
    shop(**EXTRAS)
    before = account_of(aws)
    writes()
    fewer = tuple(each for each in DEFAULT_DETECTORS if each.name != "not-found-error")
    settings = {**EXTRAS, "PER_SOURCE_ALARMS": "authentication-error"}
    found = shop(detectors=fewer, **settings)
    assert [str(each) for each in found.changes] == [
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
    assert str(found).splitlines()[-1] == (
        "Applied: 0 created, 1 updated, 4 deleted, 19 unchanged."
    )
    assert shop(detectors=fewer, **settings).is_empty


def _was_killed(aws: Aws, event: str, number: int, run: Callable[[], Plan]) -> bool:
    """Whether the run made so many writing calls that it was killed at that one."""
    with watched(aws, event, killing(number)):
        try:
            run()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("event", ["before-call", "after-call"])
@pytest.mark.parametrize("is_first", [True, False])
def test_killed_at_every_call_in_turn_the_next_run_completes(
    aws: Aws, shop: Shop, empty_account: Callable[[], None], event: str, *, is_first: bool
) -> None:
    """A run that creates everything, and one that creates, updates and deletes; nothing twice.

    `before-call` is a kill before the request leaves, `after-call` one after it was answered.
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
    # Group and its retention, 3 filters, topic, policy, subscription, rule, 4 alarms, dashboard;
    # then 4 deletions, retention, filter, rule, an alarm with its tags, 2 alarms, dashboard.
    assert number - 1 == (14 if is_first else 12)


def test_interrupted_run_knows_how_far_it_came(aws: Aws, shop: Shop) -> None:
    """Whoever drives the steps holds the plan as it was after the last of them."""
    seen = [shop(dry_run=True)]
    with watched(aws, "before-call", killing(4)), pytest.raises(Killed):
        seen.extend(apply_steps(aws, seen[0]))
    latest = seen[-1]
    assert [str(each) for each in latest.applied] == [
        "create log group shop",
        "create metric filter shop-critical-error",
    ]
    assert len(latest.pending) == 12


def test_throttled_calls_are_tried_again(aws: Aws, shop: Shop) -> None:
    """Every call of its kind is refused twice with `ThrottlingException`; nobody notices."""
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
    made = shop(detectors=(LOGIN,))
    assert made.pending == ()
    assert list(refusals.values()) == [3]


class RawBody:
    """An answer's body as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        """The whole of it."""
        yield self._content


class Paging(Aws):
    """Cuts moto's listings into pages as long as those of AWS, and counts the calls."""

    count = 0

    def call(self, service: str, method: str, /, **arguments: object) -> dict[str, Any]:
        """A page of what moto answers."""
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


def test_sixty_detectors_among_three_hundred_others(aws: Aws, shop: Shop, calls: list[str]) -> None:
    """The plan takes a handful of paged calls, and what others made is as it was."""
    for number in range(300):
        aws.call(
            "cloudwatch",
            "put_metric_alarm",
            AlarmName=f"shop-other-{number:03}",
            AlarmDescription="Somebody else's",
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
        for each in range(number):
            aws.call(
                "logs",
                "put_metric_filter",
                logGroupName=group,
                filterName=f"shop-foreign-{each:03}",
                filterPattern="x",
                metricTransformations=[foreign_filter],
            )
    before = account_of(aws)
    many = tuple(Detector(name=f"event-{n}", event=f"Event {n}") for n in range(60))
    calls.clear()
    made = shop(detectors=many, dry_run=True)
    assert made.count("create") == 120
    assert sorted(calls) == [
        *("DescribeAlarms", "DescribeAlarms", "DescribeLogGroups", "DescribeMetricFilters"),
        *("ListDashboards", "ListTagsForResource"),
    ]
    apply_plan(aws, made)
    assert shop(detectors=many, dry_run=True).is_empty
    paging = Paging(patience=PROVISIONING)
    config = configuration.load({"ERRWATCH_SNS_TOPIC": "ops"}, {}, app_name="shop")
    assert make_plan(paging, Catalogue(many).configured(config), config).count("update") == 60
    # 4 pages of alarms, none of composites, 2 of filters; group, tags, dashboards; account, topic.
    assert paging.count == 4 + 1 + 2 + 3 + 2
    # Another app takes everything of its own away again.
    apply_plan(aws, removed(aws, detectors=many), force=True)
    assert account_of(aws) == before


def removed(
    aws: Aws,
    *,
    detectors: tuple[Detector, ...] = DEFAULT_DETECTORS,
    app: str = "shop",
    with_logs: bool = False,
    **settings: object,
) -> Plan:
    """The plan that removes an app; moto has no saved queries, and is asked only once."""
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name=app)
    impatient = Aws(patience=PROVISIONING._replace(attempts=1))
    del aws  # only says that there is an account
    catalogue = Catalogue(detectors).configured(config)
    return make_destroy_plan(impatient, catalogue, config, with_logs=with_logs)


def test_destroy_leaves_the_account_as_it_was_but_for_the_logs(aws: Aws, shop: Shop) -> None:
    """Everything of the app goes; the group and its events stay, until they may go too."""
    shop(**EXTRAS)
    found = removed(aws, **EXTRAS)  # type: ignore[arg-type]  # none of them is an argument
    assert found.count("delete") == 8 + 9 + 2 + 1 + 1
    (note, *more) = found.notes
    assert note.startswith("saved queries: logs:DescribeQueryDefinitions failed")
    assert [each.split(":", 1)[0] for each in more] == ["anomaly detectors"][: len(more)]
    apply_plan(aws, found, force=True)
    left = account_of(aws)
    assert left.pop("groups") == ["shop"]
    assert set(map(len, left.values())) <= {0, 1}  # moto keeps subscriptions of a deleted topic
    assert (left["alarms"], left["filters"], left["topics"]) == ([], [], [])
    apply_plan(aws, removed(aws, with_logs=True), force=True)
    assert account_of(aws)["groups"] == []
    assert removed(aws).is_empty


def test_apps_that_share_a_log_group_and_a_prefix_never_take_each_others(
    aws: Aws, account: None
) -> None:
    """`shop` removes a detector, then everything: `shop-admin` is untouched, and vice versa."""
    del account

    def run(app: str, detectors: tuple[Detector, ...] = DEFAULT_DETECTORS) -> Plan:
        keys = {"ERRWATCH_LOG_GROUP": "shared"}
        config = configuration.load(keys, {}, app_name=app)
        made = make_plan(aws, Catalogue(detectors).configured(config), config)
        return apply_plan(aws, made)

    run("shop")
    run("shop-admin")
    admins = [name for name in account_of(aws)["filters"] if "shop-admin" in name]
    assert len(admins) == 7
    fewer = run("shop", DEFAULT_DETECTORS[:5])
    assert [str(each) for each in fewer.changes] == [
        "delete metric filter shop-rate-limit-error",
        "delete metric filter shop-client-error",
        "delete alarm shop-rate-limit-error",
    ]
    apply_plan(aws, removed(aws, app="shop", LOG_GROUP="shared"), force=True)
    assert account_of(aws)["filters"] == admins
    assert run("shop-admin").is_empty
    assert run("shop").count("create") == 13
    apply_plan(aws, removed(aws, app="shop-admin", LOG_GROUP="shared"), force=True)
    assert run("shop").is_empty


def test_topic_that_others_use_stays(aws: Aws, shop: Shop) -> None:
    """An alarm of somebody else tells it: destroying the app does not make that one silent."""
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
    apply_plan(aws, removed(aws, SNS_TOPIC="ops"), force=True)
    assert account_of(aws)["topics"] == [ARN]


def test_unsafe_plan_is_refused_before_the_first_write(shop: Shop, writes: Writes) -> None:
    """`bootstrap_alarms` deletes too, but not most of what is there; the remedy is named."""
    shop()
    writes()
    with pytest.raises(ProvisioningError, match="flask errwatch apply --force"):
        shop(detectors=DEFAULT_DETECTORS[:1])
    with pytest.raises(ProvisioningError, match="older events would be deleted"):
        shop(RETENTION_DAYS=30)
    assert writes() == []


def test_subscription_of_another_partition_is_refused(shop: Shop) -> None:
    """SNS reaches queues of other regions, never those of other partitions."""
    queue = "arn:aws-cn:sqs:cn-north-1:123456789012:q"
    with pytest.raises(ErrWatchError, match="Use an ARN of partition aws"):
        shop(SNS_TOPIC="ops", SUBSCRIPTIONS=queue)
    there = "arn:aws:sqs:us-east-1:123456789012:q"
    assert shop(SNS_TOPIC="ops", SUBSCRIPTIONS=there).pending == ()


def test_refused_listing_of_what_is_not_declared_is_noted(aws: Aws, shop: Shop) -> None:
    """An older policy may not list dashboards: the plan says so, and goes on without."""

    def deny(name: str) -> None:
        if name == "ListDashboards":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, name)

    with watched(aws, "before-call", deny):
        made = shop()
        assert [each.split(" failed")[0] for each in made.notes] == [
            "dashboards: cloudwatch:ListDashboards"
        ]
        assert "Not checked: dashboards: cloudwatch:ListDashboards failed" in str(made)
        with pytest.raises(ProvisioningError, match="Allow cloudwatch:ListDashboards"):
            shop(DASHBOARD=True)

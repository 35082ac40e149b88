"""A log group that an AWS service owns is used, and never created, changed or deleted.

Against moto's server, and as values. The group of a Lambda function stands for its kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.errors import ProvisioningError
from flask_errwatch.provision import Plan, desired_resources
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.apply import apply_plan, make_destroy_plan, make_plan
from flask_errwatch.provision.diff import diff
from flask_errwatch.provision.export import ROLES, iam_policy, to_cloudformation, to_terraform
from flask_errwatch.provision.resources import LogGroup
from flask_errwatch.provision.status import read_status

Shop = Callable[..., Plan]
Writes = Callable[[], list[str]]

GROUP = "/aws/lambda/shop"
#: What a deployment does to a log group itself.
CHANGES_OF_GROUPS = {
    *("logs:CreateLogGroup", "logs:DeleteLogGroup"),
    *("logs:PutRetentionPolicy", "logs:TagResource"),
}


def app(group: str = GROUP, **settings: object) -> tuple[Catalogue, Config]:
    """The catalogue and configuration of an app whose lines are in that group."""
    keys = {f"ERRWATCH_{key}": value for key, value in {"DEFAULTS": "0.1", **settings}.items()}
    config = configuration.load({**keys, "ERRWATCH_LOG_GROUP": group}, {}, app_name="shop")
    return Catalogue(DEFAULT_DETECTORS).configured(config), config


def group_of(aws: Aws) -> dict[str, Any]:
    """The only log group of the account."""
    (group,) = aws.call("logs", "describe_log_groups")["logGroups"]
    assert isinstance(group, dict)
    return group


def filters_of(aws: Aws) -> list[object]:
    """The group's metric filters."""
    return [*aws.pages("logs", "describe_metric_filters", "metricFilters", logGroupName=GROUP)]


@pytest.mark.parametrize(
    "group",
    [GROUP, "/aws/ecs/shop", "/aws/apprunner/shop/1/application", "/aws/elasticbeanstalk/s"],
)
def test_it_is_not_among_the_resources(group: str) -> None:
    """Filters name it. It is not declared itself, whichever service owns it."""
    desired = desired_resources(*app(group))
    assert not [resource for resource in desired.resources if isinstance(resource, LogGroup)]
    assert {metric_filter.log_group for metric_filter in desired.filters} == {group}


@pytest.mark.parametrize("group", ["shop", "/ecs/shop", "/shop/aws/lambda", "/awsome/shop"])
def test_any_other_group_is(group: str) -> None:
    """A name that only resembles that of a service is the app's own."""
    first, *_ = desired_resources(*app(group)).resources
    assert isinstance(first, LogGroup)
    assert (first.name, first.retention_days) == (group, 90)


def test_apply_adds_filters_and_alarms_and_leaves_the_group_alone(
    aws: Aws, shop: Shop, writes: Writes
) -> None:
    """Neither retention nor tags are written. The plan shows whose group it is."""
    aws.call("logs", "create_log_group", logGroupName=GROUP)
    writes()
    plan = shop(LOG_GROUP=GROUP)
    assert set(writes()) == {"PutMetricFilter", "PutMetricAlarm"}
    assert "retentionInDays" not in group_of(aws)
    assert len(filters_of(aws)) == 7
    assert str(plan).splitlines()[0] == (
        "unchanged  log group      /aws/lambda/shop  (used as it is: it belongs to AWS Lambda)"
    )
    shop(LOG_GROUP=GROUP)
    assert writes() == []


def test_before_the_first_invocation_plan_and_apply_say_what_to_do(
    shop: Shop, writes: Writes
) -> None:
    """One sentence, and nothing is written: a filter needs its group."""
    for dry_run in (True, False):
        with pytest.raises(ProvisioningError) as caught:
            shop(LOG_GROUP=GROUP, dry_run=dry_run)
        assert str(caught.value).splitlines()[0] == (
            "log group = '/aws/lambda/shop': It does not exist. Check ERRWATCH_LOG_GROUP, and "
            "invoke the function once: AWS Lambda then creates the group."
        )
    with pytest.raises(ProvisioningError, match="let the service write a first line: an AWS"):
        shop(LOG_GROUP="/aws/ecs/shop")
    assert writes() == []


def test_the_status_of_a_function_that_was_never_invoked(aws: Aws) -> None:
    """It shows what is missing, how the group comes to be, and expects no heartbeat."""
    del aws
    status = read_status(Aws(patience=PROVISIONING._replace(attempts=1)), *app())
    assert status.plan.count("create") == 13
    shown = str(status)
    assert "Check ERRWATCH_LOG_GROUP, and invoke the function once" in shown
    assert "and none is expected: a function of AWS Lambda has none" in shown


def test_destroy_deletes_the_rest_and_never_the_group(aws: Aws, shop: Shop) -> None:
    """Neither with `--with-logs`, nor with the tags of an earlier version on the group."""
    tags = {"managed-by": "flask-errwatch", "app": "shop"}
    aws.call("logs", "create_log_group", logGroupName=GROUP, tags=tags)
    aws.call("logs", "put_retention_policy", logGroupName=GROUP, retentionInDays=7)
    shop(LOG_GROUP=GROUP)
    assert make_plan(aws, *app(RETENTION_DAYS=1)).is_empty
    plan = make_destroy_plan(aws, *app(), with_logs=True)
    assert "(stays: it belongs to AWS Lambda)" in str(plan)
    apply_plan(aws, plan, force=True)
    assert (group_of(aws)["logGroupName"], group_of(aws)["retentionInDays"]) == (GROUP, 7)
    assert filters_of(aws) == []


def test_a_class_without_filters_is_refused() -> None:
    """A function's group may be of class Infrequent Access, which has no metric filters."""
    existing = LogGroup(name=GROUP, retention_days=None, log_class="INFREQUENT_ACCESS")
    with pytest.raises(ProvisioningError, match="It is of class INFREQUENT_ACCESS"):
        diff(desired_resources(*app()), Actual(resources=(existing,)))


def test_exports_name_it_and_do_not_declare_it() -> None:
    """Terraform and CloudFormation would collide with Lambda. Filters refer to it by name."""
    everything = app(DASHBOARD=True, SAVED_QUERIES=True)
    hcl = to_terraform(*everything)
    assert "aws_cloudwatch_log_group" not in hcl
    assert hcl.count(f'log_group_name = "{GROUP}"') == 7
    template = json.loads(to_cloudformation(*everything))["Resources"]
    assert "AWS::Logs::LogGroup" not in {resource["Type"] for resource in template.values()}
    groups = [
        resource["Properties"]["LogGroupName"]
        for resource in template.values()
        if resource["Type"] == "AWS::Logs::MetricFilter"
    ]
    assert groups == [GROUP] * 7


def test_a_deployment_may_not_change_it() -> None:
    """The policy has no action on the group that no call needs."""
    (deploy,) = [role for role in ROLES if role == "deploy"]

    def allowed(group: str) -> set[str]:
        text = json.dumps(iam_policy(deploy, *app(group)))
        return {action for action in CHANGES_OF_GROUPS if f'"{action}"' in text}

    assert allowed(GROUP) == set()
    assert allowed("shop") == CHANGES_OF_GROUPS

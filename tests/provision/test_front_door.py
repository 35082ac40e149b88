"""`ErrWatch.bootstrap_alarms` and `ErrWatch.plan`, as users call them."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_errwatch._aws import Aws, Patience
from flask_errwatch.errors import AwsCallError, ErrWatchError, ProvisioningError
from flask_errwatch.extension import ErrWatch


def test_bootstrap_applies_the_apps_own_plan_once(aws: Aws) -> None:
    """The plan changes nothing, the bootstrap creates resources, a second one has no changes."""
    app = Flask("shop")
    errwatch = ErrWatch(app)
    assert errwatch.plan().count("create") == 19
    assert aws.call("logs", "describe_log_groups")["logGroups"] == []
    assert errwatch.bootstrap_alarms(dry_run=True).pending == errwatch.plan().pending
    assert len(errwatch.bootstrap_alarms().applied) == 19
    (group,) = aws.call("logs", "describe_log_groups")["logGroups"]
    assert group["logGroupName"] == "shop"
    again = errwatch.bootstrap_alarms()
    assert str(again).endswith("Nothing to change: 19 resources as declared.")


def test_each_app_is_bootstrapped_by_its_own_names(aws: Aws) -> None:
    """Two apps that share a log group neither conflict nor undo each other's work."""
    errwatch = ErrWatch()
    apps = [Flask("shop"), Flask("shop-admin")]
    for app, days in zip(apps, (90, 30), strict=True):
        app.config.update(ERRWATCH_LOG_GROUP="shared", ERRWATCH_RETENTION_DAYS=days)
        errwatch.init_app(app)
    assert len(errwatch.bootstrap_alarms(apps[0]).applied) == 19
    # Without the log group, which exists already and stays managed by the first app.
    assert len(errwatch.bootstrap_alarms(apps[1]).applied) == 18
    assert errwatch.plan(apps[0]).is_empty
    assert errwatch.plan(apps[1]).is_empty
    assert len(list(aws.pages("cloudwatch", "describe_alarms", "MetricAlarms"))) == 16


@pytest.mark.usefixtures("account")
def test_unreachable_aws_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing answers at the endpoint, the error names the keys to check."""
    impatient = Patience(connect=1, read=1, attempts=1)
    monkeypatch.setattr("flask_errwatch._aws.PROVISIONING", impatient)
    app = Flask("shop")
    app.config["ERRWATCH_ENDPOINT_URL"] = "http://127.0.0.1:9"
    with pytest.raises(ProvisioningError, match="check ERRWATCH_ENDPOINT_URL") as caught:
        ErrWatch(app).bootstrap_alarms()
    assert isinstance(caught.value, ErrWatchError)
    assert isinstance(caught.value.cause, AwsCallError)

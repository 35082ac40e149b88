"""Alarms whose actions a person disabled stay so, and CloudWatch Logs is asked again."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.cli import errwatch
from flask_errwatch.errors import ProvisioningError
from flask_errwatch.provision import Difference, Plan, apply

Shop = Callable[..., Plan]
Writes = Callable[[], list[str]]

ALARM = "shop-critical-error"


def enabled(aws: Aws) -> bool:
    """Whether the actions of the alarm are enabled."""
    (alarm,) = aws.call("cloudwatch", "describe_alarms", AlarmNames=[ALARM])["MetricAlarms"]
    return bool(alarm["ActionsEnabled"])


def test_apply_does_not_enable_what_a_person_disabled(aws: Aws, shop: Shop, writes: Writes) -> None:
    """The plan is empty and says so in the row of the alarm. Another change keeps it."""
    shop()
    aws.call("cloudwatch", "disable_alarm_actions", AlarmNames=[ALARM])
    writes()
    plan = shop()
    assert plan.is_empty
    assert writes() == []
    assert f"{ALARM}  (its actions stay disabled)" in str(plan)
    assert f"The actions of {ALARM} were disabled in AWS and stay so: `aws " in str(plan)
    changed = shop(DETECTORS={"critical-error": {"threshold": 50}})
    (change,) = changed.changes
    assert change.differences == (Difference(field="threshold", old=10.0, new=50.0),)
    assert not enabled(aws)


def test_status_shows_it(aws: Aws, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the alarm and in the JSON, with the command that enables the actions."""
    shop()
    aws.call("cloudwatch", "disable_alarm_actions", AlarmNames=[ALARM])
    monkeypatch.setattr("flask_errwatch._aws.PROVISIONING", PROVISIONING._replace(attempts=1))
    app = Flask("shop")
    app.config["ERRWATCH_DEFAULTS"] = "0.1"
    ErrWatch(app)
    app.cli.add_command(errwatch)
    run = app.test_cli_runner().invoke
    text = " ".join(run(args=["errwatch", "status"]).output.split())
    assert "its actions are disabled: no one is notified" in text
    assert "Drift: none" in text
    alarms = json.loads(run(args=["errwatch", "status", "--json"]).output)["alarms"]
    disabled = {one["name"] for one in alarms if not one.get("actions_enabled", True)}
    assert disabled == {ALARM}


@pytest.mark.parametrize("failures", [2, 99])
def test_a_concurrent_change_is_waited_for(
    aws: Aws, shop: Shop, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    """CloudWatch Logs answers OperationAbortedException to changes at the same time."""
    monkeypatch.setattr(apply, "_WAITS", (0, 0, 0))
    attempts: list[str] = []

    def abort(**_: object) -> None:
        attempts.append("")
        if len(attempts) <= failures:
            error = {"Error": {"Code": "OperationAbortedException", "Message": "busy"}}
            raise ClientError(error, "PutRetentionPolicy")

    aws.client("logs").meta.events.register("before-call.cloudwatch-logs.PutRetentionPolicy", abort)
    if failures == 2:
        assert shop().pending == ()
        assert len(attempts) == 3
    else:
        with pytest.raises(ProvisioningError, match="OperationAbortedException"):
            shop()
        assert len(attempts) == 4

"""`flask errwatch plan | apply | status | destroy`, as a user types them, against moto."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import ErrWatch, SourceAlarm
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.cli import errwatch
from flask_errwatch.detectors import DEFAULT_DETECTORS, Detector
from flask_errwatch.provision import Plan

Run = Callable[..., Result]


@pytest.fixture
def run(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of the app `shop`, with the catalogue of 0.1.

    One attempt per call: moto lacks history and queries.
    """
    del aws
    monkeypatch.setattr("flask_errwatch._aws.PROVISIONING", PROVISIONING._replace(attempts=1))

    def ran(
        *arguments: str,
        detectors: tuple[Detector, ...] = DEFAULT_DETECTORS,
        answer: str | None = None,
        **settings: object,
    ) -> Result:
        app = Flask("shop")
        keys = {"DEFAULTS": "0.1", **settings}
        app.config.update({f"ERRWATCH_{name}": value for name, value in keys.items()})
        ErrWatch(app, detectors=detectors)
        app.cli.add_command(errwatch)
        return app.test_cli_runner().invoke(args=["errwatch", *arguments], input=answer)

    return ran


def last(result: Result) -> str:
    """The last line that was printed."""
    return result.output.splitlines()[-1]


def test_plan_checks_without_touching(aws: Aws, run: Run) -> None:
    """Exits with 3 if something would change and 0 if nothing would. Creates nothing."""
    shown, checked = run("plan"), run("plan", "--check")
    assert (shown.exit_code, checked.exit_code) == (0, 3)
    assert shown.output == checked.output
    assert last(shown) == "Plan: 14 to create, 0 to update, 0 unchanged."
    assert shown.output.splitlines()[-2].startswith("Cost: at most 2.70 USD a month (7 metrics")
    assert aws.call("logs", "describe_log_groups")["logGroups"] == []
    assert run("apply", "--yes").exit_code == 0
    assert run("plan", "--check").exit_code == 0


def test_the_role_of_log_alarms_is_created_only_on_request(run: Run) -> None:
    """Without the option the plan says how to have it. With `--json` too."""
    scan = Detector(
        name="scan", where="$.suspicion > 0", alarm=SourceAlarm(threshold=16, period=600)
    )
    without = run("plan", detectors=(scan,)).output
    assert "run `flask errwatch apply --create-role`" in without
    assert "shop-log-alarms-eu-central-1" not in without
    shown = run("plan", "--create-role", detectors=(scan,)).output
    assert re.search(r"create +role +shop-log-alarms-eu-central-1\n", shown)
    assert re.search(r"create +log alarm +shop-scan\n", shown)
    document = json.loads(run("plan", "--create-role", "--json", detectors=(scan,)).output)
    (explanation,) = document["explanations"]
    assert explanation.startswith("shop-scan is a log alarm, whose message names the address:")


def test_plan_as_json(run: Run) -> None:
    """The same plan as JSON values, also with --check."""
    result = run("plan", "--json", "--check", SNS_TOPIC="ops")
    assert result.exit_code == 3
    values = json.loads(result.output)
    assert values["summary"] == {"create": 16, "update": 0, "delete": 0, "unchanged": 0}
    assert [change["kind"] for change in values["changes"]][8:10] == ["topic", "topic policy"]


def test_apply_shows_the_plan_asks_and_prints_each_step(aws: Aws, run: Run) -> None:
    """Without a yes nothing is changed. With a yes each change prints a line."""
    for answer in ("n\n", ""):
        refused = run("apply", answer=answer)
        assert refused.exit_code == 1
        assert "Apply this plan? [y/N]" in refused.output
        assert "Aborted!" in refused.output
    assert aws.call("logs", "describe_log_groups")["logGroups"] == []
    done = run("apply", answer="y\n")
    assert done.exit_code == 0
    assert "[1/14] created log group shop\n" in done.output
    assert "[14/14] created alarm shop-rate-limit-error\n" in done.output
    assert last(done) == "Applied: 14 created, 0 updated, 0 unchanged."
    again = run("apply")  # nothing to ask
    assert (again.exit_code, last(again)) == (
        0,
        "Nothing to change: 14 resources as declared.",
    )


def test_apply_needs_force_for_what_loses_much(run: Run) -> None:
    """The plan is shown, then refused with the option that allows it."""
    run("apply", "--yes")
    few = DEFAULT_DETECTORS[:1]
    refused = run("apply", "--yes", detectors=few)
    assert refused.exit_code == 1
    assert "Needs --force: alarms to delete = 5" in refused.output
    assert "run `flask errwatch apply --force`" in refused.output
    assert last(refused) == "Nothing was changed."
    forced = run("apply", "--yes", "--force", detectors=few)
    assert last(forced) == "Applied: 0 created, 0 updated, 11 deleted, 3 unchanged."


def test_apply_adopts_only_on_request(aws: Aws, run: Run) -> None:
    """An unmanaged alarm with a declared name is refused and named, and adopted with --adopt."""
    aws.call(
        "cloudwatch",
        "put_metric_alarm",
        AlarmName="shop-critical-error",
        Namespace="Web",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    for command in (("plan",), ("apply", "--yes")):
        refused = run(*command)
        assert refused.exit_code == 1
        assert refused.output == (
            "Error: alarm = 'shop-critical-error': An alarm of this name exists and is "
            "not managed by this app: it is left alone. Rename or delete it, choose another "
            "ERRWATCH_APP_NAME, or import it with `flask errwatch apply --adopt`.\n"
            "Nothing was changed.\n"
        )
    assert "update  alarm          shop-critical-error  (imported)" in run("plan", "--adopt").output
    assert run("apply", "--yes", "--adopt").exit_code == 0
    assert run("plan", "--check").exit_code == 0


def test_status_prints_text_or_json(run: Run) -> None:
    """Prints text or JSON, and exits with 0 whatever the status is."""
    run("apply", "--yes")
    text, values = run("status"), run("status", "--json")
    assert (text.exit_code, values.exit_code) == (0, 0)
    assert text.output.startswith(
        "Drift: none; 14 resources as declared.\nAlarms: 6, 0 in ALARM.\n"
    )
    assert json.loads(values.output)["drift"]["summary"]["unchanged"] == 14


def test_status_reads_a_group_with_deeply_nested_json(aws: Aws, run: Run) -> None:
    """Another program's lines neither raise nor count as heartbeats."""
    run("apply", "--yes")
    nested = "[" * 100_000 + "]" * 100_000
    beat = {"event": "Heartbeat", "app": "shop", "process": "a", "data": {"emitted": 3}}
    lines = [nested, f'{{"event": "Heartbeat", "app": "shop", "data": {nested}}}', json.dumps(beat)]
    now = round(time.time() * 1000)
    aws.call("logs", "create_log_stream", logGroupName="shop", logStreamName="s")
    aws.call(
        *("logs", "put_log_events"),
        logGroupName="shop",
        logStreamName="s",
        logEvents=[{"timestamp": now, "message": line} for line in lines],
    )
    result = run("status")
    assert result.exit_code == 0
    assert "Delivery: 1 process, 3 emitted, 0 delivered, 0 pending, 0 dropped" in result.output


def test_destroy_asks_and_keeps_the_logs(aws: Aws, run: Run) -> None:
    """The log group is deleted only with --with-logs."""
    run("apply", "--yes")
    refused = run("destroy", answer="n\n")
    assert refused.exit_code == 1
    assert "Delete all of this? [y/N]" in refused.output
    done = run("destroy", "--yes")
    assert "(stays with its events; --with-logs deletes it)" in done.output
    assert last(done) == "Applied: 0 created, 0 updated, 13 deleted, 1 unchanged."
    assert len(aws.call("logs", "describe_log_groups")["logGroups"]) == 1
    assert run("destroy", "--yes", "--with-logs").exit_code == 0
    assert aws.call("logs", "describe_log_groups")["logGroups"] == []
    assert run("destroy").exit_code == 0  # nothing left to delete, so no question


@pytest.mark.parametrize("command", ["plan", "apply", "status", "destroy"])
def test_without_credentials_every_command_reports_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """One sentence, exit code 1, no traceback."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    result = run(command)
    assert result.exit_code == 1
    assert result.output.startswith("Error: logs:DescribeLogGroups failed with NoCredentialsError")
    assert "Give the process AWS credentials" in result.output


def test_topic_of_another_region_is_one_sentence(run: Run) -> None:
    """Before anything is read."""
    result = run("plan", SNS_TOPIC="arn:aws:sns:us-east-1:123456789012:ops")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ERRWATCH_SNS_TOPIC = 'arn:aws:sns:us-east-1:")
    assert result.output.count("\n") == 1


def test_interrupted_command_lists_what_was_applied(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C during a change: lists what was applied and what was not, exits with 1."""
    call = Aws.call

    def interrupted(self: Aws, service: str, method: str, /, **arguments: object) -> object:
        if arguments.get("filterName") == "shop-bad-request-error":
            raise KeyboardInterrupt
        return call(self, service, method, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Aws, "call", interrupted)
        result = run("apply", "--yes")
    assert result.exit_code == 1
    assert (
        "Error: command = 'interrupted': The change under way may or may not have been made.\n"
        "Applied: create log group shop, create metric filter shop-critical-error, "
        "create metric filter shop-authentication-error.\n"
        "Not applied: create metric filter shop-bad-request-error, "
    ) in result.output
    assert last(run("apply", "--yes")) == "Applied: 11 created, 0 updated, 3 unchanged."


def test_signal_in_the_middle_of_a_real_process(
    tmp_path: Path, run: Run, shop: Callable[..., Plan]
) -> None:
    """SIGINT during apply: the command ends without a traceback, and the next run completes."""
    (tmp_path / "wsgi.py").write_text(
        'from flask import Flask\nfrom flask_errwatch import ErrWatch\napp = Flask("shop")\n'
        "ErrWatch(app)\n"
    )
    command = [sys.executable, "-m", "flask", "errwatch", "apply", "--yes"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        printed = ""
        for line in output:
            printed += line
            if line.startswith("[3/14]"):
                process.send_signal(signal.SIGINT)
    # It may have finished before the signal came.
    assert process.wait(60) == (1 if "interrupted" in printed else 0), printed
    assert "Traceback" not in printed
    assert run("apply", "--yes").exit_code == 0
    assert shop().is_empty

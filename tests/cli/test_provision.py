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
from flask_errwatch.errors import AwsCallError
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


def url() -> str:
    """The endpoint of moto's server."""
    return os.environ["AWS_ENDPOINT_URL"]


def last(result: Result) -> str:
    """The last line that was printed."""
    return result.output.splitlines()[-1]


def test_plan_checks_without_touching(aws: Aws, run: Run) -> None:
    """Exits with 3 if something would change and 0 if nothing would. Creates nothing."""
    shown, checked = run("plan"), run("plan", "--check")
    assert (shown.exit_code, checked.exit_code) == (0, 3)
    assert shown.output == checked.output
    cost, summary, next_step = shown.output.splitlines()[-3:]
    assert cost.startswith("Cost: at most 2.70 USD a month (7 metrics")
    assert summary == "Plan: 14 to create, 0 to update, 0 unchanged."
    assert next_step == "`flask errwatch apply` applies this plan."
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
    refused = run("apply", answer="n\n")
    assert refused.exit_code == 1
    where = f"account 123456789012 in eu-central-1 at {url()}"
    assert f"Apply this plan to {where}? [y/N]" in refused.output
    assert refused.output.endswith("Nothing was changed.\nAborted!\n")
    unanswered = run("apply", answer="")
    assert unanswered.exit_code == 1
    assert unanswered.stderr == (
        "Error: No one answers the question: give --yes.\nNothing was changed.\n"
    )
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
    assert last(run("plan", "--adopt", detectors=few)) == (
        "`flask errwatch apply --force --adopt` applies this plan."
    )
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
    for command, end in ((("plan",), ""), (("apply", "--yes"), "Nothing was changed.\n")):
        refused = run(*command)
        assert refused.exit_code == 1
        assert refused.stderr == (
            "Error: alarm = 'shop-critical-error': An alarm of this name exists and is "
            "not managed by this app: it is left alone. Rename or delete it, choose another "
            f"ERRWATCH_APP_NAME, or import it with `flask errwatch apply --adopt`.\n{end}"
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
        f"Account 123456789012 in eu-central-1, endpoint {url()}\n"
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
    where = f"account 123456789012 in eu-central-1 at {url()}"
    assert f"Delete 13 resources from {where}? [y/N]" in refused.output
    assert refused.output.endswith("Nothing was changed.\nAborted!\n")
    done = run("destroy", "--yes")
    assert "What app shop manages there is to be deleted:\n" in done.output
    assert re.search(
        r"   kept    log group +shop  \(stays with its events; --with-logs deletes it\)\n",
        done.output,
    )
    assert "To delete: 13 resources, 1 kept.\n" in done.output
    assert "[13/13] deleted alarm shop-rate-limit-error\n" in done.output
    assert last(done) == "Deleted: 13 resources, 1 kept."
    assert "Applied" not in done.output
    assert "Cost" not in done.output
    assert len(aws.call("logs", "describe_log_groups")["logGroups"]) == 1
    assert run("destroy", "--yes", "--with-logs").exit_code == 0
    assert aws.call("logs", "describe_log_groups")["logGroups"] == []
    again = run("destroy")  # nothing left to delete, so no question
    assert (again.exit_code, last(again)) == (0, "Nothing to delete.")


@pytest.mark.parametrize("command", ["plan", "apply", "status", "destroy"])
def test_without_credentials_every_command_reports_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """One sentence, exit code 1, no traceback."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    result = run(command)
    assert result.exit_code == 1
    assert result.output.startswith(
        "Error: sts:GetCallerIdentity failed with NoCredentialsError (Unable to locate "
        "credentials): Give the process AWS credentials"
    )
    assert result.output.count("NoCredentialsError") == 1
    is_changing = command in {"apply", "destroy"}
    assert ("Nothing was changed." in result.output) is is_changing


def test_topic_of_another_region_is_one_sentence(run: Run) -> None:
    """Before anything is read."""
    result = run("plan", SNS_TOPIC="arn:aws:sns:us-east-1:123456789012:ops")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ERRWATCH_SNS_TOPIC = 'arn:aws:sns:us-east-1:")
    assert result.stderr.count("\n") == 1


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
        "Error: Interrupted: the change under way may or may not have been made.\n"
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
    assert process.wait(60) == (1 if "Interrupted" in printed else 0), printed
    assert "Traceback" not in printed
    assert run("apply", "--yes").exit_code == 0
    assert shop().is_empty


def test_unchanged_resources_are_counted_and_shown_on_request(run: Run) -> None:
    """Only what changes has a row. `--all` shows the others."""
    run("apply", "--yes")
    few = run("plan", ALARM_PERIOD=60)
    assert "14 unchanged" not in few.output
    assert "8 unchanged, --all shows them\n" in few.output
    assert "shop-client-error" not in few.output
    assert few.output.count("  update  alarm  shop-") == 6
    every = run("plan", "--all", ALARM_PERIOD=60)
    assert "--all" not in every.output
    assert re.search(r"unchanged  metric filter  shop-client-error\n", every.output)
    settled = run("plan").output.splitlines()
    assert settled[1] == "14 unchanged, --all shows them"


def test_apply_as_json(run: Run) -> None:
    """What was applied, as one document. It asks nothing, so it needs --yes."""
    refused = run("apply", "--json")
    assert refused.exit_code == 2
    assert "--json needs --yes" in refused.output
    values = json.loads(run("apply", "--json", "--yes").stdout)
    assert values["target"]["account"] == "123456789012"
    assert values["summary"]["create"] == 14
    assert [change["applied"] for change in values["changes"]] == [True] * 14
    again = json.loads(run("apply", "--json", "--yes").stdout)
    assert again["summary"] == {"create": 0, "update": 0, "delete": 0, "unchanged": 14}


def test_apply_as_json_that_fails_shows_what_was_applied(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document shows which changes were made, and the error is on standard error."""
    call = Aws.call

    def refused(self: Aws, service: str, method: str, /, **arguments: object) -> object:
        if arguments.get("filterName") == "shop-bad-request-error":
            raise AwsCallError(
                action="logs:PutMetricFilter", code="AccessDenied", message="", remedy="Allow it."
            )
        return call(self, service, method, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Aws, "call", refused)
        result = run("apply", "--json", "--yes")
    assert result.exit_code == 1
    changes = json.loads(result.stdout)["changes"]
    assert [change["applied"] for change in changes] == [True] * 3 + [False] * 11
    assert result.stderr.startswith(
        "Error: Could not create metric filter shop-bad-request-error: logs:PutMetricFilter "
        "failed with AccessDenied: Allow it.\nApplied: create log group shop, "
    )
    assert "Nothing was changed." not in result.stderr


def test_bootstrap_is_apply_and_its_dry_run_is_plan(run: Run) -> None:
    """The same output and exit codes, by the same options. Unsafe changes need --force."""
    assert run("bootstrap", "--dry-run").output == run("plan").output
    assert run("bootstrap", "--dry-run", "--check").exit_code == 3
    assert run("bootstrap", "--check").exit_code == 2
    done = run("bootstrap")
    assert "[14/14] created alarm shop-rate-limit-error\n" in done.output
    assert last(done) == "Applied: 14 created, 0 updated, 0 unchanged."
    unsafe = run("bootstrap", detectors=DEFAULT_DETECTORS[:1])
    assert (unsafe.exit_code, last(unsafe)) == (1, "Nothing was changed.")
    forced = run("bootstrap", "--force", "--json", detectors=DEFAULT_DETECTORS[:1])
    assert json.loads(forced.stdout)["summary"]["delete"] == 11


def test_who_has_to_confirm_is_said_after_apply(run: Run) -> None:
    """By name, and how. A web hook shows its host alone."""
    hook = "https://hooks.example.com/s3cret"
    settings = {"SNS_TOPIC": "ops", "SUBSCRIPTIONS": f"mailto:ann@example.com,{hook}"}
    done = run("apply", "--yes", **settings)
    assert done.output.splitlines()[-2:] == [
        "ann@example.com has to confirm for ops: AWS Notifications sent a mail with a link.",
        (
            "https://hooks.example.com/… has to confirm for ops: services such as PagerDuty do it "
            "by themselves, others open the SubscribeURL that SNS sent them."
        ),
    ]
    again = run("apply", **settings)  # moto confirms at once
    assert last(again) == "Nothing to change: 18 resources as declared."


def test_status_check_refuses_what_might_notify_no_one(aws: Aws, run: Run) -> None:
    """Exits with 3, with a sentence for each reason, as text and as JSON. Else with 0."""
    missing = run("status", "--check")
    assert missing.exit_code == 3
    warnings = [line for line in missing.output.splitlines() if line.startswith("Warning: ")]
    assert warnings == [
        "Warning: 14 resources differ from the declaration: `flask errwatch apply` changes that.",
        "Warning: The app has no alarms: `flask errwatch apply` creates those that it declares.",
    ]
    run("apply", "--yes", SNS_TOPIC="ops")
    settled = run("status", "--check", SNS_TOPIC="ops")
    assert (settled.exit_code, "Warning:" in settled.output) == (0, False)
    aws.call("cloudwatch", "disable_alarm_actions", AlarmNames=["shop-critical-error"])
    disabled = run("status", "--check", "--json", SNS_TOPIC="ops")
    assert disabled.exit_code == 3
    sentence = "shop-critical-error notifies no one: its actions are disabled."
    assert sentence in json.loads(disabled.stdout)["shortcomings"]
    assert run("status", SNS_TOPIC="ops").exit_code == 0


def test_a_mute_rule_that_stays_is_named_after_what_was_deleted(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of its deletion does not say that nothing was changed."""
    run("apply", "--yes")
    call = Aws.call
    arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm-mute-rule:shop-mute-1"

    def denied(self: Aws, service: str, method: str, /, **arguments: object) -> object:
        if method == "list_alarm_mute_rules":
            return {"AlarmMuteRuleSummaries": [{"AlarmMuteRuleArn": arn}]}
        if method == "delete_alarm_mute_rule":
            action = "cloudwatch:DeleteAlarmMuteRule"
            raise AwsCallError(action=action, code="AccessDenied", message="", remedy="Allow it.")
        return call(self, service, method, **arguments)

    monkeypatch.setattr(Aws, "call", denied)
    result = run("destroy", "--yes")
    assert result.exit_code == 1
    assert "Deleted last: 1 mute rule: shop-mute-1.\n" in result.stdout
    assert "Deleted: 13 resources, 1 kept.\n" in result.stdout
    assert result.stderr == (
        "Error: cloudwatch:DeleteAlarmMuteRule failed with AccessDenied: Allow it.\n"
    )


def test_an_interrupted_destroy_speaks_of_deletions(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was deleted and what was not, without a word of applying. Repeated, it finishes."""
    run("apply", "--yes")
    call = Aws.call

    def interrupted(self: Aws, service: str, method: str, /, **arguments: object) -> object:
        if (method, arguments.get("filterName")) == (
            *("delete_metric_filter", "shop-authentication-error"),
        ):
            raise KeyboardInterrupt
        return call(self, service, method, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Aws, "call", interrupted)
        result = run("destroy", "--yes")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: Interrupted: the change under way may or may not have been made.\n"
        "Deleted: metric filter shop-critical-error.\n"
        "Not deleted: metric filter shop-authentication-error, "
    )
    assert result.stderr.endswith("\nRun it again to finish: it deletes what is left.\n")
    assert last(run("destroy", "--yes")) == "Deleted: 12 resources, 1 kept."

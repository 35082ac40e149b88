"""`flask errwatch mute | unmute`, against the Stubber: moto has no alarm mute rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch import config as configuration
from flask_errwatch._aws import Aws
from flask_errwatch.cli import errwatch
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.provision import mute as muting
from flask_errwatch.provision.export.iam import iam_policy
from tests.provision.stubbed_aws import StubbedAws

NOW = datetime(2026, 11, 25, 12, 0, 20, tzinfo=UTC)
CONFIG = configuration.load({"ERRWATCH_TAGS": {"team": "web"}}, {}, app_name="shop")
TAGS = [
    {"Key": "managed-by", "Value": "flask-errwatch"},
    {"Key": "app", "Value": "shop"},
    {"Key": "team", "Value": "web"},
]
MARK = "managed-by=flask-errwatch app=shop"
RULES = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm-mute-rule:"


@pytest.fixture
def run(stubbed: StubbedAws, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command of the app `shop` with the stubbed account."""
    monkeypatch.setattr(Aws, "from_config", lambda *_, **__: stubbed)

    def ran(*arguments: str) -> Result:
        app = Flask("shop")
        app.config["ERRWATCH_TAGS"] = {"team": "web"}
        ErrWatch(app)
        app.cli.add_command(errwatch)
        return app.test_cli_runner().invoke(args=["errwatch", *arguments])

    return ran


def alarm(name: str, description: str = MARK) -> dict[str, object]:
    """A metric alarm as DescribeAlarms lists it."""
    return {"AlarmName": name, "AlarmArn": f"arn:{name}", "AlarmDescription": description}


def expect_alarms(aws: StubbedAws, metric: list[str], composite: list[str]) -> None:
    """Expects the list calls of the app's alarms. One of another owner is among them."""
    listed = {
        "MetricAlarm": [*map(alarm, metric), alarm("shop-of-others", "by hand")],
        "CompositeAlarm": [{**alarm(name), "AlarmRule": "TRUE"} for name in composite],
        "LogAlarm": [],
    }
    for kind, entries in listed.items():
        aws.expect(
            "describe_alarms",
            {f"{kind}s": entries},
            AlarmNamePrefix="shop-",
            AlarmTypes=[kind],
            MaxRecords=100,
        )


def expect_rules(aws: StubbedAws, *names: str) -> None:
    """Expects the list call of mute rules, with those of other apps."""
    until = datetime(2026, 11, 25, 12, 16, tzinfo=UTC)
    others = ("shop-admin-mute-1", "shop-mute-nightly", "shop-mute-1-mute-1")
    aws.expect(
        "list_alarm_mute_rules",
        {
            "AlarmMuteRuleSummaries": [
                {"AlarmMuteRuleArn": f"{RULES}{name}", "Status": "ACTIVE", "ExpireDate": until}
                for name in (*others, *names)
            ]
        },
        Statuses=["ACTIVE", "SCHEDULED"],
    )


def expect_put(aws: StubbedAws, name: str, alarms: list[str], **changed: object) -> None:
    """Expects a rule of 15 minutes from 12:01 on."""
    aws.expect(
        "put_alarm_mute_rule",
        {},
        **{
            "Name": name,
            "Description": f"release 4.2\n{MARK}",
            "Rule": {
                "Schedule": {
                    "Expression": "at(2026-11-25T12:01)",
                    "Duration": "PT15M",
                    "Timezone": "UTC",
                }
            },
            "MuteTargets": {"AlarmNames": alarms},
            "Tags": TAGS,
            "ExpireDate": datetime(2026, 11, 25, 12, 16, tzinfo=UTC),
            **changed,
        },
    )


def test_a_rule_names_the_apps_own_alarms_for_a_time(stubbed: StubbedAws) -> None:
    """Of every kind, from the next whole minute on, with the reason and the owner."""
    expect_alarms(stubbed, ["shop-critical-error"], ["shop-alarms"])
    expect_rules(stubbed)
    expect_put(stubbed, "shop-mute-1", ["shop-alarms", "shop-critical-error"])
    said = muting.mute(stubbed, CONFIG, 900, reason="release 4.2", now=NOW)
    assert said == ("Muted: 2 alarms, from 2026-11-25 12:01:00 UTC until 2026-11-25 12:16:00 UTC.")


def test_more_than_a_hundred_alarms_take_more_rules(stubbed: StubbedAws) -> None:
    """A rule names at most 100. One that an earlier mute left over is deleted."""
    names = [f"shop-d{number:03}" for number in range(101)]
    expect_alarms(stubbed, names, [])
    expect_rules(stubbed, "shop-mute-1", "shop-mute-3")
    expect_put(stubbed, "shop-mute-1", names[:100])
    expect_put(stubbed, "shop-mute-2", names[100:])
    stubbed.expect("delete_alarm_mute_rule", {}, AlarmMuteRuleName="shop-mute-3")
    assert muting.mute(stubbed, CONFIG, 841, reason="release 4.2", now=NOW).startswith(
        "Muted: 101 alarms,"
    )


def test_an_app_without_alarms_has_nothing_to_mute(
    stubbed: StubbedAws, run: Callable[..., Result]
) -> None:
    """A sentence, and no rule."""
    expect_alarms(stubbed, [], [])
    result = run("mute", "--for", "15m")
    assert result.exit_code == 1
    assert "run `flask errwatch apply` first" in result.output


@pytest.mark.parametrize(
    ("time", "code", "message"),
    [
        ("30s", 1, "at least one minute and at most 15 days"),
        ("16d", 1, "at least one minute and at most 15 days"),
        ("soon", 2, "Use a time such as 24h, with s, m, h, d or w."),
    ],
)
def test_a_time_that_cannot_work(
    run: Callable[..., Result], time: str, code: int, message: str
) -> None:
    """It is refused before any call."""
    result = run("mute", "--for", time)
    assert result.exit_code == code
    assert message in " ".join(result.output.split())


def test_unmute_deletes_only_the_apps_rules(
    stubbed: StubbedAws, run: Callable[..., Result]
) -> None:
    """Those of an app whose name is longer, and those of people, stay."""
    expect_rules(stubbed, "shop-mute-1", "shop-mute-2")
    stubbed.expect("delete_alarm_mute_rule", {}, AlarmMuteRuleName="shop-mute-1")
    stubbed.expect("delete_alarm_mute_rule", {}, AlarmMuteRuleName="shop-mute-2")
    assert run("unmute").output.endswith("\nUnmuted: 2 rules deleted.\n")
    expect_rules(stubbed)
    assert run("unmute").output.endswith("\nNo alarm was muted.\n")


def test_an_older_boto3_is_one_sentence(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what can be done instead."""
    monkeypatch.setattr(Aws, "has", lambda *_: False)
    for arguments in (("mute", "--for", "15m"), ("unmute",)):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "This boto3 has no alarm mute rules" in result.output
        assert "aws cloudwatch disable-alarm-actions" in result.output


def test_status_shows_what_is_muted_and_until_when(stubbed: StubbedAws) -> None:
    """As a section, below the alarms."""
    from flask_errwatch.provision.plan import Plan
    from flask_errwatch.provision.status_report import Status

    expect_rules(stubbed, "shop-mute-1")
    (muted,) = muting.read_mutes(stubbed, CONFIG)
    status = Status(plan=Plan(entries=()), alarms=(), subscriptions=(), mutes=(str(muted),))
    assert (
        "Muted: the alarms notify no one (flask errwatch unmute).\n"
        "  muted  shop-mute-1 until 2026-11-25 12:16:00 UTC\n"
    ) in str(status)
    assert status.to_dict()["mutes"] == ["shop-mute-1 until 2026-11-25 12:16:00 UTC"]


def test_the_deployment_may_mute_its_own_alarms() -> None:
    """PutAlarmMuteRule needs the rule and each alarm."""
    catalogue = Catalogue(DEFAULT_DETECTORS).configured(CONFIG)
    statements = iam_policy("deploy", catalogue, CONFIG)["Statement"]
    assert isinstance(statements, list)
    by_sid = {one["Sid"]: one for one in statements}
    assert by_sid["MuteRules"]["Resource"].endswith(":alarm-mute-rule:shop-mute-*")
    assert by_sid["MuteRules"]["Action"] == [
        *("cloudwatch:DeleteAlarmMuteRule", "cloudwatch:PutAlarmMuteRule"),
        "cloudwatch:TagResource",
    ]
    assert "cloudwatch:PutAlarmMuteRule" in by_sid["Alarms"]["Action"]
    assert "cloudwatch:ListAlarmMuteRules" in by_sid["UnscopedActions"]["Action"]

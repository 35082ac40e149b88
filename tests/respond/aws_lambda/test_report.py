"""A function that only reports: one message for each transition, and no other write."""

from __future__ import annotations

import json
from types import SimpleNamespace

import boto3
import pytest

from flask_errwatch.errors import AwsCallError, ConfigurationError
from tests.logged_probes import line, put
from tests.respond.aws_lambda import alarm_events as events
from tests.respond.aws_lambda.conftest import OTHER, SCANNER, Function, fire, new_process, now


def test_the_answer_of_why(function: Function) -> None:
    """Who it was and the next command, with a subject and a mark. Nothing else is written."""
    (result,) = function(events.sns(events.notification(at=now())))
    assert result.endswith("published.")
    (message,) = function.messages()
    subject = f"[flask-errwatch] shop-not-found-error: path scan by {SCANNER} and 1 more"
    assert message["Subject"] == subject
    assert message["Message"].startswith("shop-not-found-error   ALARM since ")
    assert "A path scan by " in message["Message"]
    assert f"Next: flask errwatch block {SCANNER}" in message["Message"]
    assert message["MessageAttributes"]["flask_errwatch"] == {"Type": "String", "Value": "report"}
    assert function.writes == ["publish"]
    assert function.waf.calls == []


@pytest.mark.parametrize("shape", ["sns", "action", "eventbridge", "direct"])
def test_each_way(function: Function, shape: str) -> None:
    """Whatever way an alarm takes."""
    at = now()
    event = {
        "sns": events.sns(events.notification(at=at)),
        "action": events.action(at=at),
        "eventbridge": events.eventbridge(at=at),
        "direct": events.notification(at=at),
    }[shape]
    function(event)
    assert len(function.messages()) == 1


def test_delivered_twice(
    function: Function, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message, also where it comes by two ways, and where another process has the second."""
    at = now()
    function(events.sns(events.notification(at=at)))
    (known,) = [text for text in capsys.readouterr().out.splitlines() if text.startswith("{")]
    assert function(events.action(at=at)) == [f"{events.ALARM}: its report was published before."]
    new_process(monkeypatch)
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/respond")
    monkeypatch.setenv("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/respond")
    monkeypatch.setenv("AWS_REGION", events.REGION)
    put(
        [{"flask_errwatch": "published", "key": "other"}, json.loads(known)],
        "/aws/lambda/respond",
        ago=0,
    )
    assert function(events.action(at=at)) == [f"{events.ALARM}: its report was published before."]
    assert len(function.messages()) == 1
    function(events.action(at="2026-11-29T02:06:00.251"))
    assert len(function.messages()) == 1
    assert function.writes == ["publish", "publish"]


def test_a_log_that_cannot_be_read(
    function: Function, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second message is better than none. The reason is in the log."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/missing")
    monkeypatch.setenv("AWS_REGION", events.REGION)
    function(events.action(at=now()))
    assert (
        "Whether it was reported before is not known: logs:FilterLogEvents"
        in capsys.readouterr().out
    )
    assert len(function.messages()) == 1


def test_its_own_echo(function: Function) -> None:
    """A function that is subscribed to the topic of its reports ignores them."""
    function(events.sns(events.notification(at=now())))
    (message,) = function.messages()
    (publish,) = [call for call in function.calls if call.method == "publish"]
    forms = json.loads(publish.arguments["Message"])
    function.calls.clear()
    assert json.loads(forms["lambda"])["flask_errwatch"] == "report"
    assert message["Message"] == forms["default"]
    for echo in (
        events.sns(forms["lambda"]),
        events.sns(message["Message"], flask_errwatch="report"),
        events.sns(message["Message"]),
    ):
        (result,) = function(echo)
        assert result.startswith("Ignored: The message is ")
    assert function.calls == []


def test_alarms_of_others(function: Function) -> None:
    """Of another program, on no line: ignored. Of the app without an answer: that is reported."""
    cloudwatch = boto3.client("cloudwatch")
    for name in ("orders-cpu", "shop-cpu"):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/RDS",
            MetricName="CPUUtilization",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=90,
            ComparisonOperator="GreaterThanThreshold",
        )
        fire(name)
    (result,) = function(events.action("orders-cpu", at=now()))
    assert result.startswith("Ignored: alarm = 'orders-cpu': No line feeds its metric")
    assert function.messages() == []
    function(events.action("shop-cpu", at=now()))
    (message,) = function.messages()
    assert message["Subject"] == "[flask-errwatch] shop-cpu: no answer"
    assert "shop-cpu went to ALARM at " in message["Message"]
    assert "No line feeds its metric" in " ".join(message["Message"].split())


def test_another_account(function: Function) -> None:
    """Its alarm has the name of one of ours."""
    context = SimpleNamespace(
        invoked_function_arn="arn:aws:lambda:eu-central-1:210987654321:function:f"
    )
    (result,) = function(events.action(at=now()), context)
    assert result == "Ignored: 123456789012, the account of the alarm, is another."
    assert function.calls == []


def test_the_region_of_the_alarm(function: Function) -> None:
    """It is asked there, and reported in the region of the topic."""
    event = events.action(at=now())
    event["alarmArn"] = events.arn(region="us-west-2")
    (result,) = function(event)
    assert "no answer: published." in result
    assert "It has no alarm in AWS" in " ".join(function.messages()[0]["Message"].split())


def test_hostile_lines(function: Function) -> None:
    """No character of a stranger that a terminal obeys or hides is in subject or text."""
    hostile = "\x1b]0;owned\x07\u202ea\u200b</script>"
    put([line(OTHER, path=f"/{hostile}", user_agent=hostile) for _ in range(30)])
    function(events.sns(events.notification(at=now())))
    (message,) = function.messages()
    assert all(one.isprintable() for one in message["Message"].splitlines())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("APP_NAME", "", "ERRWATCH_APP_NAME = None: No app is imported"),
        ("REPORT_TOPIC", "reports", "ERRWATCH_REPORT_TOPIC = 'reports': Use the complete ARN"),
        ("REPORT_TOPIC", "", "ERRWATCH_REPORT_TOPIC"),
        ("AUTO_BLOCK", "1", "ERRWATCH_AUTO_BLOCK = True: It needs the IP sets"),
    ],
)
def test_a_wrong_configuration(
    function: Function, capsys: pytest.CaptureFixture[str], name: str, value: str, message: str
) -> None:
    """One sentence in the log, and a failed invocation."""
    function.set_env(f"ERRWATCH_{name}", value)
    with pytest.raises(ConfigurationError):
        function(events.action(at=now()))
    (text,) = capsys.readouterr().out.splitlines()
    assert text.startswith(f"Failed: {message}")
    assert function.calls == []


def test_a_refused_message(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    """The other records are answered all the same, and a second try publishes what is missing."""
    good = events.notification(at=now())
    bad = events.notification(at="2026-11-29T02:06:00.000")
    event = events.sns("hello", good)
    function.set_env("ERRWATCH_REPORT_TOPIC", f"arn:aws:sns:{events.REGION}:{events.ACCOUNT}:none")
    with pytest.raises(AwsCallError):
        function(event)
    out = capsys.readouterr().out
    assert "Ignored: The message is not about an alarm." in out
    assert "Failed: sns:Publish failed with " in out
    function.set_env(
        "ERRWATCH_REPORT_TOPIC", f"arn:aws:sns:{events.REGION}:{events.ACCOUNT}:reports"
    )
    function(event)
    function(events.sns(bad))
    assert len(function.messages()) == 2

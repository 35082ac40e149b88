"""`flask errwatch verify`: lines, patterns and what AWS has of them; moto, and where it lacks, us.

moto does not know TestMetricFilter. Here botocore's client checks the call against the service's
own model, and its answer is given as the API Reference has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from click.testing import Result
from flask import Flask
from moto.server import ThreadedMotoServer

from flask_errwatch import DEFAULT_DETECTORS, Catalogue, Detector, ErrWatch
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.cli.commands import errwatch as commands
from flask_errwatch.config import Config, load
from flask_errwatch.doctor.verification import VerificationError, sample, verify
from flask_errwatch.errors import AwsCallError
from flask_errwatch.patterns import parse

#: Whether a pattern matches a message, by AWS.
Matches = Callable[[str, str], bool]


class Loose(Detector):
    """A detector whose pattern is the plain text, as people wrote it before."""

    @property
    def pattern(self) -> str:
        """Found wherever the phrase stands in a line."""
        return f'"{self.event}"'


class Broken(Detector):
    """A detector whose pattern is none."""

    @property
    def pattern(self) -> str:
        """CloudWatch knows no `==`."""
        return f'{{ $.event == "{self.event}" }}'


def configured(*detectors: Detector) -> tuple[Catalogue, Config]:
    """The detectors as an app has them, and its configuration."""
    config = load({}, {}, app_name="shop")
    return Catalogue(detectors or DEFAULT_DETECTORS).configured(config), config


def run(*arguments: str, detectors: tuple[Detector, ...] = DEFAULT_DETECTORS) -> Result:
    """The command on an app with these detectors."""
    app = Flask("shop")
    ErrWatch(app, detectors=detectors)
    app.cli.add_command(commands)
    return app.test_cli_runner().invoke(args=["errwatch", "verify", *arguments])


class Live:
    """An AWS account: moto's server, and a TestMetricFilter beside it.

    Attributes:
        matches: How its TestMetricFilter judges.
        asked: Pattern and number of messages of each of its calls.
        calls: The name of every other call.
    """

    def __init__(self) -> None:
        self.matches: Matches = lambda pattern, message: parse(pattern).matches(message)
        self.asked: list[tuple[str, int]] = []
        self.calls: list[str] = []

    def answer(self, model: Any, params: dict[str, Any], **_: object) -> object:
        """Answers TestMetricFilter itself; any other call goes on to moto."""
        if model.name != "TestMetricFilter":
            self.calls.append(model.name)
            return None
        asked = json.loads(params["body"])
        pattern, messages = asked["filterPattern"], asked["logEventMessages"]
        self.asked.append((pattern, len(messages)))
        found = [
            {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
            for number, message in enumerate(messages, start=1)
            if self.matches(pattern, message)
        ]
        return SimpleNamespace(status_code=200), {"matches": found}


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    """The address of moto's server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def live(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Live:
    """An account in which the app `shop` was bootstrapped with the default detectors."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    app = Flask("shop")
    ErrWatch(app).bootstrap_alarms()
    account, plain = Live(), Aws.client

    def client(self: Aws, service: str) -> Any:
        made = plain(self, service)
        made.meta.events.register("before-call", account.answer, unique_id="live")
        return made

    monkeypatch.setattr(Aws, "client", client)
    return account


def test_the_defaults_are_verified() -> None:
    """One line says what was verified, and nothing was asked of AWS."""
    result = run()
    assert result.output == (
        "Verified 7 detectors: each one's sample line matches its own pattern and no other's, "
        "by the local judge.\n"
    )
    assert result.exit_code == 0


def test_one_detector_is_one() -> None:
    """A catalogue may be small, and its detector without a status."""
    verification = verify(*configured(Detector(name="login-failed", event="Login Failed")))
    assert str(verification).startswith("Verified 1 detector: ")


def test_a_sample_is_a_line_that_tries_to_be_another() -> None:
    """It has the detector's own phrase and status, and every other phrase in each open field."""
    catalogue, config = configured()
    line = json.loads(sample(catalogue.named("not-found-error"), catalogue, config))
    assert (line["event"], line["status"], line["app"]) == ("Not Found Error", 404, "shop")
    others = [each.event for each in DEFAULT_DETECTORS if each.event != "Not Found Error"]
    assert len(others) == 6
    for phrase in others:
        assert phrase in line["user_agent"]
        assert phrase.replace(" ", "%20") in line["path"]
        assert phrase in line["data"]["event"]
        assert phrase in line["exception"]["message"]


def test_a_pattern_that_others_can_trigger_is_found() -> None:
    """A plain phrase is matched by whoever writes it into a request: each such line is named."""
    guessed = Loose(name="guessed", event="Guessed")
    result = run(detectors=(*DEFAULT_DETECTORS, guessed))
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0] == (
        "Error: pattern of guessed = '\"Guessed\"': It must not match the lines of "
        "critical-error; by the local judge it does."
    )
    assert len(lines) == 7


def test_a_pattern_that_misses_its_own_lines_is_found() -> None:
    """A phrase in other letters than the line's counts nothing."""

    class Shouting(Detector):
        @property
        def pattern(self) -> str:
            return f'{{ $.event = "{self.event.upper()}" }}'

    with pytest.raises(VerificationError) as caught:
        verify(*configured(Shouting(name="quiet", event="Quiet")))
    assert str(caught.value) == (
        "pattern of quiet = '{ $.event = \"QUIET\" }': It must match the detector's own lines; "
        "by the local judge it does not."
    )


def test_a_pattern_that_is_none_is_shown() -> None:
    """The caret stands under the mistake, and the exit code is 1."""
    result = run(detectors=(Broken(name="broken", event="Broken"),))
    assert result.exit_code == 1
    assert result.output.splitlines()[:3] == [
        "Error: ",
        '{ $.event == "Broken" }',
        "           ^",
    ]


def test_an_app_that_is_not_watched() -> None:
    """There is nothing to verify, and the message says what to call."""
    app = Flask("bare")
    app.cli.add_command(commands)
    result = app.test_cli_runner().invoke(args=["errwatch", "verify"])
    assert result.exit_code == 1
    assert result.output == "Error: app = 'bare': Call init_app on this app first.\n"


def test_live_asks_aws_about_every_pattern(live: Live) -> None:
    """Each pattern is tested with all lines, the stored ones are compared, nothing is written."""
    result = run("--live")
    assert result.output == (
        "Verified 7 detectors: each one's sample line matches its own pattern and no other's, "
        "by the local judge and by AWS; the patterns stored in AWS are the catalogue's.\n"
    )
    assert result.exit_code == 0
    assert live.asked == [(each.pattern, 7) for each in DEFAULT_DETECTORS]
    assert live.calls == ["DescribeMetricFilters"]


def test_live_names_what_aws_judges_otherwise(live: Live) -> None:
    """A line that AWS counts twice, and one that it does not count, are each said once."""

    def otherwise(pattern: str, message: str) -> bool:
        event = json.loads(message)["event"]
        if event == "Rate Limit Error":
            return "Client Error" in pattern
        return event in pattern

    live.matches = otherwise
    result = run("--live")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        (
            "Error: pattern of rate-limit-error = '{ $.event = \"Rate Limit Error\" }': It must "
            "match the detector's own lines; by AWS it does not."
        ),
        (
            "pattern of client-error = '{ $.event = \"Client Error\" }': It must not match the "
            "lines of rate-limit-error; by AWS it does."
        ),
    ]


def test_live_asks_about_fifty_lines_at_a_time(live: Live) -> None:
    """More detectors than one call takes are asked about in several, and none is left out."""
    detectors = [Detector(name=f"d-{number}", event=f"Event {number}") for number in range(51)]
    with pytest.raises(VerificationError) as caught:
        verify(*configured(*detectors), Aws(patience=PROVISIONING))
    assert [count for _, count in live.asked] == [50, 1] * 51
    # Only what was never created is missing.
    assert len(caught.value.problems) == 51
    assert str(caught.value.problems[50]) == (
        "metric filter = 'shop-d-50': It does not stand in log group shop: "
        "run `flask errwatch bootstrap`."
    )


@pytest.mark.usefixtures("live")
def test_live_finds_a_pattern_that_was_changed_by_hand() -> None:
    """What stands in AWS, what the catalogue has, and how to mend it."""
    transformation = {"metricNamespace": "x", "metricName": "x", "metricValue": "1"}
    logs = boto3.client("logs")
    logs.delete_metric_filter(logGroupName="shop", filterName="shop-client-error")
    logs.put_metric_filter(
        logGroupName="shop",
        filterName="shop-client-error",
        filterPattern="Client Error",
        metricTransformations=[transformation],
    )
    result = run("--live")
    assert result.exit_code == 1
    assert result.output == (
        "Error: pattern stored as shop-client-error = 'Client Error': The catalogue has "
        '{ $.event = "Client Error" }: run `flask errwatch bootstrap`.\n'
    )


ONE = Detector(name="login-failed", event="Login Failed")


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """CloudWatch Logs, of which every awaited call has to be made."""
    client = boto3.client(
        "logs", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(Aws, "client", lambda _self, _service: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_live_without_a_log_group(stubbed: Stubber) -> None:
    """AWS refuses to list the filters of a group that is not there (moto lists none)."""
    arguments = {"filterPattern": ANY, "logEventMessages": ANY}
    stubbed.add_response("test_metric_filter", {"matches": []}, arguments)
    stubbed.add_client_error("describe_metric_filters", "ResourceNotFoundException")
    result = run("--live", detectors=(ONE,))
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        (
            "Error: pattern of login-failed = '{ $.event = \"Login Failed\" }': It must match the "
            "detector's own lines; by AWS it does not."
        ),
        "log group = 'shop': It does not stand in AWS: run `flask errwatch bootstrap`.",
    ]


def test_live_without_permission(stubbed: Stubber) -> None:
    """A refused call is one sentence with the IAM action, and exit code 1."""
    stubbed.add_client_error("test_metric_filter", "AccessDeniedException", "no")
    result = run("--live", detectors=(ONE,))
    assert result.exit_code == 1
    assert result.output == (
        "Error: logs:TestMetricFilter failed with AccessDeniedException (no): "
        "Allow logs:TestMetricFilter in the IAM policy of this process's role.\n"
    )


def test_live_without_permission_to_list(stubbed: Stubber) -> None:
    """Any other failure of the listing is raised as what it is."""
    stubbed.add_response("test_metric_filter", {"matches": []})
    stubbed.add_client_error("describe_metric_filters", "AccessDeniedException", "no")
    with pytest.raises(AwsCallError, match="Allow logs:DescribeMetricFilters"):
        verify(*configured(ONE), Aws(patience=PROVISIONING))

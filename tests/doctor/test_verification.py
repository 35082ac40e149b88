"""`flask errwatch verify` against the local judge, and against moto with a TestMetricFilter.

moto has no TestMetricFilter. Here botocore's client checks the call against the service's own
model, and the response has the form of the API Reference.
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

from flask_errwatch import DEFAULT_DETECTORS, Catalogue, Detector, ErrWatch
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.cli.commands import errwatch as commands
from flask_errwatch.config import Config, load
from flask_errwatch.doctor.samples import sample_line, samples_of
from flask_errwatch.doctor.verification import VerificationError, verify
from flask_errwatch.errors import AwsCallError
from flask_errwatch.patterns import parse

#: Whether a pattern matches a message, for TestMetricFilter.
Matches = Callable[[str, str], bool]


class Loose(Detector):
    """A detector whose pattern is a plain term."""

    @property
    def pattern(self) -> str:
        """Matches wherever the event name is in a line."""
        return f'"{self.event}"'


class Broken(Detector):
    """A detector whose pattern is not valid."""

    @property
    def pattern(self) -> str:
        """CloudWatch has no operator `==`."""
        return f'{{ $.event == "{self.event}" }}'


def configured(*detectors: Detector) -> tuple[Catalogue, Config]:
    """The detectors configured as in an app, and its configuration."""
    config = load({}, {}, app_name="shop")
    return Catalogue(detectors or DEFAULT_DETECTORS).configured(config), config


def run(*arguments: str, detectors: tuple[Detector, ...] = DEFAULT_DETECTORS) -> Result:
    """Runs the command for an app with these detectors."""
    app = Flask("shop")
    ErrWatch(app, detectors=detectors)
    app.cli.add_command(commands)
    return app.test_cli_runner().invoke(args=["errwatch", "verify", *arguments])


class Live:
    """An AWS account: moto's server with a TestMetricFilter.

    Attributes:
        matches: The judge behind TestMetricFilter.
        tested: Pattern and number of messages of each TestMetricFilter.
        calls: The name of every other call.
    """

    def __init__(self) -> None:
        self.matches: Matches = lambda pattern, message: parse(pattern).matches(message)
        self.tested: list[tuple[str, int]] = []
        self.calls: list[str] = []

    def answer(self, model: Any, params: dict[str, Any], **_: object) -> object:
        """Answers TestMetricFilter. Any other call is left to moto."""
        if model.name != "TestMetricFilter":
            self.calls.append(model.name)
            return None
        arguments = json.loads(params["body"])
        pattern, messages = arguments["filterPattern"], arguments["logEventMessages"]
        self.tested.append((pattern, len(messages)))
        matches = [
            {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
            for number, message in enumerate(messages, start=1)
            if self.matches(pattern, message)
        ]
        return SimpleNamespace(status_code=200), {"matches": matches}


@pytest.fixture
def live(account: None, monkeypatch: pytest.MonkeyPatch) -> Live:  # noqa: ARG001 - a fixture asks for another by its name
    """An account where only the app `shop` was bootstrapped, with the default detectors."""
    app = Flask("shop")
    ErrWatch(app).bootstrap_alarms()
    in_aws, plain = Live(), Aws.client

    def answered(self: Aws, service: str) -> Any:
        client = plain(self, service)
        client.meta.events.register("before-call", in_aws.answer, unique_id="live")
        return client

    monkeypatch.setattr(Aws, "client", answered)
    return in_aws


def test_the_defaults_are_verified() -> None:
    """One line states what was verified, and AWS is not called."""
    result = run()
    assert result.output == (
        "Verified 9 detectors: each sample line belongs to one detector, and each condition "
        "matches exactly the lines that it means, by the local judge.\n"
    )
    assert result.exit_code == 0


def test_a_single_detector() -> None:
    """The number is in the singular, also for a detector without a status."""
    verification = verify(*configured(Detector(name="login-failed", event="Login Failed")))
    assert str(verification).startswith("Verified 1 detector: ")


def test_a_sample_line_tries_to_match_other_patterns() -> None:
    """It has the detector's event and status, and all other events in each field of the client."""
    catalogue, config = configured()
    line = json.loads(sample_line(catalogue.named("not-found-error"), catalogue, config))
    assert (line["event"], line["status"], line["app"]) == ("Not Found Error", 404, "shop")
    others = [
        detector.event
        for detector in DEFAULT_DETECTORS
        if detector.event not in {None, "Not Found Error"}
    ]
    assert len(others) == 6
    for phrase in map(str, others):
        assert phrase in line["user_agent"]
        assert phrase.replace(" ", "%20") in line["path"]
        assert phrase in line["data"]["event"]
        assert phrase in line["exception"]["message"]


def test_a_pattern_that_matches_other_lines_is_reported() -> None:
    """Any client can write a plain term into a request: each line that matches is named."""
    guessed = Loose(name="guessed", event="Guessed")
    result = run(detectors=(*DEFAULT_DETECTORS, guessed))
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0] == (
        "Error: pattern of guessed = '\"Guessed\"': It must not match the lines of "
        "critical-error; by the local judge it does."
    )
    assert len(lines) == 7


def test_a_pattern_that_misses_its_own_lines_is_reported() -> None:
    """A pattern with another case than the event matches nothing."""

    class Shouting(Detector):
        @property
        def pattern(self) -> str:
            return f'{{ $.event = "{(self.event or "").upper()}" }}'

    with pytest.raises(VerificationError) as caught:
        verify(*configured(Shouting(name="quiet", event="Quiet")))
    assert str(caught.value) == (
        "pattern of quiet = '{ $.event = \"QUIET\" }': It must match the detector's own lines; "
        "by the local judge it does not."
    )


def test_an_invalid_pattern_is_shown() -> None:
    """The caret is under the mistake, and the exit code is 1."""
    result = run(detectors=(Broken(name="broken", event="Broken"),))
    assert result.exit_code == 1
    assert result.output.splitlines()[:3] == [
        "Error: ",
        '{ $.event == "Broken" }',
        "           ^",
    ]


def test_an_app_without_the_extension() -> None:
    """There is nothing to verify, and the error names what to call."""
    app = Flask("bare")
    app.cli.add_command(commands)
    result = app.test_cli_runner().invoke(args=["errwatch", "verify"])
    assert result.exit_code == 1
    assert result.output == "Error: app = 'bare': Call ErrWatch(app), or init_app in its factory.\n"


def test_live_tests_every_pattern_in_aws(live: Live) -> None:
    """Each pattern is tested with all lines, the stored ones are compared, nothing is written."""
    result = run("--live")
    assert result.output == (
        "Verified 9 detectors: each sample line belongs to one detector, and each condition "
        "matches exactly the lines that it means, by the local judge and by AWS; the patterns "
        "stored in AWS are the catalogue's.\n"
    )
    assert result.exit_code == 0
    assert live.tested == [
        (detector.pattern, lines) for detector in DEFAULT_DETECTORS for lines in (50, 49)
    ]
    assert live.calls == ["DescribeMetricFilters"]


def test_live_reports_what_aws_judges_differently(live: Live) -> None:
    """A line that AWS counts twice and one that it does not count are each reported once."""

    def otherwise(pattern: str, message: str) -> bool:
        if json.loads(message)["event"] == "Rate Limit Error" and "$.event" in pattern:
            return "Client Error" in pattern
        return parse(pattern).matches(message)

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


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (
            lambda pattern: pattern.replace("$.suspicion > 0", "$.suspicion >= 0"),
            "It must not match the lines of critical-error with $.suspicion = 0; by AWS it does.",
        ),
        (
            lambda pattern: pattern.replace("&& $.status < 500", "&& $.status < 499"),
            "It must match the lines of critical-error with $.status = 499; by AWS it does not.",
        ),
        (
            # Some emulators let `!=` match a line without the field.
            lambda pattern: pattern.replace('$.referrer != "same"', "$.referrer NOT EXISTS"),
            "It must not match the detector's own lines",
        ),
    ],
)
def test_live_tests_lines_on_both_sides_of_a_condition(
    live: Live, wrong: Callable[[str], str], problem: str
) -> None:
    """Also without the field. Of many lines of one detector, the first is named."""
    live.matches = lambda pattern, message: parse(wrong(pattern)).matches(message)
    result = run("--live")
    assert result.exit_code == 1
    assert problem in result.output.splitlines()[0]
    assert len(result.output.splitlines()) <= 7


CONDITIONS = [
    '$.status = 404 || ($.data.tries >= 1.5 && $.data.name = "ann")',
    '$.data.name != "ann" && $.data.name NOT EXISTS',
    "$.data.ok IS TRUE || $.data.ok IS NULL || $.data.ok IS FALSE",
    '$.path = "/wp-*" && $.data.list[0] = 1',
    '$.event = "Not Found Error" && $.data.* != 5',
    "$.a = 1 && $.b = 1 && $.c = 1 && $.d = 1 && $.e.f.g = 1",
    '$.status = "404" || $.data.tries = "2" || $.data.name > 1',
]


@pytest.mark.parametrize("where", CONDITIONS)
def test_conditions_of_every_form_are_verified(where: str) -> None:
    """Numbers, text, constants, missing fields, and what only the matcher decides."""
    catalogue, config = configured(
        *DEFAULT_DETECTORS,
        Detector(name="one", where=where),
        Detector(name="own", event="Own", where=where),
    )
    assert verify(catalogue, config).conditions == 5
    lines = [
        sample.line for sample in samples_of(catalogue, config) if sample.detector.name == "own"
    ]
    assert 1 < len(lines) < 200


def test_live_tests_fifty_lines_per_call(live: Live) -> None:
    """More lines than one call takes are tested in several calls."""
    detectors = [Detector(name=f"d-{number}", event=f"Event {number}") for number in range(51)]
    with pytest.raises(VerificationError) as caught:
        verify(*configured(*detectors), Aws(patience=PROVISIONING))
    assert [count for _, count in live.tested] == [50, 1] * 51
    # Of the app's own detectors none was bootstrapped.
    assert len(caught.value.problems) == 51
    assert str(caught.value.problems[50]) == (
        "metric filter = 'shop-d-50': It does not exist in log group shop: "
        "run `flask errwatch apply`."
    )


@pytest.mark.usefixtures("live")
def test_live_reports_a_pattern_that_was_changed_by_hand() -> None:
    """The error has the stored pattern, the catalogue's, and the remedy."""
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
        '{ $.event = "Client Error" }: run `flask errwatch apply`.\n'
    )


@pytest.mark.usefixtures("live")
def test_live_refuses_filters_that_count_lines_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """With collapsed lines, a filter whose value is 1 would count each of them as one event."""
    monkeypatch.setenv("ERRWATCH_COLLAPSE_SECONDS", "1")
    result = run("--live")
    assert result.exit_code == 1
    # `shop-scan` sums a field of its own, collapsed or not.
    assert result.output.count("value stored as shop-") == len(DEFAULT_DETECTORS) - 1
    assert "shop-scan" not in result.output
    assert (
        "value stored as shop-client-error = '1': With this ERRWATCH_COLLAPSE_SECONDS it is "
        "$.count: run `flask errwatch apply`." in result.output
    )


LOGIN_FAILED = Detector(name="login-failed", event="Login Failed")


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """CloudWatch Logs with scripted calls, each of which must be made."""
    client = boto3.client(
        "logs", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(Aws, "client", lambda _self, _service: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_live_without_a_log_group(stubbed: Stubber) -> None:
    """AWS rejects listing the filters of a group that does not exist (moto lists none)."""
    arguments = {"filterPattern": ANY, "logEventMessages": ANY}
    stubbed.add_response("test_metric_filter", {"matches": []}, arguments)
    stubbed.add_client_error("describe_metric_filters", "ResourceNotFoundException")
    result = run("--live", detectors=(LOGIN_FAILED,))
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        (
            "Error: pattern of login-failed = '{ $.event = \"Login Failed\" }': It must match the "
            "detector's own lines; by AWS it does not."
        ),
        "log group = 'shop': It does not exist in AWS. Run `flask errwatch apply`.",
    ]


def test_live_without_permission(stubbed: Stubber) -> None:
    """A denied call is one sentence with the IAM action, and exit code 1."""
    stubbed.add_client_error("test_metric_filter", "AccessDeniedException", "no")
    result = run("--live", detectors=(LOGIN_FAILED,))
    assert result.exit_code == 1
    assert result.output == (
        "Error: logs:TestMetricFilter failed with AccessDeniedException (no): "
        "Allow logs:TestMetricFilter in the IAM policy of this process's role.\n"
    )


def test_live_without_permission_to_list(stubbed: Stubber) -> None:
    """Any other failure of the listing is raised unchanged."""
    stubbed.add_response("test_metric_filter", {"matches": []})
    stubbed.add_client_error("describe_metric_filters", "AccessDeniedException", "no")
    with pytest.raises(AwsCallError, match="Allow logs:DescribeMetricFilters"):
        verify(*configured(LOGIN_FAILED), Aws(patience=PROVISIONING))

"""Which account, region and endpoint a command works on, and what it says when none answers."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.cli import errwatch
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.target import AwsTarget
from tests.answering import answering

Run = Callable[..., Result]

IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::{0}:user/ann</Arn><UserId>ann</UserId>
<Account>{0}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""
#: botocore waits before each further attempt.
BACKOFF = "botocore.retries.standard.ExponentialBackoff.delay_amount"


@pytest.fixture
def run(account: None, monkeypatch: pytest.MonkeyPatch) -> Run:  # noqa: ARG001 - the environment
    """Runs a command of the app `shop`. It waits for no one."""
    monkeypatch.setattr(BACKOFF, lambda *_: 0)
    patience = PROVISIONING._replace(connect=0.3, read=5)
    monkeypatch.setattr("flask_errwatch._aws.PROVISIONING", patience)

    def ran(*arguments: str, answer: str | None = None, **settings: object) -> Result:
        app = Flask("shop")
        app.config.update({f"ERRWATCH_{name}": value for name, value in settings.items()})
        ErrWatch(app)
        return app.test_cli_runner().invoke(errwatch, arguments, input=answer)

    return ran


def endpoint() -> str:
    """The endpoint of moto's server."""
    return os.environ["AWS_ENDPOINT_URL"]


def closed_port() -> str:
    """A URL at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("command", ["plan", "apply", "status", "destroy", "doctor"])
def test_every_command_begins_with_where_it_works(run: Run, command: str) -> None:
    """Account, region and endpoint are the first line, before anything is read or changed."""
    first = run(command, answer="n\n").output.splitlines()[0]
    assert first == f"Account 123456789012 in eu-central-1, endpoint {endpoint()}"


@pytest.mark.parametrize(
    "command", [("plan",), ("apply", "--yes"), ("bootstrap",), ("status",), ("doctor",)]
)
def test_documents_have_the_target_too(run: Run, command: tuple[str, ...]) -> None:
    """As an object of its own. Nothing else is printed."""
    assert json.loads(run(*command, "--json").stdout)["target"] == {
        "account": "123456789012",
        "region": "eu-central-1",
        "endpoint": endpoint(),
        "profile": None,
    }


def test_the_region_is_that_of_the_option(run: Run) -> None:
    """It overrides the configuration for this command: the group is created there alone."""
    done = run("apply", "--yes", "--region", "us-west-2", REGION="eu-west-1")
    assert done.output.startswith("Account 123456789012 in us-west-2, ")
    groups = {
        region: boto3.client("logs", region_name=region).describe_log_groups()["logGroups"]
        for region in ("us-west-2", "eu-west-1", "eu-central-1")
    }
    assert {region: len(found) for region, found in groups.items()} == {
        "us-west-2": 1,
        "eu-west-1": 0,
        "eu-central-1": 0,
    }


def test_a_region_that_is_none_is_wrong_usage(run: Run) -> None:
    """The option is checked as the configuration key is."""
    result = run("plan", "--region", "frankfurt!")
    assert result.exit_code == 2
    assert "'frankfurt!': Use the name of an AWS region, such as 'eu-central-1'." in result.output


def test_the_profile_decides_who_asks(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its credentials are used even where others are in the environment, and it is named."""
    credentials = tmp_path / "credentials"
    credentials.write_text("[prod]\naws_access_key_id=PRODKEY\naws_secret_access_key=x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))

    def identity(_: int, authorization: str) -> tuple[int, str]:
        number = "999988887777" if "Credential=PRODKEY/" in authorization else "111122223333"
        return 200, IDENTITY.format(number)

    with answering(identity) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        given, default = run("plan", "--profile", "prod"), run("plan")
    assert given.output.splitlines()[0] == (
        f"Account 999988887777 according to STS at {sts.url} in eu-central-1, "
        f"with {listed(sts=sts.url)}, profile prod"
    )
    assert default.output.startswith("Account 111122223333 according to STS at ")
    assert "profile" not in default.output.splitlines()[0]


def test_an_unknown_profile_is_one_sentence(run: Run) -> None:
    """It blames no call, since none was made, and says how profiles are listed."""
    result = run("plan", "--profile", "nobody")
    assert result.exit_code == 1
    assert result.output == (
        "Error: The AWS profile 'nobody' does not exist: Use a profile of your AWS configuration: "
        "`aws configure list-profiles` lists them.\n"
    )


def test_without_an_answer_of_sts_the_command_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is unknown, with the reason, and so says the question."""
    closed = closed_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", closed)
    result = run("apply", answer="n\n")
    reason = "AWS STS does not answer"
    where = f"in eu-central-1, with {listed(sts=closed)}"
    assert f"Account unknown ({reason}) {where}\n" in result.output
    assert "Plan: 19 to create, 0 to update, 0 unchanged." in result.output
    assert f"Apply this plan to an unknown account {where}? [y/N]" in result.output
    target = json.loads(run("plan", "--json").stdout)["target"]
    assert (target["account"], target["account_unknown"]) == (None, reason)


def test_a_closed_port_is_tried_three_times(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each further attempt is announced, on standard error, and then the command ends."""
    url = closed_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", url.replace("//", "//ann:secret@"))
    result = run("plan")
    assert result.exit_code == 1
    *attempts, error = result.stderr.splitlines()
    assert attempts == [
        f"{url} does not answer: retrying, attempt 2 of 3",
        f"{url} does not answer: retrying, attempt 3 of 3",
    ]
    assert error.startswith("Error: sts:GetCallerIdentity failed with EndpointConnectionError (")
    assert result.stdout == ""


def test_a_listener_that_never_answers_is_tried_three_times(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a connection is accepted. `doctor` reports it as a problem."""
    patience = PROVISIONING._replace(connect=0.2, read=0.2)
    monkeypatch.setattr("flask_errwatch._aws.PROVISIONING", patience)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        result, doctor = run("apply", "--yes"), run("doctor")
    assert result.exit_code == 1
    assert result.stderr.count("does not answer: retrying, attempt ") == 2
    assert "sts:GetCallerIdentity failed with ReadTimeoutError (" in result.stderr
    assert result.stderr.endswith("\nNothing was changed.\n")
    assert doctor.exit_code == 1
    assert "Account unknown (AWS STS does not answer) in eu-central-1" in doctor.stdout
    assert "problem  AWS: sts:GetCallerIdentity failed with ReadTimeoutError" in doctor.stdout


@pytest.mark.parametrize(
    ("status", "code", "attempts"), [(400, "ThrottlingException", 8), (500, "InternalFailure", 3)]
)
def test_throttling_is_tried_longer_than_a_fault(
    account: None,  # noqa: ARG001 - the environment
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    attempts: int,
) -> None:
    """A throttled call is attempted eight times, silently. A fault three times, and announced."""
    monkeypatch.setattr(BACKOFF, lambda *_: 0)
    said: list[str] = []
    with answering(lambda *_: (status, json.dumps({"__type": code}))) as logs:
        aws = Aws(endpoint_url=logs.url, patience=PROVISIONING, on_retry=said.append)
        with pytest.raises(AwsCallError) as caught:
            aws.call("logs", "describe_log_groups")
    assert (caught.value.code, len(logs.requests)) == (code, attempts)
    fault = [f"{logs.url} answers 500: retrying, attempt {number} of 3" for number in (2, 3)]
    assert said == ([] if status == 400 else fault)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (
            400,
            '{"__type": "AccessDeniedException"}',
            "AccessDeniedException: Allow logs:DescribeLogGroups in the IAM policy",
        ),
        (
            500,
            "<!doctype html><title>Bad Gateway</title>",
            "500 (the answer is a page, not one of AWS): AWS has an internal fault: ",
        ),
    ],
)
def test_an_error_names_its_class_once(
    account: None,  # noqa: ARG001 - the environment
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: str,
    error: str,
) -> None:
    """Also where AWS sends no message, and where a proxy answers with a page."""
    monkeypatch.setattr(BACKOFF, lambda *_: 0)
    with answering(lambda *_: (status, body)) as logs:
        aws = Aws(endpoint_url=logs.url, patience=PROVISIONING)
        with pytest.raises(AwsCallError) as caught:
            aws.call("logs", "describe_log_groups")
    assert str(caught.value).startswith(f"logs:DescribeLogGroups failed with {error}")


def test_one_service_after_another_does_not_take_as_long_again(
    account: None,  # noqa: ARG001 - the environment
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After three attempts without an answer the next service has one, until one answers."""
    monkeypatch.setattr(BACKOFF, lambda *_: 0)
    said: list[str] = []
    with answering(lambda *_: (200, "{}")) as sns:
        monkeypatch.setenv("AWS_ENDPOINT_URL", closed_port())
        monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", sns.url)
        aws = Aws(patience=PROVISIONING, on_retry=said.append)
        numbers = []
        for service, method in (
            *(("sts", "get_caller_identity"), ("logs", "describe_log_groups")),
            *(("wafv2", "list_ip_sets"), ("logs", "describe_log_groups")),
        ):
            said.clear()
            with suppress(AwsCallError):
                aws.call(service, method, **({"Scope": "REGIONAL"} if service == "wafv2" else {}))
            numbers.append(len(said))
    assert numbers == [2, 0, 0, 2]


#: The endpoints that a header lists, in its order.
LISTED = ("logs", "cloudwatch", "sns", "sts", "iam", "wafv2")


def listed(**other: str) -> str:
    """The endpoints as a header lists them: moto's server, except for these services."""
    urls = [f"{service} at {other.get(service, endpoint())}" for service in LISTED]
    return f"{', '.join(urls[:-1])} and {urls[-1]}"


@pytest.mark.parametrize(
    ("variable", "service"),
    [
        ("AWS_ENDPOINT_URL_CLOUDWATCH", "cloudwatch"),
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "logs"),
        ("AWS_ENDPOINT_URL_SNS", "sns"),
        ("AWS_ENDPOINT_URL_WAFV2", "wafv2"),
    ],
)
def test_the_account_is_not_that_of_another_endpoint(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, service: str
) -> None:
    """What STS answers at one endpoint proves nothing for another: each is listed."""
    here = endpoint()
    other = here.replace("127.0.0.1", "localhost")
    monkeypatch.setenv(variable, other)
    result = run("apply", answer="n\n")
    account = f"ccount 123456789012 according to STS at {here} in eu-central-1, "
    endpoints = listed(**{service: other})
    assert result.output.splitlines()[0] == f"A{account}with {endpoints}"
    assert f"Apply this plan to a{account}with {endpoints}? [y/N]" in result.output
    target = json.loads(run("plan", "--json").stdout)["target"]
    assert target["account"] is None
    assert target["account_unknown"] == (
        f"the services have different endpoints: 123456789012 according to STS at {here}"
    )
    assert target["endpoints"][service] == other
    assert [*target["endpoints"]] == [*LISTED]


def test_destroy_names_the_endpoints_in_its_question(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It deletes at each of them."""
    other = endpoint().replace("127.0.0.1", "localhost")
    run("apply", "--yes")
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", other)
    result = run("destroy", answer="n\n")
    assert f"eu-central-1, with {listed(cloudwatch=other)}? [y/N]" in result.output


def test_the_endpoints_of_a_profile_count_too(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `endpoint_url` and its `services` section, also for the sentence about a wrong one."""
    here = endpoint()
    other = here.replace("127.0.0.1", "localhost")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    file = tmp_path / "config"
    text = (
        f"[profile ann]\nendpoint_url = {here}\nservices = ours\n"
        f"[services ours]\ncloudwatch =\n  endpoint_url = {other}\n"
    )
    file.write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "ann")
    header = run("plan").output.splitlines()[0]
    assert f"according to STS at {here} in eu-central-1, with logs at {here}, " in header
    assert f"cloudwatch at {other}, " in header
    file.write_text(text.replace(f"endpoint_url = {here}", "endpoint_url = localhost:1"))
    assert run("plan").stderr == (
        "Error: endpoint_url in the AWS configuration file is not the URL of an endpoint: "
        "Use a URL such as 'http://127.0.0.1:4566', or unset it for AWS itself.\n"
    )


def test_the_header_of_aws_itself_has_one_endpoint() -> None:
    """Its services have different hosts, and one account: that of the credentials."""
    hosts = {"logs": "logs", "cloudwatch": "monitoring", "sts": "sts", "sns": "vpce-1.sns"}
    urls = {name: f"https://{host}.eu-central-1.amazonaws.com" for name, host in hosts.items()}
    target = AwsTarget(account="123456789012", region="eu-central-1", endpoints=urls)
    where = "ccount 123456789012 in eu-central-1"
    assert str(target) == f"A{where}, endpoint logs.eu-central-1.amazonaws.com"
    assert target.phrase == f"a{where}"
    assert "endpoints" not in target.to_dict()


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("AWS_ENDPOINT_URL", "127.0.0.1:7611", "127.0.0.1:7611"),
        ("AWS_ENDPOINT_URL", "not-a-url", "not-a-url"),
        ("AWS_ENDPOINT_URL", "ftp://ann:secret@shop.example", "shop.example"),
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://127.0.0.1:port", "http://127.0.0.1:port"),
        ("AWS_ENDPOINT_URL_CLOUDWATCH", "http://[::1", "http://[::1"),
    ],
)
def test_an_endpoint_that_is_not_a_url_is_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, shown: str
) -> None:
    """It names the variable, and has an example. No call is made, and no password is shown."""
    monkeypatch.setenv(variable, value)
    result, doctor = run("plan"), run("doctor")
    wrong = f"{variable} = '{shown}' is not the URL of an endpoint"
    remedy = "Use a URL such as 'http://127.0.0.1:4566', or unset it for AWS itself."
    assert (result.exit_code, result.output) == (1, f"Error: {wrong}: {remedy}\n")
    assert doctor.stdout.startswith(f"Account unknown ({wrong})")
    assert "ValueError" not in doctor.stdout


def test_a_wrong_endpoint_of_a_service_that_is_not_used_stops_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app without IP sets calls no AWS WAF."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", "not-a-url")
    assert run("plan").exit_code == 0


def test_a_profile_without_a_name_is_wrong_usage(run: Run) -> None:
    """As a region without a name is."""
    result = run("plan", "--profile", "")
    assert result.exit_code == 2
    assert "Use the name of a profile of the AWS configuration." in result.output

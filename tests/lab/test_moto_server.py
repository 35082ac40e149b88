"""The lab's server and the environment around it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from flask_errwatch.lab import TOPIC_WITH_SUBSCRIBER, Lab, LabMissingError


def test_any_boto3_client_calls_the_lab(lab: Lab) -> None:
    """Inside the block a client without arguments calls loopback, with made-up keys."""
    client = boto3.client("logs")
    assert client.meta.endpoint_url == lab.endpoint
    assert client.describe_log_groups()["logGroups"] == []
    assert lab.endpoint.startswith("http://127.0.0.1:")


def test_every_lab_begins_empty() -> None:
    """Resources of an earlier lab in this process do not exist."""
    for _ in range(2):
        with Lab():
            client = boto3.client("logs")
            assert client.describe_log_groups()["logGroups"] == []
            client.create_log_group(logGroupName="left-over")


def test_environment_is_the_labs_inside_and_restored_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's credentials, profiles and proxies have no effect inside, and are restored."""
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_ENDPOINT_URL_LOGS", "http://192.0.2.1/")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128/")
    before = dict(os.environ)
    with Lab() as lab:
        assert os.environ["AWS_ACCESS_KEY_ID"] == "lab"
        assert os.environ["AWS_ENDPOINT_URL"] == lab.endpoint
        assert os.environ["ERRWATCH_ENDPOINT_URL"] == lab.endpoint
        assert os.environ["ERRWATCH_SINKS"] == "cloudwatch"
        assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_LOGS"} & set(os.environ)
        assert lab.environment.exports == {
            "AWS_ENDPOINT_URL": lab.endpoint,
            "AWS_ACCESS_KEY_ID": "lab",
            "AWS_SECRET_ACCESS_KEY": "lab",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "NO_PROXY": "127.0.0.1",
            "ERRWATCH_ENDPOINT_URL": lab.endpoint,
            "ERRWATCH_SINKS": "cloudwatch",
            "ERRWATCH_JOURNAL_DIR": os.environ["ERRWATCH_JOURNAL_DIR"],
        }
        assert boto3.client("logs").describe_log_groups()["logGroups"] == []
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("setting", "speed", "expected"),
    [
        (None, 60, "1"),
        ("30", 60, "0.5"),
        (None, 3600, "0.25"),  # more often the lab could not read them
        (None, 1, None),
        ("0", 60, "0"),  # turned off
        ("often", 60, "often"),  # which the configuration refuses, with the remedy
    ],
)
def test_heartbeats_have_the_labs_time(
    setting: str | None, speed: float, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute between two of them is a minute of the lab, for the app and its alarm of silence."""
    if setting is not None:
        monkeypatch.setenv("ERRWATCH_HEARTBEAT_SECONDS", setting)
    with Lab(speed=speed):
        assert os.environ.get("ERRWATCH_HEARTBEAT_SECONDS") == expected
    assert os.environ.get("ERRWATCH_HEARTBEAT_SECONDS") == setting


@pytest.mark.parametrize(
    ("setting", "speed", "expected"),
    [(None, 60, "0.25"), (None, 10, "1.5"), (None, 1, None), ("9", 60, "9")],
)
def test_lines_are_sent_before_the_next_heartbeat(
    setting: str | None, speed: float, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each heartbeat, and so `status`, would count those before it as pending."""
    if setting is not None:
        monkeypatch.setenv("ERRWATCH_SEND_INTERVAL", setting)
    with Lab(speed=speed):
        assert os.environ.get("ERRWATCH_SEND_INTERVAL") == expected
    assert os.environ.get("ERRWATCH_SEND_INTERVAL") == setting


def test_the_region_of_the_environment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """By either name. An empty one is none."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with Lab():
        assert os.environ["AWS_DEFAULT_REGION"] == "eu-west-1"
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    with Lab():
        assert os.environ["AWS_DEFAULT_REGION"] == "us-east-1"


def test_the_topic_of_the_environment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab's own one is for those who have none."""
    with Lab(defaults=TOPIC_WITH_SUBSCRIBER) as lab:
        assert os.environ["ERRWATCH_SNS_TOPIC"] == "errwatch-lab"
        assert lab.environment.exports["ERRWATCH_SUBSCRIPTIONS"] == "mailto:on-call@example.com"
    monkeypatch.setenv("ERRWATCH_SNS_TOPIC", "ops")
    with Lab(defaults=TOPIC_WITH_SUBSCRIBER):
        assert os.environ["ERRWATCH_SNS_TOPIC"] == "ops"


def test_journal_of_a_lab_is_temporary() -> None:
    """Lines of a lab never share a folder with real pending lines."""
    with Lab() as lab:
        folder = Path(os.environ["ERRWATCH_JOURNAL_DIR"])
        assert folder.is_dir()
        assert lab.environment.settings["ERRWATCH_JOURNAL_DIR"] == str(folder)
    assert not folder.exists()


def test_port_is_closed_after_the_block() -> None:
    """Also when the block ends with an error."""
    with pytest.raises(ZeroDivisionError), Lab() as lab:  # noqa: PT012 - the block is the subject
        endpoint = lab.endpoint
        raise ZeroDivisionError
    client = boto3.client(
        "logs",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    with pytest.raises(EndpointConnectionError):
        client.describe_log_groups()


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without moto the error names what to install, and the environment is unchanged."""
    monkeypatch.setitem(sys.modules, "moto.moto_server.werkzeug_app", None)
    before = dict(os.environ)
    with pytest.raises(LabMissingError, match=r"pip install 'flask-errwatch\[lab\]'"):
        Lab().__enter__()
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("logs", "list_anomalies", {}),  # JSON
        ("cloudwatch", "list_metric_streams", {}),  # CBOR, or JSON
        ("sns", "list_origination_numbers", {}),  # XML
    ],
)
def test_missing_operation_is_answered_with_a_sentence(
    service: str,
    operation: str,
    arguments: dict[str, str],
    lab: Lab,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """An AWS-like error that names the operation, no page, no retry, and no traceback."""
    assert lab.endpoint
    client = boto3.client(service)
    name = client.meta.method_to_api_mapping[operation]
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**arguments)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert caught.value.response["Error"]["Message"] == (
        f"The lab does not emulate {service}:{name}."
    )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "Traceback" not in "".join(capfd.readouterr())


def test_missing_service_is_answered_with_a_sentence(
    lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    """Like a missing operation: moto itself prints a traceback, and a text for its developers."""
    assert lab.endpoint
    with pytest.raises(ClientError) as caught:
        boto3.client("comprehendmedical").list_phi_detection_jobs()
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert caught.value.response["Error"]["Message"] == (
        "The lab does not emulate comprehendmedical."
    )
    assert "".join(capfd.readouterr()) == ""

"""The fake endpoint refuses what CloudWatch refuses, as tests against it rely on that."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flask_errwatch._aws import Aws, Patience
from flask_errwatch.errors import AwsCallError
from tests.fake_logs import FakeLogs, FakeLogsProcess, Mode

HOUR = 3_600_000


def client_of(fake: FakeLogs | FakeLogsProcess, read: float = 5) -> Aws:
    return Aws(
        region="eu-central-1",
        endpoint_url=fake.url,
        patience=Patience(connect=2, read=read, attempts=1),
    )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLogs]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with FakeLogs() as running:
        yield running


@pytest.fixture
def aws(fake: FakeLogs) -> Aws:
    aws = client_of(fake)
    aws.call("logs", "create_log_group", logGroupName="g")
    aws.call("logs", "create_log_stream", logGroupName="g", logStreamName="s")
    return aws


def put(aws: Aws, *events: tuple[int, str]) -> dict[str, Any]:
    return aws.call(
        "logs",
        "put_log_events",
        logGroupName="g",
        logStreamName="s",
        logEvents=[{"timestamp": timestamp, "message": message} for timestamp, message in events],
    )


def code_of(aws: Aws, *events: tuple[int, str]) -> str:
    with pytest.raises(AwsCallError) as caught:
        put(aws, *events)
    return caught.value.code


def now() -> int:
    return int(time.time() * 1000)


def test_keeps_what_it_accepts_in_order(fake: FakeLogs, aws: Aws) -> None:
    """Accepted events are kept in order, with group, stream, time and message."""
    moment = now()
    put(aws, (moment, "a"), (moment + 1, "b"))
    assert [line[:4] for line in fake.lines()] == [
        ("g", "s", moment, "a"),
        ("g", "s", moment + 1, "b"),
    ]
    assert fake.calls["PutLogEvents"] == 1


def test_refuses_what_breaks_a_limit(fake: FakeLogs, aws: Aws) -> None:
    """Order, bytes with 26 for each event, and the span of 24 hours are limited."""
    moment = now()
    assert code_of(aws, (moment, "b"), (moment - 1, "a")) == "InvalidParameterException"
    put(aws, (moment, "x" * (1_048_576 - 26)))
    assert code_of(aws, (moment, "x" * (1_048_576 - 25))) == "InvalidParameterException"
    put(aws, (moment - 24 * HOUR, "a"), (moment, "b"))
    span = (moment - 24 * HOUR - 1, "a"), (moment, "b")
    assert code_of(aws, *span) == "InvalidParameterException"
    assert code_of(aws, *[(moment, "x")] * 10_001) == "InvalidParameterException"
    assert len(fake.refusals) == 4


def test_leaves_out_what_is_too_old_or_too_new(fake: FakeLogs, aws: Aws) -> None:
    """Events older than 14 days or over 2 hours ahead are rejected, and reported by index."""
    moment = now()
    response = put(
        aws,
        (moment - 15 * 24 * HOUR, "old"),
        (moment, "fine"),
        (moment + 3 * HOUR, "new"),
    )
    info = response["rejectedLogEventsInfo"]
    assert (info["tooOldLogEventEndIndex"], info["tooNewLogEventStartIndex"]) == (1, 2)
    assert [line.message for line in fake.lines()] == ["fine"]


def test_requires_group_and_stream(fake: FakeLogs, aws: Aws) -> None:
    """A missing group or stream is an error, and so is creating an existing one."""
    with pytest.raises(AwsCallError, match="AlreadyExists"):
        aws.call("logs", "create_log_stream", logGroupName="g", logStreamName="s")
    fake.delete_streams()
    assert code_of(aws, (now(), "x")) == "ResourceNotFoundException"
    fake.delete_group("g")
    with pytest.raises(AwsCallError, match="ResourceNotFound"):
        aws.call("logs", "create_log_stream", logGroupName="g", logStreamName="s")


@pytest.mark.parametrize(
    ("mode", "code", "arrived"),
    [
        ("500", "InternalFailure", 0),
        ("throttle", "ThrottlingException", 0),
        ("deny", "AccessDeniedException", 0),
        ("expired", "ExpiredTokenException", 0),
        ("refuse", "EndpointConnectionError", 0),
        ("lost-reply", "ConnectionClosedError", 1),
    ],
)
def test_fails_as_it_is_switched(
    fake: FakeLogs, aws: Aws, mode: Mode, code: str, arrived: int
) -> None:
    """Each fault is the error that the client raises for AWS, and ends when switched off."""
    fake.switch(mode)
    assert code_of(aws, (now(), "x")) == code
    assert fake.count() == arrived
    fake.switch("ok")
    put(aws, (now(), "y"))
    assert fake.count() == arrived + 1


def test_fails_a_number_of_times(fake: FakeLogs, aws: Aws) -> None:
    """A fault for one call is over after it."""
    fake.switch("500", 1)
    assert code_of(aws, (now(), "x")) == "InternalFailure"
    put(aws, (now(), "y"))


def test_hangs_until_it_is_released(fake: FakeLogs) -> None:
    """A call that hangs gets no response, and its connection ends when the mode is switched."""
    aws = client_of(fake, read=60)
    fake.switch("hang")
    codes: list[str] = []

    def call() -> None:
        with pytest.raises(AwsCallError) as caught:
            aws.call("logs", "describe_log_groups")
        codes.append(caught.value.code)

    thread = threading.Thread(target=call)
    thread.start()
    while not fake.calls["DescribeLogGroups"]:
        time.sleep(0.005)
    assert thread.is_alive()
    fake.switch("ok")
    thread.join(60)
    assert codes == ["ConnectionClosedError"]


def test_works_as_a_process_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process responds like the threads, and is switched from outside."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with FakeLogsProcess(keep=2) as fake:
        aws = client_of(fake)
        aws.call("logs", "create_log_group", logGroupName="g")
        aws.call("logs", "create_log_stream", logGroupName="g", logStreamName="s")
        fake.switch("deny")
        assert code_of(aws, (now(), "x")) == "AccessDeniedException"
        fake.switch("ok")
        put(aws, (now(), "message"))
        assert fake.wait_for(1, 60)
        assert [line.message for line in fake.lines()] == ["me"]
        assert (fake.count(), fake.calls["PutLogEvents"], fake.refusals) == (1, 2, [])

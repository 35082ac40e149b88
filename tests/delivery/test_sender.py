"""The sender: what it does after each response of PutLogEvents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flask_errwatch._aws import DELIVERY, Aws, Response
from flask_errwatch.delivery.journal.records import Line, Position, Record
from flask_errwatch.delivery.sender import Sender
from flask_errwatch.errors import AwsCallError

Respond = Callable[[list[str]], Response]


def failure(code: str) -> AwsCallError:
    """A failed call, as `Aws.call` raises it."""
    return AwsCallError(action="logs:PutLogEvents", code=code, message="no", remedy="Do.")


class ScriptedAws(Aws):
    """Responds by a function of the messages, and notes every call."""

    def __init__(self, respond: Respond, missing: int = 0) -> None:
        super().__init__(patience=DELIVERY)
        self.calls: list[str] = []
        self.accepted: list[str] = []
        self._respond = respond
        self._missing = missing

    def call(self, service: str, method: str, /, **arguments: object) -> Response:
        """Notes the call, and passes a batch to the function."""
        assert service == "logs"
        self.calls.append(method)
        if method == "create_log_stream" and self._missing:
            self._missing -= 1
            raise failure("ResourceNotFoundException")
        if method != "put_log_events":
            raise failure("ResourceAlreadyExistsException")
        events = arguments["logEvents"]
        assert isinstance(events, list)
        messages = [str(event["message"]) for event in events]
        response = self._respond(messages)
        self.accepted += messages
        return response


def _records(*texts: str) -> list[Record]:
    return [
        Record(Line(1000 + number, text.encode(), critical=False), Position(1, number))
        for number, text in enumerate(texts)
    ]


def _refusing(code: str, *, when: str) -> Respond:
    def respond(messages: list[str]) -> Response:
        if when in messages:
            raise failure(code)
        return {}

    return respond


@pytest.mark.parametrize(
    "code", ["InvalidParameterException", "413", "RequestEntityTooLargeException"]
)
def test_one_event_that_spoils_a_batch_is_found(code: str) -> None:
    """Sending halves finds the event that CloudWatch refuses. All others arrive once."""
    aws = ScriptedAws(_refusing(code, when="bad"))
    texts = [f"good {number}" for number in range(20)]
    texts.insert(7, "bad")
    (refused,) = Sender(aws, "group", "stream").send(_records(*texts))
    assert (refused.timestamp, refused.message) == (1007, "bad")
    assert refused.reason == f"CloudWatch refused it ({code})"
    assert sorted(aws.accepted) == sorted(set(texts) - {"bad"})


def test_already_accepted_is_accepted() -> None:
    """`DataAlreadyAccepted` means that the batch arrived: nothing is refused or sent again."""

    def respond(_messages: list[str]) -> Response:
        raise failure("DataAlreadyAcceptedException")

    aws = ScriptedAws(respond)
    assert Sender(aws, "group", "stream").send(_records("a", "b")) == []
    assert aws.calls == ["create_log_stream", "put_log_events"]


def test_any_other_failure_is_raised() -> None:
    """The shipper gets the error, and sends the batch again later."""
    sender = Sender(ScriptedAws(_refusing("ThrottlingException", when="a")), "group", "stream")
    with pytest.raises(AwsCallError, match="ThrottlingException"):
        sender.send(_records("a"))


def test_a_missing_group_is_created_with_its_stream() -> None:
    """The first sender creates the log group. If another one was faster, that is fine."""
    aws = ScriptedAws(lambda _messages: {}, missing=1)
    assert Sender(aws, "group", "stream").send(_records("a")) == []
    assert aws.calls == [
        *("create_log_stream", "create_log_group", "create_log_stream", "put_log_events"),
    ]


def test_a_stream_is_created_once() -> None:
    """Later batches are one call each."""
    aws = ScriptedAws(lambda _messages: {})
    sender = Sender(aws, "group", "stream")
    sender.send(_records("a"))
    sender.send(_records("b"))
    assert aws.calls == ["create_log_stream", "put_log_events", "put_log_events"]


@pytest.mark.parametrize(
    ("info", "reasons"),
    [
        ({}, []),
        ({"tooOldLogEventEndIndex": 1}, ["older than 14 days"]),
        (
            {"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2},
            ["older than 14 days", "older than the retention"],
        ),
        ({"tooNewLogEventStartIndex": 2}, ["more than 2 hours ahead"] * 2),
        (
            {"expiredLogEventEndIndex": 1, "tooNewLogEventStartIndex": 3},
            ["older than the retention", "more than 2 hours ahead"],
        ),
    ],
)
def test_rejected_events_are_found_by_their_index(info: dict[str, int], reasons: list[str]) -> None:
    """End indices are exclusive and the start index is inclusive (RejectedLogEventsInfo)."""
    aws = ScriptedAws(lambda _messages: {"rejectedLogEventsInfo": info})
    refused = Sender(aws, "group", "stream").send(_records("a", "b", "c", "d"))
    assert [line.reason for line in refused] == reasons

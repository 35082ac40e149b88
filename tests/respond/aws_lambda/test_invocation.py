"""Each shape in which an alarm reaches a function, and all that is ignored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.lab.sns_notifier import notification as lab_notification
from flask_errwatch.respond.aws_lambda.invocation import (
    Ignored,
    Schedule,
    Transition,
    read_invocation,
)
from tests.respond.aws_lambda import alarm_events as events

SOURCE = "203.0.113.66"


@pytest.mark.parametrize(
    "event",
    [
        events.sns(events.notification()),
        events.sns(events.composite()),
        events.sns(events.notification(OldStateValue="INSUFFICIENT_DATA")),
        events.action(),
        events.eventbridge(),
        events.notification(),
    ],
)
def test_an_alarm(event: dict[str, Any]) -> None:
    """Its name and region are those of its ARN: `Region` is a name for people. One time for all."""
    (found,) = read_invocation(event)
    assert isinstance(found, Transition)
    assert (found.alarm, found.region) == ("shop-not-found-error", "eu-central-1")
    assert (found.account, found.time) == ("123456789012", "2026-11-29T02:06:00.250Z")
    assert (found.contributor, found.source) == (None, None)


@pytest.mark.parametrize(
    "event",
    [
        events.sns(events.contributor(SOURCE)),
        events.sns(events.contributor(SOURCE, OldStateValue="ALARM")),
        events.contributor(SOURCE),
        events.eventbridge_contributor(SOURCE),
    ],
)
def test_a_contributor(event: dict[str, Any]) -> None:
    """Its address. The old state may be that of the whole alarm, which others made fire."""
    (found,) = read_invocation(event)
    assert isinstance(found, Transition)
    assert (found.alarm, found.source) == ("shop-not-found-error", SOURCE)


def test_a_contributor_that_is_no_address() -> None:
    """It is a contributor all the same, so that nobody else is taken for it."""
    (found,) = read_invocation(events.sns(events.contributor("ann", field="user")))
    assert isinstance(found, Transition)
    assert (found.contributor, found.source) == ({"user": "ann"}, None)


def test_the_message_of_the_lab() -> None:
    """The lab publishes what CloudWatch does."""
    alarm = {"AlarmName": "a", "AlarmArn": events.arn("a", "eu-west-1")}
    message = lab_notification(alarm, "OK", "ALARM", "11 > 10", 1_700_000_000)
    (found,) = read_invocation(events.sns(message))
    assert isinstance(found, Transition)
    assert (found.alarm, found.region, found.at) == ("a", "eu-west-1", 1_700_000_000)


@pytest.mark.parametrize("source", ["aws.events", "aws.scheduler"])
def test_a_schedule(source: str) -> None:
    """A rule of EventBridge, or EventBridge Scheduler."""
    assert read_invocation(events.scheduled(source)) == (Schedule(),)


def test_several_records() -> None:
    """Each is read by itself, in its order."""
    found = read_invocation(events.sns("hello", events.notification(), {"AlarmName": "x"}))
    assert [type(one) for one in found] == [Ignored, Transition, Ignored]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (events.sns(events.notification(NewStateValue="OK")), "did not go to ALARM"),
        (events.sns(events.notification(OldStateValue="ALARM")), "did not go to ALARM"),
        (events.action(new="INSUFFICIENT_DATA"), "did not go to ALARM"),
        (events.eventbridge(old="ALARM"), "did not go to ALARM"),
        (events.eventbridge_contributor(SOURCE, new="OK"), "did not go to ALARM"),
        (events.sns(events.notification(), flask_errwatch="report"), "report of this function"),
        (events.sns({"flask_errwatch": "report", "alarm": "a"}), "report of this function"),
        (events.sns("The budget is used up."), "not about an alarm"),
        (events.sns('{"AlarmName": '), "not about an alarm"),
        (events.sns("[" * 100_000), "not about an alarm"),
        (events.sns(events.notification(AlarmArn=None)), "no ARN of an alarm"),
        (events.sns(events.notification(AlarmArn="arn:aws:sns:x:1:y")), "no ARN of an alarm"),
        (events.sns(events.notification(StateChangeTime="yesterday")), "has no valid time"),
        (events.sns(events.notification(StateChangeTime=None)), "has no valid time"),
        ({**events.action(), "source": "mine"}, "neither of an alarm"),
        ({**events.eventbridge(), "resources": []}, "no ARN of an alarm"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "not about an alarm"),
        ({}, "nor of a schedule"),
        (None, "nor of a schedule"),
        ([1], "nor of a schedule"),
    ],
)
def test_what_is_ignored(event: object, reason: str) -> None:
    """With the reason in a sentence."""
    (found,) = read_invocation(event)
    assert isinstance(found, Ignored)
    assert reason in found.reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(event=_JSON, member=_JSON, name=st.sampled_from([*events.notification(), "alarmData"]))
def test_no_document_raises(event: object, member: object, name: str) -> None:
    """Whoever may publish to the topic chooses every member."""
    read_invocation(event)
    read_invocation(events.sns({**events.notification(), name: member}))
    read_invocation({**events.action(), name: member, "detail-type": member})
    read_invocation({**events.eventbridge(), "detail": event, "resources": member})

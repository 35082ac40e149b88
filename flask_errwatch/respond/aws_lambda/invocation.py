"""Reads the event of an invocation: a transition to ALARM, a schedule, or none of both. Pure.

Any principal that may publish to the topic, or invoke the function, can write the event. So nothing
of it is trusted: it only chooses an alarm and a moment. What is done about them follows from AWS
and from the lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from flask_errwatch._parsers import parse_json
from flask_errwatch._text import one_line
from flask_errwatch._time import rfc3339, second_of

#: The attribute of our messages, and the member of their JSON, by which they are recognised.
MARK: Final = "flask_errwatch"
_ALARM_ARN: Final = re.compile(
    r"arn:[a-z-]+:cloudwatch:([a-z]{2,}(?:-[a-z]+)+-\d+):(\d{12}):alarm:(.{1,255})", re.ASCII
)
_CLOUDWATCH: Final = "aws.cloudwatch"
#: EventBridge has schedules of two kinds: rules, and EventBridge Scheduler.
_SCHEDULERS: Final = frozenset({"aws.events", "aws.scheduler"})
_CHANGES: Final = frozenset(
    {"CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change"}
)
#: The field by which our alarms on one source group lines.
_ADDRESS: Final = "client_ip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """An alarm went to ALARM, or a contributor of it did.

    Attributes:
        alarm: Its name.
        region: Its region, of its ARN.
        account: Its account.
        at: When, in seconds since the epoch.
        contributor: What the contributor of a log alarm has in common, by field. None where the
            alarm as a whole changed.
    """

    alarm: str
    region: str
    account: str
    at: float
    contributor: Mapping[str, str] | None = None

    @property
    def time(self) -> str:
        """When, as a text that is the same for each delivery, whatever way it comes."""
        return rfc3339(round(self.at * 1000))

    @property
    def source(self) -> str | None:
        """The address of the contributor. None where it has no address."""
        return None if self.contributor is None else self.contributor.get(_ADDRESS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A scheduled event: what has expired is to be unblocked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignored:
    """An event that is ignored.

    Attributes:
        reason: A sentence.
    """

    reason: str


Occasion = Transition | Schedule | Ignored


def read_invocation(event: object) -> tuple[Occasion, ...]:
    """What happened, in the order of the event: SNS may deliver several messages.

    Args:
        event: What Lambda passes: a delivery of SNS, an alarm's action, an event of EventBridge, or
            anything else.

    Example:
        >>> read_invocation({"source": "aws.events", "detail-type": "Scheduled Event"})
        (Schedule(),)
        >>> read_invocation({"key": "value"})
        (Ignored(reason='The event is neither of an alarm nor of a schedule.'),)
    """
    document = _mapping(event)
    records = document.get("Records")
    if isinstance(records, list):
        return tuple(_of_record(_mapping(record)) for record in records)
    return (_of_event(document),)


def _of_record(record: Mapping[str, object]) -> Occasion:
    message = _mapping(record.get("Sns"))
    if MARK in _mapping(message.get("MessageAttributes")):
        return _OWN
    try:
        content = _mapping(parse_json(str(message.get("Message", ""))))
    except ValueError:
        content = {}
    if MARK in content:
        return _OWN
    if "AlarmName" not in content:
        return Ignored(reason="The message is not about an alarm.")
    return _of_notification(content)


def _of_event(document: Mapping[str, object]) -> Occasion:
    source, kind = document.get("source"), document.get("detail-type")
    if kind == "Scheduled Event" and source in _SCHEDULERS:
        return Schedule()
    if "AlarmName" in document:  # the action of a log alarm, as its message
        return _of_notification(document)
    if source == _CLOUDWATCH and "alarmData" in document:
        return _of_state(document.get("alarmArn"), _mapping(document["alarmData"]))
    if source == _CLOUDWATCH and kind in _CHANGES:
        resources = document.get("resources")
        arn = resources[0] if isinstance(resources, list) and resources else None
        return _of_state(arn, _mapping(document.get("detail")))
    return Ignored(reason="The event is neither of an alarm nor of a schedule.")


def _of_notification(content: Mapping[str, object]) -> Occasion:
    """The JSON of a message. Its `Region` is a name for people, so that only the ARN has it."""
    return _transition(
        content.get("AlarmArn"),
        new=content.get("NewStateValue"),
        old=content.get("OldStateValue"),
        at=content.get("StateChangeTime"),
        contributor=content.get("AlarmContributorAttributes"),
    )


def _of_state(arn: object, data: Mapping[str, object]) -> Occasion:
    """What an alarm's action and an event of EventBridge have in common."""
    state = _mapping(data.get("state"))
    contributor = _mapping(data.get("alarmContributor"))
    return _transition(
        arn,
        new=state.get("value"),
        old=_mapping(data.get("previousState")).get("value"),
        at=state.get("timestamp"),
        contributor=contributor.get("attributes", {}) if contributor else None,
    )


def _transition(
    arn: object, *, new: object, old: object, at: object, contributor: object
) -> Occasion:
    match = _ALARM_ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None:
        return Ignored(reason="The event has no ARN of an alarm.")
    region, account, name = match.groups()
    shown = one_line(name, 100)
    # The old state in a contributor's event may be that of the alarm, which others made fire.
    if new != "ALARM" or (old == "ALARM" and contributor is None):
        return Ignored(reason=f"{shown} did not go to ALARM.")
    moment = second_of(at)
    if moment is None:
        return Ignored(reason=f"The event has no valid time at which {shown} went to ALARM.")
    return Transition(
        alarm=name,
        region=region,
        account=account,
        at=moment,
        contributor=None if contributor is None else dict(_texts(contributor)),
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> Iterator[tuple[str, str]]:
    for name, text in _mapping(value).items():
        if isinstance(text, str):
            yield name, text


_OWN: Final = Ignored(reason="The message is a report of this function.")

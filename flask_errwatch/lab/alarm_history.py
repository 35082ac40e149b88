"""The history of alarms, which moto lacks: the messages that they sent or failed to send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from flask_errwatch.lab.log_alarm_operations import KIND, contributor_id
from flask_errwatch.lab.moto_store import given, located, stored
from flask_errwatch.simulation import ContributorTransition

_HISTORY = "errwatch_history"
#: Messages of an alarm that its history keeps.
_KEPT = 1000


def record_message(
    alarm: Mapping[str, Any],
    topic: str,
    message: str,
    error: str | None,
    *,
    change: ContributorTransition | None = None,
) -> None:
    """Adds a message to the history of an alarm, or why it was not sent. AWS has no such call.

    Args:
        alarm: As DescribeAlarms returns it.
        topic: The topic's ARN.
        message: The message.
        error: Why it was not sent. None when it was.
        change: The change of the contributor of a log alarm that the message is about.
    """
    backend, name = located(alarm["AlarmArn"])
    verb = "Successfully executed" if error is None else "Failed to execute"
    data = {
        "actionState": "Succeeded" if error is None else "Failed",
        "notificationResource": topic,
        "publishedMessage": message,
        "error": error,
    }
    entry: dict[str, Any] = {
        "AlarmName": name,
        "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
        # In real time, in which a reader asks: the lab's time may run faster.
        "Timestamp": datetime.now(UTC),
        "HistoryItemType": "Action",
        "HistorySummary": f"{verb} action {topic}",
        "HistoryData": json.dumps(data),
    }
    if change is not None:
        entry |= {
            "AlarmContributorId": contributor_id(change),
            "AlarmContributorAttributes": {change.by: change.contributor},
            "AlarmType": KIND,
            "HistoryItemType": "AlarmContributorAction",
        }
    history = stored(backend, _HISTORY)
    history[name] = [entry, *history.get(name, [])][:_KEPT]


def describe_history(response: Any) -> Any:
    """The messages of one alarm, or of all, the newest first.

    Without a name, AWS lists none of contributors.
    """
    from moto.core.responses import ActionResult

    name, item = given(response, "AlarmName"), given(response, "HistoryItemType")
    since = given(response, "StartDate") or datetime.min.replace(tzinfo=UTC)
    listed = [
        entry
        for owner, entries in stored(response.cloudwatch_backend, _HISTORY).items()
        for entry in entries
        if name == owner or (name is None and entry["AlarmType"] != KIND)
        if item in {None, entry["HistoryItemType"]}
        if entry["Timestamp"] >= since.replace(tzinfo=UTC)
    ]
    listed.sort(key=itemgetter("Timestamp"), reverse=True)
    return ActionResult({"AlarmHistoryItems": listed})

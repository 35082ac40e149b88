"""The history of alarms, which moto lacks: changes of state, and messages sent or not sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from flask_errwatch.lab.log_alarm_operations import KIND, contributor_id
from flask_errwatch.lab.moto_store import given, located, stored
from flask_errwatch.simulation import ContributorTransition, Transition

_HISTORY = "errwatch_history"
#: Entries of an alarm that its history keeps.
_KEPT = 1000


def state_evidence(alarm: Mapping[str, Any], transition: Transition) -> dict[str, object]:
    """`StateReasonData` of a change of state: the datapoints that decided, in the lab's time.

    Empty for a composite alarm or a log alarm, which have none.

    Args:
        alarm: As DescribeAlarms returns it.
        transition: Its change of state.
    """
    number = alarm.get("EvaluationPeriods", 0)
    valued = [each for each in transition.datapoints if each.value is not None][-number:]
    decided = valued or transition.datapoints[-number:]
    if not number or not decided:
        return {}
    return {
        "version": "1.0",
        "queryDate": _moment(transition.at),
        "startDate": _moment(decided[0].start),
        "statistic": alarm.get("Statistic"),
        "period": decided[0].end - decided[0].start,
        "recentDatapoints": [each.value for each in valued],
        "threshold": alarm.get("Threshold"),
        "evaluatedDatapoints": [
            {"timestamp": _moment(each.start), "value": each.value} for each in reversed(valued)
        ],
    }


def _moment(second: float) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S.000+0000}"


def record_state(alarm: Mapping[str, Any], transition: Transition) -> None:
    """Adds a change of state to the history of an alarm.

    Args:
        alarm: As DescribeAlarms returns it.
        transition: Its change of state.
    """
    old, new = transition.old, transition.new
    state = {
        "stateValue": new,
        "stateReason": transition.reason,
        "stateReasonData": state_evidence(alarm, transition),
    }
    _add(
        alarm,
        HistoryItemType="StateUpdate",
        HistorySummary=f"Alarm updated from {old} to {new}",
        HistoryData=_change(old, state),
    )


def record_contributor(alarm: Mapping[str, Any], change: ContributorTransition) -> None:
    """Adds a change of a contributor's state to the history of a log alarm.

    No document shows what AWS puts into `HistoryData` for it: here it is as for an alarm.

    Args:
        alarm: As DescribeAlarms returns it.
        change: The change of the contributor.
    """
    state = {
        "stateValue": change.new,
        "stateReason": change.reason,
        "stateReasonData": {"queryDate": _moment(change.at)},
    }
    _add(
        alarm,
        HistoryItemType="AlarmContributorStateUpdate",
        HistorySummary=f"Alarm contributor updated from {change.old} to {change.new}",
        HistoryData=_change(change.old, state),
        **_contributor(change),
    )


def _change(old: str, state: Mapping[str, object]) -> str:
    return json.dumps({"version": "1.0", "oldState": {"stateValue": old}, "newState": state})


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
    verb = "Successfully executed" if error is None else "Failed to execute"
    data = {
        "actionState": "Succeeded" if error is None else "Failed",
        "notificationResource": topic,
        "publishedMessage": message,
        "error": error,
    }
    about = {} if change is None else _contributor(change)
    _add(
        alarm,
        HistoryItemType="Action" if change is None else "AlarmContributorAction",
        HistorySummary=f"{verb} action {topic}",
        HistoryData=json.dumps(data),
        **about,
    )


def _contributor(change: ContributorTransition) -> dict[str, object]:
    return {
        "AlarmContributorId": contributor_id(change),
        "AlarmContributorAttributes": {change.by: change.contributor},
    }


def _add(alarm: Mapping[str, Any], **members: object) -> None:
    backend, name = located(alarm["AlarmArn"])
    kind = "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm"
    entry = {
        "AlarmName": name,
        "AlarmType": KIND if "ScheduledQueryConfiguration" in alarm else kind,
        # In real time, in which a reader asks: the lab's time may run faster.
        "Timestamp": datetime.now(UTC),
        **members,
    }
    history = stored(backend, _HISTORY)
    history[name] = [entry, *history.get(name, [])][:_KEPT]


def describe_history(response: Any) -> Any:
    """The entries of one alarm, or of all, the newest first.

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

"""Log alarms, which moto lacks: stored, listed, deleted, and their contributors in ALARM.

So is the history of messages, of all alarms.

The lab's judge evaluates them. It sets their state with SetAlarmState, and their contributors and
messages with `set_contributors` and `record_message`, for which AWS has no call.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from flask_errwatch.simulation import ContributorTransition

_KIND = "LogAlarm"
_STORED = "errwatch_log_alarms"
_CONTRIBUTORS = "errwatch_contributors"
_HISTORY = "errwatch_history"
#: Messages of an alarm that its history keeps.
_KEPT = 1000
#: The members of PutLogAlarm that DescribeAlarms returns as they were put.
_MEMBERS = (
    *("AlarmName", "AlarmDescription", "ScheduledQueryConfiguration", "ActionsEnabled"),
    *("OKActions", "AlarmActions", "InsufficientDataActions", "QueryResultsToEvaluate"),
    *("QueryResultsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData"),
    *("ActionLogLineCount", "ActionLogLineRoleArn", "WarmUpConfiguration", "ActionConfiguration"),
)


def add_log_alarms(responses: Any) -> None:
    """Adds the operations of log alarms to moto's class, unless moto has them by now."""
    if hasattr(responses, "put_log_alarm"):
        return
    responses.put_log_alarm = _put
    responses.describe_alarm_contributors = _describe_contributors
    if not hasattr(responses, "describe_alarm_history"):
        responses.describe_alarm_history = _describe_history
    responses.describe_alarms = _describing(responses.describe_alarms)
    responses.delete_alarms = _deleting(responses.delete_alarms)
    responses.set_alarm_state = _setting(responses.set_alarm_state)


def set_contributors(
    alarm_arn: str, in_alarm: Iterable[ContributorTransition], *, is_partial: bool
) -> None:
    """Replaces the contributors in ALARM that DescribeAlarmContributors returns.

    Args:
        alarm_arn: The log alarm.
        in_alarm: The change to ALARM of each.
        is_partial: Whether the last run left contributors out.
    """
    backend, name = _located(alarm_arn)
    _of(backend, _CONTRIBUTORS)[name] = [
        {
            "ContributorId": contributor_id(change),
            "ContributorAttributes": {change.by: change.contributor},
            "StateReason": change.reason,
            "StateTransitionedTimestamp": datetime.fromtimestamp(change.at, UTC),
        }
        for change in in_alarm
    ]
    alarm = _of(backend, _STORED).get(name)
    if alarm is not None:
        alarm.pop("EvaluationState", None)
        alarm |= {"EvaluationState": "PARTIAL_DATA"} if is_partial else {}


def record_message(
    alarm: Mapping[str, Any],
    topic: str,
    message: str,
    error: str | None,
    *,
    change: ContributorTransition | None = None,
) -> None:
    """Adds a message to the history of an alarm, or why it was not sent.

    Args:
        alarm: As DescribeAlarms returns it.
        topic: The topic's ARN.
        message: The message.
        error: Why it was not sent. None when it was.
        change: The change of the contributor of a log alarm that the message is about.
    """
    backend, name = _located(alarm["AlarmArn"])
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
            "AlarmType": _KIND,
            "HistoryItemType": "AlarmContributorAction",
        }
    history = _of(backend, _HISTORY)
    history[name] = [entry, *history.get(name, [])][:_KEPT]


def _located(alarm_arn: str) -> tuple[Any, str]:
    """Moto's backend of an alarm, and the alarm's name."""
    from moto.cloudwatch.models import cloudwatch_backends

    _, _, _, region, account, _, name = alarm_arn.split(":", 6)
    return cloudwatch_backends[account][region], name


def contributor_id(change: ContributorTransition) -> str:
    """The id of a contributor: 16 characters, the same in every notification."""
    text = f"{change.alarm}\0{change.by}\0{change.contributor}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _of(backend: Any, name: str) -> dict[str, Any]:
    """What is stored in moto's backend under a name. A reset of moto deletes it."""
    stored: dict[str, Any] = backend.__dict__.setdefault(name, {})
    return stored


def _given(response: Any, name: str) -> Any:
    """A member of the request, None without it."""
    return response._get_param(name)  # noqa: SLF001 - how moto's own operations read it


def _alarms(response: Any) -> dict[str, Any]:
    return _of(response.cloudwatch_backend, _STORED)


def _put(response: Any) -> Any:
    from moto.core.responses import EmptyResult

    name, backend = _given(response, "AlarmName"), response.cloudwatch_backend
    given = {member: _given(response, member) for member in _MEMBERS}
    now = datetime.now(UTC)
    scope = f"{backend.region_name}:{backend.account_id}"
    before = _alarms(response).get(name, {})
    _alarms(response)[name] = {
        "ActionsEnabled": True,
        "TreatMissingData": "missing",
        **{member: value for member, value in given.items() if value is not None},
        "AlarmArn": f"arn:{backend.partition}:cloudwatch:{scope}:alarm:{name}",
        "AlarmConfigurationUpdatedTimestamp": now,
        "StateValue": before.get("StateValue", "INSUFFICIENT_DATA"),
        "StateReason": before.get("StateReason", "Unchecked: Initial alarm creation"),
        "StateUpdatedTimestamp": before.get("StateUpdatedTimestamp", now),
        "StateTransitionedTimestamp": before.get("StateTransitionedTimestamp", now),
    }
    return EmptyResult()


def _describe_contributors(response: Any) -> Any:
    from moto.cloudwatch.exceptions import ResourceNotFound
    from moto.core.responses import ActionResult

    name = _given(response, "AlarmName")
    if name not in _alarms(response):
        raise ResourceNotFound
    contributors = _of(response.cloudwatch_backend, _CONTRIBUTORS).get(name, [])
    return ActionResult({"AlarmContributors": contributors})


def _describe_history(response: Any) -> Any:
    """The messages of one alarm, or of all, the newest first.

    Without a name, AWS lists none of contributors.
    """
    from moto.core.responses import ActionResult

    name, item = _given(response, "AlarmName"), _given(response, "HistoryItemType")
    since = _given(response, "StartDate") or datetime.min.replace(tzinfo=UTC)
    listed = [
        entry
        for owner, entries in _of(response.cloudwatch_backend, _HISTORY).items()
        for entry in entries
        if name == owner or (name is None and entry["AlarmType"] != _KIND)
        if item in {None, entry["HistoryItemType"]}
        if entry["Timestamp"] >= since.replace(tzinfo=UTC)
    ]
    listed.sort(key=itemgetter("Timestamp"), reverse=True)
    return ActionResult({"AlarmHistoryItems": listed})


def _describing(describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Adds log alarms where they are asked for. Without `AlarmTypes` they are not (AWS API)."""

    def describe_alarms(response: Any) -> Any:
        from moto.core.responses import ActionResult

        kinds = _given(response, "AlarmTypes") or []
        result = dict(describe(response).result)
        if _KIND in kinds:
            result["LogAlarms"] = [
                alarm for alarm in _alarms(response).values() if _is_asked(response, alarm)
            ]
        for kind in ("MetricAlarm", "CompositeAlarm"):
            if kinds and kind not in kinds:
                result[f"{kind}s"] = []
        return ActionResult(result)

    return describe_alarms


def _is_asked(response: Any, alarm: Mapping[str, Any]) -> bool:
    names, prefix = _given(response, "AlarmNames"), _given(response, "AlarmNamePrefix")
    state = _given(response, "StateValue")
    return (
        (not names or alarm["AlarmName"] in names)
        and str(alarm["AlarmName"]).startswith(prefix or "")
        and state in {None, alarm["StateValue"]}
    )


def _deleting(delete: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Deletes log alarms too, of which a call may name only one, alone (AWS API)."""

    def delete_alarms(response: Any) -> Any:
        from moto.cloudwatch.exceptions import ValidationError

        names = _given(response, "AlarmNames") or []
        own = [name for name in names if name in _alarms(response)]
        if own and len(names) > 1:
            raise ValidationError("A log alarm is deleted alone: name one alarm.")
        for name in own:
            del _alarms(response)[name]
            _of(response.cloudwatch_backend, _CONTRIBUTORS).pop(name, None)
        return delete(response)

    return delete_alarms


def _setting(set_state: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def set_alarm_state(response: Any) -> Any:
        from moto.core.responses import EmptyResult

        alarm = _alarms(response).get(_given(response, "AlarmName"))
        if alarm is None:
            return set_state(response)
        now, state = datetime.now(UTC), _given(response, "StateValue")
        if alarm["StateValue"] != state:
            alarm["StateTransitionedTimestamp"] = now
        alarm |= {
            "StateValue": state,
            "StateReason": _given(response, "StateReason"),
            "StateUpdatedTimestamp": now,
        }
        return EmptyResult()

    return set_alarm_state

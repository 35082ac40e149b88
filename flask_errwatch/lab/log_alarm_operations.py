"""Log alarms, which moto lacks: stored, listed, deleted, and their contributors in ALARM.

The lab's judge evaluates them. It sets their state with SetAlarmState, and their contributors with
`set_contributors`, for which AWS has no call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask_errwatch.lab.moto_store import given, located, stored
from flask_errwatch.simulation import ContributorTransition

#: What AWS calls their type.
KIND = "LogAlarm"
_STORED = "errwatch_log_alarms"
_CONTRIBUTORS = "errwatch_contributors"
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
    backend, name = located(alarm_arn)
    stored(backend, _CONTRIBUTORS)[name] = [
        {
            "ContributorId": contributor_id(change),
            "ContributorAttributes": {change.by: change.contributor},
            "StateReason": change.reason,
            "StateTransitionedTimestamp": datetime.fromtimestamp(change.at, UTC),
        }
        for change in in_alarm
    ]
    alarm = stored(backend, _STORED).get(name)
    if alarm is not None:
        alarm.pop("EvaluationState", None)
        alarm |= {"EvaluationState": "PARTIAL_DATA"} if is_partial else {}


def contributor_id(change: ContributorTransition) -> str:
    """The id of a contributor: 16 characters, the same in every notification."""
    text = f"{change.alarm}\0{change.by}\0{change.contributor}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _alarms(response: Any) -> dict[str, Any]:
    return stored(response.cloudwatch_backend, _STORED)


def _put(response: Any) -> Any:
    from moto.core.responses import EmptyResult

    name, backend = given(response, "AlarmName"), response.cloudwatch_backend
    members = {member: given(response, member) for member in _MEMBERS}
    now = datetime.now(UTC)
    scope = f"{backend.region_name}:{backend.account_id}"
    before = _alarms(response).get(name, {})
    _alarms(response)[name] = {
        "ActionsEnabled": True,
        "TreatMissingData": "missing",
        **{member: value for member, value in members.items() if value is not None},
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

    name = given(response, "AlarmName")
    if name not in _alarms(response):
        raise ResourceNotFound
    contributors = stored(response.cloudwatch_backend, _CONTRIBUTORS).get(name, [])
    return ActionResult({"AlarmContributors": contributors})


def _describing(describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Adds log alarms where they are asked for. Without `AlarmTypes` they are not (AWS API)."""

    def describe_alarms(response: Any) -> Any:
        from moto.core.responses import ActionResult

        kinds = given(response, "AlarmTypes") or []
        result = dict(describe(response).result)
        if KIND in kinds:
            result["LogAlarms"] = [
                alarm for alarm in _alarms(response).values() if _is_asked(response, alarm)
            ]
        for kind in ("MetricAlarm", "CompositeAlarm"):
            if kinds and kind not in kinds:
                result[f"{kind}s"] = []
        return ActionResult(result)

    return describe_alarms


def _is_asked(response: Any, alarm: Mapping[str, Any]) -> bool:
    names, prefix = given(response, "AlarmNames"), given(response, "AlarmNamePrefix")
    state = given(response, "StateValue")
    return (
        (not names or alarm["AlarmName"] in names)
        and str(alarm["AlarmName"]).startswith(prefix or "")
        and state in {None, alarm["StateValue"]}
    )


def _deleting(delete: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Deletes log alarms too, of which a call may name only one, alone (AWS API)."""

    def delete_alarms(response: Any) -> Any:
        from moto.cloudwatch.exceptions import ValidationError

        names = given(response, "AlarmNames") or []
        own = [name for name in names if name in _alarms(response)]
        if own and len(names) > 1:
            raise ValidationError("A log alarm is deleted alone: name one alarm.")
        for name in own:
            del _alarms(response)[name]
            stored(response.cloudwatch_backend, _CONTRIBUTORS).pop(name, None)
        return delete(response)

    return delete_alarms


def _setting(set_state: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def set_alarm_state(response: Any) -> Any:
        from moto.core.responses import EmptyResult

        alarm = _alarms(response).get(given(response, "AlarmName"))
        if alarm is None:
            return set_state(response)
        now, state = datetime.now(UTC), given(response, "StateValue")
        if alarm["StateValue"] != state:
            alarm["StateTransitionedTimestamp"] = now
        alarm |= {
            "StateValue": state,
            "StateReason": given(response, "StateReason"),
            "StateUpdatedTimestamp": now,
        }
        return EmptyResult()

    return set_alarm_state

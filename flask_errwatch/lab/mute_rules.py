"""Alarm mute rules, which moto lacks: stored and listed. `is_muted` is asked before a notification.

Their windows are in real time, as whoever puts a rule means them. Of the schedules the lab reads
the one time of `at(…)`. After a window AWS acts for alarms that are still in ALARM. The lab does
not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask_errwatch.lab.moto_store import given, located, stored

_RULES = "errwatch_mute_rules"
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d)\)")
#: ISO 8601, as far as `Duration` has it (CloudWatch API Reference, Schedule).
_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=15)
_MEMBERS = ("Name", "Description", "Rule", "MuteTargets", "StartDate", "ExpireDate")

_Status = Literal["SCHEDULED", "ACTIVE", "EXPIRED"]


def add_mute_rules(responses: Any) -> None:
    """Adds the operations to moto's class, unless moto has them by now."""
    if hasattr(responses, "put_alarm_mute_rule"):
        return
    responses.put_alarm_mute_rule = _put
    responses.get_alarm_mute_rule = _get
    responses.list_alarm_mute_rules = _list
    responses.delete_alarm_mute_rule = _delete


def is_muted(alarm_arn: str) -> bool:
    """Whether a rule that is active now names the alarm."""
    backend, name = located(alarm_arn)
    return any(
        _status(rule) == "ACTIVE" and name in _targets(rule)
        for rule in stored(backend, _RULES).values()
    )


def _put(response: Any) -> Any:
    from moto.core.responses import EmptyResult

    members = {member: given(response, member) for member in _MEMBERS}
    rule = {member: value for member, value in members.items() if value is not None}
    _window(rule)
    backend = response.cloudwatch_backend
    scope = f"{backend.region_name}:{backend.account_id}"
    name = rule["Name"]
    _rules(response)[name] = {
        **rule,
        "AlarmMuteRuleArn": f"arn:{backend.partition}:cloudwatch:{scope}:alarm-mute-rule:{name}",
        "LastUpdatedTimestamp": datetime.now(UTC),
        "MuteType": "SCHEDULED",
    }
    return EmptyResult()


def _get(response: Any) -> Any:
    from moto.cloudwatch.exceptions import ResourceNotFoundException
    from moto.core.responses import ActionResult

    rule = _rules(response).get(given(response, "AlarmMuteRuleName"))
    if rule is None:
        raise ResourceNotFoundException
    return ActionResult({**rule, "Status": _status(rule)})


def _list(response: Any) -> Any:
    from moto.core.responses import ActionResult

    alarm, statuses = given(response, "AlarmName"), given(response, "Statuses")
    rules = [{**rule, "Status": _status(rule)} for rule in _rules(response).values()]
    return ActionResult(
        {
            "AlarmMuteRuleSummaries": [
                rule
                for rule in rules
                if (not alarm or alarm in _targets(rule))
                and (not statuses or rule["Status"] in statuses)
            ]
        }
    )


def _delete(response: Any) -> Any:
    from moto.core.responses import EmptyResult

    _rules(response).pop(given(response, "AlarmMuteRuleName"), None)
    return EmptyResult()


def _rules(response: Any) -> dict[str, Any]:
    return stored(response.cloudwatch_backend, _RULES)


def _targets(rule: Mapping[str, Any]) -> list[str]:
    names: list[str] = rule.get("MuteTargets", {}).get("AlarmNames", [])
    return names


def _status(rule: Mapping[str, Any]) -> _Status:
    start, end = _window(rule)
    now = datetime.now(UTC)
    return "SCHEDULED" if now < start else "ACTIVE" if now < end else "EXPIRED"


def _window(rule: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """When the rule mutes. Raises ValidationError where the lab cannot read it."""
    from moto.cloudwatch.exceptions import ValidationError

    schedule = rule["Rule"]["Schedule"]
    at = _AT.fullmatch(schedule["Expression"])
    if at is None:
        raise ValidationError("The lab emulates schedules of the form at(yyyy-MM-ddThh:mm).")
    parts = _DURATION.fullmatch(schedule["Duration"])
    duration = timedelta(**{k: int(v or 0) for k, v in parts.groupdict().items()} if parts else {})
    if not _SHORTEST <= duration <= _LONGEST:
        raise ValidationError("The duration of a mute rule is PT1M to P15D.")
    try:
        zone = ZoneInfo(schedule.get("Timezone") or "UTC")
        start = datetime.fromisoformat(at[1]).replace(tzinfo=zone)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise ValidationError(f"The schedule cannot be read: {error}") from error
    return start, start + duration

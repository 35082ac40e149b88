"""Mutes the actions of an app's alarms for a time, such as that of a deployment.

An alarm mute rule of CloudWatch does it: the alarms are still evaluated, and only their actions are
not taken. A rule names at most 100 alarms, so that an app may need several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from flask_errwatch._text import counted
from flask_errwatch._time import readable
from flask_errwatch.config import Config
from flask_errwatch.errors import Problem, ProvisioningError
from flask_errwatch.provision.discovery import find_alarms
from flask_errwatch.provision.resources.tags import all_tags, marker
from flask_errwatch.provision.tag_calls import tag_list

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Names of alarms in a rule, and bounds of its duration in seconds (CloudWatch API Reference,
#: MuteTargets and Schedule).
_MOST_ALARMS = 100
_SHORTEST, _LONGEST = 60, 15 * 86_400
#: Characters of a reason: with the marker, a description has at most 1,024.
_REASON = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Mute:
    """A rule that mutes alarms of the app.

    Attributes:
        rule: The name of the rule.
        until: When it ends. None when CloudWatch does not return it.
        is_active: Whether it has begun.
    """

    rule: str
    until: datetime | None = None
    is_active: bool = True

    def __str__(self) -> str:
        until = "" if self.until is None else f" until {readable(self.until.timestamp())}"
        return f"{self.rule}{until}" + ("" if self.is_active else ", not begun yet")


def mute(
    aws: Aws, config: Config, seconds: float, *, reason: str = "", now: datetime | None = None
) -> str:
    """Mutes all alarms of the app. A mute that is under way is replaced.

    Args:
        aws: The account and region.
        config: The app's configuration.
        seconds: How long, from the next whole minute on.
        reason: Why, for others who read the rule.
        now: The current time, with a time zone. None means the clock's.

    Returns:
        What was muted and until when, as a sentence.

    Raises:
        ProvisioningError: When there is nothing to mute, or no mute rule can be made.
        AwsCallError: When AWS refused a call.
    """
    _check(aws, seconds)
    names = sorted(
        alarm.name
        for alarm in find_alarms(aws, AlarmNamePrefix=f"{config.app_name}-")
        if alarm.belongs_to(config.app_name)
    )
    if not names:
        remedy = "The app has no alarms here: run `flask errwatch apply` first."
        raise ProvisioningError(Problem(key="alarms", value=0, remedy=remedy))
    # A rule begins at a whole minute, and what one in the past means is not documented.
    start = (now or datetime.now(UTC)).astimezone(UTC).replace(second=0, microsecond=0)
    start += timedelta(minutes=1)
    minutes = -(-int(seconds) // 60)
    end = start + timedelta(minutes=minutes)
    before = {muted.rule for muted in read_mutes(aws, config)}
    for rule, alarms in _rules(config.app_name, names):
        before.discard(rule)
        aws.call(
            "cloudwatch",
            "put_alarm_mute_rule",
            Name=rule,
            Description=_description(config.app_name, reason),
            Rule={
                "Schedule": {
                    "Expression": f"at({start:%Y-%m-%dT%H:%M})",
                    "Duration": f"PT{minutes}M",
                    "Timezone": "UTC",
                }
            },
            MuteTargets={"AlarmNames": alarms},
            Tags=tag_list(all_tags(config)),
            ExpireDate=end,
        )
    delete_rules(aws, sorted(before))
    period = f"from {readable(start.timestamp())} until {readable(end.timestamp())}"
    return f"Muted: {counted(len(names), 'alarm')}, {period}."


def unmute(aws: Aws, config: Config) -> str:
    """Ends the mute of the app's alarms at once. Those in ALARM then notify.

    Returns:
        What was done, as a sentence.

    Raises:
        ProvisioningError: When the installed boto3 has no mute rules.
        AwsCallError: When AWS refused a call.
    """
    _check_boto3(aws)
    rules = [muted.rule for muted in read_mutes(aws, config)]
    delete_rules(aws, rules)
    return f"Unmuted: {counted(len(rules), 'rule')} deleted." if rules else "No alarm was muted."


def read_mutes(aws: Aws, config: Config) -> list[Mute]:
    """Returns the rules that mute the app's alarms now or soon. None with an older boto3.

    Raises:
        AwsCallError: When the rules cannot be listed.
    """
    if not aws.has("cloudwatch", "ListAlarmMuteRules"):
        return []
    own = re.compile(rf"{re.escape(config.app_name)}-mute-\d+")
    entries = aws.pages(
        "cloudwatch",
        "list_alarm_mute_rules",
        "AlarmMuteRuleSummaries",
        Statuses=["ACTIVE", "SCHEDULED"],
    )
    named = (
        (entry["AlarmMuteRuleArn"].partition(":alarm-mute-rule:")[2], entry) for entry in entries
    )
    return [
        Mute(rule=name, until=entry.get("ExpireDate"), is_active=entry.get("Status") != "SCHEDULED")
        for name, entry in named
        if own.fullmatch(name)
    ]


def _rules(app_name: str, alarms: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yields as few rules as name all the alarms."""
    numbers = count(1)
    for begin in range(0, len(alarms), _MOST_ALARMS):
        yield f"{app_name}-mute-{next(numbers)}", [*alarms[begin : begin + _MOST_ALARMS]]


def _description(app_name: str, reason: str) -> str:
    return "\n".join(filter(None, (reason.strip()[:_REASON], marker(app_name))))


def delete_rules(aws: Aws, rules: Sequence[str]) -> None:
    """Deletes these mute rules. Their alarms that are in ALARM then notify.

    Raises:
        AwsCallError: When AWS refused a call.
    """
    for rule in rules:
        aws.call("cloudwatch", "delete_alarm_mute_rule", AlarmMuteRuleName=rule)


def _check(aws: Aws, seconds: float) -> None:
    _check_boto3(aws)
    if not _SHORTEST <= seconds <= _LONGEST:
        remedy = "CloudWatch mutes for at least one minute and at most 15 days."
        raise ProvisioningError(Problem(key="--for", value=f"{seconds:,.0f} s", remedy=remedy))


def _check_boto3(aws: Aws) -> None:
    if not aws.has("cloudwatch", "PutAlarmMuteRule"):
        remedy = (
            "This boto3 has no alarm mute rules: upgrade it, or disable the actions with "
            "`aws cloudwatch disable-alarm-actions`, which `apply` leaves disabled."
        )
        raise ProvisioningError(Problem(key="boto3", value="too old", remedy=remedy))

"""Publishes the notification of an alarm's state change to its SNS topics, as CloudWatch does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask_errwatch._aws import Aws
from flask_errwatch.errors import AwsCallError
from flask_errwatch.lab.alarm_history import record_message
from flask_errwatch.lab.log_alarm_operations import contributor_id
from flask_errwatch.lab.mute_rules import is_muted
from flask_errwatch.simulation import ContributorTransition

#: The member of a stored alarm that lists the actions of each state.
ACTIONS = {
    "ALARM": "AlarmActions",
    "OK": "OKActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_MAX_SUBJECT = 99  # SNS API Reference, Publish: less than 100 characters


class SnsNotifier:
    """Publishes notifications. moto then posts them to http subscribers.

    A lab sends nothing outside this machine: it does not publish to a topic that has an http or
    https subscriber elsewhere. moto sends neither mail nor SMS.

    Args:
        aws: Calls the lab.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def notify(
        self, alarm: Mapping[str, Any], old: str, new: str, reason: str, seconds: float
    ) -> list[str]:
        """Publishes the notification to the topics that the alarm has for its new state.

        Args:
            alarm: As DescribeAlarms returns it.
            old: The previous state.
            new: The new state.
            reason: Why the state changed.
            seconds: When, in seconds since the epoch.

        Returns:
            A sentence for each topic that was not notified: a subscriber is outside this machine
            or did not answer, or the topic does not exist. One sentence when the alarm is muted.
        """
        return self._publish(alarm, new, notification(alarm, old, new, reason, seconds), None)

    def notify_contributor(
        self, alarm: Mapping[str, Any], change: ContributorTransition
    ) -> list[str]:
        """Publishes the notification of one contributor of a log alarm.

        Args:
            alarm: As DescribeAlarms returns it.
            change: The change of the contributor.

        Returns:
            As `notify` does.
        """
        return self._publish(alarm, change.new, contributor_notification(alarm, change), change)

    def _publish(
        self,
        alarm: Mapping[str, Any],
        new: str,
        message: Mapping[str, object],
        change: ContributorTransition | None,
    ) -> list[str]:
        failures: list[str] = []
        topics = [topic for topic in alarm.get(ACTIONS[new], ()) if ":sns:" in topic]
        if not topics or not alarm.get("ActionsEnabled", True):
            return failures
        if is_muted(alarm["AlarmArn"]):
            return ["not sent, since a mute rule is active"]
        subject = f'{new}: "{alarm["AlarmName"]}" in {_region(alarm)}'[:_MAX_SUBJECT]
        body = json.dumps(message)
        for topic in topics:
            failure = self._send(topic, subject, body)
            failures += [] if failure is None else [failure]
            record_message(alarm, topic, body, failure, change=change)
        return failures

    def _send(self, topic: str, subject: str, body: str) -> str | None:
        """Publishes one message. Returns why it was not sent, if it was not."""
        try:
            outside = sorted(self._hosts_outside(topic))
            if outside:
                return f"not sent, since {', '.join(outside)} is outside this machine"
            self._aws.call("sns", "publish", TopicArn=topic, Subject=subject, Message=body)
        except AwsCallError as error:
            # The alarm's state has changed all the same, as in CloudWatch.
            return f"not sent: {error}"
        return None

    def _hosts_outside(self, topic: str) -> Iterator[str]:
        for subscription in self._aws.pages(
            "sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic
        ):
            host = urlsplit(subscription["Endpoint"]).hostname
            if subscription["Protocol"] in {"http", "https"} and host not in _LOOPBACK:
                yield str(host)


def notification(
    alarm: Mapping[str, Any], old: str, new: str, reason: str, seconds: float
) -> dict[str, object]:
    """The JSON that CloudWatch publishes when a metric or composite alarm changes state.

    Its members are those of the messages that the live service sends (CloudWatch User Guide,
    "Notifying users on alarm changes"). The region is its code, not its long name.

    Example:
        >>> content = notification({"AlarmName": "shop-critical-error", "Period": 300,
        ...     "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop-critical-error"},
        ...     "OK", "ALARM", "11 > 10", 1_700_000_000)
        >>> content["NewStateValue"], content["StateChangeTime"], content["Region"]
        ('ALARM', '2023-11-14T22:13:20.000+0000', 'eu-west-1')
    """
    return _changed(alarm, old, new, reason, seconds) | _cause(alarm)


def contributor_notification(
    alarm: Mapping[str, Any], change: ContributorTransition
) -> dict[str, object]:
    """The JSON that CloudWatch publishes when a contributor of a log alarm changes state.

    The id and the attributes are those of the User Guide, Log alarms. `Trigger` is left out: that
    of a log alarm is not documented, so nothing should read it.

    Example:
        >>> change = ContributorTransition(alarm="shop-scan", contributor="203.0.113.9",
        ...     by="client_ip", at=1_700_000_000, old="OK", new="ALARM", value=18.0,
        ...     reason="1 out of 3 contributors evaluated to ALARM.", is_notified=True)
        >>> content = contributor_notification({"AlarmName": "shop-scan",
        ...     "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop-scan"}, change)
        >>> content["NewStateValue"], content["AlarmContributorAttributes"]
        ('ALARM', {'client_ip': '203.0.113.9'})
    """
    return {
        **_changed(alarm, change.old, change.new, change.reason, change.at),
        "AlarmContributorId": contributor_id(change),
        "AlarmContributorAttributes": {change.by: change.contributor},
    }


def _changed(
    alarm: Mapping[str, Any], old: str, new: str, reason: str, seconds: float
) -> dict[str, object]:
    """What the message of any alarm has."""
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription"),
        "AWSAccountId": str(alarm["AlarmArn"]).split(":")[4],
        "NewStateValue": new,
        "NewStateReason": reason,
        "StateChangeTime": _state_change_time(seconds),
        "Region": _region(alarm),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old,
        "OKActions": alarm.get("OKActions", []),
        "AlarmActions": alarm.get("AlarmActions", []),
        "InsufficientDataActions": alarm.get("InsufficientDataActions", []),
    }


def _cause(alarm: Mapping[str, Any]) -> dict[str, object]:
    """What the alarm watches: the rule of a composite alarm, or else a metric."""
    if alarm.get("AlarmRule"):
        return {"AlarmRule": alarm["AlarmRule"]}
    return {
        "Trigger": {
            "MetricName": alarm.get("MetricName"),
            "Namespace": alarm.get("Namespace"),
            "StatisticType": "Statistic",
            "Statistic": str(alarm.get("Statistic", "")).upper(),
            "Unit": alarm.get("Unit"),
            "Dimensions": [
                {"name": dimension["Name"], "value": dimension["Value"]}
                for dimension in alarm.get("Dimensions", ())
            ],
            "Period": alarm.get("Period"),
            "EvaluationPeriods": alarm.get("EvaluationPeriods"),
            "DatapointsToAlarm": alarm.get("DatapointsToAlarm"),
            "ComparisonOperator": alarm.get("ComparisonOperator"),
            "Threshold": alarm.get("Threshold"),
            "TreatMissingData": alarm.get("TreatMissingData", "missing"),
            "EvaluateLowSampleCountPercentile": "",
        },
    }


def _region(alarm: Mapping[str, Any]) -> str:
    return str(alarm["AlarmArn"]).split(":")[3]


def _state_change_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"

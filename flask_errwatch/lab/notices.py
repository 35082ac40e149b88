"""What an alarm tells its SNS topics when its state changes, in the words of CloudWatch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask_errwatch._aws import Aws
from flask_errwatch.errors import AwsCallError

#: Which member of a stored alarm lists the actions of a state.
ACTIONS = {
    "ALARM": "AlarmActions",
    "OK": "OKActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_SUBJECT = 99  # SNS API Reference, Publish: less than 100 characters


class Courier:
    """Publishes alarm messages; moto then posts them to http subscribers.

    A lab tells nobody outside this machine: a topic with such an http or https subscriber is
    left alone. Mail and SMS go nowhere, since moto sends none.

    Args:
        aws: The door to the lab.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def tell(
        self, alarm: Mapping[str, Any], old: str, new: str, reason: str, seconds: float
    ) -> list[str]:
        """Publishes the message to the topics that the alarm names for its new state.

        Args:
            alarm: As DescribeAlarms returns it.
            old: The state it was in.
            new: The state it is in.
            reason: Why.
            seconds: When, in seconds since the epoch.

        Returns:
            What a person should know: for whose sake nothing was sent, or who did not answer.
        """
        notes: list[str] = []
        if not alarm.get("ActionsEnabled", True):
            return notes
        for topic in alarm.get(ACTIONS[new], ()):
            if ":sns:" not in topic:
                continue
            subject = f'{new}: "{alarm["AlarmName"]}" in {_region(alarm)}'[:_SUBJECT]
            told = json.dumps(message(alarm, old, new, reason, seconds))
            try:
                outside = sorted(self._outside(topic))
                if outside:
                    notes.append(f"not sent, since {', '.join(outside)} is outside this machine")
                else:
                    self._aws.call("sns", "publish", TopicArn=topic, Subject=subject, Message=told)
            except AwsCallError as error:
                # No such topic, or a subscriber that does not answer: alarms go on without.
                notes.append(f"not sent: {error}")
        return notes

    def _outside(self, topic: str) -> Iterator[str]:
        for each in self._aws.pages(
            "sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic
        ):
            is_http = each["Protocol"] in {"http", "https"}
            if is_http and urlsplit(each["Endpoint"]).hostname not in _LOOPBACK:
                yield str(urlsplit(each["Endpoint"]).hostname)


def message(
    alarm: Mapping[str, Any], old: str, new: str, reason: str, seconds: float
) -> dict[str, object]:
    """The JSON that CloudWatch publishes when a metric alarm changes state.

    Its members are those of the messages that the live service sends (CloudWatch User Guide,
    "Notifying users on alarm changes"). The region is its code, not its long name.

    Example:
        >>> told = message({"AlarmName": "shop-critical-error", "Period": 300, "Threshold": 10.0,
        ...     "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop-critical-error"},
        ...     "OK", "ALARM", "11 > 10", 1_700_000_000)
        >>> told["NewStateValue"], told["StateChangeTime"], told["Region"]
        ('ALARM', '2023-11-14T22:13:20.000+0000', 'eu-west-1')
    """
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription"),
        "AWSAccountId": str(alarm["AlarmArn"]).split(":")[4],
        "NewStateValue": new,
        "NewStateReason": reason,
        "StateChangeTime": _time(seconds),
        "Region": _region(alarm),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old,
        "OKActions": alarm.get("OKActions", []),
        "AlarmActions": alarm.get("AlarmActions", []),
        "InsufficientDataActions": alarm.get("InsufficientDataActions", []),
        "Trigger": {
            "MetricName": alarm.get("MetricName"),
            "Namespace": alarm.get("Namespace"),
            "StatisticType": "Statistic",
            "Statistic": str(alarm.get("Statistic", "")).upper(),
            "Unit": alarm.get("Unit"),
            "Dimensions": [
                {"name": each["Name"], "value": each["Value"]}
                for each in alarm.get("Dimensions", ())
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


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"

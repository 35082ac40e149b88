"""The events of an alarm in each shape in which AWS delivers them.

The members are those of recorded messages and of the fixtures of aws-lambda-rust-runtime.
"""

from __future__ import annotations

import json
from typing import Any

REGION, ACCOUNT = "eu-central-1", "123456789012"
FIRED = "2026-11-29T02:06:00.250"
ALARM = "shop-not-found-error"


def arn(name: str = ALARM, region: str = REGION) -> str:
    """The ARN of an alarm."""
    return f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{name}"


def notification(name: str = ALARM, at: str = FIRED, **members: Any) -> dict[str, Any]:
    """The JSON of a message. `None` leaves a member out."""
    content = {
        "AlarmName": name,
        "AlarmDescription": "errors",
        "AWSAccountId": ACCOUNT,
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": f"{at}+0000",
        "Region": "Europe (Frankfurt)",
        "AlarmArn": arn(name),
        "OldStateValue": "OK",
        "AlarmActions": ["arn:aws:sns:eu-central-1:123456789012:alarms"],
        "Trigger": {
            "MetricName": name,
            "TreatMissingData": "- TreatMissingData:                    missing",
        },
        **members,
    }
    return {key: value for key, value in content.items() if value is not None}


def composite(**members: Any) -> dict[str, Any]:
    """The JSON of a message of a composite alarm, whose state was set by hand."""
    return notification(Trigger=None, AlarmRule="ALARM(a)", TriggeringChildren=[], **members)


def contributor(source: str, field: str = "client_ip", **members: Any) -> dict[str, Any]:
    """The JSON of a message about a contributor of a log alarm."""
    return notification(
        Trigger=None,
        AlarmContributorId="6d442278",
        AlarmContributorAttributes={field: source},
        **members,
    )


def sns(*contents: object, **attributes: str) -> dict[str, Any]:
    """A delivery of SNS, a record each."""
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "Sns": {
                    "Type": "Notification",
                    "TopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms",
                    "Subject": "ALARM",
                    "Message": content if isinstance(content, str) else json.dumps(content),
                    "MessageAttributes": {
                        name: {"Type": "String", "Value": value}
                        for name, value in attributes.items()
                    },
                },
            }
            for content in contents
        ]
    }


def _data(name: str, at: str, new: str, old: str | None) -> dict[str, Any]:
    evidence = {"version": "1.0", "startDate": f"{at}+0000", "period": 300}
    data = {
        "alarmName": name,
        "state": {
            "value": new,
            "reason": "Threshold Crossed",
            "reasonData": json.dumps(evidence),
            "timestamp": f"{at}+0000",
        },
        "previousState": {"value": old, "timestamp": f"{at}+0000"},
        "configuration": {"description": "errors", "metrics": []},
    }
    return data if old is not None else {k: v for k, v in data.items() if k != "previousState"}


def action(
    name: str = ALARM, at: str = FIRED, new: str = "ALARM", old: str = "OK"
) -> dict[str, Any]:
    """The event of a function that is an alarm's action."""
    return {
        "source": "aws.cloudwatch",
        "alarmArn": arn(name),
        "accountId": ACCOUNT,
        "time": f"{at}+0000",
        "region": REGION,
        "alarmData": _data(name, at, new, old),
    }


def eventbridge(
    name: str = ALARM, at: str = FIRED, new: str = "ALARM", old: str | None = "OK"
) -> dict[str, Any]:
    """An event of EventBridge."""
    return {
        "version": "0",
        "id": "c4c1c1c9",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT,
        "time": "2026-11-29T02:06:00Z",
        "region": REGION,
        "resources": [arn(name)],
        "detail": _data(name, at, new, old),
    }


def eventbridge_contributor(source: str, **given: Any) -> dict[str, Any]:
    """An event of EventBridge about a contributor. It has no previous state."""
    event = eventbridge(**{"old": None, **given})
    event["detail-type"] = "CloudWatch Alarm Contributor State Change"
    event["detail"]["alarmContributor"] = {"id": "6d442278", "attributes": {"client_ip": source}}
    return event


def scheduled(source: str = "aws.events") -> dict[str, Any]:
    """An event of a schedule."""
    return {
        "version": "0",
        "source": source,
        "detail-type": "Scheduled Event",
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/hourly"],
        "detail": {},
    }

"""Lines of probes, as an app writes them, in a log group of moto."""

from __future__ import annotations

import json
import time

import boto3

from flask_errwatch._time import rfc3339


def line(source: str, number: int = 0, **fields: object) -> dict[str, object]:
    """The line of a probe."""
    return {
        "event": "Not Found Error",
        "detector": "not-found-error",
        "timestamp": rfc3339(round(time.time() * 1000)),
        "id": f"id-{number}",
        "status": 404,
        "method": "GET",
        "path": f"/{number}.php",
        "client_ip": source,
        "client_ip_trust": "verified",
        "referrer": "none",
        "path_class": "probe",
        "suspicion": 2,
        "app": "shop",
        **fields,
    }


def put(
    lines: list[dict[str, object]], group: str = "shop", ago: float = 60, stream: str = "web"
) -> None:
    """Writes lines into a stream of a log group."""
    logs = boto3.client("logs")
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    if stream not in {one["logStreamName"] for one in streams}:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    at = round((time.time() - ago) * 1000)
    events = [{"timestamp": at, "message": json.dumps(one)} for one in lines]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

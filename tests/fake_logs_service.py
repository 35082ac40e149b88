"""The service behind `fake_logs`: groups, streams, events and the real limits, without network.

Limits: AWS API Reference, PutLogEvents, InputLogEvent, RejectedLogEventsInfo.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MAX_BYTES, EVENT_OVERHEAD, MAX_EVENTS = 1_048_576, 26, 10_000
HOUR_MS = 3_600_000
OLDEST_MS, NEWEST_MS, SPAN_MS = 14 * 24 * HOUR_MS, 2 * HOUR_MS, 24 * HOUR_MS


class Arrived(NamedTuple):
    """A log event that was accepted.

    Attributes:
        group: Its log group.
        stream: Its log stream.
        timestamp: Its time, in milliseconds since the epoch.
        message: Its message, or the beginning of it if the endpoint keeps less.
        at: When it arrived, in seconds since the epoch.
    """

    group: str
    stream: str
    timestamp: int
    message: str
    at: float


class AnswerError(Exception):
    """The error that the service returns instead of a result."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


def _invalid(message: str) -> AnswerError:
    return AnswerError(400, "InvalidParameterException", message)


def _missing(what: str) -> AnswerError:
    message = f"The specified log {what} does not exist."
    return AnswerError(400, "ResourceNotFoundException", message)


class Logs:
    """The service: groups, streams, and the accepted events in order.

    Args:
        keep: Characters of each message to keep, or None for all.
    """

    def __init__(self, keep: int | None) -> None:
        self.arrived: list[Arrived] = []
        self.groups: dict[str, set[str]] = {}
        self.create_stream_seconds = 0.0
        self.changed = threading.Condition()
        self._keep = keep
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "CreateLogGroup": self._create_group,
            "CreateLogStream": self._create_stream,
            "DeleteLogGroup": self._delete_group,
            "DeleteLogStream": self._delete_stream,
            "DescribeLogGroups": self._describe_groups,
            "DescribeLogStreams": self._describe_streams,
            "PutLogEvents": self._put,
            "PutRetentionPolicy": self._set_retention,
        }

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """The result of a call."""
        if operation not in self._operations:
            raise AnswerError(400, "UnknownOperationException", operation)
        if operation == "CreateLogStream":
            time.sleep(self.create_stream_seconds)
        with self.changed:
            try:
                return self._operations[operation](request)
            finally:
                self.changed.notify_all()

    def _streams(self, request: Mapping[str, Any]) -> set[str]:
        if request["logGroupName"] not in self.groups:
            raise _missing("group")
        return self.groups[request["logGroupName"]]

    def _create_group(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["logGroupName"]
        if name in self.groups:
            raise AnswerError(400, "ResourceAlreadyExistsException", name)
        self.groups[name] = set()
        return {}

    def _create_stream(self, request: dict[str, Any]) -> dict[str, Any]:
        streams, name = self._streams(request), request["logStreamName"]
        if name in streams:
            raise AnswerError(400, "ResourceAlreadyExistsException", name)
        if ":" in name or "*" in name or not 1 <= len(name) <= 512:
            raise _invalid(f"the name {name!r} is not allowed")
        streams.add(name)
        return {}

    def _delete_group(self, request: dict[str, Any]) -> dict[str, Any]:
        self._streams(request)
        del self.groups[request["logGroupName"]]
        return {}

    def _delete_stream(self, request: dict[str, Any]) -> dict[str, Any]:
        self._streams(request).discard(request["logStreamName"])
        return {}

    def _describe_groups(self, request: dict[str, Any]) -> dict[str, Any]:
        prefix = request.get("logGroupNamePrefix", "")
        names = sorted(name for name in self.groups if name.startswith(prefix))
        return {"logGroups": [{"logGroupName": name} for name in names]}

    def _describe_streams(self, request: dict[str, Any]) -> dict[str, Any]:
        prefix = request.get("logStreamNamePrefix", "")
        names = sorted(name for name in self._streams(request) if name.startswith(prefix))
        return {"logStreams": [{"logStreamName": name} for name in names]}

    def _set_retention(self, request: dict[str, Any]) -> dict[str, Any]:
        self._streams(request)
        return {}

    def _put(self, request: dict[str, Any]) -> dict[str, Any]:
        group, stream = request["logGroupName"], request["logStreamName"]
        if stream not in self._streams(request):
            raise _missing("stream")
        events = request["logEvents"]
        _check(events)
        now = time.time()
        start, end, info = _valid(events, int(now * 1000))
        valid = events[start:end]
        if valid and valid[-1]["timestamp"] - valid[0]["timestamp"] > SPAN_MS:
            raise _invalid("The batch of log events in a single request spans more than 24 hours")
        self.arrived += [
            Arrived(group, stream, event["timestamp"], event["message"][: self._keep], now)
            for event in valid
        ]
        answer: dict[str, Any] = {"nextSequenceToken": str(len(self.arrived))}
        return {**answer, "rejectedLogEventsInfo": info} if info else answer


def _check(events: list[dict[str, Any]]) -> None:
    """Refuses a batch that breaks a limit, like the service."""
    if not 1 <= len(events) <= MAX_EVENTS:
        raise _invalid(f"{len(events)} events: 1 to {MAX_EVENTS} are allowed")
    size, before = 0, 0
    for event in events:
        if not event["message"]:
            raise _invalid("an empty message")
        size += len(event["message"].encode("utf-8")) + EVENT_OVERHEAD
        if event["timestamp"] < before:
            raise _invalid("Log events in a single request must be in chronological order.")
        before = event["timestamp"]
    if size > MAX_BYTES:
        raise _invalid(f"Upload too large: {size} bytes exceeds limit of {MAX_BYTES}")


def _valid(events: list[dict[str, Any]], now: int) -> tuple[int, int, dict[str, int]]:
    """The range of events that are neither too old nor too new, and the info on the others."""
    start = sum(event["timestamp"] < now - OLDEST_MS for event in events)
    end = len(events) - sum(event["timestamp"] > now + NEWEST_MS for event in events)
    info = {}
    if start:
        info["tooOldLogEventEndIndex"] = start
    if end < len(events):
        info["tooNewLogEventStartIndex"] = end
    return start, end, info

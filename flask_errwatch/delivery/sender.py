"""Sends batches to CloudWatch Logs and interprets each response."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from flask_errwatch._aws import Aws, Response, configured
from flask_errwatch.delivery.batches import Formatter, LogEvent
from flask_errwatch.delivery.journal import Destination, Line, Record, key_owner
from flask_errwatch.errors import AwsCallError

#: Characters of a log stream's name (AWS API Reference, CreateLogStream).
_STREAM_LENGTH = 512
_REFUSED_FOR_GOOD = {"InvalidParameterException", "413", "RequestEntityTooLargeException"}


class RefusedLine(NamedTuple):
    """A line that CloudWatch will never accept.

    Attributes:
        timestamp: Its time, in milliseconds since the epoch.
        message: The line.
        reason: Why it was refused.
    """

    timestamp: int
    message: str
    reason: str


class Sender:
    """Sends to one log stream of one log group, and creates both when they do not exist.

    Args:
        aws: Calls AWS.
        log_group: The log group.
        log_stream: The log stream, of this process alone.
    """

    def __init__(self, aws: Aws, log_group: str, log_stream: str) -> None:
        self._aws = aws
        self._names = {"logGroupName": log_group, "logStreamName": log_stream}
        self._formatter = Formatter(log_group, log_stream)
        self._has_stream = False

    def send(self, batch: Sequence[Record]) -> list[RefusedLine]:
        """Sends records that one call may contain.

        Returns:
            Those that CloudWatch refused for good. It accepted all others.

        Raises:
            AwsCallError: When a call failed. Some records may be accepted. Send all again later.
        """
        return self._send(self._formatter.events(batch))

    def renew(self) -> None:
        """Creates a new client at the next call, so that it reads renewed credentials."""
        self._aws.forget()

    def destination(self) -> Destination:
        """Where it sends to, as far as that is known without a call.

        Raises:
            AwsCallError: When no region is configured, or the credentials cannot be looked up.
        """
        place, access_key = self._aws.place("logs"), self._aws.access_key()
        key = None if access_key is None else key_owner(access_key)
        digest = configured(os.environ).digest
        return Destination(self._names["logGroupName"], place, key=key, configuration=digest)

    def account(self) -> str:
        """The account that it sends to (GetCallerIdentity, which needs no permission).

        Raises:
            AwsCallError: When AWS does not answer.
        """
        return str(self._aws.call("sts", "get_caller_identity")["Account"])

    def has_stream_of(self, line: Line) -> bool:
        """Whether the process that wrote the line has sent lines to this group.

        Raises:
            AwsCallError: When that cannot be seen.
        """
        prefix = stream_prefix(orjson.loads(line.text))
        arguments = {"logGroupName": self._names["logGroupName"], "logStreamNamePrefix": prefix}
        try:
            streams = self._aws.call("logs", "describe_log_streams", **arguments)["logStreams"]
        except AwsCallError as error:
            if error.is_not_found:
                return False
            raise
        return any(str(stream["logStreamName"]).startswith(prefix) for stream in streams)

    def _send(self, events: list[LogEvent]) -> list[RefusedLine]:
        try:
            if not self._has_stream:
                self._create_stream()
            response = self._put(events)
        except AwsCallError as error:
            if error.code == "DataAlreadyAcceptedException":
                return []
            if error.code not in _REFUSED_FOR_GOOD:
                raise
            if len(events) == 1:
                return [_refused(events[0], f"CloudWatch refused it ({error.code})")]
            # One event spoils the batch. Sending halves finds it, and the others arrive.
            middle = len(events) // 2
            return self._send(events[:middle]) + self._send(events[middle:])
        return _rejected(events, response)

    def _put(self, events: list[LogEvent]) -> Response:
        try:
            return self._aws.call("logs", "put_log_events", **self._names, logEvents=events)
        except AwsCallError as error:
            if not error.is_not_found:
                raise
            # The stream or the group was deleted since it was created.
            self._create_stream()
            return self._aws.call("logs", "put_log_events", **self._names, logEvents=events)

    def _create_stream(self) -> None:
        try:
            self._create("create_log_stream", **self._names)
        except AwsCallError as error:
            if not error.is_not_found:
                raise
            self._create("create_log_group", logGroupName=self._names["logGroupName"])
            self._create("create_log_stream", **self._names)
        self._has_stream = True

    def _create(self, method: str, **arguments: str) -> None:
        try:
            self._aws.call("logs", method, **arguments)
        except AwsCallError as error:
            # Several processes start at once, and another one has created it.
            if error.code not in {"ResourceAlreadyExistsException", "OperationAbortedException"}:
                raise


def own_stream(app_name: str) -> str:
    """The name of a log stream of this process alone: `{host}/{app}/{pid}-{start}`."""
    process = {"host": socket.gethostname(), "app": app_name, "pid": os.getpid()}
    start = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return f"{stream_prefix(process)}{start}"[-_STREAM_LENGTH:]


def stream_prefix(process: Mapping[str, object]) -> str:
    """The beginning of the names of a process's streams.

    Args:
        process: Its `host`, `app` and `pid`, as in its lines.

    Example:
        >>> stream_prefix({"host": "web-1", "app": "shop", "pid": 4711})
        'web-1/shop/4711-'
    """
    name = f"{process.get('host')}/{process.get('app')}/{process.get('pid')}-"
    # A stream's name must not contain these (AWS API Reference, CreateLogStream).
    return name.replace(":", "_").replace("*", "_")


def _rejected(events: list[LogEvent], response: Response) -> list[RefusedLine]:
    """The events that an accepted call rejected (AWS API Reference, RejectedLogEventsInfo)."""
    info = response.get("rejectedLogEventsInfo") or {}
    old = int(info.get("tooOldLogEventEndIndex", 0))
    expired = int(info.get("expiredLogEventEndIndex", 0))
    new = int(info.get("tooNewLogEventStartIndex", len(events)))
    refused = [_refused(event, "older than 14 days") for event in events[:old]]
    refused += [_refused(event, "older than the retention") for event in events[old:expired]]
    first_new = max(new, old, expired)
    return refused + [_refused(event, "more than 2 hours ahead") for event in events[first_new:]]


def _refused(event: LogEvent, reason: str) -> RefusedLine:
    return RefusedLine(
        timestamp=int(event["timestamp"]), message=str(event["message"]), reason=reason
    )

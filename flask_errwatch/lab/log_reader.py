"""Reads a log group's new lines over the Logs API, each line once."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_errwatch._aws import Aws
from flask_errwatch.errors import AwsCallError

#: In milliseconds: a line that is older than the newest by more than this is found only by reading
#: the whole stream again. Threads of a process deliver their lines out of order.
_WINDOW = 60_000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log event.

    Attributes:
        timestamp: In milliseconds since the epoch.
        message: The line.
    """

    timestamp: int
    message: str


@dataclass(slots=True)
class _Stream:
    """What has been read of one log stream."""

    newest: int = 0
    size: int = 0
    ids: set[str] = field(default_factory=set)


class LogReader:
    """Reads one log group repeatedly.

    Args:
        aws: Calls the lab.
        group: The log group's name. It need not exist yet.
    """

    def __init__(self, aws: Aws, group: str) -> None:
        self._aws = aws
        self._group = group
        self._streams: dict[str, _Stream] = {}

    def new_lines(self) -> list[LogLine]:
        """Returns every line that arrived since the last call, in the order of time.

        Raises:
            AwsCallError: When a call failed.
        """
        lines: list[LogLine] = []
        for name, size in self._sizes().items():
            stream = self._streams.setdefault(name, _Stream())
            if size > stream.size:
                lines += self._read(name, stream, since=max(0, stream.newest - _WINDOW))
            # The sizes still differ: older lines arrived late, from the journal of a dead process.
            if size > stream.size:
                lines += self._read(name, stream, since=0)
        return sorted(lines, key=lambda line: line.timestamp)

    def _sizes(self) -> dict[str, int]:
        """Returns the characters per stream: what moto counts as `storedBytes`, without delay."""
        try:
            return {
                str(stream["logStreamName"]): int(stream["storedBytes"])
                for stream in self._aws.pages(
                    "logs", "describe_log_streams", "logStreams", logGroupName=self._group
                )
            }
        except AwsCallError as error:
            if error.code == "ResourceNotFoundException":
                return {}
            raise

    def _read(self, name: str, stream: _Stream, *, since: int) -> list[LogLine]:
        lines = []
        for event in self._aws.pages(
            *("logs", "filter_log_events", "events"),
            logGroupName=self._group,
            logStreamNames=[name],
            startTime=since,
        ):
            if event["eventId"] in stream.ids:
                continue
            line = LogLine(int(event["timestamp"]), str(event["message"]))
            lines.append(line)
            stream.ids.add(event["eventId"])
            stream.size += len(line.message)
            stream.newest = max(stream.newest, line.timestamp)
        return lines

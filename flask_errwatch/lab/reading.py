"""Lines read back over the Logs API: every line once, and each soon after it arrived."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_errwatch._aws import Aws
from flask_errwatch.errors import AwsCallError

#: How much older than the newest line one may be and still be found without reading all
#: again, in milliseconds: threads of a process hand their lines over out of order.
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
    """What was read of one log stream."""

    newest: int = 0
    size: int = 0
    ids: set[str] = field(default_factory=set)


class Reader:
    """Reads one log group again and again.

    Args:
        aws: The door to the lab.
        group: The log group's name; it need not exist yet.
    """

    def __init__(self, aws: Aws, group: str) -> None:
        self._aws = aws
        self._group = group
        self._streams: dict[str, _Stream] = {}

    def new_lines(self) -> list[LogLine]:
        """Every line that arrived since the last call, in the order of time.

        Raises:
            AwsCallError: When a call failed.
        """
        lines: list[LogLine] = []
        for name, size in self._sizes().items():
            stream = self._streams.setdefault(name, _Stream())
            if size > stream.size:
                lines += self._read(name, stream, since=max(0, stream.newest - _WINDOW))
            # The sizes do not agree: older lines came late, from the journal of a dead process.
            if size > stream.size:
                lines += self._read(name, stream, since=0)
        return sorted(lines, key=lambda line: line.timestamp)

    def _sizes(self) -> dict[str, int]:
        """Characters per stream: moto counts `storedBytes` that way, at once."""
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

"""Writes and reads the lines of blocks, in streams of their own in the app's log group."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from flask_errwatch._time import without_zone
from flask_errwatch.capture.events import operational_head
from flask_errwatch.capture.identity import Process, tags_of
from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.capture.redaction import Redactor
from flask_errwatch.capture.rendering import RedactProcessor, render
from flask_errwatch.config import Config
from flask_errwatch.delivery.batches import EVENT_OVERHEAD, MAX_BYTES, MAX_EVENTS
from flask_errwatch.detectors import SOURCE_BLOCKED, SOURCE_UNBLOCKED
from flask_errwatch.errors import AwsCallError, Problem
from flask_errwatch.patterns import field as json_field
from flask_errwatch.provision.ip_sets import AUDIT_PREFIX
from flask_errwatch.respond.blocking.durations import DAY, REMEMBERED
from flask_errwatch.respond.blocking.errors import BlockingError
from flask_errwatch.respond.blocking.history import History
from flask_errwatch.respond.blocking.records import Blocked, Record, Unblocked, read_record

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: What persons wrote, and what comes from requests.
_MASKED: Final = frozenset({"reason", "evidence"})
#: Seconds by which the times of lines may be ahead: a little less than CloudWatch Logs accepts.
_AHEAD: Final = 3600
_MILLISECOND: Final = 0.001
_EXISTS: Final = "ResourceAlreadyExistsException"
_PATTERN: Final = str(
    (json_field("$.event") == SOURCE_BLOCKED) | (json_field("$.event") == SOURCE_UNBLOCKED)
)


class AuditLog:
    """The lines of an app's blocks.

    Args:
        aws: The account and region of the log group.
        config: The app's configuration.
    """

    def __init__(self, aws: Aws, config: Config) -> None:
        self._aws = aws
        self._config = config
        self._newest = 0.0
        self._process = Process(tags_of(config))
        self._redact = RedactProcessor(Redactor(config.redact_keys, email=config.redact_email))

    def history(self, now: float, *, without: Collection[str] = ()) -> History:
        """The blocks of 90 days.

        Args:
            now: The present, in seconds since the epoch.
            without: Ids of lines that do not count.

        Raises:
            AwsCallError: When the log group cannot be read.
        """
        dated = sorted(self._records(now), key=lambda record: record[:2])
        left_out = {*without}
        for at, _, record in dated:
            # Not from a clock that is far wrong: CloudWatch Logs would refuse a line of that time.
            if at <= now + _AHEAD:
                self._newest = max(self._newest, at)
            if isinstance(record, Unblocked):
                left_out |= {*record.withdrawn}
        return History((at, record) for at, line_id, record in dated if line_id not in left_out)

    def write(self, records: Iterable[Record], now: float) -> list[str]:
        """Writes a line of each record. CloudWatch Logs has accepted all of them on return.

        Their time is after that of all lines that were read or written before, also where the
        clocks of two hosts differ: the time decides which line ends which.

        Args:
            records: What happened.
            now: The present, in seconds since the epoch.

        Returns:
            The id of the line of each record.

        Raises:
            BlockingError: When a line was refused.
            AwsCallError: When a call failed.
        """
        lines = dict(self._line(record) for record in records)
        if not lines:
            return []
        at = self._newest = max(now, self._newest + _MILLISECOND)
        stream = f"{AUDIT_PREFIX}{without_zone(int(at))[:10]}"
        place = {"logGroupName": self._config.log_group, "logStreamName": stream}
        try:
            self._aws.call("logs", "create_log_stream", **place)
        except AwsCallError as error:
            if error.code != _EXISTS:
                raise
        for batch in _batches([*lines.values()]):
            events = [{"timestamp": round(at * 1000), "message": line} for line in batch]
            answer = self._aws.call("logs", "put_log_events", **place, logEvents=events)
            if answer.get("rejectedLogEventsInfo"):
                raise _refused(answer["rejectedLogEventsInfo"])
        return [*lines]

    def _line(self, record: Record) -> tuple[str, str]:
        """The id of a line, and the line."""
        event = self._process.clock.stamp(operational_head(record.event))
        data = record.data()
        # What the app's own code wrote is never masked: without it no one would end the block.
        masked = {"data": {name: data[name] for name in _MASKED & data.keys()}}
        event["data"] = data | self._redact(None, "", masked)["data"]
        event |= self._process.fields
        event["seq"] = self._process.next_seq()
        line = render(None, "", event).decode()
        if _kept(read_line(line)) != _kept({"event": record.event, "data": data}):
            remedy = f"It cannot be read back as it was meant: {record.network} is left alone."
            raise BlockingError(Problem(key="line of a block", value=line[:200], remedy=remedy))
        return str(event["id"]), line

    def _records(self, now: float) -> Iterator[tuple[float, str, Record]]:
        """Each record with its time and the id of its line: ids sort by time too."""
        entries = self._aws.pages(
            *("logs", "filter_log_events", "events"),
            logGroupName=self._config.log_group,
            logStreamNamePrefix=AUDIT_PREFIX,
            filterPattern=_PATTERN,
            startTime=round((now - REMEMBERED * DAY) * 1000),
        )
        for entry in entries:
            # Emulators ignore the prefix and the pattern, and any program may write such a line
            # into another stream.
            if not str(entry.get("logStreamName", "")).startswith(AUDIT_PREFIX):
                continue
            event = read_line(entry["message"])
            if event is not None and event.get("app") == self._config.app_name:
                record = read_record(event)
                if record is not None:
                    yield entry["timestamp"] / 1000, str(event.get("id", "")), record


def _kept(event: dict[str, object] | None) -> Record | None:
    """What the line of a block must have, without what may be masked in it."""
    record = None if event is None else read_record(event)
    if isinstance(record, Blocked):
        return replace(record, reason="", evidence={})
    return None if record is None else replace(record, reason="")


def _refused(reason: object) -> BlockingError:
    remedy = "CloudWatch Logs refused it: check the clock of this host."
    return BlockingError(Problem(key="line of a block", value=reason, remedy=remedy))


def _batches(lines: Sequence[str]) -> Iterator[list[str]]:
    """Cuts lines of one time into lists that one call may contain."""
    batch: list[str] = []
    size = 0
    for line in lines:
        length = len(line.encode()) + EVENT_OVERHEAD
        if batch and (size + length > MAX_BYTES or len(batch) >= MAX_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += length
    if batch:
        yield batch

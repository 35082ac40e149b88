"""Cuts records into batches of PutLogEvents, and formats them with watchtower's handler."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from flask_errwatch.delivery.journal import Record

#: Limits of one call (AWS API Reference, PutLogEvents): bytes of all messages in UTF-8 with 26
#: for each event, events, and less than 24 hours between the first and the last.
MAX_BYTES, EVENT_OVERHEAD, MAX_EVENTS, SPAN_MS = 1_048_576, 26, 10_000, 24 * 3600 * 1000

#: One event of PutLogEvents: `timestamp` in milliseconds, and `message`.
LogEvent = dict[str, int | str]


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Cuts records, in their order, into lists that one call may contain."""
    batch: list[Record] = []
    size, earliest, latest = 0, 0, 0
    for record in records:
        timestamp = record.line.timestamp
        length = len(record.line.text) + EVENT_OVERHEAD
        low = min(earliest, timestamp) if batch else timestamp
        high = max(latest, timestamp) if batch else timestamp
        if batch and (
            size + length > MAX_BYTES or len(batch) >= MAX_EVENTS or high - low >= SPAN_MS
        ):
            yield batch
            batch, size, low, high = [], 0, timestamp, timestamp
        batch.append(record)
        size, earliest, latest = size + length, low, high
    if batch:
        yield batch


class Collector:
    """Replaces the boto3 client of watchtower's handler: it only collects events."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []

    def put_log_events(self, *, logEvents: list[LogEvent], **_: str) -> dict[str, object]:  # noqa: N803 - boto3's spelling
        """Collects what the handler would send."""
        self.events.extend(logEvents)
        return {}


class Formatter:
    """Formats lines as log events with watchtower's handler.

    With `use_queues=False` the handler formats a record and calls its client at once, without
    queues, retries or flush. `logging.shutdown` and a second `dictConfig` close a handler, which
    without queues changes nothing.

    Args:
        log_group: The log group.
        log_stream: The log stream.
    """

    def __init__(self, log_group: str, log_stream: str) -> None:
        from watchtower import CloudWatchLogHandler

        self._collector = Collector()
        self._handler: logging.Handler = CloudWatchLogHandler(
            log_group_name=log_group,
            log_stream_name=log_stream.replace("{", "{{").replace("}", "}}"),
            use_queues=False,
            create_log_group=False,
            create_log_stream=False,
            boto3_client=self._collector,
        )

    def events(self, records: Iterable[Record]) -> list[LogEvent]:
        """The records as log events, in the order of their times, as PutLogEvents requires."""
        for record in records:
            line = record.line
            entry = logging.LogRecord(
                "flask_errwatch", logging.ERROR, "", 0, line.text.decode(), None, None
            )
            # Watchtower truncates to milliseconds. With half a millisecond more, a floating-point
            # error cannot make the result one less.
            entry.created = (line.timestamp + 0.5) / 1000
            self._handler.emit(entry)
        events, self._collector.events = self._collector.events, []
        events.sort(key=lambda event: int(event["timestamp"]))
        return events

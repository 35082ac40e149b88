"""Batches: every limit of PutLogEvents, and watchtower as the formatter."""

from __future__ import annotations

import logging
import logging.config

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.delivery.batches import Formatter, batches
from flask_errwatch.delivery.journal.records import Line, Position, Record

HOUR = 3_600_000


def _record(timestamp: int, text: bytes = b"{}") -> Record:
    return Record(Line(timestamp, text, critical=False), Position(1, 0))


def _sizes(records: list[Record]) -> list[int]:
    return [len(batch) for batch in batches(records)]


def test_a_batch_spans_less_than_24_hours() -> None:
    """A line 24 hours older or newer than another is never in one call with it."""
    times = [0, 24 * HOUR - 1, 24 * HOUR, 0]
    assert _sizes([_record(time) for time in times]) == [2, 1, 1]


def test_one_old_line_costs_no_other() -> None:
    """A line 25 hours old among 1,001 is a batch by itself."""
    now = 100 * HOUR
    lines = [_record(now)] * 500 + [_record(now - 25 * HOUR)] + [_record(now)] * 500
    assert _sizes(lines) == [500, 1, 500]


def test_a_batch_has_at_most_10_000_events() -> None:
    """10,000 events are one call, and the next event is in another."""
    assert _sizes([_record(0)] * 10_001) == [10_000, 1]


def test_a_batch_has_at_most_1_048_576_bytes() -> None:
    """Each event counts its UTF-8 bytes and 26: 32 of 32,768 bytes fill one call."""
    assert _sizes([_record(0, b"x" * (32_768 - 26))] * 33) == [32, 1]


@given(st.lists(st.integers(min_value=0, max_value=100 * HOUR), max_size=50))
def test_every_record_is_in_exactly_one_batch(times: list[int]) -> None:
    """Batches lose nothing, repeat nothing and keep the order."""
    records = [_record(time) for time in times]
    assert [record for batch in batches(records) for record in batch] == records


@given(st.lists(st.integers(min_value=0, max_value=2**41), max_size=20))
def test_timestamps_survive_watchtower(times: list[int]) -> None:
    """A log event has its line's time to the millisecond, and events are in order of time."""
    events = Formatter("group", "stream").events([_record(time) for time in times])
    assert [event["timestamp"] for event in events] == sorted(times)


def test_text_survives_watchtower() -> None:
    """Braces, percent signs and other characters are unchanged, whatever the stream's name."""
    formatter = Formatter("group", "host/{shop}%s/1")
    text = '{"a": "100 %d {b} ümlaut 🙂"}'
    assert formatter.events([_record(5, text.encode())]) == [{"timestamp": 5, "message": text}]


@pytest.mark.usefixtures("loggers_restored")
def test_a_second_dict_config_and_a_shutdown_change_nothing() -> None:
    """`dictConfig` and `logging.shutdown` close all handlers. The formatter still works."""
    formatter = Formatter("group", "stream")
    for _ in range(2):
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": True})
    logging.shutdown()
    assert formatter.events([_record(1)]) == [{"timestamp": 1, "message": "{}"}]

"""Log events are read back without an exception, whatever another program wrote."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.capture.rendering import render


def test_a_rendered_line_is_read_back() -> None:
    """Every value of a rendered event is returned as it was."""
    event = {"event": "Not Found Error", "status": 404, "duration_ms": 1.5, "data": {"a": [True]}}
    line = str(render(None, "", dict(event)), "utf-8")
    assert read_line(line) == event


@pytest.mark.parametrize(
    "message",
    [
        "",
        "GET / 200",
        "[]",
        '"Heartbeat"',
        "null",
        "{}",
        '{"event": 7}',
        '{"event": null, "app": "shop"}',
        '{"event": "Heartbeat"',
        '{"event": "Heartbeat"} {}',
        '{"event": "Heartbeat", "data": NaN}',
        '{"event": "Heartbeat", "data": 1e999}',
        '{"event": "Heartbeat", "data": ' + "9" * 5_000 + "}",
        '{"event": "\\ud800"}',
        '{"event": "\ud800"}',
        '\ufeff{"event": "Heartbeat"}',
        "[" * 100_000,
        '{"event": "Heartbeat", "data": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"event":' * 100_000,
    ],
)
def test_other_messages_are_not_lines(message: str) -> None:
    """Text, other JSON, invalid JSON and deep nesting are None and not an exception."""
    assert read_line(message) is None


def test_the_last_of_equal_keys_counts() -> None:
    """As in Python's own parser."""
    assert read_line('{"event": "a", "event": "b"}') == {"event": "b"}


def test_large_integers_are_floats() -> None:
    """Integers beyond 64 bits, which no line contains, lose their precision."""
    assert read_line(f'{{"event": "a", "n": {2**63}, "m": {10**25}}}') == {
        "event": "a",
        "n": 2**63,
        "m": 1e25,
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("event"), inner)
    ),
    max_leaves=10,
)


@given(st.text() | VALUES.map(json.dumps))
def test_no_message_raises(message: str) -> None:
    """Any text and any JSON gives an event or None."""
    event = read_line(message)
    assert event is None or isinstance(event["event"], str)


@given(st.integers(min_value=1, max_value=3_000), st.sampled_from(["[", '{"event":', '[{"a":']))
def test_no_depth_raises(depth: int, opening: str) -> None:
    """Around the limit of the nesting, too."""
    closing = {"[": "]", "{": "}"}
    ends = "".join(closing[char] for char in reversed(opening) if char in closing)
    read_line('{"event": "a", "data": ' + opening * depth + "1" + ends * depth + "}")

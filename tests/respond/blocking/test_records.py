"""The lines of blocks: read back as they were written, whatever else is in the streams."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.respond.blocking.durations import duration, longest
from flask_errwatch.respond.blocking.history import History
from flask_errwatch.respond.blocking.records import Blocked, Record, Unblocked, read_record

NETWORK = ip_network("203.0.113.66/32")
BLOCKED = Blocked(
    network=NETWORK,
    set="arn:4",
    until=1_800_003_600.25,
    strike=2,
    reason="path scan",
    actor="arn:ann",
    alarm="shop-scan",
    transition="2027-01-15T08:00:00Z",
    evidence={"lines": 41},
    overrides=("untrusted",),
    is_already_present=True,
)
FIRST = Blocked(network=NETWORK, set="arn:4", until=100, strike=1, reason="", actor="ann")
UNBLOCKED = Unblocked(network=NETWORK, set="arn:4", reason="by hand", actor="ben", ends=7.125)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from([*sorted(BLOCKED.data()), "ends"])


@pytest.mark.parametrize("record", [BLOCKED, FIRST, UNBLOCKED, Unblocked(
    network=NETWORK, set="arn:4", reason="", actor=""
)])  # fmt: skip
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    """Every field, also those that a line leaves out."""
    assert read_record({"event": record.event, "data": record.data()}) == record


@given(
    st.sampled_from(["Source Blocked", "Source Unblocked", "Heartbeat"]),
    st.dictionaries(_FIELDS, _JSON),
)
def test_reading_never_fails(event: str, changed: dict[str, Any]) -> None:
    """Any program may write any JSON into a stream."""
    found = read_record({"event": event, "data": {**BLOCKED.data(), **changed}})
    if found is not None:
        History([(0, found)]).blocks(found.set)
        found.data()
    assert read_record({"event": event, "data": changed.get("address")}) is None


def test_an_end_is_of_what_was_known() -> None:
    """The line of a renewal meanwhile is newer, and its block goes on."""
    end = Unblocked(network=NETWORK, set="arn:4", reason="", actor="", ends=10.0)
    assert History([(10, FIRST), (20, end)]).blocks("arn:4") == {}
    renewed = History([(10, FIRST), (11, FIRST), (20, end)])
    assert renewed.blocks("arn:4")[NETWORK].last_at == 11
    whatever = Unblocked(network=NETWORK, set="arn:4", reason="", actor="")
    assert History([(10, FIRST), (11, FIRST), (20, whatever)]).blocks("arn:4") == {}
    assert renewed.blocks("arn:of-another-set") == {}


def test_strikes_count_what_has_ended() -> None:
    """By a line or by time, within 30 days. What is not over does not count."""
    end = Unblocked(network=NETWORK, set="arn:4", reason="", actor="")
    assert History([(0, FIRST)]).strike(NETWORK, 99) == 1
    assert History([(0, FIRST), (50, end)]).strike(NETWORK, 60) == 2
    twice = History([(0, FIRST), (50, end), (60, FIRST)])
    assert twice.strike(NETWORK, 99) == 2
    assert twice.strike(NETWORK, 100) == 3
    assert twice.strike(NETWORK, 100 + 31 * 86_400) == 1


def test_no_block_outlives_its_line() -> None:
    """Nor the 90 days that lines are read back."""
    assert [longest(days) // 86_400 for days in (1, 3, 90, 3653)] == [0, 2, 89, 89]
    assert [duration(strike) for strike in (1, 2, 3, 9)] == [3600, 86_400, 604_800, 604_800]

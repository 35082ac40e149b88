"""Kinds of lines: what filters do not tell apart is one kind, whatever else the lines hold."""

from __future__ import annotations

from flask_errwatch.simulation import LineKinds
from tests.simulation.resources import metric_alarm, metric_filter

SCAN = metric_filter("scan", "{ $.suspicion > 0 }", value="$.suspicion", metric_name="scan")
LOST = metric_filter("lost", '{ ($.event = "Lost") && ($.referrer != "same") }')
ALARM = metric_alarm("scan", metric_name="scan")


def test_lines_of_one_outcome_are_one_kind() -> None:
    """What no filter reads, and values that no filter tells apart, make no kind of their own."""
    kinds = LineKinds([SCAN, LOST, ALARM])
    assert kinds.fields == ("event", "referrer", "suspicion")
    probe = kinds.of({"event": "Lost", "referrer": "none", "suspicion": 2, "path": "/a"})
    other = kinds.of({"event": "Lost", "referrer": "other", "suspicion": 2, "path": "/b"})
    assert probe is other
    assert probe.filters == {"scan", "lost"}
    linked = kinds.of({"event": "Lost", "referrer": "same", "suspicion": 2})
    assert linked.filters == {"scan"}
    assert kinds.of({"event": "Lost", "referrer": "none", "suspicion": 1}) is not probe


def test_a_line_without_a_field_is_another_kind() -> None:
    """So that a report can tell what the lines of a log show."""
    kinds = LineKinds([LOST])
    assert kinds.of({"event": "Found"}) is not kinds.of({"event": "Found", "referrer": "same"})
    assert kinds.of({}) is kinds.other


def test_the_number_of_kinds_is_limited() -> None:
    """Very many different values are rounded to three digits."""
    kinds = LineKinds([SCAN, ALARM])
    found = {kinds.of({"suspicion": 1 + number / 7}) for number in range(20_000)}
    assert len(found) < 1_000 + 1_300
    assert all(kind.filters == {"scan"} for kind in found)


def test_a_kind_stands_for_any_source() -> None:
    """The event of one source has its address, or that of its peer, and nothing of another."""
    kind = LineKinds([SCAN]).of({"suspicion": 2, "client_ip": "192.0.2.1", "peer_ip": "10.0.0.1"})
    assert kind.event_of("198.51.100.7") == {"suspicion": 2, "client_ip": "198.51.100.7"}
    assert kind.event_of("peer 10.0.0.9") == {"suspicion": 2, "peer_ip": "10.0.0.9"}

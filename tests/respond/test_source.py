"""One rule decides whom a line is by."""

from __future__ import annotations

import pytest

from flask_errwatch.respond.ranking.source import source_of


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.0.113.66", "203.0.113.66"),
        ("::ffff:203.0.113.66", "203.0.113.66"),
        ("64:ff9b::203.0.113.66", "203.0.113.66"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("203.0.113.66:4711", "203.0.113.66"),
    ],
)
def test_an_address_has_a_source(address: str, source: str) -> None:
    """An IPv4 address is its own source, an IPv6 address is one of its /64."""
    assert source_of(address) == source


@pytest.mark.parametrize(
    "address", ["", "unknown", "010.0.0.1", "203.0.113.0/24", "\ud800", "\0", None, 7, [], {}]
)
def test_what_is_no_address_has_none(address: object) -> None:
    """Whatever a line has in its place."""
    assert source_of(address) is None

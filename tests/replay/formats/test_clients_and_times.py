"""The client and the time of a line: read where they are valid, and refused otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.replay.formats.clients import Peer, client_of, peer_of
from flask_errwatch.replay.formats.times import (
    ctime_second,
    epoch_second,
    iso_second,
    ncsa_second,
)
from tests.replay.formats.formatted_lines import SECOND


@pytest.mark.parametrize(
    ("text", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:2817", "203.0.113.9"),
        ("2001:DB8:0::9", "2001:db8::9"),
        ("[2001:db8::9]:443", "2001:db8::9"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("localhost", "localhost"),
        ("web-1.shop_default", "web-1.shop_default"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("", ""),
        ("-", ""),
        ("unix:", ""),
        ("<local>", ""),
        ("unknown", ""),
    ],
)
def test_a_client_is_an_address_a_host_name_or_unknown(text: str, client: str) -> None:
    """An address is canonical, as `client_ip` of the app's line is. An unknown one is empty."""
    assert client_of(text) == client


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T01:17:00.000Z",
        "[25/Nov/2026:01:17:00",
        "1795569432",
        "300.1.2.3",
        "1.2.3",
        "shop.example.com:443",
        "nginx:",
        "web|",
        "two words",
        "a..b",
        "-a",
        "{",
        "a" * 64,
        "a." * 200 + "b",
    ],
)
def test_anything_else_is_no_client(text: str) -> None:
    """A time stamp, a number or a process is never taken for the client."""
    assert client_of(text) is None


def test_the_last_entry_of_a_list_is_the_peer() -> None:
    """Each proxy appends its peer. What is before it may be anything, as anyone may write it."""
    assert peer_of("203.0.113.9, 10.0.3.114") == Peer("10.0.3.114", "203.0.113.9")
    assert peer_of("<script>,198.51.100.1,10.0.3.114") == Peer(
        "10.0.3.114", "<script>,198.51.100.1"
    )
    assert peer_of("203.0.113.9, {}") is None
    assert peer_of("203.0.113.9, ") is None


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("25/Nov/2026:01:17:12 +0000", SECOND),
        ("25/Nov/2026:06:47:12 +0530", SECOND),
        ("24/Nov/2026:20:17:12 -05:00", SECOND),
        ("25/Nov/2026:01:17:12", SECOND),
        ("25/Nov/2026 01:17:12", SECOND),
        ("25/Nov/2026:01:17:12.250 +0000", SECOND + 0.25),
        ("31/Dec/2016:23:59:60 +0000", 1_483_228_800),
    ],
)
def test_times_of_ncsa(text: str, second: float) -> None:
    """Any zone and any fraction is read. Without a zone a time is in UTC. A leap second is one."""
    assert ncsa_second(text) == second


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("2026-11-25T01:17:12Z", SECOND),
        ("2026-11-25 01:17:12,250", SECOND + 0.25),
        ("2026-11-25T01:17:12.250000000Z", SECOND + 0.25),
        ("2026-11-25T06:47:12.25+05:30", SECOND + 0.25),
        ("2026-11-25T01:17:12+0000", SECOND),
        ("2026-11-25 01:17:12 UTC", SECOND),
        ("2026-11-25T01:17Z", SECOND - 12),
    ],
)
def test_times_of_iso_8601(text: str, second: float) -> None:
    """Fractions of any length, zones with and without a colon, a blank in the place of the T."""
    assert iso_second(text) == second


def test_other_times() -> None:
    """What C writes, and numbers whose size tells their unit."""
    assert ctime_second("Wed Nov 25 01:17:12 2026") == SECOND
    assert ctime_second("Sun Nov  1 00:00:00 2026") == 1_793_491_200
    for unit in (1, 1_000, 1_000_000, 1_000_000_000):
        assert epoch_second(SECOND * unit) == SECOND


@pytest.mark.parametrize(
    "text",
    [
        "31/Feb/2026:01:17:12 +0000",
        "25/nov/2026:01:17:12 +0000",
        "25/Nov/2026:24:17:12 +0000",
        "25/Nov/2026:01:17:61 +0000",
        "25/Nov/2026:01:17:12 +9900",
        "25/Nov/1969:01:17:12 +0000",
        "25/Nov/2300:01:17:12 +0000",
        "٢٥/Nov/2026:01:17:12 +0000",
        "2026-13-25T01:17:12Z",
        "9999-12-31T23:59:59Z",
        "Wed Nov 31 01:17:12 2026",
        "",
    ],
)
def test_a_time_that_is_not_valid_is_none(text: str) -> None:
    """No such day, hour or zone, or beyond what a log may have (1970 to April 2262)."""
    assert ncsa_second(text) is iso_second(text) is ctime_second(text) is None


@given(st.text(max_size=60), st.floats())
def test_no_text_and_no_number_raises(text: str, number: float) -> None:
    """Each helper returns a value or None."""
    for parse in (ncsa_second, iso_second, ctime_second, client_of, peer_of):
        parse(text)
    epoch_second(number)

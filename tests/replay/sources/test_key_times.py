"""The times that keys tell: no object that has a line in the range may be left out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.replay.sources import TimeRange
from flask_errwatch.replay.sources.key_times import continue_after, times_of

BALANCER = (
    "lb/AWSLogs/123456789012/elasticloadbalancing/eu-central-1/2026/11/25/123456789012_"
    "elasticloadbalancing_eu-central-1_app.shop.1234567890abcdef_20261125T0120Z_192.0.2.9_20sg8h.log.gz"
)
EPOCH = datetime.fromisoformat("1970-01-03")


def at(text: str) -> float:
    """The time of RFC 3339, in seconds since the epoch."""
    return datetime.fromisoformat(f"{text}+00:00").astimezone(UTC).timestamp()


@pytest.mark.parametrize(
    ("key", "first", "last"),
    [
        # The name has the end of 5 or 60 minutes; the folder is wider.
        (BALANCER, "2026-11-24T23:20", "2026-11-25T02:20"),
        (
            "cdn/EMLARXS9EXAMPLE.2026-11-25-20.RT4KCN4SGK9.gz",
            "2026-11-25T19:00",
            "2026-11-25T22:00",
        ),
        ("s3/2026-11-25-00-00-38-0123456789ABCDEF", "2026-11-23T00:00:38", "2026-11-27T00:00:38"),
        (
            "fire/2026/11/25/01/shop-1-2026-11-25-01-17-12-a-b",
            "2026-11-23T01:00",
            "2026-11-28T01:00",
        ),
        ("fire/2026/11/25/", "2026-11-23T00:00", "2026-11-28T00:00"),
        ("a/year=2026/month=11/day=25/x.gz", "2026-11-23T00:00", "2026-11-28T00:00"),
        ("a/year=2026/month=11/day=5/hour=3/x.gz", "2026-11-03T03:00", "2026-11-08T03:00"),
        ("a/dt=2026-11-25/x.gz", "2026-11-23T00:00", "2026-11-28T00:00"),
        ("a/2026/11/", "2026-10-30T00:00", "2026-12-04T00:00"),
    ],
)
def test_keys_with_a_date(key: str, first: str, last: str) -> None:
    """The times have a margin: two days around a folder, hours around a name."""
    times = times_of(key)
    assert times is not None
    assert (times.first, times.last) == (at(first), at(last))


@pytest.mark.parametrize(
    "key",
    [
        "access.log.gz",
        "logs/access.log-20261125.gz",  # rotated then: its lines may be of a month before
        "a/2026/13/45/x.gz",
        "a/1234/12/x.gz",
        "a/2026/x.gz",
        "copy/2026/11/25/of/2020/01/01/x.gz",
        "EXAMPLE.2026-02-30-01.abc.gz",
        "",
    ],
)
def test_keys_that_do_not_tell(key: str) -> None:
    """They are never left out by their names."""
    assert times_of(key) is None


@given(
    st.datetimes(timezones=st.just(UTC)).filter(lambda end: end.year > 2000), st.integers(0, 300)
)
def test_a_file_of_a_balancer_has_the_five_minutes_before_its_name(
    end: datetime, before: int
) -> None:
    """Whatever its time, its lines are within what the key tells."""
    key = f"1_elasticloadbalancing_r_app.x_{end:%Y%m%dT%H%M}Z_192.0.2.9_x.log.gz"
    moment = end.replace(second=0, microsecond=0).timestamp() - before
    times = times_of(key)
    assert times is not None
    assert times.first <= moment <= times.last


@given(st.text("0123456789/-=.TZ_yearmonthdayE"))
def test_no_key_is_too_strange(key: str) -> None:
    """Whatever a key is, reading it raises nothing."""
    times = times_of(key)
    assert times is None or times.first < times.last


def test_where_a_list_goes_on() -> None:
    """Names of CloudFront are in the order of their times, so that years need not be listed."""
    within = TimeRange(start=at("2026-11-25T01:00"), end=at("2026-11-25T02:00"))
    before, after = (f"cdn/E2EXAMPLE1.{day}.a1b2.gz" for day in ("2020-01-01-00", "2027-01-01-00"))
    assert continue_after(before, within) == "cdn/E2EXAMPLE1.2026-11-23"
    assert continue_after(after, within) == "cdn/E2EXAMPLE1.:"
    assert continue_after("cdn/2020/01/01/a.gz", within) is None

"""The times of a question."""

from __future__ import annotations

import pytest

from flask_errwatch._parsers import RefusedValueError
from flask_errwatch.respond.moments import read_moment
from tests.respond.scripts import FIRED, NOW

AT = FIRED.timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-29T02:06:00Z", AT),
        ("2026-11-29T03:06:00+01:00", AT),
        ("2026-11-29 02:06", AT),
        ("02:06", AT),
        ("02:06:00", AT),
        ("02:09", AT - 86_400 + 180),
        ("2m", AT),
        ("-2m", AT),
        ("2m ago", AT),
        ("1h", NOW - 3600),
        ("2d", NOW - 172_800),
        ("1w", NOW - 604_800),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, expected: float) -> None:
    """Without a zone it is UTC, and a time of day is the latest one that is over."""
    assert read_moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2y", "1½h", "2026-13-01", "9999999h"])
def test_any_other_text_is_refused_with_the_forms(text: str) -> None:
    """The message is one sentence that shows what to write."""
    with pytest.raises(RefusedValueError, match=r"^Use a time such as .*\.$"):
        read_moment(text, NOW)


def test_a_time_that_is_not_over_is_refused() -> None:
    """There is no line of the future."""
    with pytest.raises(RefusedValueError, match="over"):
        read_moment("2026-11-29T02:08:01Z", NOW)


@pytest.mark.parametrize("text", ["999999w", "1970-01-01", "0001-01-01", "2013-12-31T23:59:59Z"])
def test_a_time_before_cloudwatch_logs_is_refused(text: str) -> None:
    """AWS would refuse a time before 1970, and the hour before the window is read too."""
    with pytest.raises(RefusedValueError, match="since 2014"):
        read_moment(text, NOW)

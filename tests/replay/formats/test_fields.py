"""The record of named values: its time, its status, its request line."""

from __future__ import annotations

import pytest

from flask_errwatch.replay.formats.fields import Fields, record_of, second_of, status_of

FIELDS = Fields(
    status=("status",), request=("request",), method=("method",), path=("path",), query=("query",)
)


@pytest.mark.parametrize(
    ("value", "second"),
    [
        (1_795_569_420, 1_795_569_420.0),
        (1_795_569_420.25, 1_795_569_420.25),
        (1_795_569_420_250, 1_795_569_420.25),
        (1_795_569_420_250_000, 1_795_569_420.25),
        ("1795569420000000000", 1_795_569_420.0),
        ("1795569420.25", 1_795_569_420.25),
        ("2026-11-25T01:17:00.25Z", 1_795_569_420.25),
        ("2026-11-25 02:17:00,25+0100", 1_795_569_420.25),
        ("2026-11-25T01:17:00", 1_795_569_420.0),
        ("[25/Nov/2026:01:17:00 +0000]", 1_795_569_420.0),
        ("Wed Nov 25 01:17:00 2026", 1_795_569_420.0),
        (12, None),
        ("0.004", None),
        (-1, None),
        (float("inf"), None),
        (10**30, None),
        (True, None),
        (None, None),
        ("", None),
        ("noon", None),
        ("2026-02-30T00:00:00Z", None),
        ({"seconds": 1_795_569_420}, None),
    ],
)
def test_a_time_has_many_forms(value: object, second: float | None) -> None:
    """Numbers by their size; texts in ISO 8601, NCSA or ctime; a small number is a duration."""
    assert second_of(value) == second


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (404, "404"),
        (404.0, "404"),
        ("499", "499"),
        ("-", "000"),
        (0, "000"),
        ("000", "000"),
        (404.5, None),
        (float("inf"), None),
        (99, None),
        (1000, None),
        ("4_4", None),
        ("٤٠٤", None),
        (True, None),
        (None, None),
        ([404], None),
    ],
)
def test_a_status_has_three_digits(value: object, status: str | None) -> None:
    """A number or a text; a request that was not answered has none, which is no failure."""
    assert status_of(value) == status


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"request": "GET /a?b HTTP/1.1"}, "GET /a?b HTTP/1.1"),
        ({"request": "GET /a"}, "GET /a HTTP/1.1"),
        ({"request": "/a", "method": "GET"}, "GET /a HTTP/1.1"),
        ({"request": r"\x16\x03\x01"}, r"\x16\x03\x01"),
        ({"request": "", "method": None}, "-"),
        ({"request": "-", "method": "GET", "path": "/a"}, "GET /a HTTP/1.1"),
        ({"method": "GET", "path": "/a b"}, "GET /a%20b HTTP/1.1"),
        ({"method": "GET", "path": "https://shop/a?b"}, "GET /a?b HTTP/1.1"),
        ({"method": "GET", "path": "/a", "query": "?b"}, "GET /a?b HTTP/1.1"),
        ({"method": "GET", "path": "/a?b", "query": "b"}, "GET /a?b HTTP/1.1"),
        ({"method": "GET /x HTTP/1.1", "path": "/a"}, "GET /a HTTP/1.1"),
        ({"method": "GET"}, "GET - HTTP/1.1"),
        ({"path": "GET /a?b HTTP/1.1"}, "GET /a?b HTTP/1.1"),
        ({"path": ["/a"]}, "- /a HTTP/1.1"),
    ],
)
def test_a_request_line_is_built_of_what_there_is(values: dict[str, object], line: str) -> None:
    """As the combined format has it, so that a path is the same in every format."""
    record = record_of({"status": 404, **values}, FIELDS)
    assert record is not None
    assert record.request.line == line

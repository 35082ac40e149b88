"""Logs in the W3C extended format: of CloudFront, also in JSON, and of IIS.

The samples are made after those of
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html and
https://learn.microsoft.com/windows/win32/http/w3c-logging.
"""

from __future__ import annotations

import json

import pytest

from flask_errwatch.replay.formats.record import HEADER, AccessRecord, LogFormat, Parsed
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.w3c import CLOUDFRONT, IIS

AT = 1_795_569_420.0
VERSION = "#Version: 1.0"
STANDARD = (
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status "
    "cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id "
    "x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port "
    "time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)
EDGE_LINE = (
    "2026-11-25\t01:17:00\tFRA56-P1\t392\t203.0.113.9\tGET\td111111abcdef8.cloudfront.net\t/.env\t"
    "404\t-\tMozilla/5.0%20(X11)\ta=b&c=%2520d\t-\tError\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmu"
    "reZmBNrjGdRLiNIQ==\tshop.example.com\thttps\t23\t0.001\t198.51.100.7\tTLSv1.2\t"
    "ECDHE-RSA-AES128-GCM-SHA256\tError\tHTTP/2.0\t-\t-\t11040\t0.001\tError\ttext/html\t78\t-\t-"
)
IIS_COLUMNS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken X-Forwarded-For"
)
IIS_LINE = (
    "2026-11-25 01:17:00 10.0.0.2 GET /.env a=b 80 - 10.0.3.114 Mozilla/5.0+(X11) "
    "https://shop.example.com/ 404 0 2 31 198.51.100.7,+203.0.113.9"
)


def parsed(form: LogFormat, *lines: str) -> list[Parsed]:
    """What the parser of one log makes of its lines."""
    parse = form.parser()
    return [parse(line) for line in lines]


def test_a_standard_log_of_cloudfront() -> None:
    """All columns: the path with its query, and the decoded user agent."""
    request = Request(
        "203.0.113.9", "404", "GET /.env?a=b&c=%2520d HTTP/2.0", "-", "Mozilla/5.0 (X11)"
    )
    record = AccessRecord(AT, request, "198.51.100.7")
    assert parsed(CLOUDFRONT, VERSION, STANDARD, EDGE_LINE) == [HEADER, HEADER, record]


def test_a_standard_log_without_its_header_has_the_documented_columns() -> None:
    """A part of a log, cut anywhere, is read by the documented order."""
    assert parsed(CLOUDFRONT, EDGE_LINE) == parsed(CLOUDFRONT, STANDARD, EDGE_LINE)[1:]


def test_columns_may_have_any_order_and_number() -> None:
    """The header says where each is; of what it does not name nothing is known."""
    columns = "#Fields: sc-status cs-uri-stem c-ip time date"
    line = "403\t/admin\t2001:db8::9\t01:17:00\t2026-11-25"
    expected = AccessRecord(AT, Request("2001:db8::9", "403", "- /admin HTTP/1.1"), None)
    assert parsed(CLOUDFRONT, columns, line) == [HEADER, expected]


def test_a_header_in_the_middle_counts_from_there() -> None:
    """Logs that were joined have one header each."""
    records = parsed(
        CLOUDFRONT,
        "#Fields: date time c-ip sc-status cs-uri-stem",
        "2026-11-25\t01:17:00\t203.0.113.9\t404\t/a",
        "#Fields: date time sc-status c-ip cs-uri-stem",
        "2026-11-25\t01:17:00\t404\t203.0.113.8\t/b",
    )
    sources = [record.request.source for record in records if isinstance(record, AccessRecord)]
    assert sources == ["203.0.113.9", "203.0.113.8"]


def test_a_copy_with_blanks_is_read_where_the_columns_are_those_of_cloudfront() -> None:
    """A terminal turns tabs into blanks, and no value has any."""
    copied = EDGE_LINE.replace("\t", " ")
    assert parsed(CLOUDFRONT, STANDARD, copied) == parsed(CLOUDFRONT, STANDARD, EDGE_LINE)


def test_a_user_agent_that_was_encoded_twice_is_decoded() -> None:
    """Older logs have `%2520` for a blank."""
    line = EDGE_LINE.replace("Mozilla/5.0%20(X11)", "Mozilla/5.0%2520(X11)")
    assert parsed(CLOUDFRONT, STANDARD, line) == parsed(CLOUDFRONT, STANDARD, EDGE_LINE)


def test_a_request_that_was_not_answered_has_the_status_000() -> None:
    """CloudFront writes it where the viewer closed the connection."""
    (record,) = parsed(CLOUDFRONT, EDGE_LINE.replace("\t404\t", "\t000\t"))
    assert isinstance(record, AccessRecord)
    assert record.request.status == "000"


@pytest.mark.parametrize(
    "time",
    [
        {"date": "2026-11-25", "time": "01:17:00"},
        {"timestamp": "1795569420.000"},
        {"timestamp(ms)": "1795569420000"},
        {"timestamp(ms)": 1_795_569_420_000},
    ],
)
def test_json_of_cloudfront_has_the_names_of_the_columns(time: dict[str, object]) -> None:
    """Standard logs (v2) in JSON, with any of the fields for the time."""
    values = {
        **time,
        "c-ip": "203.0.113.9",
        "cs-method": "GET",
        "cs-uri-stem": "/.env",
        "sc-status": "404",
        "cs(Referer)": "-",
        "cs(User-Agent)": "Mozilla/5.0%20(X11)",
        "x-forwarded-for": "-",
    }
    request = Request("203.0.113.9", "404", "GET /.env HTTP/1.1", "-", "Mozilla/5.0 (X11)")
    assert parsed(CLOUDFRONT, json.dumps(values)) == [AccessRecord(AT, request, "")]


def test_a_log_of_iis() -> None:
    """Blanks separate the columns, `+` stands for a blank, and a custom field may be forwarded."""
    request = Request(
        *("10.0.3.114", "404", "GET /.env?a=b HTTP/1.1", "https://shop.example.com/"),
        "Mozilla/5.0 (X11)",
    )
    head = ["#Software: Microsoft Internet Information Services 10.0", VERSION, IIS_COLUMNS]
    record = AccessRecord(AT, request, "198.51.100.7, 203.0.113.9")
    assert parsed(IIS, *head, IIS_LINE) == [HEADER, HEADER, HEADER, record]


def test_the_two_are_told_apart_by_their_columns() -> None:
    """A header of one is not one of the other, nor are the lines after it."""
    assert parsed(IIS, STANDARD, EDGE_LINE.replace("\t", " ")) == [None, None]
    assert parsed(CLOUDFRONT, IIS_COLUMNS, IIS_LINE) == [None, None]


def test_iis_needs_its_header() -> None:
    """Its columns are chosen in its console: without their names nothing is known."""
    assert parsed(IIS, IIS_LINE) == [None]


@pytest.mark.parametrize(
    "line",
    [
        "",
        f"{EDGE_LINE}\t{EDGE_LINE}",
        f"{EDGE_LINE}\r{EDGE_LINE}",
        EDGE_LINE.replace("203.0.113.9", "FRA56 P1"),
        EDGE_LINE.replace("2026-11-25", "25.11.2026"),
        EDGE_LINE.replace("\t404\t", "\t4\t"),
        EDGE_LINE.rpartition("\t")[0],
        "# a comment",
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    """A field that is not what it should be, too few columns, or several records on one line."""
    assert parsed(CLOUDFRONT, STANDARD, line) == [HEADER, None]

"""Server access logs of S3.

The samples are made after those of
https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html.
"""

from __future__ import annotations

import pytest

from flask_errwatch.replay.formats.record import HEADER, AccessRecord
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.s3_access import S3

OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
HEAD = f"{OWNER} media [25/Nov/2026:02:17:00 +0100] 203.0.113.9 - 3E57427F3EXAMPLE REST.GET.OBJECT"
LINE = (
    f'{HEAD} a.png "GET /media/a.png?x HTTP/1.1" 404 NoSuchKey 277 - 7 - "https://shop/" '
    '"curl/8.0" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3= - '
    "ECDHE-RSA-AES128-GCM-SHA256 - media.s3.us-west-1.amazonaws.com TLSv1.2 - - us-east-1"
)


def test_a_line_has_the_request() -> None:
    """Time, client, status, request, referrer and user agent."""
    request = Request(
        "203.0.113.9", "404", "GET /media/a.png?x HTTP/1.1", "https://shop/", "curl/8.0"
    )
    assert S3.parser()(LINE) == AccessRecord(1_795_569_420.0, request, None)


def test_what_s3_does_by_itself_is_no_request() -> None:
    """An object that expired has no client, no request and no status: it does not count."""
    line = (
        f"{OWNER} media [25/Nov/2026:01:17:00 +0000] - AmazonS3 3E57427F3EXAMPLE S3.EXPIRE.OBJECT "
        "a.png - - - - 277 - - - - - - - - - - -"
    )
    assert S3.parser()(line) is HEADER


def test_a_user_agent_that_looks_like_a_record_is_one_field() -> None:
    """Anyone may call himself so: the line counts."""
    agent = LINE.replace('"', "")
    record = S3.parser()(LINE.replace("curl/8.0", agent))
    assert isinstance(record, AccessRecord)
    assert (record.request.status, record.request.agent) == ("404", agent)


@pytest.mark.parametrize(
    "line",
    [
        "",
        LINE.replace("203.0.113.9", "[25/Nov/2026:02:17:00"),
        LINE.replace("25/Nov", "25/Foo"),
        LINE.replace(" 404 ", " four "),
        LINE.replace('"https://shop/"', '"https://shop/"x"'),
        f"{LINE}\t{LINE}",
        f"{LINE} {LINE}",
        f"{LINE}{LINE}",
        rf"{LINE}\n{LINE}",
        '203.0.113.9 - - [25/Nov/2026:01:17:00 +0000] "GET / HTTP/1.1" 404 9 "-" "curl"',
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    """Another format, a field that is not what it should be, or several records on one line."""
    assert S3.parser()(line) is None

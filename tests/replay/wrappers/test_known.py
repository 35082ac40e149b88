"""What holds for every wrapper: bare lines stay, wrappers nest, and no line harms."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.replay.formats.ncsa import COMBINED
from flask_errwatch.replay.wrappers.known import WRAPPERS
from flask_errwatch.replay.wrappers.wrapper import Wrapper
from tests.replay.wrapped_lines import ACCESS, AT, LINES, OURS, taken

NAMES = [wrapper.name for wrapper in WRAPPERS]
#: Pieces of which prefixes consist.
PIECES = (
    *(ACCESS, OURS, "2026-11-25T01:17:00", ".123456789Z", "+00:00", " ", " - ", ": ", "|", "\t"),
    *("stdout F", "[pod/a/b]", "app[web.1]:", "INFO", "[INFO]", "<1>1", "Nov 25 01:17:00", "nginx"),
    *("2026-11-25T01:17:00Z stdout P ", "2026-11-25T01:17:00Z stdout F "),
    *("EVENTS", "1795569420123", "\x1b[32m", "203.0.113.9", "- -", '{"log":"', '"}', "\ud800", "٣"),
)


@pytest.mark.parametrize("line", LINES)
def test_a_bare_line_stays(line: str) -> None:
    """Neither an access line nor one of our own looks wrapped."""
    assert taken(line) is None


@pytest.mark.parametrize(
    "line",
    [
        ACCESS.replace("203.0.113.9", "shop.example.com:443 203.0.113.9"),
        ACCESS.replace("203.0.113.9", "shop.example.com 203.0.113.9"),
        ACCESS.replace("203.0.113.9", "visitor.example.com"),
        ACCESS.replace("203.0.113.9", "-"),
        ACCESS.replace("+0000", "+0530"),
        "[pid: 7|app: 0|req: 1/1] 203.0.113.9 () {40 vars in 500 bytes} [Wed Nov 25 01:17:00 2026]",
        'https 2026-11-25T01:17:00.000000Z app/shop/50dc6c495c0c9188 203.0.113.9:2817 "',
        "#Fields: date time c-ip cs-method sc-status",
        "2026-11-25\t01:17:00\tFRA2\t392\t203.0.113.9\tGET\td1.cloudfront.net\t/.env\t404\t-\tcurl",
        "2026-11-25 01:17:00 10.0.0.1 GET /.env - 443 - 203.0.113.9 curl - 404 0 2 15",
        json.dumps({"time": "2026-11-25T01:17:00Z", "remote_addr": "203.0.113.9", "status": 404}),
        json.dumps({"ts": AT, "msg": "handled request", "request": {"remote_ip": "203.0.113.9"}}),
        "79a59df900b949e5 awsexamplebucket1 [25/Nov/2026:01:17:00 +0000] 203.0.113.9 - 3E57427F3",
    ],
)
def test_an_access_line_of_another_format_stays(line: str) -> None:
    """Its own beginning is no prefix: a virtual host, a time, a bucket's owner."""
    assert taken(line) is None


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("2026-11-25T01:17:00.000000+00:00 web/0a ", "[2026-11-25 01:17:00 +0000] [7] [INFO] "),
        ("2026-11-25T01:17:00.000Z ", "Nov 25 01:17:00 web-1 gunicorn[7]: "),
        ("Nov 25 01:17:00 web-1 docker[7]: ", "web-1  | "),
        ("web-1  | ", "INFO:werkzeug:"),
        ("2026-11-25T01:17:00.000000000Z stdout F ", "2026-11-25 01:17:00,123 INFO access: "),
    ],
)
def test_wrappers_nest(outer: str, inner: str) -> None:
    """The outer one leaves the inner one as it was."""
    outside = taken(outer + inner + ACCESS)
    assert outside is not None
    assert outside.message == inner + ACCESS
    inside = taken(outside.message)
    assert inside is not None
    assert inside.message == ACCESS


def test_names_differ() -> None:
    """A message can name each wrapper."""
    assert len({*NAMES}) == len(NAMES) == 22


@given(line=st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=10).map("".join))
def test_no_line_raises_or_grows(line: str) -> None:
    """What is inside stands in the line, or in its JSON, and has no line break at its end."""
    for wrapper in WRAPPERS:
        wrapped = wrapper.unwrap(line)
        if wrapped is None:
            continue
        assert wrapped.at is None or 0 <= wrapped.at < 9.3e9
        assert wrapped.message in line or line.lstrip().startswith("{")


@given(lines=st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), max_size=6))
def test_no_lines_are_lost_by_joining(lines: list[str]) -> None:
    """What is no part of a line comes back as it is."""
    for wrapper in WRAPPERS:
        if wrapper.joiner is not None:
            join = wrapper.joiner()
            for line in lines:
                assert join(line) in (line, None) or wrapper.unwrap(line) is not None


@given(prefix=st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
def test_no_other_source_is_read(prefix: str) -> None:
    """Whatever stands before an access line, it stays whole, or what is left of it is no other."""
    line = 'x.invalid - - [25/Nov/2026:01:17:00 +0000] "GET / HTTP/1.1" 404 9 "-" "curl"'
    found = taken(prefix + line)
    parse = COMBINED.parser()
    assert found is None or found.message.endswith(line) or parse(found.message) is None


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=NAMES)
@pytest.mark.parametrize(
    "piece",
    ["a", " ", "- ", "[a] ", "a: ", "INFO ", "1.1.1.1, ", "::", "\x1b[0m", "\t", '="', "\\"],
)
def test_a_long_line_ends(wrapper: Wrapper, piece: str) -> None:
    """A hostile line of a megabyte is read once: a pattern that looks back would not end."""
    unwrap = wrapper.unwrap
    for beginning in ("", "2026-11-25 01:17:00 ", "<1>1 - - - - - [a ", "EVENTS\t", "shop ", "{"):
        line = beginning + piece * (1_000_000 // len(piece))
        wrapped = unwrap(line)
        assert wrapped is None or len(wrapped.message) <= len(line)

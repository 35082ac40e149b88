"""Hostile lines: none raises, none is slow, none moves a request to another source."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_errwatch.replay.formats.envoy import ENVOY
from flask_errwatch.replay.formats.format_string import log_format
from flask_errwatch.replay.formats.haproxy import HAPROXY
from flask_errwatch.replay.formats.ncsa import COMBINED, headers_of
from flask_errwatch.replay.formats.record import AccessRecord, LogFormat
from flask_errwatch.replay.formats.uvicorn import UVICORN
from flask_errwatch.replay.formats.uwsgi import UWSGI
from flask_errwatch.replay.formats.werkzeug import WERKZEUG

TIME = "[25/Nov/2026:01:17:12 +0000]"
OF_NGINX = log_format('$http_x_forwarded_for - $remote_user [$time_local] "$request" $status')
FORMATS = [COMBINED, WERKZEUG, UVICORN, UWSGI, HAPROXY, ENVOY, OF_NGINX]
#: The address that a hostile value claims, and the peer that the server saw.
CLAIMED, PEER = "6.6.6.6", "203.0.113.9"
#: Pieces of lines of all formats, from which hostile values are made.
PIECES = [
    *(CLAIMED, f"{CLAIMED} - - ", f"{CLAIMED}, ", f"{CLAIMED}:80", f"{CLAIMED} ", " - ", " - - "),
    *(TIME, "[2026-11-25T01:17:12Z]", "[Wed Nov 25 01:17:12 2026]", "[25/Nov/2026 01:17:12]"),
    *('"', '\\"', "\\", "'", '" "', '" 200 ', "GET /a HTTP/1.1", '"GET / HTTP/1.1" 404 9 ', "-"),
    *(" ", ", ", ",", "(", ") ", "() {1 vars in 1 bytes} ", " => generated 1 bytes in 1 msecs "),
    *("[pid: 1|app: 0|req: 1/1] ", "(HTTP/1.1 404) ", "{", "}", "|", "\t", "\r", "x", "\u00fc"),
]
VALUES = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def source_of(log_format: LogFormat, line: str) -> str:
    """The source of the line, empty where it is unknown or the line is refused."""
    parsed = log_format.parser()(line)
    return parsed.request.source if isinstance(parsed, AccessRecord) else ""


def escaped(value: str) -> str:
    r"""A value as nginx writes it: a quote, a backslash and control characters as `\xXX`."""
    return "".join(f"\\x{ord(char):02X}" if char in '"\\' or char < " " else char for char in value)


@given(st.one_of(st.text(), VALUES))
def test_no_line_raises(line: str) -> None:
    """Whatever a line is, each format returns a request, a header or None."""
    for each in FORMATS:
        each.parser()(line)
    headers_of(line)


@pytest.mark.parametrize("log_format", FORMATS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    "head",
    [
        "",
        f'203.0.113.9 - - {TIME} "',
        f'203.0.113.9 - - {TIME} "GET / HTTP/1.1" 404 9 ',
        f'203.0.113.9 - - {TIME} "GET / HTTP/1.1" 404 9 "-" "-" ',
        '203.0.113.9 - - [25/Nov/2026 01:17:12] "',
        "INFO:     203.0.113.9:80 - ",
        'INFO:     203.0.113.9:80 - "GET / HTTP/1.1" 404 ',
        "[pid: 7|app: 0|req: 3/12] 203.0.113.9 (",
        "203.0.113.9:33317 [25/Nov/2026:01:17:12.655] http-in ",
        '[2026-11-25T01:17:12.500Z] "GET / HTTP/1.1" 404 ',
    ],
)
def test_a_long_line_takes_no_longer_than_its_length(log_format: LogFormat, head: str) -> None:
    """Repetitions of what an expression looks for. A quadratic one would take minutes each."""
    parse = log_format.parser()
    for piece in [*PIECES, '"a"', "/", "a/", "1", "a, ", "{a}", f'{TIME} "', "[", "a.", ":"]:
        parse(head + piece * (100_000 // len(piece)) + "!")


@given(user=VALUES, target=VALUES, referrer=VALUES, agent=VALUES)
@example(user=f"{CLAIMED} - x", target="", referrer="", agent="")
@example(user=f"x, {CLAIMED} - -", target="", referrer="", agent="")
def test_no_value_of_a_request_is_its_client(
    user: str, target: str, referrer: str, agent: str
) -> None:
    """The user, the target and the headers are hostile: the client stays that of the server."""
    for client, expected in ((PEER, PEER), ("", ""), (f"shop.example:80 {PEER}", PEER)):
        line = (
            f'{client} - {escaped(user)} {TIME} "GET /{escaped(target)} HTTP/1.1" 404 9 '
            f'"{escaped(referrer)}" "{escaped(agent)}"'
        )
        assert source_of(COMBINED, line) in {expected, ""}


@given(forwarded=VALUES, user=VALUES)
@example(forwarded=f"{CLAIMED} - x", user="-")
@example(forwarded=f"{CLAIMED} - - {TIME} ", user="-")
def test_what_was_forwarded_is_not_the_peer(forwarded: str, user: str) -> None:
    """Of a list in the place of the client, only what the server appended is the peer."""
    for separator in (", ", ","):
        line = (
            f'{escaped(forwarded)}{separator}{PEER} - {escaped(user)} {TIME} "GET / HTTP/1.1" 404'
        )
        assert source_of(OF_NGINX, line) in {PEER, ""}
        assert source_of(COMBINED, f'{line} 9 "-" "-"') in {PEER, ""}


@given(user=VALUES, target=VALUES)
def test_no_user_of_uwsgi_is_its_client(user: str, target: str) -> None:
    """UWSGI escapes nothing. A line that looks like two is refused."""
    line = (
        f"[pid: 7|app: 0|req: 3/12] {PEER} ({user}) {{40 vars in 500 bytes}} "
        f"[Wed Nov 25 01:17:12 2026] GET /{target} => generated 9 bytes in 2 msecs "
        "(HTTP/1.1 404) 2 headers in 80 bytes (1 switches on core 0)"
    )
    assert source_of(UWSGI, line) in {PEER, ""}


@given(forwarded=VALUES, agent=VALUES, authority=VALUES)
@example(forwarded=f'1.1.1.1" "a" "b" "c" "d" e f g {CLAIMED}:1 h i', agent="-", authority="-")
@example(forwarded="", agent='" "', authority=f"a b {CLAIMED} ")
def test_no_header_of_envoy_is_its_client(forwarded: str, agent: str, authority: str) -> None:
    """Envoy escapes nothing: with a quote in a value the client is unknown."""
    line = (
        f'[2026-11-25T01:17:12.500Z] "GET /a HTTP/1.1" 404 - 0 9 26 25 "{forwarded}, {PEER}" '
        f'"{agent}" "id" "{authority}" "10.0.2.1:80"'
    )
    assert source_of(ENVOY, line) in {PEER, ""}

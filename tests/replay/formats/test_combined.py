"""The NCSA common and combined formats, with the prefixes and suffixes of servers."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from flask_errwatch import DEFAULT_DETECTORS
from flask_errwatch.replay.formats.ncsa import COMBINED
from flask_errwatch.replay.formats.requests import REQUEST
from tests.replay.formats.formatted_lines import SECOND, is_refused, record
from tests.replay.replay_lines import detector_set, replay_of, write_log

DATA = Path(__file__).parents[4] / "shared" / "data"
TIME = "[25/Nov/2026:01:17:12 +0000]"
ANSWER = f'{TIME} "GET /a?b HTTP/1.1" 404 9'
AGENT = '"-" "curl/8.0"'


def test_the_fields_of_the_combined_format() -> None:
    """Every field is read, and a quote in a value does not end it."""
    line = f'203.0.113.9 - ann {ANSWER} "https://a.example/\\"x" "cu\\x22rl"'
    parsed = record(COMBINED, line)
    assert parsed.at == SECOND
    assert parsed.forwarded is None
    assert parsed.request._asdict() == {
        "source": "203.0.113.9",
        "status": "404",
        "line": "GET /a?b HTTP/1.1",
        "referrer": 'https://a.example/\\"x',
        "agent": "cu\\x22rl",
    }


@pytest.mark.parametrize(
    "line",
    [
        f"203.0.113.9 - - {ANSWER}",
        # The documented access log of API Gateway in CLF, and of a request that was signed:
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
        f"203.0.113.9 - - {ANSWER} c6af9ac6",
        f"203.0.113.9 AIDAEXAMPLE:session AIDAEXAMPLE {ANSWER} c6af9ac6 JKJaXmPLvHcESHA=",
        # gevent: https://github.com/gevent/gevent/blob/master/src/gevent/pywsgi.py
        '203.0.113.9 - - [2026-11-25 01:17:12] "GET /a?b HTTP/1.1" 404 9 0.000123',
        # HAProxy, `option httplog clf`: https://docs.haproxy.org/3.0/configuration.html#8.2.4
        f'203.0.113.9 - - {ANSWER} "" "" 33317 655 "in" "static" "srv1" 0 0 1 1 2 ---- 1 1 1 "" ""',
    ],
)
def test_formats_without_referrer_and_agent(line: str) -> None:
    """They are not shown, which is not the same as a request that had none."""
    parsed = record(COMBINED, line)
    assert parsed.at == SECOND
    assert parsed.request == ("203.0.113.9", "404", "GET /a?b HTTP/1.1", None, None)


@pytest.mark.parametrize(
    "prefix",
    [
        "shop.example.com:443 ",
        "shop.example.com ",
        "www.shop.example ",
        "*.shop.example ",
        "198.51.100.1:443 ",
        "198.51.100.1 ",
        "[2001:db8::1]:443 ",
        "localhost:8080 ",
        "_ ",
    ],
)
def test_a_virtual_host_is_not_the_client(prefix: str) -> None:
    """The host before the line is skipped, also if it is an address."""
    parsed = record(COMBINED, f"{prefix}203.0.113.9 - - {ANSWER} {AGENT}")
    assert parsed.request.source == "203.0.113.9"


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-11-25T01:17:12.000Z ",
        "1795569432 ",
        "[web] ",
        "INFO: ",
        "web-1  | ",
        "Nov 25 01:17:12 web-1 nginx: ",
        '{"log": "',
        '"2026-11-25 01:17:12","',
    ],
)
def test_no_other_prefix_is_skipped(prefix: str) -> None:
    """Another text before the client makes the line one of another format.

    So it does before one that is empty, `-`, or cannot be told.
    """
    for head in ("203.0.113.9 - -", " - -", "- - -", " - 203.0.113.9 - x", "web-1 - - -"):
        assert is_refused(COMBINED, f"{prefix}{head} {ANSWER} {AGENT}")


@pytest.mark.parametrize(
    ("client", "source"),
    [
        ("2001:db8::9", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:2817", "203.0.113.9"),
        ("crawler.example.com", "crawler.example.com"),
        ("-", ""),
        ("unix:", ""),
        ("", ""),
    ],
)
def test_whose_the_client_is(client: str, source: str) -> None:
    """An address, a host name, or unknown, as behind a Unix socket."""
    assert record(COMBINED, f"{client} - - {ANSWER} {AGENT}").request.source == source


def test_an_empty_client_whose_blank_is_lost() -> None:
    """What removes the blanks before a line leaves the dash of the ident first."""
    assert record(COMBINED, f"- - {ANSWER} {AGENT}").request.source == ""
    assert record(COMBINED, f"shop.example.com  - - {ANSWER} {AGENT}").request.source == ""


@pytest.mark.parametrize(
    "head",
    [
        # A list with a dash in it, or the user of an address: both can be forged.
        "198.51.100.6 - x, 203.0.113.9, 10.0.3.114 - -",
        "203.0.113.9 - 10.0.3.114 - -",
        "198.51.100.6, 203.0.113.9 - 10.0.3.114 - -",
        " - 198.51.100.6 - x",
        # A host, or a log stream, before an unknown client.
        "shop.example.com - - -",
        "i-0abcdef1234 - - -",
        "web-1 - - ann",
        "group web-1  - -",
        "group 198.51.100.6  - -",
    ],
)
def test_a_client_that_cannot_be_told_is_unknown(head: str) -> None:
    """Where two could be the client, or what precedes an empty one, none is."""
    parsed = record(COMBINED, f"{head} {ANSWER} {AGENT}")
    assert (parsed.request.source, parsed.forwarded) == ("", None)


@pytest.mark.parametrize(
    ("forwarded", "shown"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("198.51.100.6, 203.0.113.9", "198.51.100.6, 203.0.113.9"),
        ("shop.example.com,203.0.113.9", "shop.example.com,203.0.113.9"),
        ("-", ""),
    ],
)
def test_what_was_forwarded_before_the_client(forwarded: str, shown: str) -> None:
    """Apache writes it so with the format that AWS proposes. It is no virtual host.

    https://repost.aws/knowledge-center/elb-capture-client-ip-addresses
    """
    parsed = record(COMBINED, f"{forwarded} 10.0.3.114 - ann {ANSWER} {AGENT}")
    assert (parsed.request.source, parsed.forwarded) == ("10.0.3.114", shown)


@pytest.mark.parametrize("host", ["shop.example.com", "shop.example.com:81", "192.0.2.80"])
def test_the_host_between_client_and_user(host: str) -> None:
    """Lighttpd writes the host there that was asked for: the client comes first.

    https://redmine.lighttpd.net/projects/lighttpd/wiki/Mod_accesslog
    """
    assert record(COMBINED, f"203.0.113.9 {host} - {ANSWER}").request.source == "203.0.113.9"


@pytest.mark.parametrize(
    ("client", "forwarded"),
    [
        ("203.0.113.9, 10.0.3.114", "203.0.113.9"),
        ("203.0.113.9,10.0.3.114", "203.0.113.9"),
        ("shop.example.com 198.51.100.1, 203.0.113.9, 10.0.3.114", "198.51.100.1, 203.0.113.9"),
    ],
)
def test_a_list_in_the_place_of_the_client(client: str, forwarded: str) -> None:
    """The last entry is the peer, and those before it were forwarded."""
    parsed = record(COMBINED, f"{client} - - {ANSWER} {AGENT}")
    assert (parsed.request.source, parsed.forwarded) == ("10.0.3.114", forwarded)


@pytest.mark.parametrize(
    ("suffix", "forwarded"),
    [
        ("", None),
        # `main` of the nginx package: https://github.com/nginx/nginx/blob/master/conf/nginx.conf
        (' "203.0.113.9"', "203.0.113.9"),
        (' "198.51.100.1, 203.0.113.9"', "198.51.100.1, 203.0.113.9"),
        (' "unknown, 203.0.113.9"', "unknown, 203.0.113.9"),
        (' "-"', ""),
        (' "-" "198.51.100.1"', ""),
        (' "203.0.113.9" 0.003 "10.0.0.1:8000"', "203.0.113.9"),
        # A host, a cookie or the server's own address, which may come first or last.
        (' "203.0.113.9" "198.51.100.1"', None),
        (' "198.51.100.1, 203.0.113.9" 0.003 "10.0.0.1"', None),
        (' 0.003 "203.0.113.9" 7', None),
        (' "shop.example.com" "203.0.113.9"', None),
        (' "10.0.0.1:8000" "203.0.113.9"', None),
        (' rt=0.003 uct="0.001"', None),
        # https://doc.traefik.io/traefik/observability/access-logs/
        (' 12 "shop@docker" "http://172.17.0.3:80" 0ms', None),
        # https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/
        (" 400 0.003 [default-shop-80] [] 10.0.0.1:80 9 0.003 404 c6af9ac6", None),
    ],
)
def test_what_follows_the_user_agent(suffix: str, forwarded: str | None) -> None:
    """Only a list of addresses directly behind it is what was forwarded, and only if alone."""
    parsed = record(COMBINED, f"10.0.3.114 - - {ANSWER} {AGENT}{suffix}")
    assert parsed.request.agent == "curl/8.0"
    assert (parsed.request.source, parsed.forwarded) == ("10.0.3.114", forwarded)


@pytest.mark.parametrize(
    "time",
    [
        "25/Nov/2026:01:17:12.000 +0000",
        "25/Nov/2026:06:47:12 +0530",
        "25/Nov/2026:01:17:12 +00:00",
        "25/Nov/2026:01:17:12 UTC",
        "25/Nov/2026:01:17:12",
        "2026-11-25T01:17:12+00:00",
    ],
)
def test_times(time: str) -> None:
    """Fractions, every zone, none (as CherryPy), and ISO 8601 are read."""
    assert record(COMBINED, f'203.0.113.9 - - [{time}] "GET / HTTP/1.1" 404 9').at == SECOND


@pytest.mark.parametrize("text", ["-", "", r"\x16\x03\x01", "GET /", "GET /a b HTTP/1.1"])
def test_a_request_that_is_none_is_kept_whole(text: str) -> None:
    """A handshake of another protocol, or nothing at all, is counted as what it is."""
    parsed = record(COMBINED, f'203.0.113.9 - - {TIME} "{text}" 400 0 "-" "-"')
    assert (parsed.request.line, parsed.request.status) == (text, "400")


def test_other_protocols() -> None:
    """HTTP/2 and HTTP/3 are requests, and so is what hypercorn and daphne write of one.

    Their lines: https://github.com/pgjones/hypercorn/blob/main/src/hypercorn/logging.py,
    https://github.com/django/daphne/blob/main/daphne/access.py.
    """
    for protocol in ("HTTP/2.0", "HTTP/3.0", "HTTP/3"):
        line = f'203.0.113.9 - - {TIME} "GET /a {protocol}" 404 9'
        assert record(COMBINED, line).request.line == f"GET /a {protocol}"
    hypercorn = record(COMBINED, f'2001:db8::9:56789 - - {TIME} "GET /a 1.1" 404 9 "-" "curl"')
    assert hypercorn.request[:3] == ("2001:db8::9", "404", "GET /a HTTP/1.1")
    daphne = record(COMBINED, '203.0.113.9:5678 - - [25/Nov/2026:01:17:12] "GET /a" 404 9')
    assert daphne.request[:3] == ("203.0.113.9", "404", "GET /a HTTP/1.1")
    bare = record(COMBINED, f'2001:db8::1:9 - - {TIME} "GET /a 1.1" 400 9 "-" "-"')
    assert bare.request.source == "2001:db8::1:9"
    local = record(COMBINED, f'None - - {TIME} "GET /a 2" 404 9 "-" "curl"')
    assert local.request[:3] == ("", "404", "GET /a HTTP/2")


def test_a_log_of_hypercorn_shows_its_paths(tmp_path: Path) -> None:
    """Its paths are read from blocks in which every line is plain, too, and so is its site."""
    line = f'203.0.113.9 - - {TIME} "GET /{{}} 1.1" {{}} 9 "https://shop.test/" "curl"\n'
    lines = [line.format("orders/7", 200), *[line.format("orders/9", 404)] * 30]
    log = write_log(tmp_path, lines)
    result = replay_of(log, detectors=detector_set(*DEFAULT_DETECTORS))
    (found,) = [one for one in result.judged.detectors if one.detector.name == "not-found-error"]
    assert [alarm.paths for alarm in found.alarms] == [(("/orders/9", 30),)]
    assert [row.lines for row in result.rows if row.name == "scan"] == [0]  # like the answered one


def test_a_request_without_a_response() -> None:
    """It is a request that no detector claims."""
    for status in ("000", "-", "-1"):
        parsed = record(COMBINED, f'203.0.113.9 - - {TIME} "GET /a HTTP/1.1" {status} 0')
        assert parsed.request.status == "000"


@pytest.mark.parametrize("separator", ["\t", "\r", " ", ""])
def test_several_records_on_a_line_are_none(separator: str) -> None:
    """Not one of them: the others would be lost."""
    line = f"203.0.113.9 - - {ANSWER} {AGENT}"
    assert is_refused(COMBINED, separator.join([line, line]))


def test_a_line_break_of_windows_is_no_part_of_a_value() -> None:
    """A carriage return at the end changes nothing."""
    for line in (f"203.0.113.9 - - {ANSWER}", f"203.0.113.9 - - {ANSWER} {AGENT}"):
        assert record(COMBINED, f"{line}\r") == record(COMBINED, line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Listening at: http://127.0.0.1:8000",
        f'{TIME} "GET / HTTP/1.1" 404 9',
        f'203.0.113.9 - - {TIME} "GET / HTTP/1.1" 4040 9',
        f'203.0.113.9 - - {TIME} "GET / HTTP/1.1"',
        '203.0.113.9 - - [31/Feb/2026:01:17:12 +0000] "GET / HTTP/1.1" 404 9',
        '203.0.113.9 - - [25/Nov/2026 01:17:12] "GET / HTTP/1.1" 404 -',
        f'{{"a": 1}} - - {TIME} "GET / HTTP/1.1" 404 9',
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    """Without a client, a valid time, a request or a status, a line is of another format."""
    assert is_refused(COMBINED, line)


@pytest.mark.parametrize("name", ["farmer_farmwork", "farmer_saunathinker"])
@pytest.mark.skipif(not DATA.is_dir(), reason="the logs are not in ../shared/data")
def test_real_logs(name: str) -> None:
    """Every line of real logs is read, as the expression that searches whole blocks reads it."""
    with gzip.open(DATA / name / "access.log.gz", "rt", errors="backslashreplace") as log:
        lines = log.read().splitlines()
    assert lines
    for line in lines:
        match = REQUEST.match(line)
        assert match is not None
        request = record(COMBINED, line).request
        assert (request.source, request.line, request.status) == match.group(1, 4, 5)

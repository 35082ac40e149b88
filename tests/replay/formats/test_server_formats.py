"""The formats of werkzeug, uvicorn, uWSGI, HAProxy and Envoy."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from uvicorn.logging import AccessFormatter
from werkzeug.serving import WSGIRequestHandler

from flask_errwatch.replay.formats.envoy import ENVOY
from flask_errwatch.replay.formats.haproxy import HAPROXY
from flask_errwatch.replay.formats.record import HEADER, LogFormat
from flask_errwatch.replay.formats.uvicorn import UVICORN
from flask_errwatch.replay.formats.uwsgi import UWSGI
from flask_errwatch.replay.formats.werkzeug import WERKZEUG
from tests.replay.formats.formatted_lines import SECOND, is_refused, record

LOCAL = "25/Nov/2026 01:17:12"
OF_WERKZEUG = f'203.0.113.9 - - [{LOCAL}] "GET /a?b HTTP/1.1" 404 -'
OF_UVICORN = 'INFO:     203.0.113.9:56789 - "GET /a?b HTTP/1.1" 404 Not Found'
OF_UWSGI = (
    "[pid: 7|app: 0|req: 3/12] 203.0.113.9 () {40 vars in 500 bytes} [Wed Nov 25 01:17:12 2026] "
    "GET /a?b => generated 9 bytes in 2 msecs (HTTP/1.1 404) 2 headers in 80 bytes "
    "(1 switches on core 0)"
)
OF_HAPROXY = (
    "203.0.113.9:33317 [25/Nov/2026:01:17:12.655] http-in static/srv1 10/0/30/69/109 404 2750 "
    '- - ---- 1/1/1/1/0 0/0 {shop.example|curl} {} "GET /a?b HTTP/1.1"'
)
OF_ENVOY = (
    '[2026-11-25T01:17:12.500Z] "GET /a?b HTTP/1.1" 404 - 0 9 26 25 "198.51.100.1, 203.0.113.9" '
    '"curl/8.0" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "shop" "10.0.2.1:80"'
)
# `EnvoyTextLogFormat` of Istio: https://istio.io/latest/docs/tasks/observability/logs/access-log/
OF_ISTIO = (
    '[2026-11-25T01:17:12.500Z] "GET /a?b HTTP/1.1" 404 - via_upstream - "-" 0 9 26 25 '
    '"198.51.100.1" "curl/8.0" "cc21d9b0" "shop" "10.0.2.1:80" inbound|80|| 127.0.0.6:5 '
    "10.0.2.1:80 203.0.113.9:33317 outbound_.80_.shop default"
)


@pytest.mark.parametrize(
    ("log_format", "line", "second", "agent", "forwarded"),
    [
        (WERKZEUG, OF_WERKZEUG, SECOND, None, None),
        (UVICORN, OF_UVICORN, None, None, None),
        (UWSGI, OF_UWSGI, SECOND, None, None),
        (HAPROXY, OF_HAPROXY, SECOND + 0.655, None, None),
        (ENVOY, OF_ENVOY, SECOND + 0.5, "curl/8.0", "198.51.100.1"),
        (ENVOY, OF_ISTIO, SECOND + 0.5, "curl/8.0", "198.51.100.1"),
    ],
)
def test_the_fields_of_each_format(
    log_format: LogFormat,
    line: str,
    second: float | None,
    agent: str | None,
    forwarded: str | None,
) -> None:
    """Client, time, request and status are read. A time without a zone is in UTC."""
    assert record(log_format, line) == (
        second,
        ("203.0.113.9", "404", "GET /a?b HTTP/1.1", None, agent),
        forwarded,
    )


@pytest.mark.parametrize(
    ("log_format", "line"),
    [
        (WERKZEUG, OF_WERKZEUG),
        (UVICORN, OF_UVICORN),
        (UWSGI, OF_UWSGI),
        (HAPROXY, OF_HAPROXY),
        (ENVOY, OF_ENVOY),
        (ENVOY, OF_ISTIO),
    ],
)
@pytest.mark.parametrize("separator", ["\t", "\r", " ", ""])
def test_several_records_on_a_line_are_none(
    log_format: LogFormat, line: str, separator: str
) -> None:
    """Not one of them: the others would be lost."""
    assert is_refused(log_format, separator.join([line, line]))


@pytest.mark.parametrize("log_format", [WERKZEUG, UVICORN, UWSGI, HAPROXY, ENVOY])
@pytest.mark.parametrize(
    "line",
    ["", " * Running on http://127.0.0.1:5000", "Proxy http-in started.", "{}", "203.0.113.9"],
)
def test_other_lines_are_refused(log_format: LogFormat, line: str) -> None:
    """What a server writes when it starts is no request."""
    assert is_refused(log_format, line)


@pytest.mark.parametrize(
    ("log_format", "line"),
    [
        (WERKZEUG, OF_WERKZEUG.replace("203.0.113.9", "2026-11-25T01:17:12Z 203.0.113.9")),
        (WERKZEUG, OF_WERKZEUG.replace("25/Nov", "31/Feb")),
        (UVICORN, OF_UVICORN.replace("203.0.113.9", "{}")),
        (UWSGI, OF_UWSGI.replace("203.0.113.9", "1795569432")),
        (UWSGI, OF_UWSGI.replace("Nov 25", "Nov 31")),
        (UWSGI, OF_UWSGI.replace(" 404)", ")")),
        (HAPROXY, OF_HAPROXY.replace("203.0.113.9", "2026")),
        (HAPROXY, OF_HAPROXY.replace("25/Nov", "31/Feb")),
        (ENVOY, OF_ENVOY.replace("-11-25T", "-13-25T")),
        (ENVOY, OF_ENVOY.replace(", 203.0.113.9", ", {}")),
        (ENVOY, OF_ISTIO.replace("203.0.113.9:33317", "{}")),
    ],
)
def test_a_line_whose_client_or_time_is_not_valid_is_refused(
    log_format: LogFormat, line: str
) -> None:
    """Nothing but an address or a host name is the client, and a time that cannot be is none."""
    assert is_refused(log_format, line)


@pytest.mark.parametrize("status", [200, 304, 302, 404, 403, 500])
def test_the_colours_of_werkzeug(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Werkzeug itself writes on a terminal is read as without colours."""

    class Handler(WSGIRequestHandler):
        client_address = ("203.0.113.9", 80)
        command, path, request_version = "GET", "/a%20b/%C3%BC?c", "HTTP/1.1"

        def __init__(self) -> None:
            self.close_connection = True

        def log_date_time_string(self) -> str:
            return LOCAL

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ARG002 - as inherited
            lines.append(f"203.0.113.9 - - [{LOCAL}] {message % args}")

    lines: list[str] = []
    monkeypatch.setattr("werkzeug.serving._log_add_style", True)
    Handler().log_request(status, 9)
    parsed = record(WERKZEUG, lines[0])
    assert parsed.request == ("203.0.113.9", str(status), "GET /a%20b/ü?c HTTP/1.1", None, None)
    assert ("\x1b" in lines[0]) == (status != 200)
    assert record(WERKZEUG, lines[0].replace("\x1b", "#033")) == parsed


def test_more_of_werkzeug() -> None:
    """The reason of a refused request is no request, and eventlet writes a list and seconds."""
    parse = WERKZEUG.parser()
    assert parse(f"203.0.113.9 - - [{LOCAL}] code 400, message Bad request syntax ('x')") is HEADER
    refused = f'203.0.113.9 - - [{LOCAL}] "\x16\x03\x01" HTTPStatus.BAD_REQUEST -'
    assert record(WERKZEUG, refused).request[:3] == ("203.0.113.9", "400", "\x16\x03\x01")
    assert record(WERKZEUG, f'<local> - - [{LOCAL}] "GET / HTTP/1.1" 404 -').request.source == ""
    eventlet = f'198.51.100.1,203.0.113.9 - - [{LOCAL}] "GET / HTTP/1.1" 404 9 0.000512'
    assert record(WERKZEUG, eventlet).request.source == "203.0.113.9"
    assert record(WERKZEUG, eventlet).forwarded == "198.51.100.1"
    assert is_refused(WERKZEUG, f'2026-11-25T01:17:12Z 203.0.113.9 - - [{LOCAL}] "GET / 404 -')


@pytest.mark.parametrize("use_colors", [False, True])
def test_the_lines_that_uvicorn_writes(*, use_colors: bool) -> None:
    """Its own formatter writes them, with colours and without."""
    formatter = AccessFormatter(
        '%(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s',
        use_colors=use_colors,
    )
    message = '%s - "%s %s HTTP/%s" %d'
    arguments = ("2001:db8::9:5678", "GET", "/a%22?b", "1.1", 404)
    entry = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, message, arguments, None)
    parsed = record(UVICORN, formatter.format(entry))
    assert parsed.at is None
    assert parsed.request == ("2001:db8::9", "404", "GET /a%22?b HTTP/1.1", None, None)


def test_more_of_uvicorn() -> None:
    """A line without its level, with a status that has no phrase, and behind a Unix socket."""
    assert record(UVICORN, '203.0.113.9:5 - "GET / HTTP/1.1" 404').request.source == "203.0.113.9"
    assert record(UVICORN, 'INFO:      - "GET / HTTP/1.1" 599 ').request.source == ""
    assert is_refused(UVICORN, 'INFO:     127.0.0.1:5 - "WebSocket /ws" [accepted]')


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[pid", "shop.example:80 [pid"),
        ("[pid", "Wed Nov 25 01:17:12 2026 - [pid"),
        ("[pid", "{address space usage: 1 bytes/0MB} {rss usage: 2 bytes/0MB} [pid"),
        ("app: 0", "app: -1"),
        ("()", "(ann (admin))"),
        ("msecs ", "msecs via sendfile() "),
        ("2 msecs", "2000 micros"),
    ],
)
def test_more_of_uwsgi(old: str, new: str) -> None:
    """Options and users change a line. Its client, time, request and status are the same."""
    assert record(UWSGI, OF_UWSGI.replace(old, new)) == record(UWSGI, OF_UWSGI)


def test_clients_of_uwsgi() -> None:
    """With `log-x-forwarded-for` it is a list. A request that is too long is logged without it."""
    forwarded = record(UWSGI, OF_UWSGI.replace("203.0.113.9", "198.51.100.1, 203.0.113.9"))
    assert (forwarded.request.source, forwarded.forwarded) == ("203.0.113.9", "198.51.100.1")
    short = OF_UWSGI.replace("203.0.113.9", "0.0.0.0").replace("GET /a?b", "- -")
    assert record(UWSGI, short.replace("HTTP/1.1", "-")).request[:3] == ("", "404", "-")


@pytest.mark.parametrize(
    ("old", "new", "source", "status", "request_line"),
    [
        ("203.0.113.9", "2001:db8::9", "2001:db8::9", "404", "GET /a?b HTTP/1.1"),
        ("203.0.113.9:33317", "unix:1", "", "404", "GET /a?b HTTP/1.1"),
        ("404 2750", "-1 0", "203.0.113.9", "000", "GET /a?b HTTP/1.1"),
        ("404 2750", "400 +187", "203.0.113.9", "400", "GET /a?b HTTP/1.1"),
        ('GET /a?b HTTP/1.1"', '<BADREQ>"', "203.0.113.9", "404", "<BADREQ>"),
        ('b HTTP/1.1"', "b", "203.0.113.9", "404", "GET /a?b HTTP/1.1"),
        ('1.1"', '1.1" 0/0/0/0/0 shop/TLSv1.3/AES', "203.0.113.9", "404", "GET /a?b HTTP/1.1"),
        ("{shop.example|curl} {} ", "", "203.0.113.9", "404", "GET /a?b HTTP/1.1"),
        ("static/srv1 10/0", "http-in/<NOSRV> -1/-1", "203.0.113.9", "404", "GET /a?b HTTP/1.1"),
        ("http-in ", "http-in~ ", "203.0.113.9", "404", "GET /a?b HTTP/1.1"),
    ],
)
def test_more_of_haproxy(old: str, new: str, source: str, status: str, request_line: str) -> None:
    """IPv6, Unix sockets, no response, bad requests, cut lines, `option httpslog`, no captures."""
    parsed = record(HAPROXY, OF_HAPROXY.replace(old, new))
    assert parsed.request[:3] == (source, status, request_line)


@pytest.mark.parametrize(
    ("captured", "forwarded"),
    [
        ("{198.51.100.1, 203.0.113.7}", "198.51.100.1, 203.0.113.7"),
        ("{203.0.113.7}", "203.0.113.7"),
        ("{shop.example|198.51.100.1, 203.0.113.7|curl}", None),
        ("{198.51.100.1|203.0.113.7}", None),
        ("{|203.0.113.7}", None),
        ("{shop.example|}", None),
        ("{shop.example}", None),
        ("{}", None),
    ],
)
def test_captured_headers_of_haproxy(captured: str, forwarded: str | None) -> None:
    """What was forwarded is a list of addresses, and the only one: they have no names."""
    line = OF_HAPROXY.replace("{shop.example|curl}", captured)
    assert record(HAPROXY, line).forwarded == forwarded


def test_more_of_envoy() -> None:
    """No list, no response, no HTTP, and a value with a quote, which Envoy does not escape."""
    parsed = record(ENVOY, OF_ENVOY.replace("198.51.100.1, 203.0.113.9", "-"))
    assert (parsed.request.source, parsed.forwarded) == ("", None)
    istio = record(ENVOY, OF_ISTIO.replace('"198.51.100.1"', '"-"'))
    assert (istio.request.source, istio.forwarded) == ("203.0.113.9", "")
    assert record(ENVOY, OF_ENVOY.replace(" 404 ", " 0 ")).request.status == "000"
    assert ENVOY.parser()(OF_ENVOY.replace("GET /a?b HTTP/1.1", "- - -")) is HEADER
    quoted = record(ENVOY, OF_ENVOY.replace("198.51.100.1", '198.51.100.1" "x'))
    assert quoted.request == ("", "404", "GET /a?b HTTP/1.1", None, None)

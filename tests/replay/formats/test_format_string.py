"""Format strings of nginx, Apache and gunicorn: what they name is read, what they lack is said."""

from __future__ import annotations

import pytest

from flask_errwatch.errors import ErrWatchError
from flask_errwatch.replay.formats.format_string import log_format
from tests.replay.formats.formatted_lines import SECOND, is_refused, record

NGINX = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"'
)
APACHE = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
GUNICORN = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" "%({X-Forwarded-For}i)s"'
LINE = '10.0.3.114 - - [25/Nov/2026:01:17:12 +0000] "GET /a?b HTTP/1.1" 404 9 "-" "curl/8.0"'
OF_NO_LANGUAGE = (
    "Use the format string of nginx (as $status), of Apache (as %>s) or of gunicorn (as %(s)s)."
)
LOCAL = "25/Nov/2026:01:17:12 +0000"
# What the formats above describe, and how a configuration file writes the second.
ALIKE = [
    (NGINX, f'{LINE} "203.0.113.9"', "203.0.113.9"),
    (NGINX, f'{LINE} "-"', ""),
    (APACHE, LINE, None),
    (APACHE.replace('"', '\\"'), LINE, None),
    (f'{APACHE} "%{{X-Forwarded-For}}i"', f'{LINE} "198.51.100.1, 203.0.113.9"',
     "198.51.100.1, 203.0.113.9"),
    (GUNICORN, f'{LINE} "203.0.113.9"', "203.0.113.9"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "forwarded"), ALIKE)
def test_the_usual_formats(text: str, line: str, forwarded: str | None) -> None:
    """Each language names client, time, request, status, referrer, agent and forwarded."""
    assert record(log_format(text), line) == (
        SECOND,
        ("10.0.3.114", "404", "GET /a?b HTTP/1.1", "-", "curl/8.0"),
        forwarded,
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("$time_iso8601 $remote_addr $request_method $request_uri $status",
         "2026-11-25T01:17:12+00:00 203.0.113.9 GET /a?b 404"),
        ("$msec|${remote_addr}|${request_method}|$uri$is_args$args|$status|$server_protocol",
         "1795569432.000|203.0.113.9|GET|/a?b|404|HTTP/1.1"),
        ("$remote_addr $request_method $scheme://$host$request_uri $status [$time_local]",
         "203.0.113.9 GET https://shop.example/a?b 404 [25/Nov/2026:01:17:12 +0000]"),
        ("$time_local $upstream_addr $upstream_status $remote_addr $request $status",
         f"{LOCAL} 10.0.0.1:80, 10.0.0.2:80 502, 404 203.0.113.9 GET /a?b HTTP/1.1 404"),
        ('{"at":"$time_iso8601","ip":"$remote_addr","r":"$request","s":$status}',
         '{"at":"2026-11-25T01:17:12+00:00","ip":"203.0.113.9","r":"GET /a?b HTTP/1.1","s":404}'),
        ("$remote_addr\\t$time_iso8601\\t$request\\t$status",
         "203.0.113.9\t2026-11-25T01:17:12Z\tGET /a?b HTTP/1.1\t404"),
        # https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-serverlogs.html
        ('$msec"$request_uri"$status"$request_time"$upstream_response_time"$http_x_forwarded_for',
         '1795569432.000"/a?b"404"0.003"0.002"203.0.113.9'),
        ("%v:%p %a %t %m %U%q %H %>s %D %X %{ms}T %^FB %%",
         "shop:443 203.0.113.9 [25/Nov/2026:01:17:12 +0000] GET /a?b HTTP/1.1 404 7 + 7 9 %"),
        ("%{c}a %{%Y-%m-%dT%H:%M:%S%z}t %!200,304{Referer}i %<s %r",
         "203.0.113.9 2026-11-25T01:17:12+0000 - 404 GET /a?b HTTP/1.1"),
        ("%h [%{%e/%h/%y %T}t %{%z}t] %>s %r",
         "203.0.113.9 [25/Nov/26 06:47:12 +0530] 404 GET /a?b HTTP/1.1"),
        ("%h %{begin:sec}t %>s %r", "203.0.113.9 1795569432 404 GET /a?b HTTP/1.1"),
        ("%h %{usec}t %>s %r", "203.0.113.9 1795569432000000 404 GET /a?b HTTP/1.1"),
        ("%(h)s %(t)s %(m)s %(U)s?%(q)s %(s)s %(D)s %({Host}i)s %%",
         "203.0.113.9 [25/Nov/2026:01:17:12 +0000] GET /a?b 404 1234 shop.example %"),
    ],
)  # fmt: skip
def test_other_formats(text: str, line: str) -> None:
    """Parts of a request, times in every form, fields that are skipped, adjacent fields, JSON."""
    parsed = record(log_format(text), line)
    assert parsed.at == SECOND
    assert parsed.request[:3] == ("203.0.113.9", "404", "GET /a?b HTTP/1.1")


@pytest.mark.parametrize(
    "text",
    [
        f"log_format main '{NGINX}';",
        f"""log_format  main escape=default
            '{NGINX[:40]}'
            '{NGINX[40:]}';
        """,
        f"'{NGINX[:40]}' '{NGINX[40:]}'",
        f"'{NGINX}';",
        'LogFormat "{}" combined'.format(GUNICORN.replace('"', '\\"')),
        'LogFormat "{}"'.format(GUNICORN.replace('"', '\\"')),
        '"{}"'.format(GUNICORN.replace('"', '\\"')),
        f"'{GUNICORN}'",
    ],
)
def test_a_whole_directive(text: str) -> None:
    """It is read as the format string in it, as it stands in the configuration.

    https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format,
    https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#logformat
    """
    parsed = record(log_format(text), f'{LINE} "203.0.113.9"')
    assert (parsed.at, parsed.request.source, parsed.forwarded) == (
        SECOND,
        "10.0.3.114",
        "203.0.113.9",
    )


def test_quoted_fields_are_no_quoted_string() -> None:
    """The quotes of a format string whose fields are all in quotes stay."""
    text = '"$remote_addr" "$time_local" "$request" "$status"'
    line = f'"203.0.113.9" "{LOCAL}" "GET /a HTTP/1.1" "404"'
    assert record(log_format(text), line).request.source == "203.0.113.9"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("$remote_addr $realip_remote_addr", "203.0.113.9 10.0.3.114"),
        ("$realip_remote_addr $remote_addr", "10.0.3.114 203.0.113.9"),
        ("%a %{c}a", "203.0.113.9 10.0.3.114"),
        ("%{c}a %a", "10.0.3.114 203.0.113.9"),
    ],
)
def test_the_client_that_the_server_found(text: str, line: str) -> None:
    """It counts before the peer, whichever comes first."""
    rest = ' [$time_local] "$request" $status' if "$" in text else ' %t "%r" %>s'
    parsed = record(log_format(text + rest), f'{line} [{LOCAL}] "GET /a HTTP/1.1" 404')
    assert (parsed.request.source, parsed.forwarded) == ("203.0.113.9", None)


def test_the_fraction_of_a_second() -> None:
    """Apache names it apart (`msec_frac`), after the rest of the time."""
    documented = log_format("%h [%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t] %r %>s")
    line = "203.0.113.9 [25/Nov/2026 01:17:12.250 +0000] GET / HTTP/1.1 404"
    assert record(documented, line).at == SECOND + 0.25
    line = "203.0.113.9 1795569432.250000 GET / HTTP/1.1 404"
    assert record(log_format("%h %{sec}t.%{usec_frac}t %r %>s"), line).at == SECOND + 0.25


@pytest.mark.parametrize(
    ("client", "line", "source", "forwarded"),
    [
        ("$proxy_add_x_forwarded_for", "203.0.113.9, 10.0.3.114", "10.0.3.114", "203.0.113.9"),
        ("$http_x_forwarded_for", "198.51.100.1, 203.0.113.9", "203.0.113.9", "198.51.100.1"),
        ("$http_x_forwarded_for", "-", "", None),
        ("$remote_addr", "unix:", "", None),
        ("$server_name", "shop.example", "", None),
    ],
)
def test_whose_address_it_is(client: str, line: str, source: str, forwarded: str | None) -> None:
    """Of a list the last entry is the peer. Without a field for the client it is unknown."""
    parsed = record(
        log_format(f"{client} $time_iso8601 $request $status"),
        f"{line} 2026-11-25T01:17:12Z GET / HTTP/1.1 404",
    )
    assert (parsed.request.source, parsed.forwarded) == (source, forwarded)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (
            "$remote_addr $request",
            "It lacks the time ($time_local, $time_iso8601 or $msec) and the status ($status).",
        ),
        ("%h %t %>s", "It lacks the request (%r or %U)."),
        ("%(h)s %(r)s %(s)s", "It lacks the time (%(t)s)."),
        ("%h %{%H:%M}t %>s %r", "It lacks the time (%t)."),
        ("%h %{%Y-%m}t %>s %r", "Its time lacks %d and %H and %M."),
        (
            "%h %{%c}t %>s %r",
            "It has %c in %{%c}t: use directives such as %Y-%m-%dT%H:%M:%S%z.",
        ),
        (
            "$remote_addr$remote_user $time_local $request $status",
            "It cannot be told where $remote_addr ends: separate it from $remote_user.",
        ),
        ("combined", OF_NO_LANGUAGE),
        ("", OF_NO_LANGUAGE),
    ],
)
def test_a_format_string_that_is_refused(text: str, remedy: str) -> None:
    """One sentence says what it lacks and how that is called, before a log is read."""
    with pytest.raises(ErrWatchError) as refused:
        log_format(text)
    (problem,) = refused.value.problems
    assert (problem.key, problem.value, problem.remedy) == ("--log-format", text, remedy)


@pytest.mark.parametrize(
    "line",
    [
        "",
        LINE,
        f'{LINE} "203.0.113.9" 0.1',
        f'x {LINE} "203.0.113.9"',
        f'{LINE} "203.0.113.9"\t{LINE} "203.0.113.9"',
        f'{LINE} "203.0.113.9"'.replace("10.0.3.114", "2026-11-25T01:17:12Z"),
        f'{LINE} "203.0.113.9"'.replace("25/Nov", "31/Feb"),
        f'{LINE} "203.0.113.9"'.replace(" 404 ", " 4040 "),
    ],
)
def test_a_line_of_another_format_is_refused(line: str) -> None:
    """A line with more or less than the format has, or with a value that cannot be."""
    assert is_refused(log_format(NGINX), line)


@pytest.mark.parametrize("text", [NGINX, GUNICORN])
def test_quotes_in_values(text: str) -> None:
    r"""Nginx writes `\x22`, Apache and gunicorn `\"`, and gunicorn a backslash as it is."""
    for agent in ("cu\\x22rl", 'cu\\"rl', "curl\\", '\\" 200 \\"'):
        line = f'{LINE} "203.0.113.9"'.replace("curl/8.0", agent)
        assert record(log_format(text), line).request.agent == agent

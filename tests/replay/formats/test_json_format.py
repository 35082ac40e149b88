"""JSON lines with requests: with the usual keys, and with keys that `--fields` names."""

from __future__ import annotations

import json

import pytest

from flask_errwatch.errors import ErrWatchError
from flask_errwatch.replay.formats.json_format import (
    JSON,
    FieldsError,
    json_format,
    parse_fields,
)
from flask_errwatch.replay.formats.record import AccessRecord
from flask_errwatch.replay.formats.requests import Request

AT = 1_795_569_420.0
SOURCE = "203.0.113.9"
PARTS = "time, status, client, forwarded, request, method, path, query, protocol, referrer, agent"
#: By the name of the program. Each is one request, made after the page that is named.
USUAL: dict[str, dict[str, object]] = {
    # https://nginx.org/en/docs/http/ngx_http_log_module.html, `escape=json`
    "nginx": {
        "time_local": "25/Nov/2026:01:17:00 +0000",
        "remote_addr": SOURCE,
        "remote_user": "",
        "request": "GET /.env?a=b HTTP/1.1",
        "status": "404",
        "body_bytes_sent": "9",
        "request_time": "0.005",
        "http_referer": "",
        "http_user_agent": "curl/8.0",
        "http_x_forwarded_for": "",
    },
    "nginx-msec": {
        "msec": "1795569420.000",
        "remote_addr": SOURCE,
        "request_method": "GET",
        "uri": "/.env",
        "args": "a=b",
        "status": 404,
        "http_referer": "-",
        "http_user_agent": "curl/8.0",
        "http_x_forwarded_for": "-",
    },
    # https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/
    "ingress-nginx": {
        "time": "2026-11-25T01:17:00+00:00",
        "remote_addr": SOURCE,
        "x_forwarded_for": "",
        "request_id": "3f5b",
        "status": 404,
        "vhost": "shop.example.com",
        "request_proto": "HTTP/1.1",
        "path": "/.env",
        "request_query": "a=b",
        "request_length": 78,
        "duration": 0.107,
        "method": "GET",
        "http_referrer": "",
        "http_user_agent": "curl/8.0",
    },
    # https://docs.gunicorn.org/en/stable/settings.html#access-log-format
    "gunicorn": {
        "date": "[25/Nov/2026:01:17:00 +0000]",
        "remote_addr": SOURCE,
        "method": "GET",
        "path": "/.env",
        "query_string": "a=b",
        "status": "404",
        "referer": "-",
        "user_agent": "curl/8.0",
        "xff": "-",
    },
    # https://httpd.apache.org/docs/2.4/mod/mod_log_config.html, `%{%s}t`, `%U`, `%q`
    "apache": {
        "Time": 1_795_569_420,
        "RemoteIP": SOURCE,
        "Method": "GET",
        "URL": "/.env",
        "QueryString": "?a=b",
        "Status": "404",
        "Referer": "-",
        "UserAgent": "curl/8.0",
        "XForwardedFor": "-",
    },
    # https://getpino.io/#/docs/web, pino-http; bunyan has the same keys
    "pino": {
        "level": 30,
        "time": 1_795_569_420_000,
        "pid": 7,
        "hostname": "web-1",
        "req": {
            "method": "GET",
            "url": "/.env?a=b",
            "headers": {"host": "shop.example.com", "user-agent": "curl/8.0"},
            "remoteAddress": "::ffff:203.0.113.9",
            "remotePort": 2817,
        },
        "res": {"statusCode": 404},
        "responseTime": 6,
        "msg": "request completed",
    },
    # https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest
    "google-cloud": {
        "timestamp": "2026-11-25T01:17:00.000000Z",
        "receiveTimestamp": "2026-11-25T01:19:00.000000Z",
        "severity": "WARNING",
        "httpRequest": {
            "requestMethod": "GET",
            "requestUrl": "https://shop.example.com/.env?a=b",
            "status": 404,
            "userAgent": "curl/8.0",
            "remoteIp": SOURCE,
            "referer": "",
        },
        "xForwardedFor": None,
    },
    # https://www.elastic.co/docs/reference/ecs/ecs-field-reference
    "ecs": {
        "@timestamp": "2026-11-25T01:17:00.000Z",
        "agent": {"type": "filebeat"},
        "source": {"address": SOURCE, "ip": SOURCE},
        "http": {
            "request": {"method": "GET", "referrer": "-"},
            "response": {"status_code": 404},
            "version": "1.1",
        },
        "url": {"path": "/.env", "query": "a=b"},
        "user_agent": {"original": "curl/8.0"},
        "x_forwarded_for": "-",
    },
    # https://www.elastic.co/docs/reference/logstash/plugins/plugins-filters-grok
    "logstash": {
        "@timestamp": "2026-11-25T09:00:00.000Z",
        "timestamp": "25/Nov/2026:01:17:00 +0000",
        "clientip": SOURCE,
        "verb": "GET",
        "request": "/.env?a=b",
        "httpversion": "1.1",
        "response": "404",
        "referrer": "-",
        "agent": "curl/8.0",
        "xff": "",
    },
    # https://docs.datadoghq.com/standard-attributes/
    "datadog": {
        "timestamp": 1_795_569_420_000,
        "network": {"client": {"ip": SOURCE}},
        "http": {
            "method": "GET",
            "url": "https://shop.example.com/.env?a=b",
            "url_details": {"path": "/.env"},
            "status_code": "404",
            "useragent": "curl/8.0",
            "referer": "-",
        },
        "xff": "-",
    },
    # https://www.structlog.org/en/stable/, with the fields that an app binds
    "structlog": {
        "event": "request_finished",
        "timestamp": "2026-11-25T01:17:00.000000Z",
        "request": "GET /.env?a=b",
        "code": 404,
        "ip": SOURCE,
        "user_agent": "curl/8.0",
        "referer": "",
        "xff": "",
        "level": "warning",
    },
}


@pytest.mark.parametrize("program", USUAL)
def test_usual_keys_need_no_names(program: str) -> None:
    """Each program's line is the same request, with the keys that it usually has."""
    request = Request(SOURCE, "404", "GET /.env?a=b HTTP/1.1", "-", "curl/8.0")
    record = JSON.parser()(json.dumps(USUAL[program]))
    assert record == AccessRecord(AT, request, "")


def test_a_log_may_show_less() -> None:
    """Without a client the source is unknown; what the line does not show is None."""
    line = '{"ts": 1795569420, "status": 404, "path": "/.env"}'
    expected = AccessRecord(AT, Request("", "404", "- /.env HTTP/1.1"), None)
    assert JSON.parser()(line) == expected


def test_a_time_may_be_that_of_the_wrapper() -> None:
    """A duration is no time: then the line has none."""
    record = JSON.parser()('{"time": 0.004, "status": 404, "path": "/.env"}')
    assert isinstance(record, AccessRecord)
    assert record.at is None


def test_a_number_beside_a_time_in_words_is_a_duration() -> None:
    """`time` may be the nanoseconds that a request took."""
    line = {"status": 404, "path": "/a", "remote_addr": "203.0.113.9", "time": 150_000_000}
    parse = JSON.parser()
    record = parse(json.dumps({**line, "@timestamp": "2026-11-25T01:17:00Z"}))
    assert isinstance(record, AccessRecord)
    assert record.at == 1_795_569_420.0
    alone = parse(json.dumps({**line, "time": 1_795_569_420, "date": "soon"}))
    assert isinstance(alone, AccessRecord)
    assert alone.at == 1_795_569_420.0


@pytest.mark.parametrize(
    ("client", "source"),
    [("203.0.113.9:2817", SOURCE), ("mobile-app", ""), ({"host": SOURCE}, SOURCE)],
)
def test_a_key_that_may_name_something_else_is_a_client_if_it_is_an_address(
    client: object, source: str
) -> None:
    """The name of an app is never taken for the source."""
    line = {"ts": AT, "client": client, "status": 404, "path": "/"}
    record = JSON.parser()(json.dumps(line))
    assert isinstance(record, AccessRecord)
    assert record.request.source == source


def test_a_client_beside_the_peer_is_what_was_forwarded() -> None:
    """As `X-Real-IP`: our own rule decides whether the peer is believed."""
    line = {"ts": AT, "remote_addr": "10.0.3.114", "http_x_real_ip": SOURCE, "status": 404}
    record = JSON.parser()(json.dumps(line | {"path": "/"}))
    assert isinstance(record, AccessRecord)
    assert (record.request.source, record.forwarded) == ("10.0.3.114", SOURCE)


def test_a_list_in_place_of_the_client_is_what_was_forwarded() -> None:
    """The last address is the peer of the server, the others are what it was told."""
    line = {"ts": AT, "remote_addr": "198.51.100.7, 203.0.113.9", "status": 404, "path": "/"}
    record = JSON.parser()(json.dumps(line))
    assert isinstance(record, AccessRecord)
    assert (record.request.source, record.forwarded) == (SOURCE, "198.51.100.7")


@pytest.mark.parametrize(
    "line",
    [
        '{"timestamp": "2026-11-25T01:17:00Z", "level": "info", "message": "started"}',
        '{"timestamp": "2026-11-25T01:17:00Z", "status": "ok", "path": "/"}',
        '{"timestamp": "2026-11-25T01:17:00Z", "status": 404, "message": "no request"}',
        '{"timestamp": "yesterday", "status": 404, "path": "/"}',
        '{"ts": 1795569420, "status": 404, "path": "/", "remote_addr": "not a client"}',
        '{"ts": 1795569420, "status": 404, "path": "/", "remote_addr": "2026-11-25T01:17:00Z"}',
        '{"ts": 1795569420, "status": 40, "path": "/"}',
        '{"ts": 1795569420, "status": true, "path": "/"}',
        '{"detector": "scan", "schema": 1, "ts": 1795569420, "status": 404, "path": "/.env"}',
    ],
)
def test_other_json_is_refused(line: str) -> None:
    """No status, no request, a time or a client that is none, and our own lines."""
    assert JSON.parser()(line) is None


def test_named_keys_are_those_alone() -> None:
    """Keys with points are in nested objects; the usual keys do not count beside them."""
    keys = parse_fields("time=t.at, status=res.code, client=peer, method=verb, path=target")
    line = {
        "t": {"at": "2026-11-25T01:17:00Z"},
        "res": {"code": 404},
        "peer": SOURCE,
        "verb": "GET",
        "target": "/.env",
        "status": 200,
        "user_agent": "curl/8.0",
    }
    record = json_format(keys).parser()(json.dumps(line))
    assert record == AccessRecord(AT, Request(SOURCE, "404", "GET /.env HTTP/1.1"), None)


def test_time_and_status_are_enough() -> None:
    """Of such a request only the status is known."""
    record = json_format(parse_fields("time=t,status=s")).parser()('{"t": 1795569420, "s": 404}')
    assert record == AccessRecord(AT, Request("", "404", "-"), None)


def test_all_parts_can_be_named() -> None:
    """Also the request line, the forwarded addresses, the referrer and the user agent."""
    keys = parse_fields("time=a,status=b,client=c,forwarded=d,request=e,referrer=f,agent=g")
    line = (
        '{"a": 1795569420, "b": 404, "c": "10.0.3.114", "d": "203.0.113.9", "e": "GET / HTTP/1.1", '
    )
    record = json_format(keys).parser()(line + '"f": "https://shop/", "g": "curl"}')
    request = Request("10.0.3.114", "404", "GET / HTTP/1.1", "https://shop/", "curl")
    assert record == AccessRecord(AT, request, SOURCE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tme=t,status=s", "--fields = 'tme': Did you mean 'time'?"),
        ("time=t", "--fields = 'time=t': Add the key of the status: status=KEY."),
        ("status=s", "--fields = 'status=s': Add the key of the time: time=KEY."),
        ("time=t,status", "--fields = 'status': Write its key, as status=KEY."),
        ("time=t,status=", "--fields = 'status=': Write its key, as status=KEY."),
        (
            "time=t,time=u,status=s",
            "--fields = 'time=t,time=u,status=s': Name one key for 'time', not two.",
        ),
        ("", f"--fields = '': Name a part of a request: {PARTS}."),
    ],
)
def test_a_wrong_value_of_fields_is_refused_in_one_sentence(text: str, message: str) -> None:
    """It says what is wrong and what to write."""
    with pytest.raises(FieldsError) as refused:
        parse_fields(text)
    assert isinstance(refused.value, ErrWatchError)
    assert str(refused.value) == message

"""JSON access logs of Caddy, Traefik, Envoy and API Gateway.

The samples are made after those of https://caddyserver.com/docs/logging,
https://doc.traefik.io/traefik/observability/access-logs/,
https://gateway.envoyproxy.io/docs/tasks/observability/proxy-accesslog/,
https://istio.io/latest/docs/tasks/observability/logs/access-log/ and
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from flask_errwatch.replay.formats.json_servers import APIGATEWAY, CADDY, ENVOY_JSON, TRAEFIK
from flask_errwatch.replay.formats.record import HEADER, AccessRecord, Parse
from flask_errwatch.replay.formats.requests import Request

AT = 1_795_569_420.0
TRAEFIK_LINE: dict[str, object] = {
    "ClientAddr": "203.0.113.9:52312",
    "ClientHost": "203.0.113.9",
    "ClientPort": "52312",
    "DownstreamStatus": 404,
    "OriginStatus": 200,
    "Duration": 120_000,
    "RequestMethod": "GET",
    "RequestPath": "/.env?a=b",
    "RequestProtocol": "HTTP/2.0",
    "StartUTC": "2026-11-25T01:16:59.123456789Z",
    "request_User-Agent": "curl/8.0",
    "request_Referer": "https://shop.example.com/",
    "level": "info",
    "msg": "",
    "time": "2026-11-25T02:17:00+01:00",
}
ENVOY_LINE: dict[str, object] = {
    "start_time": "2026-11-25T01:17:00.000Z",
    "method": "GET",
    "path": "/.env?a=b",
    "protocol": "HTTP/1.1",
    "response_code": 404,
    "response_flags": "-",
    "x_forwarded_for": "198.51.100.7",
    "user_agent": "curl/8.0",
    "downstream_remote_address": "203.0.113.9:59056",
}
APIGATEWAY_LINE: dict[str, object] = {
    "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    "ip": "203.0.113.9",
    "caller": "-",
    "user": "-",
    "requestTime": "25/Nov/2026:01:17:00 +0000",
    "httpMethod": "GET",
    "resourcePath": "/items/{id}",
    "status": "404",
    "protocol": "HTTP/1.1",
    "responseLength": "9",
}


def caddy(ts: object = AT, logger: str = "http.log.access", **request: object) -> str:
    """A line of a Caddy log."""
    values = {
        "remote_ip": "203.0.113.9",
        "remote_port": "43004",
        "client_ip": "203.0.113.9",
        "proto": "HTTP/2.0",
        "method": "GET",
        "host": "shop.example.com",
        "uri": "/.env?a=b",
        "headers": {"User-Agent": ["curl/8.0"], "Accept": ["*/*"]},
        **request,
    }
    line = {"level": "info", "ts": ts, "logger": logger, "msg": "handled request"}
    return json.dumps(line | {"request": values, "duration": 0.01, "size": 9, "status": 404})


def parsed(parse: Parse, line: str | Mapping[str, object]) -> AccessRecord:
    """The request of a line."""
    record = parse(line if isinstance(line, str) else json.dumps(line))
    assert isinstance(record, AccessRecord)
    return record


def test_caddy() -> None:
    """A header that the request did not have is none, since the log shows the headers."""
    request = Request("203.0.113.9", "404", "GET /.env?a=b HTTP/2.0", "-", "curl/8.0")
    assert parsed(CADDY.parser(), caddy()) == AccessRecord(AT, request, "")


@pytest.mark.parametrize(
    "ts",
    [
        1_795_569_420.0,
        1_795_569_420_000.0,
        "2026-11-25T01:17:00.000Z",
        "2026-11-25T02:17:00+01:00",
        "2026/11/25 01:17:00",
        "25/Nov/2026:01:17:00 +0000",
    ],
)
def test_caddy_has_many_forms_of_its_time(ts: object) -> None:
    """Those of the option `time_format`."""
    assert parsed(CADDY.parser(), caddy(ts)).at == AT


def test_caddy_behind_a_balancer() -> None:
    """The peer is the source; what the client was, our own rule finds in what was forwarded."""
    header = {"User-Agent": ["curl/8.0"], "X-Forwarded-For": ["198.51.100.7", "203.0.113.9"]}
    record = parsed(CADDY.parser(), caddy(remote_ip="10.0.3.114", headers=header))
    assert record.request.source == "10.0.3.114"
    assert record.forwarded == "198.51.100.7, 203.0.113.9"
    found = parsed(CADDY.parser(), caddy(remote_ip="10.0.3.114", headers={}))
    assert (found.request.source, found.forwarded) == ("10.0.3.114", "203.0.113.9")


def test_the_error_log_of_caddy_does_not_count_a_request_twice() -> None:
    """Lines of Caddy's other loggers are no requests, and are left to no other format."""
    parse = CADDY.parser()
    for logger in ("http.log.error", "http.log.error.log0", "http.handlers.reverse_proxy", "tls"):
        assert parse(caddy(logger=logger)) is HEADER
    assert isinstance(parse(caddy(logger="http.log.access.shop")), AccessRecord)
    for logger in ("shop", "https", "uvicorn.access"):
        assert parse(caddy(logger=logger)) is None


def test_caddy_and_traefik_are_proxies() -> None:
    """What each logs as its peer, it appends to what it forwards to the app."""
    assert CADDY.is_of_proxy
    assert TRAEFIK.is_of_proxy


def test_traefik() -> None:
    """It counts when it was answered, with the status that the client was sent."""
    request = Request(
        *("203.0.113.9", "404", "GET /.env?a=b HTTP/2.0", "https://shop.example.com/", "curl/8.0")
    )
    assert parsed(TRAEFIK.parser(), TRAEFIK_LINE) == AccessRecord(AT, request, None)


@pytest.mark.parametrize(
    ("changes", "source", "forwarded"),
    [
        ({"ClientAddr": "10.0.3.114:80"}, "10.0.3.114", "203.0.113.9"),
        (
            {"ClientHost": "198.51.100.7, 10.0.3.114", "ClientAddr": None},
            "10.0.3.114",
            "198.51.100.7",
        ),
        ({"request_X-Forwarded-For": "198.51.100.7"}, "203.0.113.9", "198.51.100.7"),
        ({"ClientAddr": "[2001:db8::9]:443", "ClientHost": "2001:db8::9"}, "2001:db8::9", None),
    ],
)
def test_traefik_behind_a_balancer(
    changes: dict[str, object], source: str, forwarded: str | None
) -> None:
    """`ClientHost` is what was forwarded, if anything was, and `ClientAddr` the peer."""
    record = parsed(TRAEFIK.parser(), TRAEFIK_LINE | changes)
    assert (record.request.source, record.forwarded) == (source, forwarded)


def test_envoy() -> None:
    """With the names of Istio: the address of the connection is the source."""
    request = Request("203.0.113.9", "404", "GET /.env?a=b HTTP/1.1", None, "curl/8.0")
    assert parsed(ENVOY_JSON.parser(), ENVOY_LINE) == AccessRecord(AT, request, "198.51.100.7")


def test_envoy_gateway() -> None:
    """With the names of Envoy Gateway, whose path may be in the original one."""
    line = {
        "start_time": "2026-11-25T01:17:00.000Z",
        "method": "GET",
        "x-envoy-origin-path": "/.env",
        "response_code": "404",
        "x-forwarded-for": "203.0.113.9",
        "user-agent": "curl/8.0",
        "downstream_remote_address": "203.0.113.9:59056",
    }
    request = Request("203.0.113.9", "404", "GET /.env HTTP/1.1", None, "curl/8.0")
    assert parsed(ENVOY_JSON.parser(), line) == AccessRecord(AT, request, "")


def test_a_tcp_connection_of_envoy_is_no_request() -> None:
    """It has neither a request nor a status: its line is not bad, and does not count."""
    line = ENVOY_LINE | {"response_code": 0, "method": None, "path": None}
    assert ENVOY_JSON.parser()(json.dumps(line)) is HEADER


def test_envoy_without_the_address_of_the_peer() -> None:
    """Envoy appended it to what was forwarded."""
    line = ENVOY_LINE | {"downstream_remote_address": None}
    line["x_forwarded_for"] = "198.51.100.7, 203.0.113.9"
    record = parsed(ENVOY_JSON.parser(), line)
    assert (record.request.source, record.forwarded) == ("203.0.113.9", "198.51.100.7")


def test_apigateway() -> None:
    """The format that the console proposes, where a template stands for the path."""
    request = Request("203.0.113.9", "404", "GET /items/{id} HTTP/1.1", None, None)
    assert parsed(APIGATEWAY.parser(), APIGATEWAY_LINE) == AccessRecord(AT, request, None)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"path": "/prod/items/7"}, "GET /prod/items/7 HTTP/1.1"),
        ({"resourcePath": None, "routeKey": "GET /items/{id}"}, "GET /items/{id} HTTP/1.1"),
        ({"resourcePath": None, "routeKey": "$default"}, "GET - HTTP/1.1"),
    ],
)
def test_the_path_of_an_http_api(changes: dict[str, object], line: str) -> None:
    """Its own path if it is logged, else that of its route."""
    assert parsed(APIGATEWAY.parser(), APIGATEWAY_LINE | changes).request.line == line


def test_the_time_of_apigateway_may_be_in_milliseconds() -> None:
    """`$context.requestTimeEpoch`, which a template writes as a text."""
    line = APIGATEWAY_LINE | {"requestTimeEpoch": "1795569420500"}
    assert parsed(APIGATEWAY.parser(), line).at == AT + 0.5


@pytest.mark.parametrize(
    "parse", [CADDY.parser(), TRAEFIK.parser(), APIGATEWAY.parser(), ENVOY_JSON.parser()]
)
@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "404",
        '{"status": 404}',
        '{"level": "info", "ts": 1795569420.0, "msg": "server running"}',
        json.dumps(TRAEFIK_LINE | {"ClientAddr": "not a client"}),
        json.dumps(ENVOY_LINE | {"downstream_remote_address": "2026-11-25T01:17:00Z"}),
        json.dumps(APIGATEWAY_LINE | {"ip": "25/Nov/2026"}),
        json.dumps(TRAEFIK_LINE | {"detector": "not-found-error", "schema": 1}),
        caddy(remote_ip={"ip": "203.0.113.9"}, client_ip="not a client"),
        f"{caddy()}\t{caddy()}",
    ],
)
def test_other_lines_are_refused(parse: Parse, line: str) -> None:
    """No request, no valid client, one of our own lines, or several objects on one line."""
    assert parse(line) is None


def test_json_without_a_name_of_apigateway_is_not_its_log() -> None:
    """`status`, `method` and `path` are names of many programs."""
    assert APIGATEWAY.parser()('{"ip": "203.0.113.9", "status": 404, "path": "/"}') is None

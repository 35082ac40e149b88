"""The JSON access logs of Caddy, Traefik, Envoy and API Gateway.

Where a server shows both its peer and the client that it found behind trusted proxies, the peer is
the source, and the other stands for what was forwarded: our own rule decides.

Sources: https://caddyserver.com/docs/caddyfile/directives/log,
https://doc.traefik.io/traefik/observability/access-logs/,
https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage,
https://gateway.envoyproxy.io/docs/tasks/observability/proxy-accesslog/ and
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html.
"""

from __future__ import annotations

import re
from typing import Final

from flask_errwatch.replay.formats.fields import Fields, record_of
from flask_errwatch.replay.formats.json_objects import object_of, values_of
from flask_errwatch.replay.formats.record import (
    HEADER,
    NO_RESPONSE,
    AccessRecord,
    LogFormat,
    Parsed,
)

_CADDY_LOG: Final = "http.log.access"
# Caddy's other loggers. Some show a request, as `http.log.error` and `http.handlers.*` do.
_OTHER_CADDY_LOG: Final = re.compile(r"(?:http|admin|tls|pki|events)(?:\.|\Z)")
_CADDY: Final = Fields(
    time=("ts",),
    status=("status",),
    client=("request.remote_ip", "request.remote_addr", "request.client_ip"),
    forwarded=("request.headers.X-Forwarded-For",),
    found=("request.client_ip",),
    method=("request.method",),
    path=("request.uri",),
    protocol=("request.proto",),
    referrer=("request.headers.Referer",),
    agent=("request.headers.User-Agent",),
)
# `ClientHost` is the whole `X-Forwarded-For` where the request had one.
_TRAEFIK: Final = Fields(
    time=("time", "StartUTC", "StartLocal"),
    status=("DownstreamStatus",),
    client=("ClientAddr", "ClientHost"),
    forwarded=("request_X-Forwarded-For",),
    found=("ClientHost",),
    method=("RequestMethod",),
    path=("RequestPath",),
    protocol=("RequestProtocol",),
    referrer=("request_Referer",),
    agent=("request_User-Agent",),
)
# Envoy leaves the names to its users: these are of Istio, Envoy Gateway and Envoy's own examples.
# Where the address of the peer is not in the line, Envoy appended it to what was forwarded.
_ENVOY: Final = Fields(
    time=("start_time", "timestamp", "time"),
    status=("response_code",),
    client=(
        *("downstream_direct_remote_address", "downstream_remote_address"),
        *("x_forwarded_for", "x-forwarded-for"),
    ),
    forwarded=("x_forwarded_for", "x-forwarded-for"),
    found=("downstream_remote_address",),
    method=("method", "request_method", ":method"),
    path=(
        *("x-envoy-original-path", "x_envoy_original_path", "x-envoy-origin-path"),
        *("path", "request_path", ":path"),
    ),
    protocol=("protocol",),
    referrer=("referer", "referrer"),
    agent=("user_agent", "user-agent"),
)
# The names that the console, the documentation and the CDK propose. `resourcePath` and `routeKey`
# have a template in the place of the path.
_APIGATEWAY: Final = Fields(
    time=("requestTimeEpoch", "requestTime"),
    status=("status",),
    client=("ip", "sourceIp", "sourceIP", "identity.sourceIp"),
    forwarded=("xForwardedFor", "x-forwarded-for"),
    method=("httpMethod", "method"),
    path=("path", "requestPath", "resourcePath", "routeKey"),
    protocol=("protocol",),
    agent=("userAgent", "identity.userAgent"),
)
_API_ID: Final = frozenset({"requestTimeEpoch", "requestTime", "routeKey", "resourcePath"})


def _parse_traefik(line: str) -> AccessRecord | None:
    value = object_of(line)
    return None if value is None else record_of(values_of(value), _TRAEFIK)


def _parse_envoy(line: str) -> Parsed:
    value = object_of(line)
    record = None if value is None else record_of(values_of(value), _ENVOY)
    if record is None:
        return None
    is_request = record.request.line != "-" or record.request.status != NO_RESPONSE
    return record if is_request else HEADER  # a connection that is not HTTP


def _parse_caddy(line: str) -> Parsed:
    """A failed request has a line of `http.log.error` beside that of the access log."""
    value = object_of(line)
    if value is None:
        return None
    logger = str(value.get("logger", _CADDY_LOG))
    if logger.startswith(_CADDY_LOG):
        return record_of(values_of(value), _CADDY)
    is_of_caddy = _OTHER_CADDY_LOG.match(logger) and value.keys() >= {"level", "ts", "msg"}
    return HEADER if is_of_caddy else None


def _parse_apigateway(line: str) -> AccessRecord | None:
    value = object_of(line)
    if value is None or not _API_ID.intersection(value):
        return None
    values = values_of(value)
    route = values.get("routeKey")
    if isinstance(route, str):  # `GET /items/{id}`, or `$default`
        values["routeKey"] = route.partition(" ")[2]
    return record_of(values, _APIGATEWAY)


#: Lines of Envoy as JSON. `envoy` is the name of its text as well.
ENVOY_JSON: Final = LogFormat(
    name="envoy",
    title="an access log of Envoy (JSON)",
    parser=lambda: _parse_envoy,
    is_of_proxy=True,
)
#: A request counts when Caddy had answered it.
CADDY: Final = LogFormat(
    name="caddy", title="a Caddy access log", parser=lambda: _parse_caddy, is_of_proxy=True
)
#: A request counts when Traefik had answered it.
TRAEFIK: Final = LogFormat(
    name="traefik",
    title="a Traefik access log (JSON)",
    parser=lambda: _parse_traefik,
    is_of_proxy=True,
)
#: A request counts when API Gateway received it. Its client is that of the gateway.
APIGATEWAY: Final = LogFormat(
    name="apigateway",
    title="an access log of API Gateway (JSON)",
    parser=lambda: _parse_apigateway,
    is_of_proxy=True,
)

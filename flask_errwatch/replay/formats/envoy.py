"""The access lines of Envoy in its default format, and in that of Istio.

Values are not escaped: a header with a quote makes the fields that follow the request unknown.
Sources: https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
("Default format string"), `EnvoyTextLogFormat` of
https://github.com/istio/istio/blob/master/pilot/pkg/model/telemetry_logging.go.
"""

from __future__ import annotations

import re
from typing import Final

from flask_errwatch.replay.formats.clients import Peer, client_of, peer_of
from flask_errwatch.replay.formats.record import (
    HEADER,
    NO_RESPONSE,
    AccessRecord,
    LogFormat,
    Parsed,
    request_line,
)
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.times import iso_second

_TIME: Final = r"\d{4}-\d\d-\d\dT[\d:.]{8,18}Z"
_ANSWER: Final = re.compile(rf'\[({_TIME})\] "(\S+) (\S*) (\S+)" (\d{{1,3}}) (.*)', re.ASCII)
# Bytes received and sent, duration, the upstream's time, then X-Forwarded-For, user agent, request
# id, authority and upstream. Istio writes more before and after it.
_REST: Final = re.compile(
    r'\S+ (?:\S+ \S+ "[^"]*" )?\d+ \d+ \d+ (?:\d+|-) '
    r'"([^"]*)" "([^"]*)" "[^"]*" "[^"]*" "[^"]*"'
    r'(?:(?: [^\s"]+){3} ([^\s"]+)(?: [^\s"]+){2})?',
    re.ASCII,
)
# The beginning of a second record on the line.
_ANOTHER: Final = re.compile(rf'\[{_TIME}\] "', re.ASCII)
_TCP: Final = ("-", "-", "-")


def _parse(line: str) -> Parsed:
    match = _ANSWER.fullmatch(line)
    at = None if match is None else iso_second(match[1])
    if match is None or at is None:
        return None
    method, target, protocol = match[2], match[3], match[4]
    if (method, target, protocol) == _TCP:  # a connection that is not HTTP
        return HEADER
    if _ANOTHER.search(match[6]):
        return None
    rest = _REST.fullmatch(match[6])
    forwarded, agent, downstream = (None, None, None) if rest is None else rest.groups()
    peer = _peer(forwarded, downstream)
    if peer is None:
        return None
    status = match[5] if len(match[5]) == 3 else NO_RESPONSE
    text = request_line(method, target, protocol)
    return AccessRecord(at, Request(peer.source, status, text, None, agent), peer.forwarded)


def _peer(forwarded: str | None, downstream: str | None) -> Peer | None:
    """The peer of Envoy: where its address is not in the line, what Envoy appended to the list."""
    if forwarded is None:
        return Peer("")
    if downstream is None:
        return peer_of(forwarded)
    source = client_of(downstream)
    return None if source is None else Peer(source, forwarded.removeprefix("-"))


#: Lines of Envoy as text.
ENVOY: Final = LogFormat(
    name="envoy", title="an access log of Envoy", parser=lambda: _parse, is_of_proxy=True
)

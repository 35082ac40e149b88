"""The access logs of Application Load Balancers and of Classic Load Balancers.

Both write what the client was sent as `elb_status_code`, and `-` where it was sent nothing.

Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
and https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from flask_errwatch.replay.formats.clients import client_of, without_port
from flask_errwatch.replay.formats.fields import status_of
from flask_errwatch.replay.formats.record import (
    HEADER,
    AccessRecord,
    LogFormat,
    Parsed,
    request_line,
)
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.times import iso_second

# A tab or a carriage return is only between records that something joined.
_QUOTED = r'"([^"\\\t\r\n]*(?:\\[^\t\r\n][^"\\\t\r\n]*)*)"'
# Time, name, client, target, three durations, two statuses, bytes received and sent, request.
_COMMON = rf"(\S+) \S+ (\S+) \S+ \S+ \S+ \S+ (\d{{3}}|-) (?:\d{{3}}|-) \S+ \S+ {_QUOTED}"
# AWS adds fields at the end.
_REST = r"(?: ([^\t\r\n]*))?"
_ALB = re.compile(rf"(?:https?|h2|grpcs?|wss?) {_COMMON} {_QUOTED}{_REST}", re.ASCII)
# The beginning of another record in the rest: time, name, client.
_ANOTHER = re.compile(r'\dT[\d:.]{8,20}Z [^\s"]+ [^\s"]+:\d+ ', re.ASCII)
# Logs of before May 2015 have no user agent.
_ELB = re.compile(rf"{_COMMON}(?: {_QUOTED}{_REST})?", re.ASCII)


def _parse(pattern: re.Pattern[str], line: str) -> Parsed:
    match = pattern.fullmatch(line)
    if match is None:
        return None
    time, client, status, request, agent, rest = match.groups()
    if rest and _ANOTHER.search(rest):  # of several records on one line none is read
        return None
    at, source, answered = iso_second(time), client_of(without_port(client)), status_of(status)
    if at is None or source is None or answered is None:
        return None
    if status == "-" and not request.strip("- "):  # a connection of a TCP listener
        return HEADER
    return AccessRecord(at, Request(source, answered, _line(request), None, agent))


def _line(request: str) -> str:
    """The request line of `GET https://shop.example.com:443/a HTTP/1.1`.

    A message that is not HTTP has dashes for its parts, as `- http://shop.example.com:80- `.
    """
    method, _, rest = request.partition(" ")
    url, _, protocol = rest.rpartition(" ")
    is_request = protocol.startswith("HTTP/") and "://" in url
    return request_line(method, url, protocol) if is_request else "-"


#: A request counts when the load balancer answered it, a WebSocket when it was closed: that is the
#: field `time`. When it was received is in `request_creation_time`.
ALB: Final = LogFormat(
    name="alb",
    title="an ALB access log",
    parser=lambda: partial(_parse, _ALB),
    is_of_proxy=True,
)
#: A request counts when the load balancer received it: it logs no other time.
ELB: Final = LogFormat(
    name="elb",
    title="an access log of a Classic Load Balancer",
    parser=lambda: partial(_parse, _ELB),
    is_of_proxy=True,
)

r"""The NCSA common and combined log formats, with what servers and proxies write around them.

Apache, nginx, gunicorn, waitress, hypercorn, Traefik, HAProxy (`option httplog clf`) and API
Gateway write them. A bare quote is always the server's own: in a value it becomes `\x22` or `\"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from flask_errwatch.capture.addresses import address_text
from flask_errwatch.replay.formats.clients import client_of, peer_of, without_port
from flask_errwatch.replay.formats.record import NO_RESPONSE, AccessRecord, LogFormat
from flask_errwatch.replay.formats.requests import BARE_VERSIONS, Request
from flask_errwatch.replay.formats.times import iso_second, ncsa_second

# The first time before a bare quote is the server's own, whatever the user is called. gevent writes
# a time in ISO 8601.
_TIME: Final = re.compile(
    r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:[\d:.,]{8,18}(?: ?(?:[+-]\d\d:?\d\d|Z|UTC|GMT))?"
    r'|\d{4}-\d\d-\d\d[T ][\d:.,]{8,18}(?:[+-]\d\d:?\d\d|Z)?)\] "',
    re.ASCII,
)
# Go's servers let a bare quote pass in a target, in which no blank can be.
_ANSWER: Final = re.compile(
    r'([^\s"\\]+ \S+ HTTP/[\d.]+|[^"\\]*(?:\\.[^"\\]*)*)" (\d{3}|-1?)(?!\S)(.*)',
    re.ASCII | re.DOTALL,
)
_QUOTED: Final = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
# What follows the status in the combined format.
_HEADERS: Final = re.compile(rf' [^\s"]+ {_QUOTED} {_QUOTED}', re.ASCII)
# What HAProxy writes in their place: two empty strings, the client's port, milliseconds, and the
# names of the frontend.
_OF_HAPROXY: Final = re.compile(r' [^\s"]+ "" "" \d+ \d{1,3} "', re.ASCII)
_SUFFIX: Final = re.compile(rf' +(?:{_QUOTED}|([^\s"]\S*))')
# The length of `25/Nov/2026:01:17:12`, as daphne writes it.
_WITHOUT_ZONE: Final = 20


class Headers(NamedTuple):
    """The headers of a request that a line shows after the status. None for those it does not.

    Attributes:
        referrer: The referrer, "-" where the request had none.
        agent: The user agent, "-" where the request had none.
        forwarded: `X-Forwarded-For`, empty where the request had none.
    """

    referrer: str | None = None
    agent: str | None = None
    forwarded: str | None = None


def headers_of(rest: str) -> Headers:
    """The headers that a line shows.

    What is quoted directly after the user agent, as in the `main` format of nginx, is
    `X-Forwarded-For` if it is `-` or a list of addresses without ports. Only the last must be one:
    anyone may have written those before it. Anyone chooses a host or a cookie, too: where another
    quoted text could be the header, nothing is known.

    Args:
        rest: What follows the status.

    Example:
        >>> headers_of(' 9 "-" "curl" "203.0.113.9, 10.0.3.114"')
        Headers(referrer='-', agent='curl', forwarded='203.0.113.9, 10.0.3.114')
        >>> headers_of(' 9 "-" "curl" 7 "shop@docker" "http://172.17.0.3:80" 0ms').forwarded
    """
    found = _HEADERS.match(rest)
    if found is None:
        return Headers()
    referrer, agent = (None, None) if _OF_HAPROXY.match(rest) else found.groups()
    first, *others = [*_fields(rest, found.end()), None]
    if first == "-":
        return Headers(referrer, agent, "")
    is_known = _is_forwarded(first) and not any(map(_is_forwarded, others))
    return Headers(referrer, agent, first if is_known else None)


def _fields(text: str, position: int) -> Iterator[str | None]:
    """What is in quotes, and None for a field that is not."""
    while field := _SUFFIX.match(text, position):
        yield field[1]
        position = field.end()


def _is_forwarded(text: str | None) -> bool:
    """Whether it may be `X-Forwarded-For`: with a port its last address would be of an upstream."""
    last = "" if text is None else text.rpartition(",")[2].strip(" ")
    return last.count(":") != 1 and last[:1] != "[" and address_text(last) != ""


def _parse(line: str) -> AccessRecord | None:
    time = _TIME.search(line)
    # Of several records on one line none is read: the others would be lost.
    if time is None or _TIME.search(line, time.end()):
        return None
    answer = _ANSWER.match(line, time.end())
    client = _client_field(line[: time.start()].removesuffix(" "))
    at = (iso_second if time[1][4] == "-" else ncsa_second)(time[1])
    if answer is None or client is None or at is None:
        return None
    text, status, rest = answer.groups()
    of_asgi = _of_asgi(text, time[1])
    peer = peer_of(client)
    if peer is None and of_asgi is not None:  # their IPv6 addresses have a port without brackets
        peer = peer_of(without_port(client))
    if peer is None:
        return None
    if status[0] == "-":
        status = NO_RESPONSE
    headers = headers_of(rest)
    request = Request(peer.source, status, of_asgi or text, headers.referrer, headers.agent)
    forwarded = headers.forwarded if peer.forwarded is None else peer.forwarded
    return AccessRecord(at, request, forwarded)


def _client_field(head: str) -> str | None:
    """The client of what is before the time: `[virtual host or forwarded] client - user`.

    The client may be empty, and the user is hostile, as what was forwarded is. Where a second ` - `
    makes another the client, it is unknown.
    """
    if head.startswith(" - ") or (head.startswith("- ") and " - " not in head):
        return ""
    client, separator, user = head.lstrip(" ").partition(" - ")
    if not separator:
        return _client_before_user(head)
    if client.endswith(" "):  # what precedes an empty client
        return "" if all(map(_is_virtual_host, client.split())) else None
    found = _listed(client) or _client_of_host(client)
    if " - " not in f" {user}":
        return found
    return None if found is None or peer_of(found) is None else ""


def _client_of_host(text: str) -> str | None:
    """The client of `[virtual host] client`. The client may be a list."""
    name, blank, after = text.partition(" ")
    if not blank or name.endswith(",") or after.startswith(","):
        return text
    return after if _is_virtual_host(name) else None


def _listed(text: str) -> str | None:
    """`forwarded client` as one list, or None for another text.

    Apache writes so what was forwarded, or `-`, with the format that AWS proposes:
    https://repost.aws/knowledge-center/elb-capture-client-ip-addresses.
    """
    forwarded, _, client = text.rpartition(" ")
    if forwarded == "-":
        return f", {client}"  # nothing before the last
    is_list = all(" " not in entry.strip(" ") for entry in forwarded.split(","))
    return f"{forwarded}, {client}" if is_list and _is_forwarded(forwarded) else None


def _client_before_user(head: str) -> str | None:
    """The client of `client caller user`, as API Gateway writes it of a signed request.

    In its place lighttpd writes the host that was asked for, which may be an address.
    """
    words = head.split(" ")
    return words[0] if len(words) == 3 and address_text(words[0]) else None


def _is_virtual_host(text: str) -> bool:
    """Whether it is a host that a server is configured for, as `%v:%p` and `$server_name` write."""
    name = without_port(text).removeprefix("*").removeprefix(".")
    return name == "_" or bool(client_of(name))


def _of_asgi(text: str, stamp: str) -> str | None:
    """The request line, if hypercorn or daphne wrote it: without `HTTP/`, or without a protocol."""
    words = text.split(" ")
    if len(words) == 3 and words[2] in BARE_VERSIONS:
        return f"{words[0]} {words[1]} HTTP/{words[2]}"
    is_of_daphne = len(words) == 2 and len(stamp) == _WITHOUT_ZONE and words[1].startswith("/")
    return f"{text} HTTP/1.1" if is_of_daphne else None


#: Lines of the common and the combined format.
COMBINED: Final = LogFormat(
    name="combined", title="an access log in the NCSA combined format", parser=lambda: _parse
)

"""Builds events from requests and reports: the fields of schema 1."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any, Final

from blinker import Namespace
from werkzeug.routing import Rule

from flask_errwatch._text import consists_of, cut, plain_text, text_of
from flask_errwatch.capture.client_address import AddressRule, ClientAddress
from flask_errwatch.capture.redaction import MARGIN, MASK, RequestRedactor
from flask_errwatch.detectors import OPERATIONAL_EVENTS, Detector

#: An event: the fields of a line before it is rendered. Hooks may put any values in it.
Event = dict[str, Any]

#: The four fields of `suspicion` in their order.
Classified = tuple[str, str, str, int]

#: Sent after each event was written: `sender` is the app, `event` the event as a dict.
event_recorded: Final = Namespace().signal("event-recorded")

SCHEMA: Final = 1

#: Every key of a line, in the order in which a line has them.
KEYS: Final = (
    *("event", "detector", "level", "timestamp", "schema", "id", "status", "method", "path"),
    *("route", "endpoint", "client_ip", "client_ip_source", "client_ip_trust", "peer_ip"),
    *("forwarded_claim", "user", "user_agent"),
    *("agent", "referrer", "path_class", "suspicion"),
    *("request_id", "trace_id", "duration_ms", "exception", "data"),
    *("count", "first", "last", "paths"),
    *("app", "environment", "release", "host", "pid", "process", "seq"),
)

_PATH_LENGTH: Final = 512
_FIELD_LENGTH: Final = 512
#: Characters that the path and the fields with headers have together, so that a request with all
#: of them long costs little more than one with a long path. Each field has at least a few.
_ROOM: Final = 640
_LEAST_LENGTH: Final = 48
#: Characters that a path has unencoded besides letters and digits (RFC 3986, section 3.3).
_UNENCODED_MARKS: Final = "-._~!$&'()*+,;=:@/"
_UNENCODED: Final = f"{string.ascii_letters}{string.digits}{_UNENCODED_MARKS}"
#: The mask as it is percent-encoded, which is not how a path shows it.
_ENCODED_MASK: Final = MASK.replace("[", "%5B").replace("]", "%5D")
#: How each byte of a path is shown, and how many are encoded at a time.
_ENCODED: Final = [chr(byte) if chr(byte) in _UNENCODED else f"%{byte:02X}" for byte in range(256)]
_AT_A_TIME: Final = 256
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_METHOD_LENGTH: Final = 32
_REQUEST_ID_LENGTH: Final = 128
_REQUEST_ID: Final = f"{string.ascii_letters}{string.digits}._:/=+@-"
# W3C Trace Context, "traceparent": an id of zeros is not valid.
_TRACE_PARENT: Final = re.compile(
    r"^[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\b"
)
_XRAY_ROOT: Final = re.compile(r"(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)")
#: WSGI environment keys of the three headers.
_REQUEST_ID_KEY: Final = "HTTP_X_REQUEST_ID"
_TRACE_PARENT_KEY: Final = "HTTP_TRACEPARENT"
_XRAY_KEY: Final = "HTTP_X_AMZN_TRACE_ID"


def head(detector: Detector) -> Event:
    """The first keys of every event of a detector, with an empty timestamp and id."""
    return {
        "event": detector.event,
        "detector": detector.name,
        "level": detector.level,
        "timestamp": "",
        "schema": SCHEMA,
        "id": "",
    }


def operational_head(event_name: str) -> Event:
    """Like `head`, for a line outside the catalogue."""
    level = OPERATIONAL_EVENTS[event_name]
    return {"event": event_name, "level": level, "timestamp": "", "schema": SCHEMA, "id": ""}


def add_request(  # noqa: PLR0917 - compiled: positions are faster than names
    fields: dict[str, object],
    wsgi_environ: Mapping[str, Any],
    addresses: AddressRule,
    rule: object,
    redactor: RequestRedactor,
    classified: Classified | None = None,
) -> None:
    """Adds the fields of the request, without query string, body and cookies.

    All come from the WSGI environment rather than from Flask's context. It exists in middleware,
    after the context has ended, and inside a nested request alike.

    Args:
        fields: The event to extend.
        wsgi_environ: The WSGI environment.
        addresses: Derives the client's address.
        rule: The route that matched, or None.
        redactor: Masks secrets in the path and the headers.
        classified: How a failing request was classified. None for a report, which has no status.
    """
    # Compiled code reads a dict directly and would bypass the methods of a subclass.
    environ: dict[str, Any] = (
        wsgi_environ
        if type(wsgi_environ) is dict
        else {key: wsgi_environ.get(key) for key in wsgi_environ}
    )
    fields["method"] = method_of(environ, redactor)
    path = fields["path"] = path_of(environ, redactor, rule)
    room = _ROOM - len(path)
    if isinstance(rule, Rule):
        fields["route"] = short(str(rule.rule))
        fields["endpoint"] = short(str(rule.endpoint))
    client = addresses.client(environ)
    if isinstance(client, ClientAddress):
        fields["client_ip"] = client.ip
        fields["client_ip_source"] = client.source
        fields["client_ip_trust"] = client.trust
    elif client.peer:
        fields["peer_ip"] = client.peer
    for key, text in (
        ("forwarded_claim", client.claim),
        # Set by the server after authentication (RFC 3875, section 4.1.11), never by a header.
        ("user", text_of(environ.get("REMOTE_USER"))),
        ("user_agent", text_of(environ.get("HTTP_USER_AGENT"))),
    ):
        if text:
            length = max(_LEAST_LENGTH, min(_FIELD_LENGTH, room))
            fields[key] = redactor.header(short(text, length + MARGIN), length)
            room -= len(text)
    if classified is not None:
        fields["agent"], fields["referrer"], fields["path_class"] = classified[:3]
        fields["suspicion"] = classified[3]
    if _REQUEST_ID_KEY in environ or _TRACE_PARENT_KEY in environ or _XRAY_KEY in environ:
        fields.update(_correlation(environ, redactor))


def in_order(event: Mapping[str, Any]) -> Event:
    """The event with only the keys of the schema, in their order."""
    return {key: event[key] for key in KEYS if key in event}


def short(text: str, limit: int = _FIELD_LENGTH) -> str:
    """The text, truncated and marked when it is longer than `limit`."""
    if type(text) is not str:
        text = plain_text(text)  # a subclass may return any length
    return cut(text, limit)


def path_of(
    environ: dict[str, Any],
    redactor: RequestRedactor,
    rule: object = None,
    limit: int = _PATH_LENGTH,
) -> str:
    """The path, percent-encoded, without the query string and without secrets.

    Args:
        environ: The WSGI environment.
        redactor: Masks secrets.
        rule: The route that matched, or None.
        limit: Characters at which it is truncated.

    Example:
        >>> from flask_errwatch.capture.redaction import Redactor
        >>> environ = {"SCRIPT_NAME": "/app", "PATH_INFO": "/a b"}
        >>> path_of(environ, RequestRedactor(Redactor()))
        '/app/a%20b'
    """
    path = text_of(environ.get("PATH_INFO"))
    read = path[: limit + MARGIN]  # so that a long path costs nothing more
    shown, more = redactor.path(read, rule)
    more += len(path) - len(read)
    mount = text_of(environ.get("SCRIPT_NAME"))
    if mount:
        read = mount[: limit + MARGIN]
        masked, unread = redactor.word(read)
        more += unread + len(mount) - len(read)
        shown = masked + shown
    if shown.strip(_UNENCODED):  # some character needs encoding
        shown = _encoded(shown, limit)
    if more == 0 and len(shown) <= limit:
        return shown
    return f"{shown[:limit]}…[{more + len(shown) - limit} more]"


def _encoded(path: str, limit: int) -> str:
    """The path percent-encoded. What is far beyond the limit is only as many characters."""
    # WSGI passes bytes as latin-1 (PEP 3333). A test client may pass any character.
    raw = path.encode("latin-1", "replace")
    pieces: list[str] = []
    length = start = 0
    while start < len(raw) and length <= limit:
        piece = "".join([_ENCODED[byte] for byte in raw[start : start + _AT_A_TIME]])
        pieces.append(piece)
        length += len(piece)
        start += _AT_A_TIME
    encoded = "".join(pieces).replace(_ENCODED_MASK, MASK)
    return encoded + "?" * (len(raw) - start)


def method_of(environ: dict[str, Any], redactor: RequestRedactor) -> str:
    """The method without secrets, escaped and bounded, because the client chooses it."""
    text = text_of(environ.get("REQUEST_METHOD"))
    if text in _METHODS:
        return text
    read = text[: _METHOD_LENGTH + MARGIN]
    masked, unread = redactor.word(read)  # escapes would hide where a secret begins
    shown = ascii(masked)[1:-1] or "?"
    more = unread + len(text) - len(read) + max(0, len(shown) - _METHOD_LENGTH)
    return f"{shown[:_METHOD_LENGTH]}…[{more} more]" if more else shown


def _correlation(environ: dict[str, Any], redactor: RequestRedactor) -> dict[str, object]:
    """The ids that a proxy or a tracer set. Values of another form are left out."""
    fields: dict[str, object] = {}
    request_id = text_of(environ.get(_REQUEST_ID_KEY))
    if len(request_id) <= _REQUEST_ID_LENGTH and consists_of(request_id, _REQUEST_ID):
        fields["request_id"] = redactor.header(request_id, _REQUEST_ID_LENGTH)
    for key, pattern in ((_TRACE_PARENT_KEY, _TRACE_PARENT), (_XRAY_KEY, _XRAY_ROOT)):
        value = text_of(environ.get(key))
        match = pattern.search(value) if len(value) <= 512 else None
        if match:
            fields["trace_id"] = match[1]
            break
    return fields

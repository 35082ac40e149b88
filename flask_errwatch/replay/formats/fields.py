"""Builds the record of a request from named values: of a JSON object, or of columns."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flask_errwatch.replay.formats.clients import Peer, client_of, peer_of
from flask_errwatch.replay.formats.record import NO_RESPONSE, AccessRecord, request_line
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.times import (
    ctime_second,
    epoch_second,
    iso_second,
    ncsa_second,
)

#: The values of a line, by the names that the log has for them.
Values = Mapping[str, object]

_REQUEST_LINE = re.compile(r"\S+ \S+ HTTP/[\d.]+", re.ASCII)
_STATUS = re.compile(r"[1-9]\d\d", re.ASCII)
# A smaller number is a duration, or the time is before March 1973.
_FIRST_SECOND = 1e8
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,12})?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """The names that a log may have for the parts of a request.

    Of several names the first counts that has a value. A name with points is that of a value in
    nested objects.

    Attributes:
        time: When it was answered, or received.
        status: The status of the response.
        client: The peer. A list of addresses is an `X-Forwarded-For` in its place.
        forwarded: `X-Forwarded-For`.
        found: The client that the server found behind proxies that it trusts. Where it is not the
            peer, it stands for an `X-Forwarded-For` that the log does not have.
        request: The request line.
        method: The method, of a log without request lines.
        path: The target, with or without the query, or the URL.
        query: The query, where the target has none.
        protocol: The protocol and its version.
        referrer: The page that it was linked from.
        agent: The user agent.
    """

    time: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    forwarded: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    request: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    protocol: tuple[str, ...] = ()
    referrer: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()

    def among(self, names: Collection[str]) -> Fields:
        """Those of the names that a line may have which has values of these names."""
        kept = {
            part.name: tuple(name for name in getattr(self, part.name) if _is_shown(name, names))
            for part in dataclasses.fields(self)
        }
        return Fields(**kept)


def record_of(values: Values, fields: Fields) -> AccessRecord | None:
    """The request that values describe. None where they do not describe one.

    It has a valid status and, where there are names for them, a request line, a method or a path.
    Its time, if it has one, is valid, and so is its client.

    Args:
        values: The values of a line.
        fields: Their names.

    Example:
        >>> values = {"t": "1970-01-01T00:00:12Z", "code": 404, "ip": "203.0.113.9", "url": "/a"}
        >>> fields = Fields(time=("t",), status=("code",), client=("ip",), path=("url",))
        >>> record_of(values, fields)
        AccessRecord(at=12.0, request=Request(source='203.0.113.9', status='404', \
line='- /a HTTP/1.1', referrer=None, agent=None), forwarded=None)
    """
    status = next((s for name in fields.status if (s := status_of(values.get(name)))), None)
    line, peer = _line(values, fields), _peer(values, fields)
    if status is None or line is None or peer is None:
        return None
    seconds = (second_of(values.get(name)) for name in fields.time)
    at = next((second for second in seconds if second is not None), None)
    if at is None and _has_text(values, fields.time):
        return None
    referrer, agent = _shown(values, fields.referrer), _shown(values, fields.agent)
    request = Request(
        peer.source,
        status,
        line,
        None if referrer is None else referrer or "-",
        None if agent is None else agent or "-",
    )
    return AccessRecord(at, request, peer.forwarded)


def status_of(value: object) -> str | None:
    """The status as three digits: of a number, or of a text. None for anything else.

    Example:
        >>> status_of(404), status_of("404"), status_of("-"), status_of("ok")
        ('404', '404', '000', None)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value) if type(value) is int else value
    if not isinstance(text, str):
        return None
    if text in {"-", "0", "000"}:
        return NO_RESPONSE
    return text if _STATUS.fullmatch(text) else None


def second_of(value: object) -> float | None:
    """The time, in seconds since the epoch, that a number or a text is. None for anything else.

    A number is one of seconds, milliseconds, micro- or nanoseconds since the epoch. A text is such
    a number, in ISO 8601, or as Apache or C's `ctime` write it. Without a zone it is taken as UTC.

    Example:
        >>> second_of(1_700_000_000_000), second_of("[14/Nov/2023:22:13:20 +0000]"), second_of(0.02)
        (1700000000.0, 1700000000.0, None)
        >>> second_of("2023/11/14 22:13:20.5")
        1700000000.5
    """
    if isinstance(value, str):
        text = value.strip(" []")
        if not _NUMBER.fullmatch(text):
            return _second_of_text(text)
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return epoch_second(value) if value >= _FIRST_SECOND else None


def _second_of_text(text: str) -> float | None:
    if text[4:5] == "/":  # as Go's log writes a date
        text = text.replace("/", "-", 2)
    for parse in (iso_second, ncsa_second, ctime_second):
        second = parse(text)
        if second is not None:
            return second
    return None


def _has_text(values: Values, names: tuple[str, ...]) -> bool:
    """Whether there is a time, and not only a number that may be a duration."""
    return any((text := _text(values.get(name))) and not _NUMBER.fullmatch(text) for name in names)


def _peer(values: Values, fields: Fields) -> Peer | None:
    """The peer and what it forwarded. None if the peer is neither an address nor a host name."""
    peer = peer_of(_first(values, fields.client))
    if peer is None:
        return None
    shown = _shown(values, fields.forwarded)
    for text in (peer.forwarded, shown, _first(values, fields.found)):
        if text and client_of(text) != peer.source:
            return Peer(peer.source, text)
    return Peer(peer.source, None if shown is None else "")


def _line(values: Values, fields: Fields) -> str | None:
    """The request line. None where the values have no part of one."""
    method = _first(values, fields.method).partition(" ")[0]
    text, target = _first(values, fields.request), _first(values, fields.path)
    if _REQUEST_LINE.fullmatch(target):  # S3 calls the whole line `request_uri`
        text = target
    if text:
        return _whole_line(text, method)
    names = (*fields.request, *fields.method, *fields.path)
    if not method and not target:
        return "-" if not names or any(name in values for name in names) else None
    query = _first(values, fields.query).removeprefix("?")
    if query and "?" not in target:
        target = f"{target}?{query}"
    protocol = _first(values, fields.protocol)
    is_version = protocol.startswith("HTTP/") and " " not in protocol
    return request_line(method, target or "-", protocol if is_version else "HTTP/1.1")


def _whole_line(text: str, method: str) -> str:
    """The request line of a text that is one, or `GET /a`, or `/a`. Else the text itself."""
    words = text.split(" ")
    if len(words) == 2 and words[0].isalpha():
        return request_line(words[0], words[1])
    is_target = method != "" and len(words) == 1 and ("://" in text or text.startswith("/"))
    return request_line(method, text) if is_target else text


def _shown(values: Values, names: tuple[str, ...]) -> str | None:
    """The value, "" where the log shows that the request lacked it, None where it shows nothing.

    An object without a header, or without another part, shows that the request lacked it.
    """
    text = _first(values, names)
    if text:
        return text
    return "" if any(_is_shown(name, values) for name in names) else None


def _is_shown(name: str, names: Collection[str]) -> bool:
    return name in names or name.rpartition(".")[0] in names


def _first(values: Values, names: tuple[str, ...]) -> str:
    for name in names:
        text = _text(values.get(name))
        if text:
            return text
    return ""


def _text(value: object) -> str:
    """A value as a text, the values of a header joined. "" for "-", and for any other type."""
    if isinstance(value, str):
        return "" if value == "-" else value
    if isinstance(value, list):
        return ", ".join(one for one in value if isinstance(one, str) and one)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""

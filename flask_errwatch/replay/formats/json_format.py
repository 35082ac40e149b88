"""JSON lines with a request each: with keys that are named, or with the usual ones.

Usual keys are those of nginx (`log_format … escape=json`), ingress-nginx, gunicorn, structlog, pino
and bunyan, the Elastic Common Schema, logstash, Datadog and Google Cloud.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Final

from flask_errwatch._text import did_you_mean
from flask_errwatch.capture.addresses import address_text
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.replay.formats.fields import Fields, record_of, second_of
from flask_errwatch.replay.formats.json_objects import object_of, values_of
from flask_errwatch.replay.formats.record import AccessRecord, LogFormat

_OPTION: Final = "--fields"
_TITLE: Final = "JSON lines with requests"
# The client that a server found is named by `client` too.
_NAMES: Final = tuple(name for one in dataclasses.fields(Fields) if (name := one.name) != "found")
_REQUIRED: Final = ("time", "status")
# A value of these is a client only if it is an address: it may be the name of an app or a stream.
_PERHAPS_CLIENT: Final = ("client", "peer", "remote", "source", "src")
# Names are compared without case, `_` and `-`: `remote_addr` is `RemoteAddr`. Where a log has
# several times, the request's own is before that of the program which passed the line on.
_USUAL: Final = Fields(
    time=(
        *("timelocal", "timeiso8601", "msec", "timestamp", "time", "ts", "datetime", "date"),
        *("starttime", "asctime", "requesttimeepoch", "requesttime", "@timestamp"),
    ),
    status=(
        *("status", "statuscode", "responsestatus", "responsecode", "httpstatus"),
        *("httpstatuscode", "response", "code", "http.statuscode", "http.status"),
        *("http.response.statuscode", "httprequest.status", "res.statuscode", "res.status"),
        *("response.statuscode", "response.status"),
    ),
    client=(
        *("remoteaddr", "remoteip", "remoteaddress", "peerip", "clientip", "clientaddr"),
        *("clientaddress", "sourceip", "srcip", "ip", "ipaddress", "source.ip", "source.address"),
        *("client.ip", "client.address", "network.client.ip", "http.clientip"),
        *("httprequest.remoteip", "req.remoteaddress", "req.ip", "request.remoteaddr"),
        *("request.remoteip", "request.remoteaddress", "request.clientip", "request.ip"),
        *("remotehost", "client.host", *_PERHAPS_CLIENT),
    ),
    forwarded=(
        *("httpxforwardedfor", "xforwardedfor", "xforwardfor", "forwardedfor", "xff"),
        *("req.headers.xforwardedfor", "request.headers.xforwardedfor", "headers.xforwardedfor"),
    ),
    found=("clientip", "realip", "xrealip", "httpxrealip"),
    request=("request", "requestline", "httprequest"),
    method=(
        *("requestmethod", "method", "httpmethod", "verb", "http.method", "http.request.method"),
        *("httprequest.requestmethod", "req.method", "request.method"),
    ),
    path=(
        *("requesturi", "requesturl", "uri", "url", "path", "requestpath", "rawpath"),
        *("url.original", "url.path", "http.url", "http.target", "http.urldetails.path"),
        *("http.path", "httprequest.requesturl", "req.url", "request.uri", "request.url"),
        *("req.path", "request.path", "urlpath", "uripath", "resourcepath"),
    ),
    query=(
        *("querystring", "requestquery", "requestquerystring", "args", "query", "url.query"),
        "http.querystring",
    ),
    protocol=("serverprotocol", "protocol", "requestproto", "httprequest.protocol"),
    referrer=(
        *("httpreferer", "httpreferrer", "referer", "referrer", "http.referer"),
        *("http.request.referrer", "httprequest.referer"),
        *("req.headers.referer", "request.headers.referer", "headers.referer"),
    ),
    agent=(
        *("httpuseragent", "useragent", "agent", "ua", "useragent.original", "http.useragent"),
        *("httprequest.useragent", "req.headers.useragent", "request.headers.useragent"),
        "headers.useragent",
    ),
)
# Keys, and sets of names, that are remembered: most lines have the same.
_REMEMBERED = 256
# The longest usual key, and the name of longer ones, so that what is remembered stays small.
_LONGEST_KEY = 40
_UNUSUAL = "?"
_MOST_NAMES = 200


class FieldsError(ErrWatchError):
    """The value of `--fields` is not valid."""


def parse_fields(text: str) -> dict[str, str]:
    """Parses the keys of a request's parts, as `time=ts,status=code,client=remote.ip`.

    Args:
        text: Pairs of a part and its key. A key in nested objects is written with points.

    Returns:
        The key by the part. Parts are those of `Fields`.

    Raises:
        FieldsError: It has an unknown part, a part twice or without a key, or no time or status.

    Example:
        >>> parse_fields("time=ts,status=res.code,path=url")
        {'time': 'ts', 'status': 'res.code', 'path': 'url'}
        >>> parse_fields("time=ts,code=status")
        Traceback (most recent call last):
        flask_errwatch.replay.formats.json_format.FieldsError: --fields = 'code': Name a part of a \
request: time, status, client, forwarded, request, method, path, query, protocol, referrer, agent.
    """
    keys: dict[str, str] = {}
    for pair in text.split(","):
        name, _, key = (part.strip() for part in pair.partition("="))
        if name not in _NAMES:
            hint = did_you_mean(name, _NAMES)
            remedy = hint or f"Name a part of a request: {', '.join(_NAMES)}."
            raise FieldsError(Problem(key=_OPTION, value=name, remedy=remedy))
        if not key:
            raise FieldsError(
                Problem(key=_OPTION, value=pair, remedy=f"Write its key, as {name}=KEY.")
            )
        if name in keys:
            raise FieldsError(
                Problem(key=_OPTION, value=text, remedy=f"Name one key for {name!r}, not two.")
            )
        keys[name] = key
    missing = next((name for name in _REQUIRED if name not in keys), None)
    if missing is not None:
        raise FieldsError(
            Problem(key=_OPTION, value=text, remedy=f"Add the key of the {missing}: {missing}=KEY.")
        )
    return keys


def json_format(keys: Mapping[str, str]) -> LogFormat:
    """The format of JSON lines with these keys.

    Args:
        keys: The key by the part, as `parse_fields` returns it.

    Example:
        >>> parse = json_format({"time": "t", "status": "s", "client": "c"}).parser()
        >>> parse('{"t": 1700000000, "s": 404, "c": "203.0.113.9"}').request.source
        '203.0.113.9'
    """
    fields = Fields(**{name: (key,) for name, key in keys.items()})
    return LogFormat(name="json", title=_TITLE, parser=lambda: partial(_parse, fields))


def _parse(fields: Fields, line: str) -> AccessRecord | None:
    value = object_of(line)
    return None if value is None else record_of(values_of(value), fields)


def _parse_usual(line: str) -> AccessRecord | None:
    value = object_of(line)
    if value is None:
        return None
    values = values_of(value, _usual_name)
    for name in _PERHAPS_CLIENT:
        named = values.get(name)
        if isinstance(named, str) and not address_text(named):
            del values[name]
    if _is_perhaps_duration(values):
        del values["time"]
    fields = _usual_among(tuple(values)) if len(values) <= _MOST_NAMES else _USUAL
    return record_of(values, fields) if fields.request or fields.method or fields.path else None


def _is_perhaps_duration(values: Mapping[str, object]) -> bool:
    """Whether `time` is a number, and another value is the time in words."""
    if not isinstance(values.get("time"), int | float):
        return False
    others = (values.get(name) for name in _USUAL.time if name != "time")
    return any(isinstance(other, str) and second_of(other) is not None for other in others)


def _usual_name(key: str) -> str:
    return _compared(key) if len(key) <= _LONGEST_KEY else _UNUSUAL


@lru_cache(_REMEMBERED)
def _compared(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


@lru_cache(_REMEMBERED)
def _usual_among(names: tuple[str, ...]) -> Fields:
    return _USUAL.among(names)


#: JSON lines with the usual keys.
JSON: Final = LogFormat(name="json", title=_TITLE, parser=lambda: _parse_usual)

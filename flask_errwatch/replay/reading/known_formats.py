"""The formats that `replay` knows, by the names of `--format`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Final

from flask_errwatch.replay.documents.known import DOCUMENTS
from flask_errwatch.replay.formats.envoy import ENVOY
from flask_errwatch.replay.formats.format_string import log_format
from flask_errwatch.replay.formats.haproxy import HAPROXY
from flask_errwatch.replay.formats.json_format import JSON, json_format, parse_fields
from flask_errwatch.replay.formats.json_servers import APIGATEWAY, CADDY, ENVOY_JSON, TRAEFIK
from flask_errwatch.replay.formats.load_balancers import ALB, ELB
from flask_errwatch.replay.formats.ncsa import COMBINED
from flask_errwatch.replay.formats.record import LogFormat
from flask_errwatch.replay.formats.s3_access import S3
from flask_errwatch.replay.formats.uvicorn import UVICORN
from flask_errwatch.replay.formats.uwsgi import UWSGI
from flask_errwatch.replay.formats.w3c import CLOUDFRONT, IIS
from flask_errwatch.replay.formats.werkzeug import WERKZEUG
from flask_errwatch.replay.reading.shapes import KnownFormats
from flask_errwatch.replay.wrappers.known import WRAPPERS

AUTO: Final = "auto"
#: What CloudWatch Logs gives back, whatever its messages are.
CLOUDWATCH_EXPORT: Final = "cloudwatch-export"
#: Lines of JSON: the app's own, and requests.
JSON_LINES: Final = "json"
_JSON: Final = (APIGATEWAY, CADDY, TRAEFIK, ENVOY_JSON, JSON)
#: The formats of access logs by name, the more specific ones first: the first that understands a
#: line is its format.
ACCESS_FORMATS: Final[Mapping[str, tuple[LogFormat, ...]]] = {
    "alb": (ALB,),
    "elb": (ELB,),
    "cloudfront": (CLOUDFRONT,),
    "s3": (S3,),
    "iis": (IIS,),
    "haproxy": (HAPROXY, COMBINED),
    "envoy": (ENVOY, ENVOY_JSON),
    "uwsgi": (UWSGI,),
    "werkzeug": (WERKZEUG,),
    "uvicorn": (UVICORN,),
    "combined": (COMBINED,),
    "common": (COMBINED,),
    "apigateway": (APIGATEWAY, COMBINED),
    "caddy": (CADDY,),
    "traefik": (TRAEFIK, COMBINED),
    JSON_LINES: _JSON,
}
#: A file of counts. No line of it is a request.
_COUNTS: Final = LogFormat(name="counts", title="a file of counts", parser=lambda: lambda _: None)
COUNTS: Final = KnownFormats(contents=(_COUNTS,), wrappers=(), documents=(), takes_own_lines=False)
FORMAT_NAMES: Final = (AUTO, *ACCESS_FORMATS, CLOUDWATCH_EXPORT, _COUNTS.name)
_TAKES_OWN_LINES: Final = frozenset({AUTO, CLOUDWATCH_EXPORT, JSON_LINES})
_ALL: Final = tuple(dict.fromkeys(chain.from_iterable(ACCESS_FORMATS.values())))
#: What a log may be, where nothing is said about it.
EVERYTHING: Final = KnownFormats(contents=_ALL, wrappers=WRAPPERS, documents=DOCUMENTS)


def known_formats(name: str = AUTO) -> KnownFormats:
    """What a log may be, when `--format` has this name.

    Args:
        name: One of `FORMAT_NAMES`.

    Example:
        >>> [content.title for content in known_formats("envoy").contents]
        ['an access log of Envoy', 'an access log of Envoy (JSON)']
    """
    if name == _COUNTS.name:
        return COUNTS
    return replace(
        EVERYTHING,
        contents=ACCESS_FORMATS.get(name, _ALL),
        takes_own_lines=name in _TAKES_OWN_LINES,
        is_of_cloudwatch=name == CLOUDWATCH_EXPORT,
    )


def with_fields(text: str) -> KnownFormats:
    """What a log may be, when `--fields` names the keys of its JSON.

    Raises:
        FieldsError: The fields cannot be read.
    """
    keys = parse_fields(text)
    return replace(EVERYTHING, contents=(json_format(keys),), keys=keys)


def with_format_string(text: str) -> KnownFormats:
    """What a log may be, when `--log-format` gives the server's format string.

    Raises:
        LogFormatError: The string cannot be read.
    """
    return replace(EVERYTHING, contents=(log_format(text),), takes_own_lines=False)

"""The fields that a format string names, in the languages of nginx, Apache and gunicorn.

Sources: https://nginx.org/en/docs/http/ngx_http_log_module.html and
https://nginx.org/en/docs/http/ngx_http_core_module.html#variables,
https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats,
https://docs.gunicorn.org/en/stable/settings.html#access-log-format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from flask_errwatch.replay.formats.strftime import time_pattern

#: What a format string must have.
Need = Literal["time", "status", "request"]

_NCSA: Final = r"\d\d/[A-Z][a-z]{2}/\d{4}:[\d:]{8}(?:[.,]\d{1,9})?(?: [+-]\d{4})?"
_STATUS: Final = r"\d{3}|-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field of a format string.

    Attributes:
        name: How the format string names it.
        role: What it is read as, which names its group in the regular expression of a line. Empty
            for a field that is skipped. A `chain` is `X-Forwarded-For` with the peer at its end. A
            `peer` counts where no `client` is, which the server found behind it. A `query` begins
            with a question mark, `arguments` do not.
        pattern: The regular expression of its values. It may have groups that are named after a
            role or a part of a time. None where only what follows shows where a value ends.
    """

    name: str
    role: str = ""
    pattern: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """A language of format strings.

    Attributes:
        token: A regular expression that finds the fields, each with its name in groups, and what
            is written for a percent sign.
        field: Creates the field of a match, or returns the text that it stands for.
        needed: How the language names what a format string must have.
    """

    token: re.Pattern[str]
    field: Callable[[re.Match[str]], Field | str]
    needed: Mapping[Need, str]


_OF_NGINX: Final[Mapping[str, tuple[str, str | None]]] = {
    "time_local": ("ncsa", _NCSA),
    "time_iso8601": ("iso", r"\d{4}-\d\d-\d\dT[\d:.+-]{8,20}Z?"),
    "msec": ("epoch", r"\d{1,10}\.\d{3}"),
    "remote_addr": ("client", None),
    "realip_remote_addr": ("peer", None),
    "proxy_add_x_forwarded_for": ("chain", None),
    "http_x_forwarded_for": ("forwarded", None),
    "remote_user": ("user", None),
    "request": ("request", None),
    "request_method": ("method", None),
    "request_uri": ("target", None),
    "uri": ("path", None),
    "document_uri": ("path", None),
    "is_args": ("is_arguments", r"\??"),
    "args": ("arguments", None),
    "query_string": ("arguments", None),
    "server_protocol": ("protocol", None),
    "status": ("status", _STATUS),
    "http_referer": ("referrer", None),
    "http_user_agent": ("agent", None),
}
_OF_APACHE: Final[Mapping[str, tuple[str, str | None]]] = {
    "t": ("", rf"\[(?P<ncsa>{_NCSA})\]"),
    "a": ("client", None),
    "h": ("client", None),
    "u": ("user", None),
    "r": ("request", None),
    "m": ("method", None),
    "U": ("path", None),
    "q": ("query", r'(?:\?[^\s"]*+)?'),
    "H": ("protocol", None),
    "s": ("status", _STATUS),
}
_HEADERS: Final[Mapping[str, str]] = {
    "referer": "referrer",
    "user-agent": "agent",
    "x-forwarded-for": "forwarded",
}
_OF_GUNICORN: Final[Mapping[str, tuple[str, str | None]]] = {
    **{name: _OF_APACHE[name] for name in ("t", "h", "u", "r", "m", "U", "H", "s")},
    "q": ("arguments", None),
    "f": ("referrer", None),
    "a": ("agent", None),
}


def _of_nginx(match: re.Match[str]) -> Field:
    role, pattern = _OF_NGINX.get(match[1] or match[2], ("", None))
    return Field(name=match[0], role=role, pattern=pattern)


def _of_apache(match: re.Match[str]) -> Field | str:
    argument, letter = match[1], match[2]
    if letter is None:
        return "%"
    if letter == "t" and argument:
        return Field(name=match[0], pattern=time_pattern(argument))
    if letter == "i" and argument:
        return Field(name=match[0], role=_HEADERS.get(argument.lower(), ""))
    role, pattern = _OF_APACHE.get(letter, ("", None))
    if letter == "a" and argument == "c":
        role = "peer"
    return Field(name=match[0], role=role, pattern=pattern)


def _of_gunicorn(match: re.Match[str]) -> Field | str:
    header, name = match[1], match[2]
    if header is None and name is None:
        return "%"
    if header:
        return Field(name=match[0], role=_HEADERS.get(header.lower(), ""))
    role, pattern = _OF_GUNICORN.get(name, ("", None))
    return Field(name=match[0], role=role, pattern=pattern)


NGINX: Final = Language(
    token=re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII),
    field=_of_nginx,
    needed={
        "time": "$time_local, $time_iso8601 or $msec",
        "status": "$status",
        "request": "$request, $request_uri or $uri",
    },
)
# A condition on the status may be before the argument (`%!200,304{Referer}i`), and < or > before
# the letter.
APACHE: Final = Language(
    token=re.compile(
        r"%(?:%|(?:!?\d{3}(?:,\d{3})*)?[<>]?(?:\{([^{}]*)\})?(\^[A-Za-z]{2}|[A-Za-z]))", re.ASCII
    ),
    field=_of_apache,
    needed={"time": "%t", "status": "%>s", "request": "%r or %U"},
)
GUNICORN: Final = Language(
    token=re.compile(r"%(?:%|\((?:\{([^{}]*)\}i|([^()]*))\)s)"),
    field=_of_gunicorn,
    needed={"time": "%(t)s", "status": "%(s)s", "request": "%(r)s or %(U)s"},
)

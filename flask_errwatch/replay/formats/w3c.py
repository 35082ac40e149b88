"""The access logs in the W3C extended format, of CloudFront and of IIS, and CloudFront's JSON.

The directive `#Fields` names the columns of the lines after it, in any number and order.

Sources: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html,
https://learn.microsoft.com/windows/win32/http/w3c-logging, https://www.w3.org/TR/WD-logfile.html.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Final
from urllib.parse import unquote

from flask_errwatch.replay.formats.fields import Fields, record_of
from flask_errwatch.replay.formats.json_objects import object_of
from flask_errwatch.replay.formats.record import HEADER, AccessRecord, LogFormat, Parsed

_DIRECTIVE = re.compile(r"#[A-Za-z-]{1,40}:", re.ASCII)
_COLUMNS: Final = "#Fields:"
# Date and time are two columns, joined under this name.
_JOINED: Final = "date time"
_FIELDS: Final = Fields(
    time=(_JOINED, "timestamp(ms)", "timestamp"),
    status=("sc-status",),
    client=("c-ip",),
    forwarded=("x-forwarded-for", "cs(x-forwarded-for)"),
    method=("cs-method",),
    path=("cs-uri-stem",),
    query=("cs-uri-query",),
    protocol=("cs-protocol-version", "cs-version"),
    referrer=("cs(referer)",),
    agent=("cs(user-agent)",),
)
_HEADERS: Final = (*_FIELDS.forwarded, *_FIELDS.agent)
# The columns of a CloudFront log without a header, in their documented order.
_STANDARD: Final = (
    *("date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(host)"),
    *("cs-uri-stem", "sc-status", "cs(referer)", "cs(user-agent)", "cs-uri-query", "cs(cookie)"),
    *("x-edge-result-type", "x-edge-request-id", "x-host-header", "cs-protocol", "cs-bytes"),
    *("time-taken", "x-forwarded-for", "ssl-protocol", "ssl-cipher"),
    *("x-edge-response-result-type", "cs-protocol-version", "fle-status", "fle-encrypted-fields"),
    *("c-port", "time-to-first-byte", "x-edge-detailed-result-type", "sc-content-type"),
    *("sc-content-len", "sc-range-start", "sc-range-end"),
)
# What IIS alone writes.
_OF_IIS: Final = frozenset(
    {"s-ip", "s-port", "s-sitename", "s-computername", "sc-substatus", "sc-win32-status"}
)


class _W3cLog(ABC):
    """Parses the lines of one log by the last header before them."""

    def __init__(self, columns: tuple[str, ...] = ()) -> None:
        self._columns = columns

    def __call__(self, line: str) -> Parsed:
        if _DIRECTIVE.match(line):
            return self._directive(line)
        parts = self._split(line)
        if len(parts) != len(self._columns):
            return None
        return self._record(dict(zip(self._columns, parts, strict=True)))

    def _directive(self, line: str) -> Parsed:
        if not line.startswith(_COLUMNS):
            return HEADER
        columns = tuple(line.removeprefix(_COLUMNS).lower().split())
        self._columns = columns if self._writes(columns) else ()
        return HEADER if self._columns else None

    def _record(self, values: dict[str, object]) -> AccessRecord | None:
        if "date" in values and "time" in values:
            values[_JOINED] = f"{values['date']} {values['time']}"
        for name in _HEADERS:
            value = values.get(name)
            if isinstance(value, str):
                values[name] = self._decode(value)
        return record_of(values, _FIELDS)

    @abstractmethod
    def _writes(self, columns: tuple[str, ...]) -> bool:
        """Whether this program may write the columns."""

    @abstractmethod
    def _split(self, line: str) -> list[str]:
        """The values of a line."""

    @abstractmethod
    def _decode(self, header: str) -> str:
        """The value of a request's header as the client sent it."""


class _CloudFrontLog(_W3cLog):
    """Columns are separated by tabs, or by blanks after a copy from a terminal."""

    def __init__(self) -> None:
        super().__init__(_STANDARD)

    def __call__(self, line: str) -> Parsed:
        value = object_of(line)
        if value is None:
            return super().__call__(line)
        return self._record({name.lower(): part for name, part in value.items()})

    def _writes(self, columns: tuple[str, ...]) -> bool:
        return not _OF_IIS.intersection(columns)

    def _split(self, line: str) -> list[str]:
        if "\t" in line:
            return line.split("\t")
        return line.split(" ") if _is_of_edge(self._columns) else []

    def _decode(self, header: str) -> str:
        decoded = unquote(header)
        return unquote(decoded) if "%20" in decoded else decoded  # some were encoded twice


class _IisLog(_W3cLog):
    """Columns are separated by blanks, those in a value are written as `+`."""

    def _writes(self, columns: tuple[str, ...]) -> bool:
        return not _is_of_edge(columns)

    def _split(self, line: str) -> list[str]:
        return line.split(" ")

    def _decode(self, header: str) -> str:
        return header.replace("+", " ")


def _is_of_edge(columns: tuple[str, ...]) -> bool:
    return any(name.startswith("x-edge-") for name in columns)


#: A request counts when CloudFront had answered it, as standard logs (v1 and v2) have it.
CLOUDFRONT: Final = LogFormat(
    name="cloudfront", title="a CloudFront log", parser=_CloudFrontLog, is_of_proxy=True
)
#: IIS writes times in UTC.
IIS: Final = LogFormat(name="iis", title="an IIS log (W3C)", parser=_IisLog)

"""Access logs in the NCSA common or combined format, as Apache, nginx and gunicorn write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from flask_errwatch.replay.readers import LineReader, whole_minute

# Up to the status, since what follows decides nothing. The user's name is hostile, but no server
# writes a bare quote there, so the first time followed by a quote is the server's own. No part
# reads beyond the end of a line: a whole block is searched at once.
_REQUEST = re.compile(
    r"^(\S+) [^\s\"]+ (?:[^\"\\\n]|\\.)*?\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d):\d\d ([+-]\d{4})\] "
    r'"([^"\\\n]*(?:\\.[^"\\\n]*)*)" (\d{3})(?!\S)',
    re.ASCII | re.MULTILINE,
)
# The names are English whatever the locale, which `strptime` would ask.
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

_Row = tuple[str, str, str, str, str]


class Request(NamedTuple):
    """The parts of an access line that decide its detector.

    Attributes:
        source: The client.
        path: The requested path, without the query.
        status: The status of the response.
    """

    source: str
    path: str
    status: str


def request_of(line: str) -> Request | None:
    """Parses an access line; None when the line is in another format.

    Example:
        >>> line = '192.0.2.7 - - [25/Nov/2026:01:17:12 +0000] "GET /.env?a HTTP/1.1" 404 9'
        >>> request_of(line)
        Request(source='192.0.2.7', path='/.env', status='404')
    """
    match = _REQUEST.match(line)
    if match is None:
        return None
    return Request(match[1], request_path(match[4]), match[5])


def request_path(request: str) -> str:
    """The path of `GET /path?query HTTP/1.1`. Any other string is returned whole."""
    words = request.split(" ")
    is_request = len(words) == 3 and words[2].startswith("HTTP/")
    return words[1].partition("?")[0] if is_request else request


class _Statuses(dict[str, "tuple[list[str], list[str]]"]):
    """The lines of one minute by their status, in columns: the sources and the requests."""

    def __missing__(self, status: str) -> tuple[list[str], list[str]]:
        columns = self[status] = ([], [])
        return columns


class AccessLogReader(LineReader):
    """An access log: a line counts for the detector that claims its status."""

    shows_requests = True

    def _read(self, block: bytes) -> int:
        text = block.decode("utf-8", "backslashreplace")
        count = text.count("\n")
        requests = _REQUEST.findall(text)
        # A line has at most one request: as many requests as lines means one in each line.
        rows = enumerate(requests) if len(requests) == count else self._one_by_one(text)
        self._sweep(rows, text)
        return count

    def _sweep(self, rows: Iterable[tuple[int, _Row]], text: str) -> None:
        minutes: dict[int, _Statuses] = {}
        statuses: _Statuses | None = None
        last, last_zone = "", ""
        lines: list[str] = []
        for index, (source, moment, zone, request, status) in rows:
            if moment != last or zone != last_zone:
                last, last_zone = moment, zone
                minute = _read_minute(moment, zone)
                statuses = None
                if minute is not None:
                    self._tick(minute, index)
                    statuses = minutes.setdefault(minute, _Statuses())
            if statuses is None:
                lines = lines or text.split("\n")
                self._bad(index, lines[index])
                continue
            sources, requests = statuses[status]
            sources.append(source)
            requests.append(request)
        for minute, by_status in minutes.items():
            self._settle(minute, by_status)

    def _one_by_one(self, text: str) -> Iterator[tuple[int, _Row]]:
        for index, line in enumerate(text.split("\n")):
            match = _REQUEST.match(line)
            if match is None:
                self._bad(index, line)
            else:
                source, moment, zone, request, status = match.groups()
                yield index, (source, moment, zone, request, status)

    def _settle(self, minute: int, by_status: _Statuses) -> None:
        tally = self._gathered.tally
        for status, (sources, requests) in by_status.items():
            column = self._gathered.column_of_status(status)
            if column is None:
                tally.add_others(minute, len(sources))
            else:
                tally.add(minute, column, sources, [request_path(request) for request in requests])


def _read_minute(moment: str, zone: str) -> int | None:
    """The minute of `25/Nov/2026:01:17` and `+0100`, or None if that is not a valid time."""
    away = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    try:
        there = timezone(-away if zone[0] == "-" else away)
        year, month, day = int(moment[7:11]), _MONTHS.index(moment[3:6]) + 1, int(moment[:2])
        hour, minute = int(moment[12:14]), int(moment[15:17])
        there_at = datetime(year, month, day, hour, minute, tzinfo=there)
        return whole_minute(int(there_at.timestamp()))
    except (ValueError, OverflowError):
        return None

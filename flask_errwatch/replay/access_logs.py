"""Access logs in the NCSA common or combined format, as Apache, nginx and gunicorn write them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone

from flask_errwatch.replay.readers import CLASSES, Gathered, LineReader, whole_minute
from flask_errwatch.replay.request_kinds import RequestKinds
from flask_errwatch.replay.requests import REQUEST, Request
from flask_errwatch.simulation import LineKind

#: What every access log shows of the fields of the app's lines.
_SHOWN = frozenset({"event", "status", "method", "path", "count", "client_ip"})
# The names are English whatever the locale, which `strptime` would ask.
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

_Row = tuple[str, str, str, str, str, str]
# The sources and the paths of the lines of one kind.
_Columns = tuple[list[str | None], list[str | None]]


class _Minute:
    """The requests of one minute."""

    __slots__ = ("failed", "others")

    def __init__(self) -> None:
        self.failed: list[Request] = []
        self.others = 0


class AccessLogReader(LineReader):
    """An access log: a line counts as the app's line for such a request would."""

    shows_requests = True

    def __init__(self, gathered: Gathered, log: str) -> None:
        super().__init__(gathered, log)
        self._kinds = RequestKinds(gathered)
        # A host was read from a referrer, so the format is the combined one.
        gathered.shown |= _SHOWN | CLASSES if gathered.site.host else _SHOWN

    def _read(self, block: bytes) -> int:
        text = block.decode("utf-8", "backslashreplace")
        count = text.count("\n")
        requests = REQUEST.findall(text)
        # A line has at most one request: as many requests as lines means one in each line.
        rows = enumerate(requests) if len(requests) == count else self._one_by_one(text)
        self._sweep(rows, text)
        return count

    def _sweep(self, rows: Iterable[tuple[int, _Row]], text: str) -> None:
        minutes: dict[int, _Minute] = {}
        requests: _Minute | None = None
        last, last_zone = "", ""
        lines: list[str] = []
        for index, (source, moment, zone, line, status, rest) in rows:
            if moment != last or zone != last_zone:
                last, last_zone = moment, zone
                minute = minute_of_stamp(moment, zone)
                requests = None
                if minute is not None:
                    self._tick(minute, index)
                    requests = minutes.setdefault(minute, _Minute())
            if requests is None:
                lines = lines or text.split("\n")
                self._bad(index, lines[index])
            elif status < "4":
                requests.others += 1
            else:
                requests.failed.append(Request.of(source, status, line, rest))
        for minute, found in minutes.items():
            self._settle(minute, found)

    def _one_by_one(self, text: str) -> Iterator[tuple[int, _Row]]:
        for index, line in enumerate(text.split("\n")):
            match = REQUEST.match(line)
            if match is None:
                self._bad(index, line)
            else:
                source, moment, zone, request, status, rest = match.groups()
                yield index, (source, moment, zone, request, status, rest)

    def _settle(self, minute: int, found: _Minute) -> None:
        gathered = self._gathered
        by_kind: defaultdict[LineKind, _Columns] = defaultdict(lambda: ([], []))
        if gathered.site.is_known and any(request.agent is not None for request in found.failed):
            gathered.shown |= CLASSES
        for request in found.failed:
            sources, paths = by_kind[self._kinds.kind_of(request)]
            sources.append(request.source)
            paths.append(request.path)
        if found.others:
            gathered.count_other(minute, found.others)
        for kind, (sources, paths) in by_kind.items():
            gathered.count(minute, kind, sources, paths)


def minute_of_stamp(moment: str, zone: str) -> int | None:
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

"""Counts rows: what a judge needs of the lines that an engine counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flask_errwatch.replay.counts.count_row import CountRow
from flask_errwatch.replay.formats.record import request_line
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.gathering.gathered import CLASSES, MISSING, Gathered
from flask_errwatch.replay.gathering.request_kinds import RequestKinds
from flask_errwatch.replay.gathering.sites import SeenSite
from flask_errwatch.simulation import LineKind

# Sums of multiples of a quarter are exact.
_EXACT: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class _RowSite(SeenSite):
    """The site of rows that show themselves whether their path is like one that it answered."""

    own: bool

    def owns(self, path: str) -> bool:  # noqa: ARG002 - whatever it is
        return self.own


class RowCounter:
    """Counts rows. Equal requests are classified once.

    Args:
        gathered: Where they are counted. Rows without `own` belong to the site that was surveyed,
            if one was.
    """

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._read = frozenset(gathered.kinds.fields)
        self._detectors = {detector.name: detector for detector in gathered.detectors.catalogue}
        self._for_status = gathered.detectors.catalogue.for_status
        self._requests: dict[tuple[bool | None, str | None], RequestKinds] = {}

    def add(self, row: CountRow) -> None:
        """Counts a row.

        Args:
            row: The row. Its detector, if it has one, is one of the catalogue with an event.
        """
        gathered = self._gathered
        event = self._event_name(row)
        if event is None or not row.lines:
            if event is None and row.status is None:
                gathered.bad_lines += row.lines
            else:
                gathered.count_other(row.minute, row.lines)
            return
        gathered.shows_sources &= row.client is not None
        is_derived = row.suspicion is not None or row.detector is not None
        if is_derived or row.status is None or row.method is None or row.path is None:
            self._add_plain(row, event)
        else:
            self._add_request(row, row.status, request_line(row.method or "?", row.path))

    def _event_name(self, row: CountRow) -> str | None:
        """The event of the lines that the app would have written. None where it writes none."""
        if row.detector is not None:
            return self._detectors[row.detector].event
        detector = self._for_status(row.status) if row.status else None
        return None if detector is None else detector.event

    def _add_plain(self, row: CountRow, event: str) -> None:
        """Counts lines of which only the row is known, and not the request."""
        fields: dict[str, object] = {"event": event, "count": 1}
        known = {
            "status": row.status,
            "method": row.method,
            "path": _without_query(row.path),
            "client_ip": row.client,
            "suspicion": row.suspicion,
        }
        fields |= {name: value for name, value in known.items() if value is not None}
        self._gathered.hidden |= self._read - fields.keys()
        for suspicion, lines in _shares(row.suspicion, row.lines):
            if suspicion is not None:
                fields["suspicion"] = suspicion
            values = tuple(fields.get(field, MISSING) for field in self._gathered.kinds.fields)
            self._count(row, self._gathered.kind_of(values), lines)

    def _add_request(self, row: CountRow, status: int, line: str) -> None:
        """Counts requests as those of an access log are."""
        shows_link = row.referrer is not None and (
            row.host is not None or self._gathered.site.is_known
        )
        referrer = row.referrer if shows_link else None
        request = Request(row.client or "", str(status), line, referrer, row.agent)
        shown = {"event", "status", "method", "path", "count"}
        if row.client is not None:
            shown.add("client_ip")
        kinds = self._kinds_of(row)
        if kinds.classifies and row.agent is not None:
            shown |= CLASSES if shows_link else CLASSES - {"referrer"}
        self._gathered.hidden |= self._read - shown
        self._count(row, kinds.kind_and_path(row.client or None, request)[0], row.lines)

    def _kinds_of(self, row: CountRow) -> RequestKinds:
        """What classifies the requests of a row."""
        key = row.own, row.host
        kinds = self._requests.get(key)
        if kinds is None:
            kinds = self._requests[key] = RequestKinds(self._gathered, self._site_of(row))
        return kinds

    def _site_of(self, row: CountRow) -> SeenSite | None:
        """The site that a row shows. None for the one that was surveyed, if one was."""
        host = row.host or ""
        if row.own is not None:
            return _RowSite(host=host, own=row.own)
        has_url_map = self._gathered.detectors.classifier is not None
        return SeenSite(host=host) if has_url_map and not self._gathered.site.is_known else None

    def _count(self, row: CountRow, kind: LineKind, lines: int) -> None:
        path = _without_query(row.path)
        self._gathered.count_equal(row.minute, kind, lines, source=row.client or None, path=path)


def _without_query(path: str | None) -> str | None:
    return None if path is None else path.partition("?")[0]


def _shares(suspicion: float | None, lines: int) -> Iterator[tuple[float | None, int]]:
    """Suspicions of lines that add up to a sum, and how many lines have each.

    Equal ones where that is exact. Else lines that are as equal as whole numbers can be, since the
    sum decides, and sums of other fractions are not exact.
    """
    if suspicion is None or (suspicion * _EXACT / lines).is_integer():
        yield None if suspicion is None else suspicion / lines, lines
        return
    whole, rest = divmod(suspicion, lines)
    more, fraction = divmod(rest, 1)
    parts = ((whole + 1, int(more)), (whole + fraction, 1 if fraction else 0))
    yield from (part for part in parts if part[1])
    left = lines - sum(count for _, count in parts)
    if left:
        yield whole, left

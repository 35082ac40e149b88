"""The second reading of a summary: the rows of what the first one found to be frequent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from flask_errwatch.respond.ranking.counting import top
from flask_errwatch.respond.ranking.first_reading import FIELDS, FirstReading
from flask_errwatch.respond.ranking.lines import NO_SOURCE, Line, exception_of, text
from flask_errwatch.respond.ranking.logins import Logins
from flask_errwatch.respond.ranking.order import NO_LEAST, Least, ranked
from flask_errwatch.respond.ranking.samples import Samples
from flask_errwatch.respond.ranking.source_details import SourceDetails
from flask_errwatch.respond.ranking.summary import (
    FingerprintRow,
    PathRow,
    ReleaseRow,
    SourceRow,
    Summary,
    Unusual,
)

#: Sources of each order whose numbers of paths are exact up to a thousand.
PRECISE: Final = 25
#: Rows of paths, of failures and of releases, and how many values compete for them.
_ROWS: Final = 10
_CANDIDATES: Final = 20
#: Lines of the first source that are kept.
_SAMPLES: Final = 5
#: By how much a share must have risen to be unusual.
_RISE: Final = 0.25


class SecondReading:
    """The rows of what the first reading found to be frequent.

    Args:
        first: The first reading, which is complete.
        sources: How many sources of each order get a row.
        least: What a source must have to get one.
    """

    def __init__(self, first: FirstReading, sources: int, least: Least = NO_LEAST) -> None:
        self._first = first
        reaching = first.sums.reaching(least)
        chosen, precise = (first.sums.highest(most, least) for most in (sources, PRECISE))
        self._left_out = sum(source != NO_SOURCE and source not in chosen for source in reaching)
        self._details = {
            source: SourceDetails(source, first, is_precise=source in precise) for source in chosen
        }
        self._logins = Logins(first)
        rows = ranked(details.row() for details in self._details.values())
        self._first_source = (rows[0].source or NO_SOURCE) if rows else None
        candidates = {field: one.candidates(_CANDIDATES) for field, one in first.frequent.items()}
        candidates["release"] += first.releases_before.candidates(_CANDIDATES)
        self._counts = _Counts({field: frozenset(values) for field, values in candidates.items()})
        # A bit for each source that has lines of the path.
        self._sources = {path: bytearray(len(first.sums) // 8 + 1) for path in candidates["path"]}
        self._broken = dict.fromkeys(candidates["path"], 0)
        self._failures: dict[str, tuple[str, str]] = {}
        self._new: set[str] = set()
        self._unhandled: set[str] = set()
        self._releases_before = dict.fromkeys(candidates["release"], 0)
        self._samples = Samples(_SAMPLES)

    def add(self, at: float, line: Line) -> None:
        """Reads a line."""
        window = self._first.window
        is_within, is_before = at in window, at in window.baseline
        if not (is_within or is_before or at >= window.end):
            return
        is_counted = self._first.is_counted(line.event)
        self._logins.add(at, line, is_counted=is_counted and is_within)
        details = self._details.get(line.source)
        if details is not None:
            details.add(at, line, is_counted=is_counted)
        if not (is_within or is_before):
            return
        self._note_exception(line)
        if is_before:
            release = line.values.get("release")
            if release in self._releases_before:
                self._releases_before[release] += 1
        if is_counted:
            self._counts.add(line, is_within=is_within)
            if is_within:
                self._note(line)
                if line.source == self._first_source:
                    self._samples.add(at, line)

    def summary(self) -> Summary:
        """What was found."""
        first = self._first
        mistyped = self._logins.mistyped
        sources = ranked(one.row(mistyped[source]) for source, one in self._details.items())
        return Summary(
            window=first.window,
            lines=first.lines,
            sources=sources,
            source_count=first.sums.count,
            left_out=self._left_out,
            guesses=self._logins.guesses(),
            paths=tuple(self._path_rows()),
            fingerprints=tuple(self._fingerprint_rows()),
            releases=tuple(self._release_rows()),
            unusual=tuple(self._unusual(sources)),
            samples=self._samples.events,
            minutes=self._samples.minutes,
            has_referrers=first.has_referrers,
            has_logins=first.has_logins,
            last_line=first.last_line,
            is_exact=first.sums.is_exact
            and first.shows_paths
            and all(details.is_exact for details in self._details.values()),
        )

    def _note(self, line: Line) -> None:
        """Notes what paths and failures have besides their counts."""
        row = self._first.sums.row(line.source)
        for path, times in line.paths:
            bits = self._sources.get(path)
            if bits is None:
                continue
            if row is not None and line.source != NO_SOURCE:
                bits[row >> 3] |= 1 << (row & 7)
            if line.is_broken:
                self._broken[path] += times

    def _note_exception(self, line: Line) -> None:
        """Notes what an exception is, and whether it is new: only the first line of it shows that.

        It may be in the hour before.
        """
        fingerprint = line.values.get("fingerprint")
        if fingerprint is None or not self._counts.competes("fingerprint", fingerprint):
            return
        exception = exception_of(line.event)
        known = (text(exception, "type") or "", text(exception, "where") or "")
        self._failures.setdefault(fingerprint, known)
        if exception.get("new") is True:
            self._new.add(fingerprint)
        if exception.get("handled") is not True:
            self._unhandled.add(fingerprint)

    def _path_rows(self) -> Iterable[PathRow]:
        for path, lines in top(self._counts.within["path"], _ROWS):
            yield PathRow(
                path=path,
                lines=lines,
                sources=int.from_bytes(self._sources[path]).bit_count(),
                broken=self._broken[path],
            )

    def _fingerprint_rows(self) -> Iterable[FingerprintRow]:
        for fingerprint, lines in top(self._counts.within["fingerprint"], _ROWS):
            kind, where = self._failures.get(fingerprint, ("", ""))
            yield FingerprintRow(
                fingerprint=fingerprint,
                type=kind,
                where=where,
                lines=lines,
                is_new=self._is_new(fingerprint),
            )

    def _is_new(self, fingerprint: str) -> bool | None:
        if fingerprint in self._new:
            return True
        return False if fingerprint in self._unhandled else None

    def _release_rows(self) -> Iterable[ReleaseRow]:
        within, before = self._counts.within["release"], self._releases_before
        rows = [
            ReleaseRow(release=release, lines=within[release], before=lines_before)
            for release, lines_before in before.items()
            if within[release] or lines_before
        ]
        return sorted(rows, key=lambda row: (-row.lines, -row.before, row.release))[:_ROWS]

    def _unusual(self, sources: tuple[SourceRow, ...]) -> Iterable[Unusual]:
        """Of each field the value whose share has risen most."""
        found = [
            self._rise("client_ip", row.source, row.lines, row.before)
            for row in sources
            if row.source is not None
        ]
        for field in FIELDS[:-1]:
            within, before = self._counts.within[field], self._counts.before[field]
            found += [self._rise(field, value, within[value], before[value]) for value in within]
        found += self._release_rises()
        best: dict[str, Unusual] = {}
        for one in found:
            known = best.get(one.field)
            if _rise(one) >= _RISE and (known is None or _rise(one) > _rise(known)):
                best[one.field] = one
        return sorted(best.values(), key=_rise, reverse=True)

    def _rise(self, field: str, value: str, lines: int, before: int) -> Unusual:
        return Unusual(
            field=field,
            value=value,
            share=lines / max(self._first.lines, 1),
            before=before / self._first.lines_before if self._first.lines_before else None,
        )

    def _release_rises(self) -> Iterable[Unusual]:
        """Compared with lines of any kind: a release is not unusual because nothing failed before.

        Without any line before, nothing is known.
        """
        before = self._releases_before
        total = sum(before.values())
        for release, lines in self._counts.within["release"].items():
            if total:
                yield Unusual(
                    field="release",
                    value=release,
                    share=lines / max(self._first.lines, 1),
                    before=before[release] / total,
                )


def _rise(one: Unusual) -> float:
    return one.share - (one.before or 0)


class _Counts:
    """The exact counts of some values, in the window and in the hour before.

    Args:
        values: The values, by their field.
    """

    def __init__(self, values: dict[str, frozenset[str]]) -> None:
        self._values = values
        self.within: dict[str, Counter[str]] = {field: Counter() for field in values}
        self.before: dict[str, Counter[str]] = {field: Counter() for field in values}

    def competes(self, field: str, value: str) -> bool:
        """Whether the value is counted."""
        return value in self._values[field]

    def add(self, line: Line, *, is_within: bool) -> None:
        """Counts a line."""
        counts = self.within if is_within else self.before
        for field, value in line.values.items():
            if value in self._values[field]:
                counts[field][value] += line.weight
        for path, times in line.paths:
            if path in self._values["path"]:
                counts["path"][path] += times

"""Reads files of counts: CSV whose header names the columns, or JSON lines."""

from __future__ import annotations

import csv
import re

import orjson

from flask_errwatch._text import counted, did_you_mean
from flask_errwatch.detectors import Detector
from flask_errwatch.errors import Problem
from flask_errwatch.replay.counts.cells import BadRowError, check_header, row_of
from flask_errwatch.replay.counts.count_row import CountRow
from flask_errwatch.replay.counts.row_counter import RowCounter
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.gathering.line_reader import LineReader
from flask_errwatch.replay.sources import UnreadableLogError

#: Of JSON, a key with what other programs write for a number that is not finite.
_NO_NUMBER = re.compile(r'"(\w{1,40})"\s*:\s*(NaN|-?Infinity|-?\d{1,20}[eE]\+?\d{3,9})', re.ASCII)
#: The lowest status of a request that failed.
_FAILED = 400


class CountsReader(LineReader):
    """A file of counts. A row that cannot be counted is a bad line."""

    shows_requests = True

    def __init__(self, gathered: Gathered, log: str) -> None:
        super().__init__(gathered, log)
        self._counter = RowCounter(gathered)
        self._detectors = {one.name: one for one in gathered.detectors.catalogue}
        self._is_json: bool | None = None
        self._columns: list[str] = []
        self._host: str | None = None
        self._has_success = self._has_detectors = False

    def finish(self) -> None:
        """Counts of failures alone, or of the app's lines, do not show all requests."""
        self._gathered.shows_requests &= self._has_success and not self._has_detectors

    def _read(self, block: bytes) -> int:
        lines = block.decode("utf-8", "backslashreplace").split("\n")
        lines.pop()
        for index, line in enumerate(lines):
            if line.strip():
                self._line(index, line.rstrip("\r"))
        return len(lines)

    def _line(self, index: int, line: str) -> None:
        if self._is_json is None:
            self._is_json = line.lstrip("\ufeff \t").startswith("{")
            if not self._is_json:
                self._columns = self._header(line)
                return
        try:
            row = row_of(_object(line) if self._is_json else self._cells(line))
            self._check(row)
        except BadRowError as error:
            self._note_bad(index, str(error))
            return
        self._has_success |= row.status is not None and row.status < _FAILED
        self._has_detectors |= row.detector is not None
        if row.status is None and row.detector is None and row.lines:
            self._gathered.bad_lines -= 1  # it counts once here, and below each of its lines
            self._note_bad(index, f"{counted(row.lines, 'line')} without a status or a detector")
        self._counter.add(row)

    def _header(self, line: str) -> list[str]:
        if line.lstrip("\ufeff \t").startswith("["):
            raise UnreadableLogError(self._log, "It is a JSON array. Use one JSON object a line.")
        try:
            columns = [name.strip().lower() for name in _split(line.lstrip("\ufeff"))]
            check_header(columns)
        except BadRowError as error:
            raise UnreadableLogError(self._log, f"Its first line is wrong: {error}") from error
        return columns

    def _cells(self, line: str) -> dict[str, object]:
        cells = _split(line)
        if len(cells) != len(self._columns):
            remedy = f"The header has {counted(len(self._columns), 'column')}."
            raise BadRowError(Problem(key="cells", value=len(cells), remedy=remedy))
        return dict(zip(self._columns, cells, strict=True))

    def _check(self, row: CountRow) -> None:
        """Refuses what only the catalogue and the rows before can tell."""
        if row.detector is not None:
            _check_detector(row.detector, self._detectors)
        if row.host is not None and row.method:
            self._host = row.host if self._host is None else self._host
            if row.host != self._host:
                remedy = f"Give one host in all rows, here {self._host!r}."
                raise BadRowError(Problem(key="host", value=row.host, remedy=remedy))


def _check_detector(name: str, detectors: dict[str, Detector]) -> None:
    if name not in detectors:
        remedy = did_you_mean(name, detectors) or f"Use one of {', '.join(detectors)}."
        raise BadRowError(Problem(key="detector", value=name, remedy=remedy))
    if detectors[name].event is None:
        remedy = "It counts lines of others: give the detector that wrote them."
        raise BadRowError(Problem(key="detector", value=name, remedy=remedy))


def _object(line: str) -> dict[str, object]:
    try:
        value = orjson.loads(line.lstrip("\ufeff"))
    except ValueError:
        _refuse_number(line)
        value = None
    if not isinstance(value, dict):
        raise BadRowError(Problem(key="row", value=line, remedy="Use one JSON object a line."))
    return value


def _refuse_number(line: str) -> None:
    """Names the number that no JSON can have, or that is too large for one."""
    found = _NO_NUMBER.search(line)
    if found is not None:
        raise BadRowError(Problem(key=found[1], value=found[2], remedy="Use a finite number."))


def _split(line: str) -> list[str]:
    """The cells of a line of CSV."""
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise BadRowError(Problem(key="row", value=line, remedy=f"CSV: {error}.")) from error

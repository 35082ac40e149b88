"""Reads the cells of a row of counts. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from flask_errwatch._text import did_you_mean
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.replay.counts.count_row import CountRow
from flask_errwatch.replay.formats.clients import client_of
from flask_errwatch.replay.formats.times import epoch_second, iso_second
from flask_errwatch.simulation import MINUTE, PEER_MARK

#: The columns of counts.
COLUMNS: Final = tuple(CountRow.__dataclass_fields__)
#: Those that every row has.
NEEDED: Final = ("minute", "lines")
#: The most lines of a row: sums of so many are exact.
MOST_LINES: Final = 10**12

#: Digits of seconds and milliseconds since 1970, from 2001 to 2286. Dates have 8, 12 or 14. The
#: counting queries write 0 for lines without a time.
_EPOCH_DIGITS: Final = (1, 10, 13)
#: The status of a request that got no response.
NO_STATUS: Final = 0

_NUMBER: Final = re.compile(r"\d{1,20}(\.\d{1,20})?", re.ASCII)
_TRUTH: Final = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class BadRowError(ErrWatchError):
    """A row of counts that cannot be counted."""


def row_of(cells: Mapping[str, object]) -> CountRow:
    """The row that cells hold.

    Args:
        cells: By their column, text as CSV has it or values of JSON. A column that is absent is
            not shown. An empty cell of a header means that too. An empty cell of any other text
            means that the lines had no such text.

    Raises:
        BadRowError: A cell has a value that cannot be, a needed one is absent, a column is not
            known, or a row has both a status and a detector.

    Example:
        >>> row = row_of({"minute": "2026-11-25 01:17:00", "status": "404", "lines": 12})
        >>> row.minute, row.status, row.lines, row.client
        (1795569420, 404, 12, None)
    """
    for name in cells.keys() - _READERS.keys():
        raise BadRowError(_unknown_column(name))
    for name in NEEDED:
        if _is_empty(cells.get(name)):
            raise BadRowError(Problem(key=name, value="", remedy="Every row needs one."))
    values = {name: _READERS[name](name, value) for name, value in cells.items()}
    if values.get("status") is not None and values.get("detector") is not None:
        remedy = "Give a status or a detector, not both: each line is in one row."
        raise BadRowError(Problem(key="detector", value=values["detector"], remedy=remedy))
    return CountRow(**values)  # type: ignore[arg-type]  # each reader returns the column's type


def check_header(columns: Collection[str]) -> None:
    """Checks the names of the columns.

    Raises:
        BadRowError: One is not known or occurs twice, or one that is needed is absent.

    Example:
        >>> check_header(["minute", "status", "lines"])
        >>> check_header(["minute", "lines"])
        Traceback (most recent call last):
        flask_errwatch...BadRowError: columns = 'minute,lines': Add the column status, or detector.
    """
    for name in columns:
        if name not in COLUMNS:
            raise BadRowError(_unknown_column(name))
    if len({*columns}) < len(columns):
        raise BadRowError(_header_problem(columns, "A column occurs twice."))
    for name in NEEDED:
        if name not in columns:
            raise BadRowError(_header_problem(columns, f"Add the column {name}."))
    if not {"status", "detector"} & {*columns}:
        raise BadRowError(_header_problem(columns, "Add the column status, or detector."))


def _header_problem(columns: Collection[str], remedy: str) -> Problem:
    return Problem(key="columns", value=",".join(columns), remedy=remedy)


def _unknown_column(name: str) -> Problem:
    meant = did_you_mean(name, COLUMNS) or f"Use these: {', '.join(COLUMNS)}."
    return Problem(key="column", value=name, remedy=meant)


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def _minute(name: str, value: object) -> int:
    number = _number_of(value)
    if number is not None:
        # A date without separators is a number too, but a small one.
        second = epoch_second(number) if _has_digits_of_epoch(number) else None
    else:
        second = iso_second(value.strip()) if isinstance(value, str) else None
    if second is None:
        remedy = (
            "Use a time such as 2026-11-25T01:17:00Z, or seconds (10 digits) or milliseconds (13) "
            "since 1970."
        )
        raise BadRowError(Problem(key=name, value=value, remedy=remedy))
    return int(second) // MINUTE * MINUTE


def _has_digits_of_epoch(number: float) -> bool:
    return len(str(int(number))) in _EPOCH_DIGITS


def _whole(least: int, most: int) -> Callable[[str, object], int | None]:
    """The reader of a whole number in this range."""

    def read(name: str, value: object) -> int | None:
        if _is_empty(value):
            return None
        number = _number_of(value)
        if number is None or not number.is_integer() or not least <= number <= most:
            remedy = f"Use a whole number from {least:,} to {most:,}."
            raise BadRowError(Problem(key=name, value=value, remedy=remedy))
        return int(number)

    return read


def _status(name: str, value: object) -> int | None:
    return NO_STATUS if _number_of(value) == NO_STATUS else _any_status(name, value)


def _amount(name: str, value: object) -> float | None:
    if _is_empty(value):
        return None
    number = _number_of(value)
    if number is None or number > MOST_LINES:
        remedy = f"Use a number from 0 to {MOST_LINES:,}."
        raise BadRowError(Problem(key=name, value=value, remedy=remedy))
    return number


def _truth(name: str, value: object) -> bool | None:
    if _is_empty(value):
        return None
    known = _TRUTH.get(str(value).lower())
    if known is None:
        raise BadRowError(Problem(key=name, value=value, remedy="Use true or false."))
    return known


def _text(name: str, value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise BadRowError(Problem(key=name, value=value, remedy="Use text."))
    return value or ""


def _client(name: str, value: object) -> str:
    text = _text(name, value)
    client = client_of(text.removeprefix(PEER_MARK))
    if client is None:
        remedy = "Use an address or a host name, or nothing where it is unknown."
        raise BadRowError(Problem(key=name, value=value, remedy=remedy))
    return PEER_MARK + client if client and text.startswith(PEER_MARK) else client


_any_status: Final = _whole(100, 999)


def _optional_text(name: str, value: object) -> str | None:
    return _text(name, value) or None


def _number_of(value: object) -> float | None:
    """A finite number from 0, also as text. None for anything else."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


_READERS: Final[Mapping[str, Callable[[str, object], object]]] = {
    "minute": _minute,
    "lines": _whole(0, MOST_LINES),
    "status": _status,
    "detector": _optional_text,
    "client": _client,
    "paths": _whole(0, MOST_LINES),
    "suspicion": _amount,
    "method": _text,
    "path": _text,
    "referrer": _optional_text,
    "agent": _optional_text,
    "own": _truth,
    "host": _text,
}

"""Parses the times of access lines into seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from flask_errwatch.replay.formats.minutes import MONTHS, whole_minute

# A leap second is the last of its minute.
_SECONDS = r"((?:[0-5]\d|60)(?:[.,]\d{1,12})?)"
_ZONE = r"(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
_NCSA = re.compile(
    rf"(\d\d)/([A-Z][a-z]{{2}})/(\d{{4}})[: ](\d\d:\d\d):{_SECONDS} ?{_ZONE}", re.ASCII
)
_ISO = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)[Tt ](\d\d:\d\d)(?::{_SECONDS})? ?{_ZONE}", re.ASCII)
_CTIME = re.compile(
    rf"[A-Z][a-z]{{2}} ([A-Z][a-z]{{2}}) ([ \d]?\d) (\d\d:\d\d):{_SECONDS} (\d{{4}})", re.ASCII
)
# The first number of each unit finer than seconds: of milliseconds, micro- and nanoseconds. As
# seconds they would be years after 5138.
_FINER_UNITS: Final = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
# Minutes that are remembered: lines that follow each other are of the same.
_REMEMBERED = 1024

# Year, month and day.
_Date = tuple[int, int, int]


def ncsa_second(text: str) -> float | None:
    """The second of a time such as `25/Nov/2026:01:17:12 +0000`. None for anything else.

    It may have a fraction. Without a zone it is taken as UTC, also with a blank before the hour,
    as Werkzeug writes it.

    Example:
        >>> ncsa_second("01/Jan/1970:01:00:12.5 +0100"), ncsa_second("01/Jan/1970 00:00:12")
        (12.5, 12.0)
    """
    match = _NCSA.fullmatch(text)
    if match is None or match[2] not in MONTHS:
        return None
    day, month, year, clock, seconds, zone = match.groups()
    return _second((int(year), MONTHS.index(month) + 1, int(day)), clock, zone, seconds)


def iso_second(text: str) -> float | None:
    """The second of a time in ISO 8601 or RFC 3339. None for anything else.

    It may have a fraction, after a point or a comma, no seconds, and a blank in the place of the
    T. Without a zone it is taken as UTC.

    Example:
        >>> iso_second("1970-01-01T00:00:12.500000Z"), iso_second("1970-01-01 05:30:12,5+05:30")
        (12.5, 12.5)
    """
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, clock, seconds, zone = match.groups()
    return _second((int(year), int(month), int(day)), clock, zone, seconds or "0")


def ctime_second(text: str) -> float | None:
    """The second of a time as C's `ctime` writes it, taken as UTC. None for anything else.

    Example:
        >>> ctime_second("Thu Jan  1 00:00:12 1970"), ctime_second("yesterday")
        (12.0, None)
    """
    match = _CTIME.fullmatch(text)
    if match is None or match[1] not in MONTHS:
        return None
    month, day, clock, seconds, year = match.groups()
    return _second((int(year), MONTHS.index(month) + 1, int(day)), clock, None, seconds)


def epoch_second(number: float) -> float | None:
    """The second of a number of seconds, milliseconds, micro- or nanoseconds since the epoch.

    Its size shows which of them it is. None for a time that is not valid.

    Example:
        >>> epoch_second(1_700_000_000.5), epoch_second(1_700_000_000_500), epoch_second(-1)
        (1700000000.5, 1700000000.5, None)
    """
    unit = next((unit for first, unit in _FINER_UNITS if number >= first), 1)
    return _valid(number / unit)


def _second(date: _Date, clock: str, zone: str | None, seconds: str) -> float | None:
    minute = _minute(date, clock, zone)
    return None if minute is None else _valid(minute + float(seconds.replace(",", ".")))


@lru_cache(maxsize=_REMEMBERED)
def _minute(date: _Date, clock: str, zone: str | None) -> int | None:
    hour, minute = int(clock[:2]), int(clock[3:])
    try:
        return int(datetime(*date, hour, minute, tzinfo=_zone(zone)).timestamp())
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> timezone:
    if not text or text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-away if text[0] == "-" else away)


def _valid(second: float) -> float | None:
    """The second, or None where no minute of a log can be at it."""
    return None if whole_minute(second) is None else second

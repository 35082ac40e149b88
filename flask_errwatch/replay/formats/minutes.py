"""The minutes of lines: metric filters count per minute, so the seconds decide nothing."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

#: The names of the months in English, whatever the locale, which `strptime` would ask.
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_SECONDS: Final = 60
_HOURS, _MINUTES = 24, 60
# Days in zones whose beginning is remembered: to know it saves most of the work.
_DAYS: Final = 64
# In April 2262 nanoseconds since the epoch exceed 64 bits. A later time, or a negative one, is
# damaged: calendars end in the year 9999, and periods reach beyond any minute.
_LAST: Final = 9_223_372_036
_TIMESTAMP: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::\d\d(?:[.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII
)


def whole_minute(second: float) -> int | None:
    """The first second of the minute, since the epoch. None before 1970 and after April 2262.

    Example:
        >>> whole_minute(119.5), whole_minute(-1)
        (60, None)
    """
    return int(second) // _SECONDS * _SECONDS if 0 <= second <= _LAST else None


def minute_of(timestamp: object) -> int | None:
    """The first second of the minute of an RFC 3339 time, or None for any other value.

    Example:
        >>> minute_of("1970-01-01T00:01:59.999Z"), minute_of("1970-01-01T01:01:59+01:00")
        (60, 60)
    """
    match = _TIMESTAMP.fullmatch(timestamp) if isinstance(timestamp, str) else None
    if match is None:
        return None
    return _minute_at(_midnight(match[1], match[4]), int(match[2]), int(match[3]))


def minute_of_stamp(moment: str, zone: str) -> int | None:
    """The minute of `25/Nov/2026:01:17` and `+0100`, or None if that is not a valid time.

    Example:
        >>> minute_of_stamp("01/Jan/1970:01:01", "+0100")
        60
    """
    return _minute_at(_stamped_midnight(moment[:11], zone), int(moment[12:14]), int(moment[15:17]))


def _minute_at(midnight: int | None, hour: int, minute: int) -> int | None:
    if midnight is None or hour >= _HOURS or minute >= _MINUTES:
        return None
    return whole_minute(midnight + (hour * _MINUTES + minute) * _SECONDS)


@lru_cache(_DAYS)
def _midnight(date: str, zone: str) -> int | None:
    """When a day such as `2026-11-25` began in a zone."""
    try:
        return int(datetime.strptime(f"{date}{zone}", "%Y-%m-%d%z").timestamp())
    except (ValueError, OverflowError):
        return None


@lru_cache(_DAYS)
def _stamped_midnight(date: str, zone: str) -> int | None:
    """When a day such as `25/Nov/2026` began in a zone such as `+0100`."""
    away = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    try:
        there = timezone(-away if zone[0] == "-" else away)
        year, month, day = int(date[7:11]), MONTHS.index(date[3:6]) + 1, int(date[:2])
        return int(datetime(year, month, day, tzinfo=there).timestamp())
    except (ValueError, OverflowError):
        return None

"""Formats of times, all in UTC: RFC 3339 for data, `YYYY-MM-DD HH:MM:SS UTC` for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

#: The last second that RFC 3339 can express.
_LAST: Final = 253_402_300_799


def rfc3339(milliseconds: int) -> str:
    """A time since the epoch with milliseconds. Times beyond the year 9999 become its last second.

    Example:
        >>> rfc3339(1_700_000_000_123)
        '2023-11-14T22:13:20.123Z'
    """
    return with_milliseconds(without_zone(milliseconds // 1000), milliseconds)


def rfc3339_second(second: float) -> str:
    """A time since the epoch, in seconds, without the fraction.

    Example:
        >>> rfc3339_second(1_700_000_000)
        '2023-11-14T22:13:20Z'
    """
    return f"{without_zone(int(second))}Z"


def readable(second: float) -> str:
    """A time since the epoch, in seconds, as people read it.

    Example:
        >>> readable(1_700_000_000.9)
        '2023-11-14 22:13:20 UTC'
    """
    return f"{without_zone(int(second)).replace('T', ' ')} UTC"


def readable_minute(second: float) -> str:
    """Like `readable`, to the minute and without `UTC`, for the two ends of a period.

    Example:
        >>> readable_minute(1_700_000_000)
        '2023-11-14 22:13'
    """
    return without_zone(int(second))[:16].replace("T", " ")


def time_of_day(second: float) -> str:
    """The time of day of a time since the epoch, in seconds, for an output that people watch.

    Example:
        >>> time_of_day(1_700_000_000)
        '22:13:20'
    """
    return without_zone(int(second))[11:]


def second_of(text: object) -> float | None:
    """The time since the epoch, in seconds, that a string has in ISO 8601. None for anything else.

    Example:
        >>> second_of("2023-11-14T22:13:20.000+0000"), second_of("yesterday")
        (1700000000.0, None)
    """
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def without_zone(second: int) -> str:
    """RFC 3339 up to the seconds, to be completed with a fraction and the zone."""
    moment = datetime.fromtimestamp(min(max(second, 0), _LAST), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def with_milliseconds(text: str, milliseconds: int) -> str:
    """Completes the text of a second with the milliseconds and the zone `Z`."""
    return f"{text}.{str(1000 + milliseconds % 1000)[1:]}Z"

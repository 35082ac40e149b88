"""Reads and writes the times of a question as people write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from flask_errwatch._parsers import RefusedValueError
from flask_errwatch._time import rfc3339_second, time_of_day
from flask_errwatch.respond.ranking.window import EARLIEST

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"-?(\d{1,6})([smhdw])(?: ago)?", re.ASCII)
_DURATION = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_FORMS = (
    "Use a time such as 2026-11-29T02:06:00Z, 02:06 (the latest one, in UTC), or 2h for two hours "
    "ago, with s, m, h, d or w."
)


def read_moment(text: str, now: float) -> float:
    """A time in seconds since the epoch.

    Args:
        text: RFC 3339, a time of day in UTC, or how long ago, as `aws logs tail --since` reads it.
        now: The present, in seconds since the epoch.

    Raises:
        RefusedValueError: When it has another form, lies in the future, or before 2014.

    Example:
        >>> read_moment("02:06", 1_700_000_000), read_moment("-2h", 1_700_000_000)
        (1699927560.0, 1699992800)
        >>> read_moment("2023-11-14T22:13:20Z", 1_700_000_000)
        1700000000.0
    """
    moment = any_moment(text, now)
    if moment > now:
        raise RefusedValueError("Use a time that is over.")
    if moment < EARLIEST:
        raise RefusedValueError("Use a time since 2014: CloudWatch Logs has no older lines.")
    return moment


def any_moment(text: str, now: float) -> float:
    """A time in the forms of `read_moment`, which may lie in the future or long ago.

    Raises:
        RefusedValueError: When it has another form.

    Example:
        >>> any_moment("1970-01-02", 0), any_moment("14d", 1_700_000_000)
        (86400.0, 1698790400)
    """
    moment = _read(text.strip(), now)
    if moment is None:
        raise RefusedValueError(_FORMS)
    return moment


def read_duration(text: str) -> int:
    """How long something takes, in seconds.

    Args:
        text: A number with s, m, h, d or w.

    Raises:
        RefusedValueError: When it has another form, or is zero.

    Example:
        >>> read_duration("24h"), read_duration("90m")
        (86400, 5400)
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise RefusedValueError("Use a time such as 24h, with s, m, h, d or w.")
    seconds = int(match[1]) * _SECONDS[match[2]]
    if not seconds:
        raise RefusedValueError("Use a time above zero, such as 15m.")
    return seconds


def written(moment: float, now: float) -> str:
    """A time as `read_moment` reads it again: short, if it is of the last twelve hours.

    Example:
        >>> written(1_700_000_000, 1_700_000_900), written(1_699_900_000, 1_700_000_900)
        ('22:13:20', '2023-11-13T18:26:40Z')
    """
    is_recent = now - moment < _SECONDS["d"] / 2
    return time_of_day(moment) if is_recent else rfc3339_second(moment)


def _read(text: str, now: float) -> float | None:
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _SECONDS[ago[2]]
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        today = datetime.fromtimestamp(now, UTC)
        moment = today.replace(hour=hour, minute=minute, second=second, microsecond=0)
        return (moment if moment <= today else moment - timedelta(days=1)).timestamp()
    try:
        moment = datetime.fromisoformat(text)
        # Without a zone it is UTC, as every time that this library shows.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None

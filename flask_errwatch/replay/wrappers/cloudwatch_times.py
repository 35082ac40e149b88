"""The times of CloudWatch Logs' events, as its answers and its console write them."""

from __future__ import annotations

import re
from typing import Final

from flask_errwatch.replay.formats.minutes import whole_minute
from flask_errwatch.replay.formats.times import iso_second

#: Milliseconds since the epoch of the years 2001 to 2286: no other number is taken for a time.
MILLISECONDS: Final = r"\d{12,13}"
_MILLISECONDS = re.compile(r"\d{1,16}", re.ASCII)


def event_second(time: object) -> float | None:
    """The second of an event's time. None for anything else.

    Args:
        time: Milliseconds since the epoch, as a number or as text, or the time of Logs Insights,
            `2026-11-25 01:17:00.000`, which is in UTC.

    Example:
        >>> event_second(1_700_000_000_500), event_second("1970-01-01 00:00:12.000")
        (1700000000.5, 12.0)
        >>> event_second(True), event_second("soon")
        (None, None)
    """
    if isinstance(time, str):
        if _MILLISECONDS.fullmatch(time) is None:
            return iso_second(time)
        time = int(time)
    if type(time) is not int:
        return None
    return None if whole_minute(time // 1000) is None else time / 1000

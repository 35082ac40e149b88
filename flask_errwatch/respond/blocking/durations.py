"""How long blocks last: each longer than the one before, and none longer than its line. Pure."""

from __future__ import annotations

from typing import Final

from flask_errwatch._text import counted
from flask_errwatch.errors import Problem
from flask_errwatch.respond.blocking.errors import BlockingError

DAY: Final = 86_400
#: Days whose lines of blocks are read.
REMEMBERED: Final = 90
#: Seconds of the first block, of the second, and of all later ones.
DURATIONS: Final = (3600, DAY, 7 * DAY)


def remembered(retention_days: int | None) -> int:
    """Days that the line of a block can be read. With None, lines never expire."""
    return REMEMBERED if retention_days is None else min(retention_days, REMEMBERED)


def longest(retention_days: int | None) -> int:
    """Seconds that a block may last: until then its line must be found.

    Example:
        >>> longest(7) // DAY, longest(None) // DAY, longest(1)
        (6, 89, 0)
    """
    return (remembered(retention_days) - 1) * DAY


def duration(strike: int) -> int:
    """Seconds of a block, by its strike.

    Example:
        >>> [duration(strike) // 3600 for strike in (1, 2, 3, 4)]
        [1, 24, 168, 168]
    """
    return DURATIONS[min(strike, len(DURATIONS)) - 1]


def check_duration(seconds: float | None, retention_days: int | None) -> None:
    """Refuses a block whose line would be gone before it ends.

    Raises:
        BlockingError: When the retention is one day, or the block is too long.
    """
    most = longest(retention_days)
    if not most:
        remedy = (
            "A block is known by its line, which would be gone before the block ends: keep lines "
            "for more than one day, and run flask errwatch apply."
        )
        raise BlockingError(
            Problem(key="ERRWATCH_RETENTION_DAYS", value=retention_days, remedy=remedy)
        )
    if seconds is not None and seconds > most:
        kept = "never" if retention_days is None else retention_days
        remedy = (
            f"Its line must be found until it ends: give at most {counted(most // DAY, 'day')} "
            f"(ERRWATCH_RETENTION_DAYS is {kept}, and lines are read back for {REMEMBERED} days)."
        )
        period = f"{seconds / DAY:g} days"
        raise BlockingError(Problem(key="--for", value=period, remedy=remedy))

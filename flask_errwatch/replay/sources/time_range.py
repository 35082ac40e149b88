"""`TimeRange`: which times of the logs are judged."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flask_errwatch._parsers import RefusedValueError
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.respond.moments import any_moment


class WrongTimeError(ErrWatchError):
    """`--since` or `--until` is not a time, or is after the other one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeRange:
    """A span of time, which may have no beginning or no end.

    Attributes:
        start: Its first moment, in seconds since the epoch.
        end: Its end, which does not belong to it.

    Example:
        >>> hour = TimeRange(start=3600, end=7200)
        >>> 3600 in hour, 7200 in hour, hour.overlaps(7199, 9000)
        (True, False, True)
    """

    start: float = -math.inf
    end: float = math.inf

    @classmethod
    def read(cls, since: str | None, until: str | None, now: float) -> TimeRange:
        """The range of two options.

        Args:
            since: Its start: RFC 3339, a time of day in UTC, or how long ago, such as 14d.
            until: Its end, in the same forms.
            now: The present, in seconds since the epoch.

        Raises:
            WrongTimeError: One has another form, or the start is not before the end.

        Example:
            >>> TimeRange.read("2h", "1970-01-02T00:00:00Z", 90_000)
            TimeRange(start=82800, end=86400.0)
        """
        start = -math.inf if since is None else _moment("--since", since, now)
        end = math.inf if until is None else _moment("--until", until, now)
        if since is not None and start >= min(end, now):
            remedy = "It is not before the end." if start >= end else "It is in the future."
            raise WrongTimeError(Problem(key="--since", value=since, remedy=remedy))
        return cls(start=start, end=end)

    @property
    def is_bounded(self) -> bool:
        """Whether it has a start or an end."""
        return self != ALWAYS

    def __contains__(self, moment: float) -> bool:
        return self.start <= moment < self.end

    def overlaps(self, first: float, last: float) -> bool:
        """Whether a moment from `first` to `last` is in it."""
        return first < self.end and last >= self.start


#: The range without a beginning and an end.
ALWAYS = TimeRange()


def _moment(option: str, text: str, now: float) -> float:
    try:
        return any_moment(text, now)
    except RefusedValueError as error:
        raise WrongTimeError(Problem(key=option, value=text, remedy=str(error))) from error

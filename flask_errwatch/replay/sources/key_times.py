"""What the key of an object in S3 shows of the times of its lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from flask_errwatch.replay.sources.time_range import TimeRange

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
#: How far lines may be from the day of their folder. Firehose writes it in any time zone (up to 14
#: hours from UTC) and tries a delivery for 24 hours. S3 dates its access logs when they are
#: delivered, hours after the requests.
_AROUND_A_FOLDER = 2 * _DAY

#: Application, Network and Classic Load Balancers: the end of the 5 minutes, or of up to 60.
#: docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
_BALANCER = re.compile(
    r"_elasticloadbalancing_[^/]*_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_[^/]*\Z", re.ASCII
)
#: CloudFront: the hour of the requests, also where they are delivered a day later.
#: docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
_CLOUDFRONT = re.compile(r"[A-Z0-9]{8,20}\.(\d{4})-(\d\d)-(\d\d)-(\d\d)\.[^/.]+\.[^/]*\Z", re.ASCII)
#: S3's own access logs: the time of delivery, or the day of the requests.
#: docs.aws.amazon.com/AmazonS3/latest/API/API_PartitionedPrefix.html
_S3_LOG = re.compile(r"(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-[0-9A-F]{8,32}\Z", re.ASCII)
#: `2026/11/25/` and `year=2026/month=11/day=25/`, with an hour or not, and `dt=2026-11-25/`.
#: Firehose: docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
_FOLDERS = (
    re.compile(r"(?:^|/)((?:19|20)\d\d)/(\d\d)(?:/(\d\d)(?:/(\d\d))?)?/", re.ASCII),
    re.compile(
        r"(?:^|/)y(?:ear)?=(\d{4})/m(?:onth)?=(\d\d?)(?:/d(?:ay)?=(\d\d?)(?:/h(?:our)?=(\d\d?))?)?/",
        re.ASCII,
    ),
    re.compile(r"(?:^|/)[a-z_]+=(\d{4})-(\d\d)(?:-(\d\d)(?:[-T](\d\d))?)?/", re.ASCII),
)


class KeyTimes(NamedTuple):
    """Between which times the lines of an object are.

    Attributes:
        first: No line is before it, in seconds since the epoch.
        last: No line is after it.
        is_of_a_day: Whether the key names a day, or a shorter time.
    """

    first: float
    last: float
    is_of_a_day: bool = True

    def may_be_in(self, within: TimeRange) -> bool:
        """Whether a line may be in a range."""
        return within.overlaps(self.first, self.last)


def times_of(key: str) -> KeyTimes | None:
    """Between which times the lines are of the object, or of all objects with this prefix.

    Args:
        key: A key, or a prefix that ends with a slash.

    Returns:
        The times with a margin, so that no line is outside. None where the key does not show them.

    Example:
        >>> times_of("cdn/E2EXAMPLE1.1970-01-02-05.a1b2c3d4.gz")
        KeyTimes(first=100800.0, last=111600.0, is_of_a_day=True)
        >>> times_of("logs/access.log.gz") is None
        True
    """
    for form, times in _NAMES:
        match = form.search(key)
        if match is not None:
            return _checked(times, match)
    found = {match for form in _FOLDERS for match in form.finditer(key)}
    # Of two dates, one may be that of a copy.
    return _checked(_of_a_folder, found.pop()) if len(found) == 1 else None


def continue_after(key: str, within: TimeRange) -> str | None:
    """From where on a list of keys goes on behind keys that are out of a range.

    It is known only of the logs of CloudFront and of S3, which lie side by side in one folder, in
    the order of their times.

    Args:
        key: A key that is out of the range.
        within: The range.

    Returns:
        What `StartAfter` of ListObjectsV2 takes. None to go on with the next key.

    Example:
        >>> later = TimeRange(start=datetime(2026, 11, 25, tzinfo=UTC).timestamp())
        >>> continue_after("cdn/E2EXAMPLE1.2025-01-02-05.a1b2c3d4.gz", later)
        'cdn/E2EXAMPLE1.2026-11-23'
    """
    times = times_of(key)
    match = _CLOUDFRONT.search(key) or _S3_LOG.search(key)
    if times is None or match is None:
        return None
    stem = key[: match.start(1)]
    if times.first >= within.end:
        return f"{stem}:"  # it follows the digits
    day = datetime.fromtimestamp(within.start, UTC) - _AROUND_A_FOLDER
    return max(key, f"{stem}{day:%Y-%m-%d}")


def _checked(times: Callable[[re.Match[str]], KeyTimes], match: re.Match[str]) -> KeyTimes | None:
    try:
        return times(match)
    except (ValueError, OverflowError):
        return None  # no date


def _of_a_balancer(match: re.Match[str]) -> KeyTimes:
    end = _date(match)
    return _span(end - 2 * _HOUR, end + _HOUR)


def _of_cloudfront(match: re.Match[str]) -> KeyTimes:
    hour = _date(match)
    return _span(hour - _HOUR, hour + 2 * _HOUR)


def _of_an_s3_log(match: re.Match[str]) -> KeyTimes:
    delivered = _date(match)
    return _span(delivered - _AROUND_A_FOLDER, delivered + _AROUND_A_FOLDER)


def _of_a_folder(match: re.Match[str]) -> KeyTimes:
    year, month, day, hour = match.groups()
    begin = datetime(int(year), int(month), int(day or 1), int(hour or 0), tzinfo=UTC)
    length = _DAY if day else timedelta(days=31)
    first, last, _ = _span(begin - _AROUND_A_FOLDER, begin + length + _AROUND_A_FOLDER)
    return KeyTimes(first, last, is_of_a_day=day is not None)


def _date(match: re.Match[str]) -> datetime:
    return datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]  # numbers


def _span(first: datetime, last: datetime) -> KeyTimes:
    return KeyTimes(first.timestamp(), last.timestamp())


_NAMES = (
    (_BALANCER, _of_a_balancer),
    (_CLOUDFRONT, _of_cloudfront),
    (_S3_LOG, _of_an_s3_log),
)

"""Times as text: RFC 3339 in UTC, with milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

#: The last second that RFC 3339 can express.
_LAST: Final = 253_402_300_799


def rfc3339(milliseconds: int) -> str:
    """The time since the epoch in UTC; after the year 9999 it has no other.

    Example:
        >>> rfc3339(1_700_000_000_123)
        '2023-11-14T22:13:20.123Z'
    """
    return with_fraction(second_text(milliseconds // 1000), milliseconds)


def second_text(second: int) -> str:
    moment = datetime.fromtimestamp(min(max(second, 0), _LAST), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def with_fraction(text: str, milliseconds: int) -> str:
    return f"{text}.{str(1000 + milliseconds % 1000)[1:]}Z"

"""Regular expressions for times in a format of `strftime`, as Apache writes `%{format}t`.

Source: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from flask_errwatch.replay.formats.minutes import MONTHS
from flask_errwatch.replay.formats.times import epoch_second, iso_second

_DIRECTIVE: Final = re.compile(r"%(.)", re.DOTALL)
#: Directives that stand for several.
_COMPOSED: Final = {"T": "%H:%M:%S", "R": "%H:%M", "F": "%Y-%m-%d", "D": "%m/%d/%y"}
# Groups are called after the part of the time, so that several formats can make up one time.
_PARTS: Final = {
    "Y": r"(?P<year>\d{4})",
    "y": r"(?P<short_year>\d\d)",
    "m": r"(?P<month>\d\d)",
    "b": r"(?P<month_name>[A-Z][a-z]{2})",
    "h": r"(?P<month_name>[A-Z][a-z]{2})",
    "d": r"(?P<day>\d\d)",
    "e": r"(?P<day>[ \d]\d)",
    "H": r"(?P<hour>\d\d)",
    "M": r"(?P<minute>\d\d)",
    "S": r"(?P<second>\d\d)",
    "z": r"(?P<zone>[+-]\d{4})",
    "s": r"(?P<epoch>\d{1,10})",
    "Z": r"[A-Za-z]{1,5}",
    "a": r"[A-Z][a-z]{2}",
    "%": "%",
}
#: What Apache has besides: the time since the epoch, and fractions of a second.
_OF_APACHE: Final = {
    "sec": r"(?P<epoch>\d{1,10})",
    "msec": r"(?P<epoch>\d{1,13})",
    "usec": r"(?P<epoch>\d{1,16})",
    "msec_frac": r"(?P<fraction>\d{3})",
    "usec_frac": r"(?P<fraction>\d{6})",
}
#: What a time needs, each with the directives that have it.
_NEEDED: Final = (
    ("%Y", {"year", "short_year"}),
    ("%m", {"month", "month_name"}),
    ("%d", {"day"}),
    ("%H", {"hour"}),
    ("%M", {"minute"}),
)


class UnknownDirectiveError(ValueError):
    """A directive that is not known, or whose text depends on the locale. It is the message."""


def time_pattern(text: str) -> str:
    r"""The regular expression of a time in a format of Apache.

    Its groups are named after what they match, for `second_in`.

    Raises:
        UnknownDirectiveError: When it has a directive that is not known.

    Example:
        >>> time_pattern("%H:%M")
        '(?P<hour>\\d\\d):(?P<minute>\\d\\d)'
    """
    text = text.removeprefix("begin:").removeprefix("end:")
    if text in _OF_APACHE:
        return _OF_APACHE[text]
    text = _DIRECTIVE.sub(lambda found: _COMPOSED.get(found[1], found[0]), text)
    pattern, position = "", 0
    for found in _DIRECTIVE.finditer(text):
        if found[1] not in _PARTS:
            raise UnknownDirectiveError(found[0])
        pattern += re.escape(text[position : found.start()]) + _PARTS[found[1]]
        position = found.end()
    return pattern + re.escape(text[position:])


def missing_directives(groups: frozenset[str]) -> list[str]:
    """The directives without which these groups make up no time.

    Example:
        >>> missing_directives(frozenset({"year", "month", "hour"}))
        ['%d', '%M']
    """
    if "epoch" in groups:
        return []
    return [directive for directive, names in _NEEDED if groups.isdisjoint(names)]


def second_in(parts: Mapping[str, str]) -> float | None:
    """The second that named parts of a time make up, or None if it is not valid.

    Example:
        >>> second_in({"year": "1970", "month_name": "Jan", "day": " 1", "hour": "00",
        ...     "minute": "01", "second": "12", "fraction": "500", "zone": "+0000"})
        72.5
    """
    fraction = f".{parts.get('fraction', '0')}"
    if "epoch" in parts:
        whole = epoch_second(float(parts["epoch"]))
        return None if whole is None else whole + float(fraction)
    year = parts.get("year") or f"20{parts['short_year']}"
    name = parts.get("month_name", "")
    month = f"{MONTHS.index(name) + 1:02}" if name in MONTHS else parts.get("month")
    date = f"{year}-{month}-{parts['day'].replace(' ', '0')}"
    clock = f"{parts['hour']}:{parts['minute']}:{parts.get('second', '00')}"
    return iso_second(f"{date}T{clock}{fraction}{parts.get('zone', '')}")

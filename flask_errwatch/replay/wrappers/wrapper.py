"""What a wrapper is: something that another program writes around each line of a log."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from flask_errwatch.replay.formats.times import iso_second

#: A date and a time of day without a zone, and a whole time, in RFC 3339.
LOCAL_TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
TIME: Final = rf"{LOCAL_TIME}(?:\.\d{{1,9}})?(?:Z|[+-]\d\d:?\d\d)"
#: What is not between a time and a message: a sign that a logger puts between its fields.
NO_LOGGER: Final = r"(?![-|] [A-Za-z\[])"
#: Colours, as terminals take them.
COLOURS: Final = r"(?:\x1b\[[\d;]{0,16}m)*"
#: The levels of Python's logging and of what is like it.
LEVELS: Final = "DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL"
#: An address, perhaps with a port.
ADDRESS: Final = (
    r"(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?"
    r"|\[?(?:[0-9A-Fa-f:]{0,34}::[0-9A-Fa-f:.]{0,39}|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4})"
    r"(?:\]:\d{1,5})?)"
)
#: How a line begins that may stand behind a prefix which has no strict form: one of our own, or an
#: access line, whose client is an address, or unknown. Names of loggers look like those of hosts.
BEGINNING: Final = (
    rf'(?:\{{ ?"|(?:{ADDRESS}, ){{0,9}}{ADDRESS} - (?!["\[])|(?:- | )- \S{{1,128}} \[)'
)
#: How a line of uvicorn begins, which has no time.
OF_UVICORN: Final = rf'{ADDRESS} - "[A-Z]{{1,16}} '


class Wrapped(NamedTuple):
    """What is in a wrapper.

    Attributes:
        at: The time that the wrapper states, in seconds since the epoch. None where it states none.
        message: The line inside, without a line break at its end. Empty in a heading.
    """

    at: float | None
    message: str


#: Takes the wrapper off a line. None: the line is not wrapped so. It never raises.
Unwrap = Callable[[str], Wrapped | None]
#: Joins the parts of the lines of one log, in their order. It returns None for a part of a line
#: that is continued, for the last part the whole line, in its wrapper, and never raises.
Join = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrapper:
    """A way of wrapping lines.

    Attributes:
        name: Its name, in messages, as `docker json-file`.
        unwrap: Takes it off a line.
        is_of_cloudwatch: Whether the message is an event of a log group, and the time that of the
            event: metric filters see the message and count it at this time.
        joiner: Creates what joins the parts of the lines of one log, before they are unwrapped.
            None where no line is cut.
    """

    name: str
    unwrap: Unwrap
    is_of_cloudwatch: bool = False
    joiner: Callable[[], Join] | None = None


def prefix(pattern: str) -> Unwrap:
    r"""What takes a prefix off a line.

    Args:
        pattern: A regular expression of the prefix, with the blank behind it. Its group `time`, if
            there is one, is a time in ISO 8601, in UTC where it has no zone. A line whose time is
            not valid does not have the prefix.

    Example:
        >>> prefix(r"(?P<time>\S+) web: ")("1970-01-01T00:00:12Z web: hello")
        Wrapped(at=12.0, message='hello')
    """
    compiled = re.compile(pattern, re.ASCII)
    is_timed = "time" in compiled.groupindex

    def unwrap(line: str) -> Wrapped | None:
        match = compiled.match(line)
        if match is None:
            return None
        time = match["time"] if is_timed else None
        at = None if time is None else iso_second(time)
        if time is not None and at is None:
            return None
        return Wrapped(at, line[match.end() :])

    return unwrap


def whole_text(text: str) -> str:
    r"""The text with U+FFFD for each lone surrogate, which JSON may hold and UTF-8 may not.

    Example:
        >>> whole_text("a\ud800b")
        'a\ufffdb'
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

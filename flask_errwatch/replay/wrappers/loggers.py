"""What Python's loggers write before the message, where that is an access line or one of ours."""

from __future__ import annotations

from typing import Final

from flask_errwatch.replay.wrappers.wrapper import (
    BEGINNING,
    LEVELS,
    OF_UVICORN,
    Wrapped,
    Wrapper,
    prefix,
)

_TIME = r"\[?(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d)?)\]?"
# A blank that does not belong to a line whose client is unknown.
_BLANK = r"(?: (?!- \S{1,128} \[))"
# What is between two fields: blanks, perhaps with a sign.
_GAP = rf"(?>:{_BLANK}{{1,16}}|{_BLANK}{{1,16}}[-|:]{_BLANK}{{0,16}}|{_BLANK}{{1,16}})"
_LEVEL = rf"(?>\[(?:{LEVELS}) {{0,8}}\]|(?:{LEVELS})(?![\w.]))"
# A logger, perhaps with function and line, or a thread or the like in brackets, or a process.
_FIELD = (
    rf"(?!{_LEVEL})(?>(?:in )?[A-Za-z_][\w.]{{0,79}}(?:(?::\w{{1,40}}){{1,2}}(?= ))?"
    r"|(?:\[[\w.:/ -]{1,80}\]){1,3}|\d{1,10})"
)
_unwrap = prefix(
    rf"(?:{_TIME}(?:{_GAP}|:)(?>{_FIELD}{_GAP}){{0,3}})?"
    rf"(?:{_LEVEL}{_GAP}(?>{_FIELD}{_GAP}){{0,3}}?|(?:{LEVELS}):[\w.]{{1,80}}: ?)"
    # A line of uvicorn begins with its level, unless a logger has a format of its own.
    rf"(?={BEGINNING}|(?(time){OF_UVICORN}|(?!)))"
)


def _logger(line: str) -> Wrapped | None:
    """Of two blanks before a dash, the second begins a line whose client is empty.

    The dash is a sign of the logger if it has such a sign before, too.
    """
    wrapped = _unwrap(line)
    if wrapped is None:
        return None
    taken = line[: len(line) - len(wrapped.message)]
    if taken.endswith("  - ") and " - " not in taken[:-4]:
        return Wrapped(wrapped.at, f" - {wrapped.message}")
    return wrapped


#: Gunicorn: `[2026-11-25 01:17:00 +0000] [7] [INFO] …`. `logging.basicConfig`: `INFO:werkzeug:…`.
#: Flask: `[2026-11-25 01:17:00,123] INFO in app: …`. Formats such as
#: `2026-11-25 01:17:00,123 - werkzeug - INFO - …`. The time or the level comes first. Only before
#: JSON or an access line, so that nothing else is taken for a prefix.
#: https://docs.python.org/3/library/logging.html#logrecord-attributes
#: https://flask.palletsprojects.com/en/stable/logging/
LOGGER: Final = Wrapper(
    name="a logger's prefix",
    unwrap=_logger,
)

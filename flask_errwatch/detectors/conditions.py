"""The conditions of detectors: how they are written into a pattern, and how they are checked."""

from __future__ import annotations

from flask_errwatch import _parsers as parsers
from flask_errwatch.errors import PatternSyntaxError, Problem

#: The conditions of the default catalogue. A GET or HEAD from the own site is a person who follows
#: a link to a page that needs a login.
SUSPICIOUS = "$.suspicion > 0"
NOT_A_LINK_OF_THE_SITE = '$.referrer != "same" || ($.method != "GET" && $.method != "HEAD")'
CLIENT_FAILURE = "$.status >= 400 && $.status < 500"
#: Conditions that a test parses. To parse them whenever the package is imported would take a
#: twentieth of that time.
CHECKED = frozenset({SUSPICIOUS, NOT_A_LINK_OF_THE_SITE, CLIENT_FAILURE})

#: Characters of the text around the first error that a message shows.
_SHOWN = 20


def event_pattern(event: str) -> str:
    """The pattern of the filter that counts the lines with an event name."""
    # Every character that an event name may have is literal in a quoted string.
    return f'{{ $.event = "{event}" }}'


def pattern_of(event: str | None, where: str | None) -> str:
    """The pattern of the filter that counts the lines with an event name that match a condition.

    Example:
        >>> pattern_of("Login Failed", "$.data.tries > 3 || $.data.tries NOT EXISTS")
        '{ ($.event = "Login Failed") && ($.data.tries > 3 || $.data.tries NOT EXISTS) }'
    """
    if event is None:
        return f"{{ {where} }}"
    if where is None:
        return event_pattern(event)
    return f'{{ ($.event = "{event}") && ({where}) }}'


def condition_problems(where: object, event: object) -> list[Problem]:
    """The problems of a detector's `where`: its syntax, and the quotas of the whole pattern.

    Args:
        where: The condition.
        event: The event name that it is joined to, or None.
    """
    if where is None or (isinstance(where, str) and where in CHECKED):
        return []
    if not isinstance(where, str):
        remedy = "Use a string, such as '$.suspicion > 0'."
        return [Problem(key="where", value=where, remedy=remedy)]
    if parsers.DYNAMIC in where:
        return parsers.problems_of("where", where, parsers.text_to_export)
    from flask_errwatch.patterns import parse, parse_json_condition

    try:
        # Alone first: joined, `$.a = 1) || ($.b = 2` would be a condition too.
        parse_json_condition(where)
    except PatternSyntaxError as error:
        at, near = error.position + 1, where[error.position :][:_SHOWN]
        place = f"At character {at}, {near!r}" if near else f"At its end, character {at}"
        return [Problem(key="where", value=where, remedy=f"{place}: {error.remedy}")]
    try:
        parse(pattern_of(event if isinstance(event, str) else None, where))
    except PatternSyntaxError as error:
        remedy = f"The whole pattern is refused: {error.remedy}"
        return [Problem(key="where", value=where, remedy=remedy)]
    return []

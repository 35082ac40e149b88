"""Finds secrets that neither a name with a value nor a shape tells, but what a program prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

Span = tuple[int, int]
#: Decides whether a name is that of a secret.
IsSecret = Callable[[str], bool]

_QUOTED: Final = r"""'(?:[^'\\]|\\.)*+'?|"(?:[^"\\]|\\.)*+"?"""
#: A name that is looked for before a row of values. Each column would be too dear.
_COLUMN: Final = r"passw|pwd|secret|token|otp|api_?key|card_?n|cvv|ssn|iban|private_?key"
_COLUMNS_BEFORE: Final = 512
#: Characters of the parameters of Digest before `response`.
_PARAMETERS: Final = 512
_LOCATION_LENGTH: Final = 64

_compiled = cache(re.compile)


class Context(NamedTuple):
    """One kind of text.

    Attributes:
        pattern: A pattern, in lower case, of where it is found, and which ends where the secret
            may begin. It begins with a plain character and has no group that is captured.
        secret: Returns where the secret begins and ends, or None.
    """

    pattern: str
    secret: Callable[[str, int, IsSecret], Span | None]


def _digest(text: str, start: int, _is_secret: IsSecret) -> Span | None:
    """The parameters up to the end of the line: `response` is made from the password."""
    if text.find("response=", start, start + _PARAMETERS) < 0:
        return None
    match = _compiled(r"[^\r\n]++").match(text, start)
    return None if match is None else match.span()


def _user_option(text: str, start: int, _is_secret: IsSecret) -> Span | None:
    """`user:password`, but not `1000:1000`, which are a user and a group."""
    match = _compiled(r"""["']?[^\s:"']{1,64}:([^\s"']+)["']?""").match(text, start)
    return None if match is None or match[1].isdecimal() else match.span()


def _word(text: str, start: int, _is_secret: IsSecret) -> Span | None:
    match = _compiled(rf"""{_QUOTED}|[^\s"'@]+""").match(text, start)
    return None if match is None else match.span()


def _row(text: str, start: int, _is_secret: IsSecret) -> Span | None:
    """The values of a row that has a column of secrets."""
    before = text[max(0, start - _COLUMNS_BEFORE) : start].lower()
    if _compiled(_COLUMN).search(before) is None:
        return None
    match = _compiled(rf"""(?:[^'"\r\n;\]]++|{_QUOTED})++""").match(text, start)
    if match is None or not _compiled(r"""['"\d]""").search(match[0]):
        return None  # placeholders
    return start, start + len(match[0].rstrip())


def _input(text: str, start: int, is_secret: IsSecret) -> Span | None:
    """The input of a model, whose field is named in the line before (pydantic)."""
    end = text.rfind("\n", 0, start)
    line = text[max(0, end - _LOCATION_LENGTH) : max(0, end)]
    if not is_secret(_compiled(r"[\n.]").split(line)[-1]):
        return None
    match = _compiled(rf"{_QUOTED}|[^,\]\s]+").match(text, start)
    return None if match is None else match.span()


def _entry(text: str, start: int, is_secret: IsSecret) -> Span | None:
    """The value of a column that has to be unique (MySQL)."""
    match = _compiled(rf"({_QUOTED}) for key '([\w.\-]{{1,64}})'").match(text, start)
    if match is None or not is_secret(match[2].rpartition(".")[2]):
        return None
    return match.span(1)


def _user_of_merged_url(text: str, start: int, _is_secret: IsSecret) -> Span | None:
    """As in a path in which a server has merged slashes."""
    match = _compiled(r"[^/\s:@]{1,64}:[^/\s@]{1,128}(?=@)").match(text, start)
    return None if match is None else match.span()


CONTEXTS: Final = {
    "digest": Context(r"digest\s{1,4}(?=\w{1,20}=)", _digest),
    "curl": Context(r"-u\s{1,4}(?=[^\s:]{1,64}:\S)", _user_option),
    "mysql": Context(r"mysql[\w\-]{0,12}\s(?:[^\s|;]{1,48}\s){0,8}?-p(?=\S)", _word),
    "sqlplus": Context(r"sqlplus\s(?:-\w{1,8}\s){0,3}[\w.$]{1,64}/(?=[^\s@])", _word),
    "thin": Context(r":(?:thin|oci8?):[\w.$]{1,64}/(?=[^\s@])", _word),
    "netrc": Context(r"login\s{1,4}\S{1,64}\s{1,8}password\s{1,4}(?=\S)", _word),
    "values": Context(r"values\s{0,2}(?=\()", _row),
    "parameters": Context(r"\[parameters:\s{0,2}(?=[(\[])", _row),
    "input": Context(r"input_value=(?=\S)", _input),
    "entry": Context(r"duplicate entry (?=')", _entry),
    "merged": Context(r"http(?:s)?:/(?=[^/\s:]{1,64}:[^/\s@]{1,128}@)", _user_of_merged_url),
}

"""Finds where the value ends that is assigned to a secret name in a text."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_OPENING: Final = r"""(?:\w{1,24}\()?[bur]{0,2}(\\*)(["'`])"""
_QUOTED: Final = {quote: rf"(?:[^{quote}\\]++|\\.|\\)*+" for quote in "\"'`"}
_BRACKETS: Final = {"[": r"\[[^\]]*+\]?", "{": r"\{[^}]*+\}?", "(": r"\([^)]*+\)?"}
#: A comma, semicolon or ampersand belongs to the value unless another name follows it.
_UNQUOTED: Final = r"""(?x)(?:
      [^\s&;,"'<>`%]
    | %(?!(?:25){0,3}(?:26|3b|3B|20|2c|2C|22|0a|0A))
    | [&;,](?=[^\s&;,"'<>])(?![\w.\-\[\] ]{1,40}+["']?[=:%])
    | (?<=\w)["'](?=\w)
)++"""
_SCHEME: Final = r"(?i)(?:bearer|basic|token|apikey|negotiate|ntlm|key)\s{1,4}+(?=\S)"
#: Schemes whose parameters are a list, which ends with the line.
_PARAMETERS: Final = r"(?i)(?:digest|aws4|hawk|signature|oauth|scram)[^\r\n]*+"
_COOKIES: Final = r"""[^\s;"']++(?:;\s?[^\s;"'=]+=[^\s;"']*+|;\s?[A-Z][A-Za-z]+)*+"""
#: Words that follow a secret's name in a sentence, and placeholders.
_HARMLESS: Final = frozenset(
    "none null nil true false yes no required missing invalid expired must not too is was the a an"  # noqa: SIM905
    " this that cannot can could wrong empty unknown undefined field should has have does did"
    " failed mismatch incorrect rejected denied unauthorized unexpected malformed bad error".split()
)
#: Quoted marks of fewer characters are those of a grammar.
_MARKS: Final = 3

_compiled = cache(re.compile)


def end_of_value(text: str, start: int, words: str) -> tuple[int, int] | None:
    """Where the value at `start` begins and ends, or None when there is nothing to mask.

    Args:
        text: The text.
        start: Where the value begins.
        words: The name's words, by which headers are recognised.
    """
    opening = _compiled(_OPENING).match(text, start)
    if opening is not None:
        return _quoted(text, start, opening)
    header = _header(text, start, words)
    if header is not None:
        return header
    bracket = _BRACKETS.get(text[start : start + 1])
    if bracket is not None:
        match = _compiled(bracket).match(text, start)
        return None if match is None or len(match[0]) <= 2 else match.span()
    return _unquoted(text, start)


def _header(text: str, start: int, words: str) -> tuple[int, int] | None:
    match = None
    if "cookie" in words:
        match = _compiled(_COOKIES).match(text, start)
    elif "auth" in words:
        match = _compiled(_PARAMETERS).match(text, start)
        scheme = None if match else _compiled(_SCHEME).match(text, start)
        if scheme is not None:
            value = _unquoted(text, scheme.end())
            return None if value is None else (start, value[1])
    return None if match is None else match.span()


def _quoted(text: str, start: int, opening: re.Match[str]) -> tuple[int, int] | None:
    backslashes, quote = opening[1], opening[2]
    if backslashes:
        closing = _compiled(rf"(?<!\\){re.escape(backslashes + quote)}").search(text, opening.end())
        content = closing.start() if closing else len(text)
        end = closing.end() if closing else len(text)
    else:
        match = _compiled(_QUOTED[quote], re.DOTALL).match(text, opening.end())
        content = len(text) if match is None else match.end()
        end = min(content + 1, len(text))
    value = text[opening.end() : content]
    if len(value) < _MARKS and not any(character.isalnum() for character in value):
        return None  # as in `invalid token: ';'`
    if opening[0][:1] != "" and "(" in opening[0]:
        end = end + 1 if text[end : end + 1] == ")" else end
    return start, end


def _unquoted(text: str, start: int) -> tuple[int, int] | None:
    match = _compiled(_UNQUOTED).match(text, start)
    if match is None:
        return None
    value = match[0].rstrip(")]}")
    is_harmless = value.lower().rstrip(".,!:") in _HARMLESS
    if is_harmless or not any(character.isalnum() for character in value):
        return None
    return start, start + len(value)

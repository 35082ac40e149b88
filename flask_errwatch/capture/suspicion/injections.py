"""Recognises a path or query that tries to be executed, or to leave the folder that is served."""

from __future__ import annotations

import re
import string
from functools import cache
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from flask_errwatch.capture.suspicion.signs import (
    COMMENT,
    FILES,
    OVERLONG,
    PHRASES,
    SIGNS,
    TRAVERSAL,
)

_WORD: Final = f"{string.ascii_letters}{string.digits}-~"
#: Characters with which no path can inject, but for dots and words.
_PLAIN_PATH: Final = f"{_WORD}/_."
#: Characters with which no query can inject.
_PLAIN_QUERY: Final = f"{_WORD}=&,!"
#: A regex, compiled at its first use: the import stays cheap.
_compiled = cache(re.compile)
#: Characters with which only a phrase can inject.
_PLAIN_WORDS: Final = f"{_PLAIN_QUERY}+"
#: Two dots in a query, encoded once or twice.
_HIDDEN_DOTS: Final = ("%2e%2e", "%252e%252e", "%2e%252e", "%252e%2e")
#: How often a text is decoded: attackers encode twice.
_DECODED: Final = 2


def is_injection(path: str, query: str, *, forgives_one: bool) -> bool:
    r"""Whether path or query try to inject.

    Args:
        path: The path, decoded once, as WSGI passes it.
        query: The query as it was sent.
        forgives_one: Whether a single `../` may be a broken link of the site itself.

    Example:
        >>> is_injection("/a", "id=1%27%20or%201=1", forgives_one=False)
        True
        >>> [is_injection("/a/../b", "", forgives_one=forgives) for forgives in (False, True)]
        [True, False]
    """
    if path.strip(_PLAIN_PATH):
        return _is_bent(path) or _tries(f"{path}?{query}", forgives_one=forgives_one)
    if ".." in path and _traversals(path) > forgives_one:
        return True
    if _has_any(path.lower(), FILES):
        return True
    if not query.strip(_PLAIN_QUERY):
        return False
    if not query.strip(_PLAIN_WORDS):
        words = query.replace("+", " ").lower()
        return _compiled(PHRASES).search(words) is not None
    return _tries(f"?{query}", forgives_one=forgives_one)


def _is_bent(path: str) -> bool:
    """Whether a path has a line break inside, or a dot that was encoded twice, only to hide it."""
    text = path.strip()  # a link may end in a line break
    return "\n" in text or "\r" in text or ("%" in text and "%2e" in text.lower())


def _tries(target: str, *, forgives_one: bool) -> bool:
    """Whether a text has a sign of an injection once it is decoded."""
    text = target.replace("+", " ")
    if "%" in text:
        # No client needs to encode a dot.
        if "2e%" in text.lower() and _has_any(text.lower(), _HIDDEN_DOTS):
            return True
        text = _decoded(text)
    if not text.isascii() and _compiled(OVERLONG).search(text) is not None:
        return True
    text = text.replace("\t", " ").lower()
    if "*/" in text:
        text = _compiled(COMMENT).sub(" ", text)
    if ".." in text and _traversals(text) > forgives_one:
        return True
    return _has_sign(text)


def _has_sign(text: str) -> bool:
    """Whether a text, decoded and in lower case, has a sign of an injection."""
    for needed, words, regex in SIGNS:
        if needed in text:
            if _has_any(text, words):
                return True
            if regex and _compiled(regex).search(text) is not None:
                return True
    return False


def _has_any(text: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110 - `any` would take three times as long
        if word in text:
            return True
    return False


def _decoded(text: str) -> str:
    """The text as a careless server would read it."""
    for _ in range(_DECODED):
        if "%" not in text:
            break
        # The same for ASCII, in half the time.
        text = (
            unquote_to_bytes(text).decode("latin-1") if text.isascii() else unquote(text, "latin-1")
        )
    return text


def _traversals(text: str) -> int:
    return len(_compiled(TRAVERSAL).findall(text))

"""Converts values to strings that are safe to show, and counts things in words. Never raises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

_LONGEST = 600
#: What a terminal or an editor obeys or does not show, besides what JSON itself escapes, as a
#: regular expression: DEL, C1, the two line separators at which some readers split, the marks that
#: reorder text on a terminal (Unicode TR9; CVE-2021-42574), and what has no width: joiners,
#: invisible operators, the soft hyphen, tags and selectors (Unicode TR36, 2.10).
HIDDEN = (  # compiled where it is first used
    "[\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
#: Reads `type.__name__` itself: a metaclass may define its own `__name__`, which may raise.
_name: Callable[[type], str] = type.__dict__["__name__"].__get__


def name_of(value: object) -> str:
    """The name of the value's type.

    Example:
        >>> name_of(ValueError("x"))
        'ValueError'
    """
    return _name(type(value))


def text_of(value: object) -> str:
    """The value if it is a string, also by its `__class__`, as of a proxy; else an empty string."""
    if value is None or type(value) is str:
        return value or ""
    is_text = issubclass(type(value), str) or issubclass(value.__class__, str)
    return plain_text(value) if is_text else ""


def plain_text(value: object) -> str:
    """The value as a string of type `str` itself.

    For a subclass of `str` its characters count: its `__str__` may return anything.
    """
    return str.__str__(value if issubclass(type(value), str) else str(value))


def one_line(text: str, limit: int = _LONGEST) -> str:
    r"""The text for a terminal, truncated: "?" for line breaks, control and hidden characters.

    Example:
        >>> one_line("a\x1b[31m\u202eb\N{COMBINING GRAPHEME JOINER}c")
        'a?[31m?b?c'
    """
    shown = "".join(char if char.isprintable() else "?" for char in text[: limit + 1])
    if not shown.isascii():
        shown = re.sub(HIDDEN, "?", shown)  # Python calls some of them printable
    return shown if len(shown) <= limit else f"{shown[:limit]}…"


def cut(text: str, limit: int) -> str:
    """The text, truncated and marked when it is longer than `limit`.

    Example:
        >>> cut("abc", 3), cut("abcde", 3)
        ('abc', 'abc…[2 more]')
    """
    return text if len(text) <= limit else f"{text[:limit]}…[{len(text) - limit} more]"


def described(error: BaseException) -> str:
    """Type and message of an exception, also when its `__str__` raises."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a foreign __str__; the type is still shown
        message = "<its message cannot be shown>"
    return one_line(f"{name_of(error)}: {message}" if message else name_of(error))


def counted(number: int, noun: str) -> str:
    """The number and the noun, in the plural unless the number is 1.

    Example:
        >>> counted(1, "line"), counted(2_000, "line"), counted(2, "process")
        ('1 line', '2,000 lines', '2 processes')
    """
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"


def listed(texts: Sequence[str], most: int) -> str:
    """The first of the texts, and how many more there are.

    Example:
        >>> listed(["a", "b"], 2), listed(["a", "b", "c"], 2)
        ('a, b', 'a, b and 1 more')
    """
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more:,} more" if more > 0 else "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The question whether the most similar of the known names is meant. Empty without one.

    Example:
        >>> did_you_mean("not-fond-error", ["critical-error", "not-found-error"])
        "Did you mean 'not-found-error'?"
    """
    from difflib import get_close_matches

    similar = get_close_matches(name, [*known], n=1)
    return f"Did you mean {similar[0]!r}?" if similar else ""


def consists_of(text: str, characters: str) -> bool:
    """Whether the text is not empty and has only these characters.

    Example:
        >>> consists_of("a-b", "ab-"), consists_of("a b", "ab-"), consists_of("", "ab-")
        (True, False, False)
    """
    return text != "" and not text.strip(characters)

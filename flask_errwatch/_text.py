"""Text of foreign values, as a `str` that is safe to show; it never raises."""

from __future__ import annotations

from collections.abc import Callable

_LONGEST = 600
#: What `type.__name__` reads: a metaclass may have a `__name__` of its own, which may raise.
_name: Callable[[type], str] = type.__dict__["__name__"].__get__


def name_of(value: object) -> str:
    """The name of the value's type.

    Example:
        >>> name_of(ValueError("x"))
        'ValueError'
    """
    return _name(type(value))


def text_of(value: object) -> str:
    """The value where it is a text, or says that it is one, as a proxy does; else nothing."""
    if value is None or type(value) is str:
        return value or ""
    is_text = issubclass(type(value), str) or issubclass(value.__class__, str)
    return plain_text(value) if is_text else ""


def plain_text(value: object) -> str:
    """What the value says, as a `str` that is nothing else.

    A `str` of a type of its own may give anything as its text; what it is by itself counts.
    """
    return str.__str__(value if issubclass(type(value), str) else str(value))


def one_line(text: str, limit: int = _LONGEST) -> str:
    """The text as a terminal may show it: no control character, no line break, bounded."""
    shown = "".join(char if char.isprintable() else "?" for char in text[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[:limit]}…"


def described(error: BaseException) -> str:
    """Type and message of an exception, also when its own `__str__` raises."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a foreign __str__; the type still tells
        message = "<its message cannot be shown>"
    return one_line(f"{name_of(error)}: {message}" if message else name_of(error))


def consists_of(text: str, characters: str) -> bool:
    """Whether the text has characters, and none but these.

    Example:
        >>> consists_of("a-b", "ab-"), consists_of("a b", "ab-"), consists_of("", "ab-")
        (True, False, False)
    """
    return text != "" and not text.strip(characters)  # what is left has another at each end

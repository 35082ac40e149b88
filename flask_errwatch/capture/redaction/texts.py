"""Masks secrets inside a text, so that masking a second time changes nothing.

A single pattern finds the places at which a secret may begin. Python decides at each of them. So
the time of a pass grows with the length of the text, and with the number of places, which is
bounded: what comes after the last one that is looked at is cut, and marked.

What is beside a secret says where it begins and ends, and may be masked or cut itself. So a text in
which something was masked is looked at again, until a pass changes nothing.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from functools import cache, cached_property
from string import ascii_letters, digits
from typing import Final

from flask_errwatch.capture.redaction.cards import find_card, next_start
from flask_errwatch.capture.redaction.contexts import CONTEXTS
from flask_errwatch.capture.redaction.keys import SecretKeys
from flask_errwatch.capture.redaction.places import anchor_pattern, place_pattern
from flask_errwatch.capture.redaction.shapes import (
    END_OF_PRIVATE_KEY,
    NEAR_AWS_KEY,
    PRIVATE_KEY,
    SHAPES,
)
from flask_errwatch.capture.redaction.values import end_of_value

MASK: Final = "[redacted]"

#: Characters that are read beyond a limit: more than any pattern needs to recognise a secret, so
#: that one at the limit is masked before it is cut.
MARGIN: Final = 96
#: Places at which a secret may begin that are looked at in one text.
PLACES: Final = 32
CHARACTERS: Final = 2048
#: Passes over one text. Most texts with a secret take two. Three is the most that was seen, in
#: random texts of many secrets without anything between them.
_PASSES: Final = 8

_ALPHANUMERIC: Final = f"{ascii_letters}{digits}"
_NAME_CHARACTERS: Final = f"{_ALPHANUMERIC}_-.$"
_EMAIL_CHARACTERS: Final = f"{_NAME_CHARACTERS}+%"
_NAME_BEFORE: Final = 64
_CREDENTIALS: Final = r"[A-Za-z0-9+/._~\-]+=*"
_CHUNK: Final = r"""[^\s"'<>`]{0,1024}+(?:(?<=\w)["'](?=\w)[^\s"'<>`]{0,256}+){0,2}"""
#: What a password of a database has after a space, up to the host.
_AFTER_SPACE: Final = r"""[^\s"'<>`@/]{0,64}(?:\s[^\s"'<>`@/]{1,64}){1,3}@(?=\w)"""
_HEX_OF_PERCENT: Final = r"^(?:25)*[0-9A-Fa-f]{2}"
_WORD: Final = r"[\w\-]{1,24}"
#: Characters from which a value is too long for a word of a sentence.
_LONG_VALUE: Final = 24
_URL_SAFE: Final = str.maketrans("-_", "+/")
#: Marks in the middle of secrets, and the characters before one that are looked at.
_INSIDE: Final = ("AZDO", "JQQJ")
_SHAPE_BEFORE: Final = 96
#: Further places that a run of digits takes when it is cut: it may begin many card numbers.
_LONG_NUMBER: Final = 7
#: Characters at the end of a secret in which another place may begin.
_NESTED: Final = 24
#: A word of fewer characters is too short for a secret that is recognised by its shape.
_SHORT: Final = 12
#: Texts without a secret that are remembered, and the characters of each.
_REMEMBERED, _REMEMBERED_LENGTH = 1024, 128
_CUT: Final = r"…\[(\d{1,15}) more\]\Z"
_MARK_LENGTH: Final = 32
#: Parameters of queries that are secret when they are long and have a digit.
_PARAMETERS: Final = frozenset(
    f"{mark}{name}" for mark in "?&" for name in ("code", "key", "magic")
)
_LONG_PARAMETER: Final = r"(?:\d/)?(?=[\w\-~%]*?\d)[\w\-~%]{16,}+"
#: What a parser says before a token of its grammar.
_PARSERS: Final = ("nexpected ", "llegal ", "yntax ")
_WEB: Final = ("http", "https", "ws", "wss", "git", "ftp")

_compiled = cache(re.compile)


class Effort:
    """What may still be read of the texts of one event, which share it.

    Args:
        places: Places at which a secret may begin. What comes after the last one is cut.
        characters: Characters of all texts, by `size_of`.
    """

    __slots__ = ("characters", "places")

    def __init__(self, *, places: int = PLACES, characters: int = CHARACTERS) -> None:
        self.places = places
        self.characters = characters


def size_of(text: str) -> int:
    r"""How many of the characters of an `Effort` a text takes, as it will be in a line.

    Example:
        >>> size_of("ann"), size_of("änn"), size_of("\u202eann")
        (3, 4, 24)
    """
    if text.isascii():
        return len(text)
    # A character that is not printable makes the line ASCII, where others take six characters.
    return len(text.encode("utf-8", "replace")) if text.isprintable() else 6 * len(text)


class TextRedactor:
    """Masks secrets inside texts.

    Args:
        keys: Decides which names are those of secrets.
        email: Whether e-mail addresses are masked too.
    """

    def __init__(self, keys: SecretKeys, *, email: bool = False) -> None:
        self._keys = keys
        self._email = email
        self._harmless: set[str] = set()

    @cached_property
    def _search(self) -> Callable[..., re.Match[str] | None]:
        """Finds where a secret may begin, in a text in lower case."""
        return re.compile(anchor_pattern(self._keys.fragments, email=self._email)).search

    @cached_property
    def _match(self) -> Callable[..., re.Match[str] | None]:
        """Matches what begins there."""
        return re.compile(place_pattern(self._keys.fragments)).match

    def __call__(self, text: str, limit: int, effort: Effort) -> str:
        """The text without its secrets, truncated and marked when it is longer than `limit`."""
        length = len(text)
        is_short = length <= min(limit, effort.characters) and text.isascii()  # as most texts are
        if is_short and (text in self._harmless or self._is_harmless(text)):
            effort.characters -= length
            return text
        limit = min(limit, max(effort.characters, 0))
        more = 0
        cut = _compiled(_CUT).search(text, max(0, len(text) - _MARK_LENGTH))
        if cut is not None:  # by whoever made the event, or when the text was masked before
            text, more = text[: cut.start()], int(cut[1])
        window = text[: limit + MARGIN]
        effort.characters -= size_of(window)
        masked, unread = self.masked(window, effort, limit)
        more += unread + len(text) - len(window)
        return f"{masked}…[{more} more]" if more else masked

    def _is_harmless(self, text: str) -> bool:
        """Whether no secret may begin in the text. Short ones are remembered: failures repeat."""
        if len(text) < _SHORT and text.isalnum():
            return True
        if self._search(text.lower()) is not None:
            return False
        if len(text) <= _REMEMBERED_LENGTH:
            if len(self._harmless) >= _REMEMBERED:
                self._harmless.clear()
            self._harmless.add(text)
        return True

    def masked(self, text: str, effort: Effort, limit: int | None = None) -> tuple[str, int]:
        """The text without its secrets, and how many characters at its end are cut.

        Args:
            text: The text.
            effort: Each pass has as many places as are left. What the longest took is taken off.
            limit: The characters that the text may have, or None for any number.
        """
        places = effort.places
        more = 0
        for _ in range(_PASSES):
            effort_of_pass = Effort(places=places)
            masked, unread = self._masked_once(text, effort_of_pass)
            effort.places = min(effort.places, effort_of_pass.places)
            end = len(masked) if limit is None else _end_within(masked, limit)
            more += unread + len(masked) - end
            masked = masked[:end]
            if masked == text or effort_of_pass.places == places:  # no place, nothing to change
                return masked, more
            text = masked
        return MASK, more

    def _masked_once(self, text: str, effort: Effort) -> tuple[str, int]:
        """The text without what one pass finds, and how many characters it did not look at."""
        # Every other letter has one in lower case.
        lower = text.replace("İ", "I").lower()
        anchor = self._search(lower)
        if anchor is None:
            return text, 0
        pieces: list[str] = []
        done = 0
        while anchor is not None and effort.places > 0:
            effort.places -= 1
            place = self._match(lower, anchor.start())
            span = _shape(text, anchor.start())
            if span is None and place is not None:
                span = self._secret(text, place)
            following = _end_of_name(text, anchor) if place is None else _end_of_place(text, place)
            if place is not None and following < place.end():
                effort.places = max(0, effort.places - _LONG_NUMBER)
            if span is not None:
                if span[0] >= done:
                    pieces += (text[done : span[0]], MASK)
                mask = _mask_around(text, span[1])
                done = max(done, span[1] if mask < 0 else mask + len(MASK))
                following = max(following, _end_of_secret(text, span))
            anchor = self._search(lower, following)
        end = len(text) if anchor is None else max(anchor.start(), done)
        pieces.append(text[done:end])
        masked = "".join(pieces)
        if "AKIA" in text or "ASIA" in text:
            masked = _compiled(NEAR_AWS_KEY).sub(MASK, masked)
        return masked, len(text) - end

    def _secret(self, text: str, place: re.Match[str]) -> tuple[int, int] | None:
        """Where the secret at a place begins and ends, or None when nothing is secret there."""
        kind = place.lastgroup or ""
        context = CONTEXTS.get(kind)
        if context is not None:
            if text.startswith(MASK, place.end()):  # so that masking twice changes nothing
                return place.end(), place.end() + len(MASK)
            return context.secret(text, place.end(), self._keys.is_secret)
        if kind in {"name", "xml", "pair"}:
            return self._assigned(text, place)
        if kind == "option":
            is_secret = self._keys.is_secret(place["option"].strip())
            return end_of_value(text, place.end(), "") if is_secret else None
        if kind == "sql":
            return end_of_value(text, place.end(), "")
        if kind == "scheme":
            return _credentials(text, place)
        if kind == "card":
            return find_card(text, *place.span())
        if kind == "url":
            return _user_of_url(text, place.end())
        if kind == "pem":
            return _private_key(text, place.start())
        return _email(text, place.start())

    def _assigned(self, text: str, place: re.Match[str]) -> tuple[int, int] | None:
        start, end = place.start("name"), place.end("name")
        before = text[max(0, start - _NAME_BEFORE) : start]
        start -= len(before) - len(before.rstrip(_NAME_CHARACTERS))
        name = text[start:end]
        preceding = text[start - 1 : start]
        if preceding == "%":
            name = _compiled(_HEX_OF_PERCENT).sub("", name)
        if place["xml"] and preceding not in {"<", ":"}:
            return None
        if place["pair"] and text[max(0, start - 2) : start].strip("bu\"'") not in {"(", "[", "--"}:
            is_option = name.startswith("--")
            if not is_option:
                return None
        if preceding == " " and name.lower() == "token" and text.endswith(_PARSERS, 0, start):
            return None
        if not self._keys.is_secret(name):
            words = _words_before(text, start) if preceding == " " else ""
            is_secret = words and self._keys.is_secret(words + name)
            if not is_secret:
                return _long_parameter(text, preceding + name, place.end())
        if text.startswith(MASK, place.end()):  # so that masking twice changes nothing
            return place.end(), place.end() + len(MASK)
        return end_of_value(text, place.end(), name.lower())


def _long_parameter(text: str, name: str, start: int) -> tuple[int, int] | None:
    """A parameter of a query whose name says little, but whose value is as long as a secret."""
    match = _compiled(_LONG_PARAMETER).match(text, start) if name in _PARAMETERS else None
    return None if match is None else match.span()


def _words_before(text: str, start: int) -> str:
    """Up to two words before a name, each with the space after it: `secret answer` is a name."""
    words = ""
    for word in reversed(text[max(0, start - 50) : start].split(" ")[-3:-1]):
        if _compiled(_WORD).fullmatch(word) is None:
            break
        words = f"{word} {words}"
    return words


def _shape(text: str, start: int) -> tuple[int, int] | None:
    match = _shapes().match(text, start)
    if match is None and (text[start] in "_-.~" or text.startswith(_INSIDE, start)):
        before = text[max(0, start - _SHAPE_BEFORE) : start]
        start -= len(before) - len(before.rstrip(_ALPHANUMERIC))
        match = _shapes().match(text, start)
    if match is None or (start and text[start - 1].isalnum() and text[start].isalnum()):
        return None
    return match.span()


@cache
def _shapes() -> re.Pattern[str]:
    return re.compile("|".join(shape.pattern for shape in SHAPES))


def _credentials(text: str, place: re.Match[str]) -> tuple[int, int] | None:
    """What follows `Bearer` or `Basic`, unless it is a word of a sentence."""
    match = _compiled(_CREDENTIALS).match(text, place.end())
    if match is None or text[place.start() - 1 : place.start()].isalnum():
        return None
    value = match[0]
    if place["scheme"].startswith("be"):
        is_word = (
            len(value) < _LONG_VALUE and value.isalpha() and (value.islower() or value.istitle())
        )
        return None if is_word or len(value) < 6 else match.span()
    return match.span() if _is_user_and_password(value.rstrip("=")) else None


def _is_user_and_password(value: str) -> bool:
    """Whether Base64 (RFC 4648), perhaps cut, has a colon in it, or is too long for a word."""
    if len(value) >= _LONG_VALUE and not value.isalpha():
        return True
    whole = value[: -1 if len(value) % 4 == 1 else None].translate(_URL_SAFE)
    try:
        return b":" in b64decode(whole + "=" * (-len(whole) % 4), validate=True)
    except ValueError:
        return False


def _end_of_secret(text: str, span: tuple[int, int]) -> int:
    """Where the search continues: the value may name what follows, as in `sid=token: x`."""
    start, end = span
    is_closed = text[end - 1] in "\"'`)]}" and text[end : end + 2].lstrip()[:1] not in {":", "="}
    return end if is_closed else max(start, end - _NESTED)


def _mask_around(text: str, end: int) -> int:
    """Where the mask begins that `end` would cut in two, or -1. A part would be masked again."""
    return text.find(MASK, max(0, end - len(MASK) + 1), end + len(MASK) - 1)


def _end_within(text: str, limit: int) -> int:
    if len(text) <= limit:
        return len(text)
    mask = _mask_around(text, limit)
    return limit if mask < 0 else mask


def _end_of_name(text: str, anchor: re.Match[str]) -> int:
    """Where the search continues after a name without a value: another may begin behind it.

    What finds places takes every character that is not ASCII for one of a name.
    """
    name = _compiled(r".[\w.\-$]*+", re.DOTALL).match(text, anchor.start(), anchor.end())
    return anchor.end() if name is None else name.end()


def _end_of_place(text: str, place: re.Match[str]) -> int:
    end = place.end()
    return next_start(text, end) if place.lastgroup == "card" else end


def _user_of_url(text: str, start: int) -> tuple[int, int] | None:
    """User and password of a URL. A password may have unencoded `@` and `/` in it."""
    match = _compiled(_CHUNK).match(text, start)
    chunk = "" if match is None else match[0]
    authority = _compiled("[/?#]").split(chunk, maxsplit=1)[0]
    user, colon, password = authority.partition(":")
    scheme = text[max(0, start - 19) : start - 3].lower()
    is_web = scheme.endswith(_WEB)
    if "@" in authority and (is_web or not colon or "@" in user):
        end = authority.rfind("@")
        if not colon and end < 16:
            return None  # the name of a user, such as `git@`
        return (start, start + end) if end > 0 else None
    if not colon or password.isdecimal() or (not password and not authority):
        return None
    end = chunk.rfind("@")
    if end < 0 and not is_web and text[start + len(chunk) : start + len(chunk) + 1] == " ":
        spaced = _compiled(_AFTER_SPACE).match(text, start + len(user) + 1)
        end = -1 if spaced is None else spaced.end() - 1 - start
    return (start, start + end) if end > 0 else None


def _private_key(text: str, start: int) -> tuple[int, int] | None:
    match = _compiled(PRIVATE_KEY).match(text, start)
    if match is None:
        return None
    end = _compiled(END_OF_PRIVATE_KEY).search(text, match.end())
    return start, len(text) if end is None else end.end()


def _email(text: str, at: int) -> tuple[int, int] | None:
    before = text[max(0, at - _NAME_BEFORE) : at]
    length = len(before) - len(before.rstrip(_EMAIL_CHARACTERS))
    domain = _compiled(r"[\w\-]{1,63}+(?:\.[\w\-]{2,63}+)+").match(text, at + 1)
    return None if domain is None or not length else (at - length, domain.end())

"""Finds card numbers among the digits of a text."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from flask_errwatch.capture.redaction.shapes import CARD

#: Characters of a card number at most: 19 digits (ISO/IEC 7812-1) in five groups.
_CARD_LENGTH: Final = 23
#: Each digit to the sum of the digits of its double.
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")

_compiled = cache(re.compile)


def find_card(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The first card number in a run of digits: whole groups of them, by prefix and check digit.

    Args:
        text: The text.
        start: Where the run begins.
        end: Where the run ends, or is cut.

    Example:
        >>> find_card("4111 1111 1111 1111", 0, 19), find_card("4111 1111 1111 1112", 0, 19)
        ((0, 19), None)
    """
    groups = [*_compiled(r"\d+").finditer(text, start, end)]
    if start and (text[start - 1].isalnum() or text[start - 1] in "._"):
        del groups[0]
    if groups and text[end : end + 1].isalnum():
        del groups[-1]
    following = next_start(text, end)
    for index, first in enumerate(groups):
        if first.start() >= following:
            break  # it is looked at from there
        if len(first[0]) < 4:
            continue
        digits = ""
        for last in groups[index : index + 5]:
            digits += last[0]
            if len(digits) > 19:
                break
            is_long = len(digits) >= 12
            if is_long and _is_luhn(digits) and _compiled(CARD).fullmatch(digits):
                return first.start(), last.end()
    return None


def next_start(text: str, end: int) -> int:
    """Where the search continues: a card may begin among the last digits of a run that is cut."""
    if _compiled(r"[ \-]?\d").match(text, end) is None:
        return end
    groups = _compiled(r"(?<!\d)\d").finditer(text, end - _CARD_LENGTH, end)
    return next((group.start() for group in groups), end)


def _is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, doubled + digits[-1::-2])) % 10 == 0

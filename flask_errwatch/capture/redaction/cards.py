"""Finds card numbers among the digits of a text."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from flask_errwatch.capture.redaction.shapes import BETWEEN, CARD

#: Characters of a card number at most: 19 digits (ISO/IEC 7812-1) in five groups.
_CARD_LENGTH: Final = 31
#: Digits of the first group of a card number, and of those between the first and the last.
_FIRST, _MIDDLE = 4, 3
#: Characters beside a number that are looked at.
_BESIDE: Final = 24
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
    run = text[start:end].replace("%20", "   ")
    groups = [*_compiled(r"\d+").finditer(run)]
    before = _compiled(r"[^\W_]*\Z").search(text[max(0, start - _BESIDE) : start])
    if before is not None and _is_part_of_another(before[0]):
        del groups[0]
    after = _compiled(r"[^\W_]*").match(text, end, end + _BESIDE)
    if groups and after is not None and _is_part_of_another(after[0]):
        del groups[-1]
    following = next_start(text, end)
    for index, first in enumerate(groups):
        beginning = start + first.start()
        if beginning >= following:
            break  # it is looked at from there
        is_decimal = _compiled(r"\d\.").match(text, max(0, beginning - 2), beginning)
        if len(first[0]) < _FIRST or is_decimal:
            continue
        digits = ""
        for last in groups[index : index + 5]:
            digits += last[0]
            if len(digits) > 19:
                break
            is_long = len(digits) >= 12
            if is_long and _is_luhn(digits) and _compiled(CARD).fullmatch(digits):
                return beginning, start + last.end()
            if len(last[0]) < _MIDDLE:
                break
    return None


def next_start(text: str, end: int) -> int:
    """Where the search continues: a card may begin among the last digits of a run that is cut."""
    if _compiled(rf"{BETWEEN}\d").match(text, end) is None:
        return end
    groups = _compiled(r"(?<!\d)\d").finditer(text, end - _CARD_LENGTH, end)
    return next((group.start() for group in groups), end)


def _is_part_of_another(beside: str) -> bool:
    """Whether what touches a number makes it a part of a hash, an id or a longer number."""
    is_word = beside.isalpha() and beside.lower().strip("abcdef")
    return bool(beside) and not is_word


def _is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, doubled + digits[-1::-2])) % 10 == 0

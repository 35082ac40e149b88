"""Text in the columns of a terminal: measured, cut, wrapped and put into tables.

What strangers wrote is shown and not obeyed: control and hidden characters, marks that combine
with the character before, and wide characters never move the columns behind them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from flask_errwatch._text import one_line

#: The columns of a terminal that every line fits into.
WIDTH: Final = 80
#: Characters of a value that are shown, and of sentences: their own values are cut before.
_LONGEST: Final = 600
PROSE: Final = 4_000
#: Of characters from here on, many are pictures that are two columns wide.
_PICTURES: Final = 0x1F000


def shown(text: object, limit: int = _LONGEST) -> str:
    r"""The value on one line, with "?" for what a terminal obeys or does not show.

    Args:
        text: The value.
        limit: Its characters that are shown.

    Example:
        >>> shown("a\x1b[2J\u202eb\N{COMBINING TILDE}\N{COMBINING TILDE}")
        'a?[2J?b??'
    """
    composed = unicodedata.normalize("NFC", one_line(str(text), limit))
    if composed.isascii():
        return composed
    return "".join("?" if unicodedata.category(char)[0] == "M" else char for char in composed)


def columns(text: str) -> int:
    """How many columns a terminal needs for the text.

    Example:
        >>> columns("tea"), columns("\N{CJK UNIFIED IDEOGRAPH-8336}")
        (3, 2)
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def fitted(text: object, width: int) -> str:
    """The value as it is shown, cut and marked where it is wider than `width` columns.

    Example:
        >>> fitted("/products", 20), fitted("/products", 6)
        ('/products', '/prod…')
    """
    safe = shown(text)
    if columns(safe) <= width:
        return safe
    left = width - 1
    kept: list[str] = []
    for char in safe:
        left -= _columns(char)
        if left < 0:
            break
        kept.append(char)
    return f"{''.join(kept)}…"


def wrapped(text: object, label: str = "") -> list[str]:
    """The text on lines of at most `WIDTH` columns, broken at blanks where there are any.

    Args:
        text: Prose.
        label: What is before it on the first line, and blanks on the others. ASCII.

    Example:
        >>> wrapped("one failure", "Known: ")
        ['Known: one failure']
    """
    width = WIDTH - len(label)
    lines = [""]
    for word in shown(text, PROSE).split():
        joined = f"{lines[-1]} {word}".lstrip()
        if columns(joined) <= width:
            lines[-1] = joined
        else:
            lines += _parts(word, width)
    lines = lines if lines[0] or len(lines) == 1 else lines[1:]
    return [f"{' ' * len(label) if index else label}{line}" for index, line in enumerate(lines)]


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows whose first cell is left-aligned and whose others are numbers or times.

    The columns are nearer together where they would not fit. Where that is not enough, the first
    cell of each row is on a line of its own.

    Args:
        heading: The name of each column.
        rows: Cells as they are shown.
    """
    lines = [heading, *rows]
    widths = [max(map(columns, cells)) for cells in zip(*lines, strict=True)]
    for gap in (2, 1):
        if sum(widths) + gap * (len(widths) - 1) <= WIDTH:
            return [_row(cells, widths, gap) for cells in lines]
    first = [columns(heading[0]), *widths[1:]]
    stacked = [_row(heading, first)]
    for name, *cells in lines[1:]:
        stacked += [fitted(name, WIDTH), _row(["", *cells], first)]
    return [fitted(line, WIDTH) for line in stacked]


def _row(cells: Sequence[str], widths: Sequence[int], gap: int = 2) -> str:
    name, *others = cells
    padded = [f"{name}{' ' * (widths[0] - columns(name))}"]
    padded += [
        f"{' ' * (width - columns(cell))}{cell}"
        for cell, width in zip(others, widths[1:], strict=True)
    ]
    return (" " * gap).join(padded).rstrip()


def _parts(word: str, width: int) -> list[str]:
    """A word, in as many parts as it needs."""
    parts = [""]
    for char in word:
        if columns(parts[-1]) + _columns(char) > width:
            parts.append("")
        parts[-1] += char
    return parts


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    is_wide = unicodedata.east_asian_width(char) in "WF" or ord(char) >= _PICTURES
    return 2 if is_wide else 1

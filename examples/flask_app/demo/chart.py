"""Draws a metric as bars in the terminal, and the threshold of its alarm as a line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

ROWS = 3
#: Width of the scale left of the bars, and of one bar with its gap.
_SCALE = 4
_BAR = 3

#: The scale of a chart without a threshold ends at 1.5 times this value or higher.
_SMALL = 10

_EIGHTHS = " ▁▂▃▄▅▆▇█"
CALM, LOUD, LINE = "green", "red", "yellow"


def bars(sums: Sequence[float], threshold: float | None) -> list[Text]:
    """Draws the chart, from the top line down. If all values are zero, only the threshold is drawn.

    Args:
        sums: The value of each period.
        threshold: The alarm's threshold. None draws no line.
    """
    if not any(sums):
        return [] if threshold is None else [_row(0, sums, threshold, 1, is_line=True)]
    top = max([*sums, 1.5 * (threshold or _SMALL)])
    at = None if threshold is None else min(ROWS - 1, int(threshold / top * ROWS))
    return [_row(row, sums, threshold, top, is_line=row == at) for row in reversed(range(ROWS))]


def _row(
    row: int, sums: Sequence[float], threshold: float | None, top: float, *, is_line: bool
) -> Text:
    peak = max(sums)
    shown = f"{threshold:g}" if is_line else f"{peak:g}" if row == ROWS - 1 and peak == top else ""
    line = Text(f"{shown:>{_SCALE - 1}} ", style=LINE if is_line else "dim")
    rule = ("╌" if is_line else " ", LINE)
    for value in sums:
        eighths = min(8, max(0, round(value / top * ROWS * 8) - row * 8))
        if value > 0 and row == 0:
            eighths = max(1, eighths)
        is_loud = threshold is not None and value > threshold
        block = (_EIGHTHS[eighths] * (_BAR - 1), LOUD if is_loud else CALM)
        line.append(*(block if eighths else (rule[0] * (_BAR - 1), LINE)))
        line.append(*rule)
    line.right_crop(1)
    return line


def axis(times: Sequence[str]) -> Text:
    """The time axis below the bars, with the start of every third period."""
    line = Text(" " * _SCALE, style="dim")
    for time in times[::3]:
        line.append(f"{time:<{_BAR * 3}}")
    line.rstrip()
    return line

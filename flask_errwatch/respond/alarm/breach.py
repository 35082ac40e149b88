"""On which side of its threshold an alarm fires. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from flask_errwatch._parsers import parse_json
from flask_errwatch.respond.alarm.counted_lines import LineAlarm

_BAND: Final = "LessThanLowerOrGreaterThanUpperThreshold"


def fires_below(alarm: LineAlarm) -> bool:
    """Whether it fires because a value is too low, as an alarm on silence does.

    A band has two sides. Its alarm's evidence shows which of them was breached; without evidence it
    is the upper one.
    """
    operator = alarm.comparison_operator or ""
    if operator == _BAND:
        return _is_below(alarm.state.evidence if alarm.state else "")
    return operator.startswith("Less")


def _is_below(evidence: str) -> bool:
    try:
        data = parse_json(evidence or "{}")
    except ValueError:
        return False
    if not isinstance(data, dict):
        return False
    values, bounds = numbers_in(data, "recentDatapoints"), numbers_in(data, "recentLowerThresholds")
    return any(value < bound for value, bound in zip(values, bounds, strict=False))


def numbers_in(evidence: Mapping[str, object], field: str) -> Iterator[float]:
    """The finite numbers of a list in `StateReasonData`, which may have any other form."""
    values = evidence.get(field)
    for value in values if isinstance(values, list) else ():
        if is_number(value):
            yield float(value)


def is_number(value: object) -> bool:
    """Whether it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond what a float can be
        return False

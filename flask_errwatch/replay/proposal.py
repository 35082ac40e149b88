"""The advice as a value of `ERRWATCH_DETECTORS` that can be pasted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from flask_errwatch.alarms import SourceAlarm
from flask_errwatch.simulation import Advice, JudgedLog

Overrides = dict[str, dict[str, object]]
#: What a shell or a reader of `.env` files gives a meaning to, inside single quotes, as JSON writes
#: it otherwise. python-dotenv halves backslashes there, and expands `${NAME}`.
_ESCAPES = (("\\\\", "\\u005c"), ("'", "\\u0027"), ("${", "\\u0024{"))


def proposed_overrides(
    present: Mapping[str, Mapping[str, object]], advice: Iterable[Advice], judged: JudgedLog
) -> Overrides:
    """The overrides of detectors with the advised thresholds. Empty where these change nothing.

    The present overrides stay, as the value replaces them when it is pasted.

    Args:
        present: The overrides with which the log was judged.
        advice: The advice. That on an additional alarm of a detector has no override.
        judged: The judged log. A detector without a line in it keeps its threshold.
    """
    now = {one.detector.name: one for one in judged.detectors if one.lines}
    thresholds: dict[str, int] = {}
    for one in advice:
        name, alarm = one.detector.name, one.detector.alarm
        is_own = one.alarm == name or isinstance(alarm, SourceAlarm)
        if is_own and name in now and one.threshold is not None:
            condition = now[name].condition
            before = alarm.threshold if isinstance(alarm, SourceAlarm) else None
            if one.threshold != (before if condition is None else condition.threshold):
                thresholds[name] = one.threshold
    if not thresholds:
        return {}
    merged: Overrides = {name: dict(override) for name, override in present.items()}
    for name, threshold in thresholds.items():
        merged.setdefault(name, {})["threshold"] = threshold
    return merged


def as_assignment(overrides: Mapping[str, Mapping[str, object]]) -> str:
    r"""The overrides for a shell or a `.env` file. What is between the quotes is JSON.

    Example:
        >>> as_assignment({"scan": {"threshold": 20, "description": "it's"}})
        'ERRWATCH_DETECTORS=\'{"scan": {"threshold": 20, "description": "it\\u0027s"}}\''
    """
    text = json.dumps(overrides, default=str)
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return f"ERRWATCH_DETECTORS='{text}'"

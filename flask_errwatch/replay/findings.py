"""What a replay found, as one value; and as the JSON that machines read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from flask_errwatch.replay.reading import BadLine
from flask_errwatch.simulation import Advice, DetectorReplay, Named, RaisedAlarm, Replay, shown_time


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """Everything that is printed.

    Args:
        logs: The names of the logs.
        judged_by: Whose detectors they are, in words.
        replay: What the judge found.
        advice: A threshold per detector, where it was asked for.
        alarms_a_week: What the advice keeps to; None when none was asked for.
        bad_lines: How many lines could not be read.
        bad: The first of them.
        notes: What else is to be known, a sentence each.
    """

    logs: tuple[str, ...]
    judged_by: str
    replay: Replay
    advice: tuple[Advice, ...] = ()
    alarms_a_week: float | None = None
    bad_lines: int = 0
    bad: tuple[BadLine, ...] = ()
    notes: tuple[str, ...] = ()

    def advice_for(self, name: str) -> Advice | None:
        """The advice for the detector of that name."""
        return next((each for each in self.advice if each.detector.name == name), None)


def document(found: Findings) -> str:
    """The findings as one JSON object, in ASCII: nothing in it can act on a terminal."""
    whole = found.replay
    return json.dumps(
        {
            "logs": found.logs,
            "judged_by": found.judged_by,
            "from": _time(whole.start),
            "to": _time(whole.end),
            "lines": whole.lines,
            "heartbeat": whole.heartbeat,
            "bad_lines": found.bad_lines,
            "bad": [{"log": it.log, "line": it.number, "text": it.text} for it in found.bad],
            "notes": found.notes,
            "detectors": [_detector(each) for each in whole.detectors],
            "advice": [_advice(each) for each in found.advice],
        },
        indent=2,
    )


def _detector(each: DetectorReplay) -> dict[str, object]:
    rule, worst = each.rule, each.worst
    return {
        "detector": each.detector.name,
        "threshold": None if rule is None else rule.threshold,
        "lines": each.lines,
        "periods": len(each.periods),
        "worst": worst
        and {"from": _time(worst.start), "to": _time(worst.end), "value": worst.value},
        "alarms": [_alarm(alarm) for alarm in each.alarms],
        "alarms_per_day": round(each.alarms_per_day, 3),
    }


def _alarm(alarm: RaisedAlarm) -> dict[str, object]:
    return {
        "from": _time(alarm.span.start),
        "to": _time(alarm.span.end),
        "peak": alarm.span.peak,
        "sources": _named(alarm.sources, "source"),
        "paths": _named(alarm.paths, "path"),
    }


def _advice(each: Advice) -> dict[str, object]:
    return {
        "detector": each.detector.name,
        "threshold": each.threshold,
        "alarms": each.alarms,
        "missed": [_alarm(alarm) for alarm in each.missed],
    }


def _named(names: Iterable[Named], key: str) -> list[dict[str, object]]:
    return [{key: each.name, "lines": each.lines} for each in names]


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else shown_time(seconds)

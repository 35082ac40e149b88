"""The result of a replay, as one value and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flask_errwatch._time import rfc3339_second
from flask_errwatch.replay.gathering.gathered import BadLine
from flask_errwatch.replay.session import LogRead
from flask_errwatch.replay.summary import SummaryRow
from flask_errwatch.replay.verdicts import NO_VERDICTS, AlarmVerdicts
from flask_errwatch.respond.views.document import verdict_fields
from flask_errwatch.simulation import (
    Advice,
    FiredAlarm,
    JudgedAlarm,
    JudgedDetector,
    JudgedLog,
    NameCount,
    Worst,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayResult:
    """The result of a replay.

    Attributes:
        logs: The names of the logs.
        judged_by: What the detectors are called, as `the detectors of shop`.
        judged: The judged log.
        verdicts: What the lines of alarms look like.
        advice: A threshold per detector, where it was asked for.
        alarms_a_week: The most alarms a week that the advice allows, or None without advice.
        rows: The summary.
        reads: What was read of each log.
        proposed: The value of `ERRWATCH_DETECTORS` with the advice. Empty where it changes nothing.
        site: Of access logs, how the site's own paths and host were found, as a sentence without
            its full stop. None where no filter asks for it.
        bad_lines: How many lines could not be read.
        bad: The first of them.
        notes: Further remarks, a sentence each.
    """

    logs: tuple[str, ...]
    judged_by: str
    judged: JudgedLog
    verdicts: AlarmVerdicts = NO_VERDICTS
    advice: tuple[Advice, ...] = ()
    alarms_a_week: float | None = None
    rows: tuple[SummaryRow, ...] = ()
    reads: tuple[LogRead, ...] = ()
    proposed: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    site: str | None = None
    bad_lines: int = 0
    bad: tuple[BadLine, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_unread(self) -> bool:
        """Whether no line of any log could be read."""
        return not self.judged.lines

    @property
    def alarms(self) -> int:
        """How often alarms would have fired."""
        return sum(len(row.alarms) for row in self.rows)

    @property
    def notifications(self) -> int:
        """How often alarms would have fired that notify."""
        return sum(len(row.alarms) for row in self.rows if row.notifies)


def document(result: ReplayResult) -> str:
    """The result as one JSON object, in ASCII: nothing in it can act on a terminal."""
    judged = result.judged
    return json.dumps(
        {
            "logs": result.logs,
            "judged_by": result.judged_by,
            "from": _time(judged.start),
            "to": _time(judged.end),
            "lines": judged.lines,
            "heartbeat": judged.heartbeat,
            "site": result.site,
            "bad_lines": result.bad_lines,
            "bad": [{"log": bad.log, "line": bad.number, "text": bad.text} for bad in result.bad],
            "notes": result.notes,
            "alarms": result.alarms,
            "notifications": result.notifications,
            "summary": [_row(row) for row in result.rows],
            "detectors": [_detector(detector, result.verdicts) for detector in judged.detectors],
            "other_alarms": [_other(alarm, result.verdicts) for alarm in judged.others],
            "not_judged": [
                {"alarm": unjudged.alarm, "reason": unjudged.reason} for unjudged in judged.unjudged
            ],
            "advice": [_advice(advice) for advice in result.advice],
            "proposed": {"ERRWATCH_DETECTORS": result.proposed} if result.proposed else {},
        },
        indent=2,
        default=str,  # of an override in Python
    )


def _row(row: SummaryRow) -> dict[str, object]:
    return {
        "name": row.name,
        "lines": row.lines,
        "alarms": len(row.alarms),
        "notifies": row.notifies,
        "worst": _worst(row.worst),
        "threshold": row.threshold,
        "advised": row.advised,
        "hides_critical": row.hides_critical,
    }


def _worst(worst: Worst | None) -> dict[str, object] | None:
    if worst is None:
        return None
    return {"from": _time(worst.start), "to": _time(worst.end), "value": worst.value}


def _detector(detector: JudgedDetector, verdicts: AlarmVerdicts) -> dict[str, object]:
    condition = detector.condition
    return {
        "detector": detector.detector.name,
        "threshold": None if condition is None else condition.threshold,
        "lines": detector.lines,
        "periods": len(detector.periods),
        "worst": _worst(detector.worst),
        "alarms": [_fired(detector.detector.name, alarm, verdicts) for alarm in detector.alarms],
        "alarms_per_day": round(detector.alarms_per_day, 3),
    }


def _other(alarm: JudgedAlarm, verdicts: AlarmVerdicts) -> dict[str, object]:
    return {
        "alarm": alarm.name,
        "condition": alarm.condition,
        "alarms": [_fired(alarm.name, fired, verdicts) for fired in alarm.alarms],
        "alarms_per_day": round(alarm.alarms_per_day, 3),
    }


def _fired(name: str, alarm: FiredAlarm, verdicts: AlarmVerdicts) -> dict[str, object]:
    verdict = verdicts.of(name, alarm)
    return {**_alarm(alarm), "looks_like": None if verdict is None else verdict_fields(verdict)}


def _alarm(alarm: FiredAlarm) -> dict[str, object]:
    return {
        "from": _time(alarm.span.start),
        "to": _time(alarm.span.end),
        "peak": alarm.span.peak,
        "sources": _counts(alarm.sources, "source"),
        "paths": _counts(alarm.paths, "path"),
        "offenders": [
            {
                "source": offence.source,
                "from": _time(offence.since),
                "lines": offence.lines,
                "value": offence.value,
            }
            for offence in alarm.offences
        ],
    }


def _advice(advice: Advice) -> dict[str, object]:
    return {
        "detector": advice.detector.name,
        "alarm": advice.alarm,
        "threshold": advice.threshold,
        "alarms": advice.alarms,
        "missed": [_alarm(alarm) for alarm in advice.missed],
    }


def _counts(names: Iterable[NameCount], key: str) -> list[dict[str, object]]:
    return [{key: named.name, "lines": named.lines} for named in names]


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else rfc3339_second(seconds)

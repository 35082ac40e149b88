"""Runs a replay: reads the logs, judges them and returns the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from flask_errwatch._text import counted
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.notes import engine_notes, judging_notes, reading_notes, site_sentence
from flask_errwatch.replay.proposal import proposed_overrides
from flask_errwatch.replay.reading.known_formats import COUNTS
from flask_errwatch.replay.reading.log_engine import LogEngine
from flask_errwatch.replay.reading.shapes import KnownFormats
from flask_errwatch.replay.result import ReplayResult
from flask_errwatch.replay.session import ReadProgress, Session
from flask_errwatch.replay.sources import ALWAYS, Logs, TimeRange
from flask_errwatch.replay.summary import summary
from flask_errwatch.replay.verdicts import NO_VERDICTS, AlarmVerdicts, has_alarms, verdicts
from flask_errwatch.simulation import JudgedLog, advise, judge_log

_NO_LINES = "What the alarms look like is not known: counts have no lines."


class MissingExtraError(ErrWatchError):
    """An option needs a package of an extra that is not installed."""


def run(
    logs: Logs,
    detectors: DetectorSet,
    *,
    names: Sequence[str],
    known: KnownFormats,
    within: TimeRange = ALWAYS,
    alarms_a_week: float | None,
    heartbeat: bool = True,
    engine: LogEngine | None = None,
    progress: Callable[[ReadProgress], object] = lambda _: None,
) -> ReplayResult:
    """Reads the logs and judges them.

    Args:
        logs: The logs.
        detectors: The detectors that judge.
        names: How the logs were named, for the report.
        known: What the logs may be.
        within: The time whose lines are judged.
        alarms_a_week: The most alarms a week that the advice allows, or None for no advice.
        heartbeat: Whether a minute without a line counts as zeros, as it does in an app with its
            heartbeat on. It has no effect on logs that contain Heartbeat lines, which show when
            the app ran, or when the configuration turns the heartbeat off.
        engine: What reads access logs in place of their reader. None for that reader.
        progress: Called after each block that was read.

    Raises:
        UnreadableLogError: A log that was named is binary.
    """
    session = Session(logs, detectors, known, within, engine)
    for step in session.read():
        progress(step)
    result = run_gathered(names, session.gathered, alarms_a_week=alarms_a_week, heartbeat=heartbeat)
    looks_like, unread = _verdicts(session, result.judged)
    return replace(
        result,
        reads=tuple(session.read_logs),
        verdicts=looks_like,
        site=site_sentence(session),
        notes=(
            *logs.notes,
            *reading_notes(session),
            *(engine_notes(session, engine) if engine is not None else ()),
            *result.notes,
            *unread,
        ),
    )


def run_gathered(
    names: Sequence[str],
    gathered: Gathered,
    *,
    alarms_a_week: float | None,
    heartbeat: bool = True,
    notes: Sequence[str] = (),
) -> ReplayResult:
    """Judges what was gathered before, of lines or of counts.

    Args:
        names: What it was gathered from.
        gathered: What was gathered. Its detectors judge.
        alarms_a_week: As of `run`.
        heartbeat: As of `run`.
        notes: Remarks on the gathering, a sentence each.
    """
    detectors = gathered.detectors
    judged = _judged(gathered, heartbeat=heartbeat)
    advice = (
        ()
        if alarms_a_week is None or not gathered.tally.lines
        else advise(
            gathered.tally,
            detectors.catalogue,
            detectors.desired,
            judged,
            alarms_a_week=alarms_a_week,
        )
    )
    return ReplayResult(
        logs=tuple(names),
        judged_by=detectors.name,
        judged=judged,
        advice=advice,
        alarms_a_week=alarms_a_week,
        rows=summary(judged, advice, detectors.quiet_alarms),
        proposed=proposed_overrides(detectors.config.detectors, advice, judged),
        bad_lines=gathered.bad_lines,
        bad=tuple(gathered.bad),
        notes=(
            *notes,
            *judging_notes(judged),
        ),
    )


def _judged(gathered: Gathered, *, heartbeat: bool) -> JudgedLog:
    detectors, config = gathered.detectors, gathered.detectors.config
    return judge_log(
        gathered.tally,
        detectors.catalogue,
        detectors.desired,
        gathered.coverage,
        heartbeat=heartbeat and config.heartbeat_seconds > 0 and not gathered.has_heartbeats,
        period=config.alarm_period,
    )


def _verdicts(session: Session, judged: JudgedLog) -> tuple[AlarmVerdicts, tuple[str, ...]]:
    """What the lines of the alarms look like, and a note where they were not read for all."""
    if not has_alarms(judged):
        return NO_VERDICTS, ()
    if session.known == COUNTS:
        return NO_VERDICTS, (_NO_LINES,)
    found = verdicts(session, judged)
    if not found.left_out:
        return found, ()
    left_out = counted(found.left_out, "alarm")
    return found, (
        f"What {left_out} looked like is not shown: only the worst and the newest are read again.",
    )


def page_writer(version: str) -> Callable[[ReplayResult], str]:
    """The function that creates the page.

    Args:
        version: That of this package, which the page states.

    Raises:
        MissingExtraError: The charting library is not installed.
    """
    try:
        from flask_errwatch.replay.page import page
    except ImportError as error:
        remedy = "Install the extra that draws charts: pip install 'flask-errwatch[replay]'."
        raise MissingExtraError(Problem(key="--html", value=error.name, remedy=remedy)) from error

    def write(result: ReplayResult) -> str:
        return page(result, version=version, created=time.time())

    return write

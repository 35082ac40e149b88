"""Runs a replay: reads the logs, judges them and returns the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from flask_errwatch._text import counted
from flask_errwatch._time import rfc3339_second
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.replay.detector_set import DetectorSet
from flask_errwatch.replay.names import short_names
from flask_errwatch.replay.proposal import proposed_overrides
from flask_errwatch.replay.result import ReplayResult
from flask_errwatch.replay.session import ReadProgress, Session
from flask_errwatch.replay.summary import summary
from flask_errwatch.replay.text import seen, shown
from flask_errwatch.replay.verdicts import NO_VERDICTS, AlarmVerdicts, has_alarms, verdicts
from flask_errwatch.simulation import JudgedLog, advise, judge_log


class MissingExtraError(ErrWatchError):
    """An option needs a package of an extra that is not installed."""


def run(
    names: Sequence[str],
    detectors: DetectorSet,
    *,
    form: str,
    alarms_a_week: float | None,
    heartbeat: bool = True,
    progress: Callable[[ReadProgress], object] = lambda _: None,
) -> ReplayResult:
    """Reads the logs and judges them.

    Args:
        names: Paths, or `-` for standard input.
        detectors: The detectors that judge.
        form: A name of `formats.FORMATS`, or `auto`.
        alarms_a_week: The most alarms a week that the advice allows, or None for no advice.
        heartbeat: Whether a minute without a line counts as zeros, as it does in an app with its
            heartbeat on. It has no effect on logs that contain Heartbeat lines, which show when
            the app ran, or when the configuration turns the heartbeat off.
        progress: Called after each block that was read.

    Raises:
        UnreadableLogError: One of the logs does not exist, is a directory or is binary.
    """
    with closing(Session(names, detectors, form)) as session:
        for step in session.read_open():
            progress(step)
        judged = _judged(session, heartbeat=heartbeat)
        looks_like, unread = _verdicts(session, judged)
    gathered = session.gathered
    advice = (
        ()
        if alarms_a_week is None
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
        reads=tuple(session.read_logs),
        proposed=proposed_overrides(detectors.config.detectors, advice, judged),
        verdicts=looks_like,
        site=_site(session),
        bad_lines=gathered.bad_lines,
        bad=tuple(gathered.bad),
        notes=(
            *_notes(session),
            *_gap_notes(judged),
            *(_unjudged_notes(judged) if judged.lines else ()),
            *unread,
        ),
    )


def _judged(session: Session, *, heartbeat: bool) -> JudgedLog:
    gathered, detectors = session.gathered, session.gathered.detectors
    config = detectors.config
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
    if not session.can_be_read_again:
        return NO_VERDICTS, (
            "What the alarms look like is not known: a pipe of this format cannot be read again.",
        )
    found = verdicts(session, judged)
    if not found.left_out:
        return found, ()
    left_out = counted(found.left_out, "alarm")
    return found, (
        f"What {left_out} looked like is not shown: only the worst and the newest are read again.",
    )


def _site(session: Session) -> str | None:
    """How it was found what the failed requests of access logs were after."""
    gathered, detectors = session.gathered, session.gathered.detectors
    site = gathered.site
    if not site.is_known or not gathered.shows_requests:
        return None
    routes = (
        "The app's URL map tells its own paths"
        if detectors.classifier is not None
        else f"Own paths are those like one of {len(site.answered):,} that were answered with 2xx"
    )
    host = (
        f"the own host is {shown(site.host)}, from which most of these requests were linked"
        if site.host
        else "no referrer names the own host"
    )
    return f"{routes}; {host} (access logs are read twice)"


def _notes(session: Session) -> Iterator[str]:
    short = short_names([log.name for log in session.read_logs])
    for log, defect in session.defects.items():
        yield f"{short[log]}: {defect}"
    for jump in session.gathered.jumps.values():
        times = counted(jump.times, "time")
        yield (
            f"{short[jump.log]}: the clock jumps back {times}, first at line {jump.number:,} by "
            f"{counted(jump.seconds // 60, 'minute')}; each line is judged at its own time."
        )
    if session.gathered.tally.lines:
        for read in session.read_logs:
            if read.is_unread:
                yield f"Nothing could be read of {seen(read, short[read.name])}."


def _gap_notes(judged: JudgedLog) -> Iterator[str]:
    if judged.gaps:
        before, after = judged.gaps[0]
        others, subject, which = "", "this gap is", "it"
        if len(judged.gaps) > 1:
            others = f", nor in {counted(len(judged.gaps) - 1, 'other gap')}"
            subject, which = "these gaps are", "them"
        yield (
            f"There are no lines from {rfc3339_second(before)} to {rfc3339_second(after)}{others}: "
            f"{subject} not counted among the days. The clock may be wrong on one side of {which}."
        )


def _unjudged_notes(judged: JudgedLog) -> Iterator[str]:
    for unjudged in judged.unjudged:
        yield f"{unjudged.alarm} is not judged: {unjudged.reason}"


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

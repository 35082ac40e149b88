"""Remarks on what was read and judged, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from flask_errwatch._text import counted, listed
from flask_errwatch._time import rfc3339_second
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.names import short_names
from flask_errwatch.replay.reading.log_engine import LogEngine
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.text import shown
from flask_errwatch.simulation import JudgedLog

#: Logs that are named in the notes of each kind: of thousands many may have the same defect.
_NAMED: Final = 10


def site_sentence(session: Session) -> str | None:
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


def reading_notes(session: Session) -> Iterator[str]:
    """What was odd in the logs, and what of them is not counted as one may expect."""
    short = short_names([log.name for log in session.read_logs])
    for log, defect in islice(session.defects.items(), _NAMED):
        yield f"{shown(short[log])}: {defect.removesuffix('.')}."
    if len(session.defects) > _NAMED:
        yield f"{counted(len(session.defects) - _NAMED, 'more log')} could not be read as a whole."
    jumps = session.gathered.jumps
    for jump in islice(jumps.values(), _NAMED):
        times = counted(jump.times, "time")
        yield (
            f"{short[jump.log]}: the clock jumps back {times}, first at line {jump.number:,} by "
            f"{counted(jump.seconds // 60, 'minute')}; each line is judged at its own time."
        )
    if len(jumps) > _NAMED:
        yield f"The clock jumps back in {counted(len(jumps) - _NAMED, 'more log')}."
    yield from _hints(session.gathered)


def _hints(gathered: Gathered) -> Iterator[str]:
    """What lines are not counted as one may expect, and how to change that."""
    if gathered.clients.ignores_forwarded:
        yield (
            "The log has X-Forwarded-For, which is not used: the client is the peer, which may be "
            "your proxy. Set ERRWATCH_TRUSTED_PROXIES, or give --trusted-proxies."
        )
    if gathered.hidden_lines:
        lines = counted(gathered.hidden_lines, "line")
        yield (
            f"{lines} of flask-errwatch are inside something else in a log group, where no metric "
            "filter matches: they count as lines that are not matched. Send them there as they are."
        )
    if gathered.repeated_requests:
        requests = counted(gathered.repeated_requests, "request")
        yield (
            f"{requests} beside lines of flask-errwatch in one log are not judged: the app wrote a "
            "line for each of them that failed."
        )
    if gathered.lacks_referrers:
        yield (
            "The log does not show referrers, so a missing page that the site links to counts as "
            "one that nothing links to."
        )
    if gathered.outside:
        yield f"{counted(gathered.outside, 'line')} are not within --since and --until."


def engine_notes(session: Session, engine: LogEngine) -> Iterator[str]:
    """Which logs the engine left to their readers, if it was asked for."""
    if not engine.limits:
        return
    short = short_names([log.name for log in session.read_logs])
    names = [shown(short[name]) for name in session.without_engine]
    if names:
        were = "was" if len(names) == 1 else "were"
        yield f"{listed(names, _NAMED)} {were} read without the engine. {engine.limits}"


def judging_notes(judged: JudgedLog) -> Iterator[str]:
    """Gaps in the logs, and the alarms that these cannot decide."""
    yield from _gap_notes(judged)
    if judged.lines:
        for unjudged in judged.unjudged:
            yield f"{unjudged.alarm} is not judged: {unjudged.reason}"


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

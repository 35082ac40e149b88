"""What a story has beside its figures: the reason, what is not known, and what to do next. Pure."""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Iterator
from typing import Final, cast

from flask_errwatch._text import counted, listed
from flask_errwatch._time import readable
from flask_errwatch.provision.resources import LogAlarm, MetricAlarm
from flask_errwatch.respond.alarm.firing import Firing, length_of
from flask_errwatch.respond.alarm.subject import Subject
from flask_errwatch.respond.answer.story import State
from flask_errwatch.respond.answer.verdict import Kind, Verdict
from flask_errwatch.respond.moments import written
from flask_errwatch.respond.ranking.source import source_of
from flask_errwatch.respond.ranking.summary import SourceRow, Summary

#: Alarms of a composite alarm that are named.
_NAMED: Final = 3
_NO_ACCESS_LOG: Final = "successful requests (lines are of failures; --access-log adds them)."
#: Verdicts about single sources, which a block stops.
_OF_ONE_SOURCE: Final = frozenset({Kind.PATH_SCAN, Kind.GUESSING})


def state_of(subject: Subject) -> tuple[State | None, float | None]:
    """The state of an alarm, and when it changed to that. None for a detector."""
    alarm = subject.alarm
    if alarm is None or alarm.state is None:
        return None, None
    since = None if alarm.state.since is None else alarm.state.since.timestamp()
    return cast("State", alarm.state.value), since


def reason_of(subject: Subject, firing: Firing, summary: Summary) -> str:
    """The value that fired with its threshold, in a line. Empty without an alarm."""
    if not subject.line_alarms:
        return ""
    if len(subject.line_alarms) > 1:
        return f"by {listed([alarm.name for alarm in subject.line_alarms], _NAMED)}"
    (alarm,) = subject.line_alarms
    measure = subject.counting.summed or "lines"
    if isinstance(alarm, LogAlarm):
        return _reason_of_query(alarm, measure, firing, summary)
    if alarm.threshold is None:
        return "outside its usual band"
    return _reason_of_metric(alarm, measure, firing.value)


def _reason_of_query(alarm: LogAlarm, measure: str, firing: Firing, summary: Summary) -> str:
    row = _row_of(firing.contributor, summary)
    if row is None:
        name = f"{firing.contributor}: " if firing.contributor else ""
        return f"{name}{_limit(measure, alarm.threshold, alarm.window)}"
    value = row.suspicion if measure == "suspicion" else row.lines
    amount = f"{_amount(measure, value)} in {alarm.window} s"
    return f"{firing.contributor}: {amount}, threshold {alarm.threshold:g}"


def _reason_of_metric(alarm: MetricAlarm, measure: str, value: float | None) -> str:
    seconds = length_of(alarm) // (alarm.evaluation_periods or 1)
    if value is None:
        return _limit(measure, alarm.threshold or 0, seconds)
    return f"{_amount(measure, value)} in {seconds} s, threshold {alarm.threshold:g}"


def _limit(measure: str, threshold: float, seconds: int) -> str:
    """What the alarm compares, where the value that fired is not known."""
    return f"threshold {_amount(measure, threshold)} in {seconds} s"


def _amount(measure: str, value: float) -> str:
    if measure == "lines":
        return f"{value:,.10g} {'line' if value == 1 else 'lines'}"
    return f"{measure} {value:,.10g}"


def _row_of(contributor: str | None, summary: Summary) -> SourceRow | None:
    source = source_of(contributor)
    return next((row for row in summary.sources if source and row.source == source), None)


def unknown_of(
    subject: Subject,
    summary: Summary,
    *,
    skipped: int,
    accused: Collection[str],
    gaps: tuple[str, ...] | None,
    declares_sign_ins: bool,
    denied: str | None,
    later: str | None,
) -> tuple[str, ...]:
    """What could not be known, a sentence each.

    Args:
        subject: What was asked about.
        summary: Its lines.
        skipped: Lines of other programs that were left out.
        accused: The sources that the verdict is about.
        gaps: What the access logs do not show, a sentence each. None without access logs.
        declares_sign_ins: Whether the app declares a detector of sign-ins.
        denied: The action without which the metric cannot be read, None where it was read.
        later: The TIME since which lines that came after the window would be read too. None where
            none came, or the window was asked for.
    """
    if subject.awaits_lines:
        return (
            *_unknown_last_line(summary),
            "why nothing arrives: the process may have ended, or it cannot reach AWS.",
        )
    return (
        *((_NO_ACCESS_LOG,) if gaps is None else gaps),
        *_unknown_requests(summary, accused, declares_sign_ins=declares_sign_ins),
        *_unknown_counts(subject, skipped, denied),
        *(() if later is None else (f"what followed the window (--since {later} shows it).",)),
    )


def _unknown_requests(
    summary: Summary, accused: Collection[str], *, declares_sign_ins: bool
) -> Iterator[str]:
    if not summary.has_referrers:
        yield "whether refused GETs were guesses at a password (no referrers are known)."
    if not (summary.has_logins or declares_sign_ins):
        yield "sign-ins (no line is of one: SECURITY_DETECTORS add them)."
    if not summary.has_all_sign_ins:
        yield "how many sign-ins there were (only the newest were read; --local reads all)."
    first = summary.sources[0] if summary.sources else None
    if first is not None and first.source is None:
        yield "who it was (no line shows an address)."
    doubtful = [row for row in summary.sources if row.trust == "none" and row.source is not None]
    for row in doubtful:
        if row is first or row.source in accused:
            remedy = "any client may claim it: set ERRWATCH_TRUSTED_PROXIES"
            yield f"whether {row.source} is right ({remedy})."


def _unknown_counts(subject: Subject, skipped: int, denied: str | None) -> Iterator[str]:
    if subject.counting.filter_pattern == "" and skipped:
        yield f"what {counted(skipped, 'line')} of other programs meant."
    if denied is not None:
        yield f"what the metric counted ({denied} is not allowed)."
    if subject.is_declared_only:
        yield "what AWS counts (it has no such metric filter: run flask errwatch apply)."


def _unknown_last_line(summary: Summary) -> Iterator[str]:
    if summary.last_line is None:
        yield f"when the last line came (none since {readable(summary.window.baseline.start)})."


def next_command(subject: Subject, summary: Summary, verdict: Verdict, now: float) -> str | None:
    """The command to run next, None where a person has to decide.

    Args:
        subject: What was asked about.
        summary: Its lines.
        verdict: What they look like.
        now: The present, in seconds since the epoch.
    """
    if subject.awaits_lines:
        return "flask errwatch doctor"
    if verdict.kind in _OF_ONE_SOURCE and verdict.sources:
        return _block(summary, verdict)
    if verdict.kind is Kind.SPREAD:
        window = summary.window
        end = min(math.ceil(window.end), now)
        span = f"--since {written(window.start, now)} --until {written(end, now)}"
        return f"flask errwatch offenders --detector {shlex.quote(subject.name)} {span}"
    return None


def _block(summary: Summary, verdict: Verdict) -> str | None:
    """The block of the first source, unless any client may claim its address."""
    trusts = {row.source: row.trust for row in summary.sources}
    source = next((each for each in verdict.sources if trusts.get(each) != "none"), None)
    if source is None:
        return None
    return f'flask errwatch block {source} --reason "{verdict.kind}"'

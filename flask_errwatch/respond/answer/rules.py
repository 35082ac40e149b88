"""The rules by which the rows of a summary look like a scan, a failure and so on. Pure.

Each rule looks at the lines that the alarm counts, and returns a verdict or none. Rules about
attackers come first: what they cause also has paths, failures and a release in common.

1. What accuses a source: a path scan, password guessing, alone or spread over sources. Guessing
   that succeeded comes first, then what has the most lines. All that hold are named.
2. A stale password.
3. A failing release: what is new explains more than what it shows.
4. One failure.
5. A broken link.
6. A failing release after an hour without any release: less is known of what changed.
7. Unclear.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flask_errwatch._text import counted
from flask_errwatch.alarms import SourceAlarm
from flask_errwatch.detectors import DEFAULT_DETECTORS, Detector
from flask_errwatch.respond.answer.accusations import accused, guessers, is_stale, names
from flask_errwatch.respond.answer.verdict import Kind, Verdict
from flask_errwatch.respond.answer.wording import of_all, shown
from flask_errwatch.respond.ranking.summary import PathRow, Summary

#: Sources from which requests of one path are those of several people.
LINK_SOURCES: Final = 3
#: The share of one path that makes it a broken link, and of one release or failure.
HALF: Final = 0.5
MOST: Final = 0.8


def suspicion_threshold(detectors: Iterable[Detector]) -> float:
    """The sum of `suspicion` above which one source scans: the threshold of its alarm on sources.

    Args:
        detectors: Those of an app. Without such an alarm the default detectors decide.

    Example:
        >>> suspicion_threshold(())
        16
    """
    summing = (each for each in (*detectors, *DEFAULT_DETECTORS) if each.value == "$.suspicion")
    alarms = (each.alarm for each in summing)
    return next(alarm.threshold for alarm in alarms if isinstance(alarm, SourceAlarm))


_NEW: Final = {
    True: "It is new.",
    False: "It is not new.",
    None: "Whether it is new is not known.",
}
_SUSPICION: Final = suspicion_threshold(())


def verdict(
    summary: Summary,
    *,
    threshold_of_suspicion: float = _SUSPICION,
    declares_sign_ins: bool = False,
) -> Verdict:
    """What the lines of a window look like.

    Args:
        summary: Their rows.
        threshold_of_suspicion: The sum of `suspicion` above which one source is a path scan: the
            threshold of the app's alarm on sources.
        declares_sign_ins: Whether the app declares a detector of sign-ins, so that its lines would
            show one. Lines of sign-ins show that, too.

    Example:
        >>> from flask_errwatch.respond.ranking.summary import SourceRow
        >>> from flask_errwatch.respond.ranking.window import Window
        >>> row = SourceRow(source="192.0.2.7", lines=20, suspicion=40, unrouted=20)
        >>> summary = Summary(window=Window(start=0, end=60), lines=21, sources=(row,))
        >>> verdict(summary).sentence
        'A path scan by 192.0.2.7: 20 of 21 lines, 20 paths that no route matches. No line of it \
in the hour before.'
    """
    is_known = summary.has_logins or declares_sign_ins
    return (
        accused(summary, threshold=threshold_of_suspicion, is_known=is_known)
        or _stale_password(summary)
        or _failing_release(summary)
        or _one_failure(summary)
        or _broken_link(summary)
        or _release_after_quiet(summary)
        or _unclear(summary)
    )


def _stale_password(summary: Summary) -> Verdict | None:
    rows = [row for row in guessers(summary) if is_stale(row)]
    if not rows:
        return None
    first, user = rows[0], rows[0].users_before[0]
    again = "signed in again since" if first.sign_ins_after else "not signed in again since"
    return Verdict(
        kind=Kind.STALE,
        sentence=(
            f"A stale password: {counted(first.guesses, 'failed login')} from "
            f"{first.source}, from where {shown(user)} had signed in before, "
            f"and {again}."
        ),
        sources=names(rows),
        succeeded=sum(row.sign_ins_after for row in rows),
        evidence={
            "failed_logins": first.guesses,
            "user": user,
            "sign_ins_before": first.sign_ins_before,
            "sign_ins_after": first.sign_ins_after,
            "of": summary.lines,
        },
    )


def _failing_release(summary: Summary) -> Verdict | None:
    if not any(row.before for row in summary.releases):
        return None
    return _release_that_is_new(summary, "of which the hour before has none")


def _release_after_quiet(summary: Summary) -> Verdict | None:
    return _release_that_is_new(summary, "and the hour before has no line of any release")


def _release_that_is_new(summary: Summary, before: str) -> Verdict | None:
    for row in summary.releases:
        if row.before == 0 and row.lines and row.lines >= MOST * summary.lines:
            return Verdict(
                kind=Kind.FAILING_RELEASE,
                sentence=(
                    f"A failing release: {of_all(row.lines, summary)} are of "
                    f"{shown(row.release)}, {before}."
                ),
                evidence={"release": row.release, "lines": row.lines, "of": summary.lines},
            )
    return None


def _one_failure(summary: Summary) -> Verdict | None:
    for row in summary.fingerprints:
        if row.lines >= MOST * summary.lines:
            where = f" in {shown(row.where)}" if row.where else ""
            new = _NEW[row.is_new]
            return Verdict(
                kind=Kind.ONE_FAILURE,
                sentence=(
                    f"One failure: {of_all(row.lines, summary)} are "
                    f"{shown(row.type) or 'one exception'}{where}. {new}"
                ),
                evidence={
                    "fingerprint": row.fingerprint,
                    "type": row.type,
                    "where": row.where,
                    "new": row.is_new,
                    "lines": row.lines,
                    "of": summary.lines,
                },
            )
    return None


def _broken_link(summary: Summary) -> Verdict | None:
    for row in summary.paths:
        if _is_broken(row, summary):
            return Verdict(
                kind=Kind.BROKEN_LINK,
                sentence=(
                    f"A broken link: {of_all(row.lines, summary)} ask for "
                    f"{shown(row.path)}, from {counted(row.sources, 'source')}."
                ),
                evidence={
                    "path": row.path,
                    "lines": row.lines,
                    "of": summary.lines,
                    "sources": row.sources,
                },
            )
    return None


def _is_broken(row: PathRow, summary: Summary) -> bool:
    """Whether half of all lines ask for that path, which is missing and not a probe."""
    return row.lines > 0 and row.broken >= HALF * summary.lines and row.sources >= LINK_SOURCES


def _unclear(summary: Summary) -> Verdict:
    if not summary.lines:
        return Verdict(kind=Kind.UNCLEAR, sentence="Unclear: there are no lines.")
    known = [row for row in summary.sources if row.source is not None]
    by = ""
    if known:
        most = max(known, key=lambda row: row.lines)
        by = f", the most by {most.source}: {of_all(most.lines, summary)}"
    return Verdict(
        kind=Kind.UNCLEAR,
        sentence=(
            f"Unclear: {counted(summary.lines, 'line')} of "
            f"{counted(summary.source_count, 'source')}{by}."
        ),
        evidence={"lines": summary.lines, "sources": summary.source_count},
    )

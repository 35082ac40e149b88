"""The rules that accuse sources: of a path scan, of password guessing, alone or together. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask_errwatch._text import counted
from flask_errwatch.respond.answer import wording
from flask_errwatch.respond.answer.verdict import Kind, Verdict
from flask_errwatch.respond.ranking.summary import LOUD, SourceRow, Summary

#: Different paths without a route from which one source scans.
PATHS: Final = 10
#: Failed logins above which several sources guess together, and the fewest sources.
SPREAD: Final = 10
SPREAD_SOURCES: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Accusation:
    """What some sources did.

    Attributes:
        kind: Of the verdict.
        what: Who did what, without a dot.
        success: Whether they got in, a sentence. Empty where that is not the question.
        more: The other sentences.
        sources: Who, the most active first.
        lines: Their lines.
        succeeded: Sign-ins after a guess.
        evidence: The figures, by name.
    """

    kind: Kind
    what: str
    success: str
    more: tuple[str, ...] = ()
    sources: tuple[str, ...]
    lines: int
    succeeded: int
    evidence: Mapping[str, object]


def accused(summary: Summary, *, threshold: float, is_known: bool) -> Verdict | None:
    """The verdict on all sources that are accused. None without any.

    Guessing that succeeded comes first, then what has most lines. The others are named behind it.

    Args:
        summary: The rows of a window.
        threshold: The sum of `suspicion` above which one source scans.
        is_known: Whether the lines would show a sign-in.
    """
    guessing = [
        found
        for found in (
            _guessing(summary, is_known=is_known),
            _spread_guessing(summary, is_known=is_known),
        )
        if found is not None
    ]
    guessers = {source for found in guessing for source in found.sources}
    scan = _path_scan(summary, threshold, guessers, is_known=is_known)
    found = sorted(
        [*([] if scan is None else [scan]), *guessing],
        key=lambda one: (one.succeeded == 0, -one.lines),
    )
    if not found:
        return None
    first, *others = found
    sentences = [f"{first.what[0].upper()}{first.what[1:]}.", *first.more[:-1], first.success]
    sentences += [
        *first.more[-1:],
        *(f"Also: {one.what}. {one.success}".rstrip() for one in others),
    ]
    return Verdict(
        kind=first.kind,
        sentence=" ".join(filter(None, sentences)),
        sources=tuple(dict.fromkeys(source for one in found for source in one.sources)),
        succeeded=sum(one.succeeded for one in found),
        evidence=first.evidence,
    )


def guessers(summary: Summary) -> list[SourceRow]:
    """The sources that alone made enough guesses, a stale password or not, the loudest first."""
    rows = [row for row in summary.sources if row.source is not None and row.guesses >= LOUD]
    return sorted(rows, key=lambda row: -row.guesses)


def is_stale(row: SourceRow) -> bool:
    """Whether the failures are of the one user who had signed in from there.

    Lines may show no account, as with Flask-Login alone. Then it is enough that no other user
    signed in from there. Where they show some, a failure without one is of an account that does not
    exist.
    """
    if len(row.users_before) != 1:
        return False
    if not row.failed_users:
        return row.users == row.users_before
    return row.failed_users == row.users_before and row.failed_unknown == 0


def names(rows: Sequence[SourceRow]) -> tuple[str, ...]:
    """The sources of rows."""
    return tuple(row.source for row in rows if row.source is not None)


def _path_scan(
    summary: Summary, threshold: float, guessers: Collection[str], *, is_known: bool
) -> Accusation | None:
    rows = [
        row
        for row in summary.sources
        if row.source is not None and (row.suspicion > threshold or row.unrouted >= PATHS)
    ]
    if not rows:
        return None
    rows.sort(key=lambda row: -row.suspicion)
    first, shared = rows[0], [row for row in rows if row.user_lines]
    what = f"a path scan by {first.source}: {wording.of_all(first.lines, summary)}, {_paths(first)}"
    if len(rows) > 1:
        others = [f"{row.source} ({counted(row.lines, 'line')})" for row in rows[1:]]
        what = f"{what}. Others that scan: {wording.named(others)}"
    guessing = [row for row in rows if row.guesses and row.source not in guessers]
    success = wording.sign_ins_of(rows, is_known=is_known)
    if shared:
        success = " ".join(map(wording.shared_by, shared[:3]))
    if guessing:
        tried = counted(sum(row.guesses for row in guessing), "failed login")
        whether = wording.success_of(guessing, is_known=is_known)
        success = " ".join(filter(None, (success, f"{tried} from there, too. {whether}")))
    lines = sum(row.lines for row in rows)
    people = {
        "probes": sum(row.probes for row in rows),
        "user_lines": sum(row.user_lines for row in rows),
    }
    return Accusation(
        kind=Kind.PATH_SCAN,
        what=what,
        success=success,
        more=(wording.hour_before(rows),),
        sources=names(rows),
        lines=lines,
        succeeded=sum(row.successes for row in guessing),
        evidence={
            "lines": lines,
            "of": summary.lines,
            "suspicion": first.suspicion,
            "threshold": threshold,
            "unrouted_paths": first.unrouted,
            "sign_ins": sum(row.sign_ins for row in rows),
            "before": sum(row.before for row in rows),
            **(people if shared else {}),
        },
    )


def _paths(row: SourceRow) -> str:
    """What decided that it is a scan."""
    if row.unrouted >= PATHS:
        return f"{counted(row.unrouted, 'path')} that no route matches"
    return f"a suspicion of {row.suspicion:,.10g} in {counted(row.paths, 'path')}"


def _guessing(summary: Summary, *, is_known: bool) -> Accusation | None:
    loud = guessers(summary)
    rows = [row for row in loud if not is_stale(row)]
    if not rows:
        return None
    # Sources without a row count too.
    unseen = max(0, summary.guesses.loud_sources - len(loud))
    failures = sum(row.guesses for row in rows)
    if unseen:
        failures += summary.guesses.loud_lines - sum(row.guesses for row in loud)
    tried, total = counted(failures, "failed login"), len(rows) + unseen
    who = f"{rows[0].source}: {tried}"
    if total > 1:
        who = f"{counted(total, 'source')}: {tried}, {wording.guesses_of(rows, total)}"
    succeeded = sum(row.successes for row in rows)
    return Accusation(
        kind=Kind.GUESSING,
        what=f"password guessing by {who}",
        success=wording.success_of(rows, is_known=is_known),
        more=(wording.hour_before(rows),),
        sources=names(rows),
        lines=sum(row.lines for row in rows),
        succeeded=succeeded,
        evidence={
            "failed_logins": failures,
            "by_source": {row.source: row.guesses for row in rows},
            "of": summary.lines,
            "succeeded": succeeded if succeeded or is_known else None,
            "before": sum(row.before for row in rows),
        },
    )


def _spread_guessing(summary: Summary, *, is_known: bool) -> Accusation | None:
    """Guesses of sources of which none is loud. Those of lines without an address are no one's."""
    loud, guesses = guessers(summary), summary.guesses
    loud_lines = max(guesses.loud_lines, sum(row.guesses for row in loud))
    no_ones = sum(row.guesses for row in summary.sources if row.source is None)
    failures = guesses.lines - loud_lines - no_ones
    total = guesses.sources - max(guesses.loud_sources, len(loud))
    rows = [
        row
        for row in summary.sources
        if row.source is not None and 0 < row.guesses < LOUD and not row.sign_ins_before
    ]
    if min(total, len(rows)) < SPREAD_SOURCES or failures <= SPREAD:
        return None
    rows.sort(key=lambda row: -row.guesses)
    account = guesses.users[0] if len(guesses.users) == 1 and not guesses.unknown else None
    for_whom = f", all for {wording.shown(account)}" if account is not None else ""
    loud_names = names(loud)
    successes = [one for one in guesses.successes if one.source not in loud_names]
    succeeded = guesses.success_count - (len(guesses.successes) - len(successes))
    success = (
        wording.successes_of(successes, succeeded, summary)
        if successes
        else wording.success_of(rows, is_known=is_known)
    )
    succeeded = max(succeeded, sum(row.successes for row in rows))
    inside = [one.source for one in successes if one.has_guessed and one.source is not None]
    return Accusation(
        kind=Kind.SPREAD,
        what=(
            f"guessing spread over {counted(total, 'source')}: "
            f"{counted(failures, 'failed login')}{for_whom}, none with {LOUD} or more: "
            f"{wording.guesses_of(rows, total)}"
        ),
        success=success,
        sources=tuple(dict.fromkeys((*inside, *names(rows)))),
        lines=failures,
        succeeded=succeeded,
        evidence={
            "failed_logins": failures,
            "sources": total,
            "highest": rows[0].guesses,
            "account": account,
            "succeeded": succeeded if succeeded or is_known else None,
            "of": summary.lines,
        },
    )

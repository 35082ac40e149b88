"""Ranks sources: whom to look at first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from flask_errwatch.respond.ranking.summary import SourceRow


def ranked(rows: Iterable[SourceRow]) -> tuple[SourceRow, ...]:
    """The rows by suspicion and failed logins together, then by lines. Lines of no one come last.

    A failed login that no one mistyped weighs as much as an unknown path.

    Example:
        >>> scan = SourceRow(source="192.0.2.7", suspicion=40, lines=20)
        >>> guessing = SourceRow(source="192.0.2.8", failed_logins=50, lines=50)
        >>> [row.source for row in ranked([scan, SourceRow(source=None, lines=90), guessing])]
        ['192.0.2.8', '192.0.2.7', None]
    """
    return tuple(sorted(rows, key=_order))


@dataclass(frozen=True, kw_only=True, slots=True)
class Least:
    """What a source must have at least to be listed.

    Attributes:
        suspicion: The sum of `suspicion`.
        lines: Lines.
        paths: Different paths.
    """

    suspicion: float = 0
    lines: int = 0
    paths: int = 0


#: Every source.
NO_LEAST: Final = Least()


def offenders(rows: Iterable[SourceRow], least: Least) -> tuple[SourceRow, ...]:
    """The ranked sources that have at least as much. Lines of no one are left out."""
    return ranked(
        row
        for row in rows
        if row.source is not None
        and row.suspicion >= least.suspicion
        and row.lines >= least.lines
        and row.paths >= least.paths
    )


def _order(row: SourceRow) -> tuple[bool, float, int, str]:
    return row.source is None, -(row.suspicion + row.guesses), -row.lines, row.source or ""

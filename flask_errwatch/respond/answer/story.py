"""`Story`: everything that is known about an alarm, which the views show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask_errwatch.respond.answer.verdict import Verdict
from flask_errwatch.respond.ranking.summary import Summary

State = Literal["ALARM", "OK", "INSUFFICIENT_DATA"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What the metric counted and what was found of it.

    Attributes:
        metric: The metric's value in the window, None where it is not known.
        lines: Lines found that the alarm counts.
        threshold: The alarm's, None where it has none.
    """

    metric: float | None
    lines: int
    threshold: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """How the lines were read.

    Attributes:
        how: `lines` (FilterLogEvents) or `insights`.
        size: Bytes that were read.
        dollars: What the reading cost, in USD, at the list price of us-east-1.
        is_exact: Whether all figures are.
    """

    how: Literal["lines", "insights"]
    size: int
    dollars: float
    is_exact: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """An alarm, its lines, and what they look like.

    Attributes:
        alarm: The name of the alarm or detector.
        state: The alarm's state, None for a detector.
        since: When it changed to that state, in seconds since the epoch.
        reason: One line: the value that fired, with its threshold.
        summary: Of the lines in the window.
        verdict: What they look like.
        counted: What the metric counted.
        now: When it was asked, in seconds since the epoch.
        unknown: What could not be known, a sentence each.
        next_command: The command to run next, or None.
        read: How the lines were read.
    """

    alarm: str
    state: State | None
    since: float | None
    reason: str
    summary: Summary
    verdict: Verdict
    counted: Counted
    now: float
    unknown: tuple[str, ...]
    next_command: str | None
    read: Read

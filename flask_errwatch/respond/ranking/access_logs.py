"""`Answered`: what access logs show of the requests that succeeded. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask_errwatch.respond.ranking.summary import SourceRow, Summary
from flask_errwatch.respond.ranking.window import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """The successful requests of some sources in a window.

    Attributes:
        counts: Answers with 2xx or 304 by source. A source that the logs do not show is not in it.
        gaps: What the logs do not show, a sentence each.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()


#: Reads access logs: the answers to the sources of these rows in a window.
ReadAnswers = Callable[[Window, Sequence[SourceRow]], Answered]


def with_answers(summary: Summary, answered: Answered) -> Summary:
    """The summary, whose rows have their numbers of answers where these are known."""
    rows = (replace(row, answers=answered.counts.get(row.source or "")) for row in summary.sources)
    return replace(summary, sources=tuple(rows))

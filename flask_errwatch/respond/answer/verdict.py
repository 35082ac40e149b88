"""`Verdict`: what the lines of an alarm look like, and the figures behind that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What the lines of an alarm may look like."""

    PATH_SCAN = "path scan"
    GUESSING = "password guessing"
    SPREAD = "guessing spread over sources"
    STALE = "stale password"
    BROKEN_LINK = "broken link"
    FAILING_RELEASE = "failing release"
    ONE_FAILURE = "one failure"
    UNCLEAR = "unclear"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What it looks like.

    Attributes:
        kind: One of a few.
        sentence: For a person: `A path scan by 203.0.113.66: 41 of 44 lines, …`.
        sources: The sources that it is about, the most active first.
        succeeded: Sign-ins from these sources after their first failed login. Of guesses that are
            spread over sources, those of a guessed account from elsewhere count too.
        evidence: The figures, by name.
    """

    kind: Kind
    sentence: str
    sources: tuple[str, ...] = ()
    succeeded: int = 0
    evidence: Mapping[str, object] = field(default_factory=dict)

"""What was gathered without reading lines."""

from __future__ import annotations

from dataclasses import dataclass

from flask_errwatch.replay.gathering.gathered import Gathered


@dataclass(frozen=True, kw_only=True, slots=True)
class GatheredCounts:
    """Counts that AWS made.

    Attributes:
        name: Where they are from, as `metrics of shop`.
        gathered: The counts. Its detectors judge.
        heartbeat: Whether a minute without any may count as zeros.
        notes: Remarks, a sentence each.
    """

    name: str
    gathered: Gathered
    heartbeat: bool = True
    notes: tuple[str, ...] = ()

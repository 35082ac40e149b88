"""The figures that `ErrWatch.stats` returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """Delivery figures of one process for one app.

    Attributes:
        emitted: Lines handed over.
        delivered: Lines that CloudWatch accepted, including those of dead processes.
        pending: Lines of this process that are waiting.
        dropped: Events that a hook dropped, and lines that were lost.
        redelivered: Delivered lines that CloudWatch may have accepted before.
        last_error: The message of the last failure, or None.
    """

    emitted: int = 0
    delivered: int = 0
    pending: int = 0
    dropped: int = 0
    redelivered: int = 0
    last_error: str | None = None

"""The figures that `ErrWatch.stats` returns, those of one sink, and those of the shipper."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class SinkFigures:
    """What one sink adds to the figures of its app.

    Attributes:
        delivered: Lines that CloudWatch accepted, including those of dead processes.
        pending: Lines of this process that are waiting.
        lost: Lines that were lost.
        redelivered: Delivered lines that CloudWatch may have accepted before.
        last_error: The message of the sink's own last failure, or None.
    """

    delivered: int = 0
    pending: int = 0
    lost: int = 0
    redelivered: int = 0
    last_error: str | None = None


class ShipperFigures:
    """Counters of one process's shipper.

    Attributes:
        committed: Lines of this process that need no more work: delivered, refused or lost.
        delivered: Lines that CloudWatch accepted.
        redelivered: Of those, lines that it may have accepted before.
        reported: Losses that `Lines Dropped` lines have reported.
        last_error: The message of the last failure, or None.
    """

    def __init__(self) -> None:
        self.committed = self.delivered = self.redelivered = self.reported = 0
        self.last_error: str | None = None

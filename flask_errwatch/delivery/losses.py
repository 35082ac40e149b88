"""What was lost, counted exactly: how many lines, from when to when, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """Lines that were lost for one reason.

    Attributes:
        count: How many.
        first: The earliest one's time, in milliseconds since the epoch; 0 when unknown.
        last: The latest one's.
    """

    count: int
    first: int
    last: int

    def __add__(self, other: Loss) -> Loss:
        known = [time for time in (self.first, other.first) if time]
        return Loss(
            count=self.count + other.count,
            first=min(known, default=0),
            last=max(self.last, other.last),
        )


class Losses:
    """Losses by reason.

    Args:
        known: What was lost before, as `as_json` gave it.

    Example:
        >>> losses = Losses()
        >>> losses.add("journal full", 1_700_000_000_000)
        >>> losses.add("journal full", 1_700_000_005_000)
        >>> losses.count, losses.by_reason["journal full"].last
        (2, 1700000005000)
    """

    def __init__(self, known: Mapping[str, tuple[int, int, int]] | None = None) -> None:
        self.by_reason: dict[str, Loss] = {
            reason: Loss(count=count, first=first, last=last)
            for reason, (count, first, last) in (known or {}).items()
        }

    @property
    def count(self) -> int:
        """How many lines were lost, for whatever reason."""
        return sum(loss.count for loss in self.by_reason.values())

    def add(self, reason: str, timestamp: int, count: int = 1) -> None:
        """Counts lines that were lost; a timestamp of 0 means unknown."""
        self.merge(reason, Loss(count=count, first=timestamp, last=timestamp))

    def merge(self, reason: str, loss: Loss) -> None:
        """Adds a loss to what is known for the reason."""
        known = self.by_reason.get(reason)
        self.by_reason[reason] = loss if known is None else known + loss

    def as_json(self) -> dict[str, tuple[int, int, int]]:
        """The losses as the state file keeps them."""
        return {
            reason: (loss.count, loss.first, loss.last) for reason, loss in self.by_reason.items()
        }

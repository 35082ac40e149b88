"""Counts lost lines exactly: how many, from when to when, and why."""

from __future__ import annotations

from collections.abc import Mapping


class Loss:
    """Lines that were lost for one reason.

    Attributes:
        count: How many.
        first: Time of the earliest, in milliseconds since the epoch (0: unknown).
        last: Time of the latest.
    """

    __slots__ = ("count", "first", "last")

    def __init__(self, count: int, first: int, last: int) -> None:
        self.count = count
        self.first = first
        self.last = last

    def __add__(self, other: Loss) -> Loss:
        known = [time for time in (self.first, other.first) if time]
        return Loss(self.count + other.count, min(known, default=0), max(self.last, other.last))


class Losses:
    """Losses by reason.

    Args:
        known: Earlier losses, as `as_json` returned them.

    Example:
        >>> losses = Losses()
        >>> losses.add("journal full", 1_700_000_000_000)
        >>> losses.add("journal full", 1_700_000_005_000)
        >>> losses.count, losses.by_reason["journal full"].last
        (2, 1700000005000)
    """

    def __init__(self, known: Mapping[str, tuple[int, int, int]] | None = None) -> None:
        self.by_reason: dict[str, Loss] = {
            reason: Loss(*loss) for reason, loss in (known or {}).items()
        }

    @property
    def count(self) -> int:
        """How many lines were lost, for all reasons together."""
        return sum(loss.count for loss in self.by_reason.values())

    def add(self, reason: str, timestamp: int, count: int = 1) -> None:
        """Counts lost lines. A timestamp of 0 means unknown."""
        self.merge(reason, Loss(count, timestamp, timestamp))

    def merge(self, reason: str, loss: Loss) -> None:
        """Adds a loss to the earlier ones of the same reason."""
        known = self.by_reason.get(reason)
        self.by_reason[reason] = loss if known is None else known + loss

    def merge_all(self, others: Losses) -> None:
        """Adds other losses to these."""
        for reason, loss in others.by_reason.items():
            self.merge(reason, loss)

    def as_json(self) -> dict[str, tuple[int, int, int]]:
        """The losses in the form of the checkpoint file."""
        return {
            reason: (loss.count, loss.first, loss.last) for reason, loss in self.by_reason.items()
        }

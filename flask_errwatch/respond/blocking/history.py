"""What the lines of blocks, which are their only record, add up to. Pure.

A block begins with a `Source Blocked` line. More of them before its end renew it. It ends with a
`Source Unblocked` line, or at its `until`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from flask_errwatch._parsers import Network
from flask_errwatch.respond.blocking.durations import DAY
from flask_errwatch.respond.blocking.records import Blocked, Record, Unblocked

#: Days in which blocks that ended make the next one longer.
_RECENT: Final = 30
#: The times of lines are in milliseconds.
_MILLISECOND: Final = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block that no line ended, also where its time is over.

    Attributes:
        last: Its newest line.
        last_at: The time of that line, in seconds since the epoch.
        since: The time of its first line, in seconds since the epoch.
        until: When it ends: the latest time that one of its lines has.
        is_ours: Whether one of its lines put the entry into the set.
    """

    last: Blocked
    last_at: float
    since: float
    until: float
    is_ours: bool

    def is_over(self, now: float) -> bool:
        """Whether its time is over."""
        return self.until <= now


class History:
    """The blocks of an app, from their lines.

    Args:
        records: The records with their times in seconds since the epoch, the oldest first.

    Example:
        >>> from ipaddress import ip_network
        >>> network = ip_network("203.0.113.66/32")
        >>> one = Blocked(network=network, set="a", until=3600, strike=1, reason="", actor="")
        >>> History([(0, one)]).strike(network, 3599), History([(0, one)]).strike(network, 3600)
        (1, 2)
    """

    def __init__(self, records: Iterable[tuple[float, Record]] = ()) -> None:
        self._open: dict[tuple[str, Network], Block] = {}
        self._ends: dict[Network, list[float]] = {}
        self._transitions: set[tuple[str, str, Network]] = set()
        for at, record in records:
            if isinstance(record, Blocked):
                self._add(at, record)
            else:
                self._end(at, record)

    def blocks(self, arn: str) -> Mapping[Network, Block]:
        """The blocks in an IP set that no line ended."""
        return {network: block for (of, network), block in self._open.items() if of == arn}

    def strike(self, network: Network, now: float) -> int:
        """The number of a block that begins now: 1, and 1 more for each one that has ended."""
        ends = [*self._ends.get(network, ())]
        ends += [block.until for (_, of), block in self._open.items() if of == network]
        return 1 + len([end for end in ends if now - _RECENT * DAY <= end <= now])

    def has_answered(self, alarm: str, transition: str, network: Network) -> bool:
        """Whether a line blocks the network for that transition of an alarm."""
        return (alarm, transition, network) in self._transitions

    def _add(self, at: float, record: Blocked) -> None:
        key = record.set, record.network
        before = self._open.get(key)
        is_ours = not record.is_already_present or (before is not None and before.is_ours)
        if before is not None and not before.is_over(at):
            until = max(before.until, record.until)
            block = replace(before, last=record, last_at=at, until=until, is_ours=is_ours)
        else:
            if before is not None:
                self._note_end(record.network, before.until)
            block = Block(last=record, last_at=at, since=at, until=record.until, is_ours=is_ours)
        self._open[key] = block
        if record.alarm and record.transition:
            self._transitions.add((record.alarm, record.transition, record.network))

    def _end(self, at: float, record: Unblocked) -> None:
        key = record.set, record.network
        before = None if record.withdrawn else self._open.get(key)
        is_known = before is not None and (
            record.ends is None or before.last_at < record.ends + _MILLISECOND
        )
        if before is not None and is_known:
            del self._open[key]
            self._note_end(record.network, min(at, before.until))

    def _note_end(self, network: Network, at: float) -> None:
        self._ends.setdefault(network, []).append(at)

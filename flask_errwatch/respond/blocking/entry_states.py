"""What is blocked now: each entry of the IP sets and each block, with its state. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from flask_errwatch._parsers import Network
from flask_errwatch.respond.blocking.history import Block
from flask_errwatch.respond.blocking.plans import Reading
from flask_errwatch.respond.blocking.records import Blocked


class State(StrEnum):
    """The state of an entry.

    Attributes:
        BLOCKED: It is in the set, and its time is not over.
        OVERDUE: It is in the set, and its time is over: `unblock --expired` removes it.
        MISSING: It has a line without an end, and is not in the set: a run was interrupted, or
            it was removed there.
        FOREIGN: It is in the set, and no line of the app put it there. It stays.
    """

    BLOCKED = "blocked"
    OVERDUE = "overdue"
    MISSING = "not in the set"
    FOREIGN = "foreign"


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryState:
    """One entry.

    Attributes:
        network: What it is.
        set: Name of the IP set.
        state: Its state.
        block: Its lines, None without any.
        lines: Lines from there since the block reached AWS WAF, of the last 24 hours. None before
            it did, and for an entry that is not the app's.
        last_line: The time of the newest one, in seconds since the epoch, or None.
    """

    network: Network
    set: str
    state: State
    block: Block | None = None
    lines: int | None = None
    last_line: float | None = None

    @property
    def last(self) -> Blocked | None:
        """Its newest line."""
        return None if self.block is None else self.block.last


def entry_states(reading: Reading) -> tuple[EntryState, ...]:
    """Each entry and each block with its state: those of the app first, by their end."""
    return tuple(sorted(_states_of(reading), key=_order))


def _states_of(reading: Reading) -> Iterator[EntryState]:
    for one in reading.sets:
        blocks: Mapping[Network, Block] = reading.history.blocks(one.arn)
        for network in one.networks:
            block = blocks.get(network)
            yield EntryState(
                network=network, set=one.name, state=_state(block, reading.now), block=block
            )
        for network, block in blocks.items():
            is_expected = block.is_ours or not block.is_over(reading.now)
            if network not in one.networks and is_expected:
                yield EntryState(network=network, set=one.name, state=State.MISSING, block=block)


def _state(block: Block | None, now: float) -> State:
    if block is None or not block.is_ours:
        return State.FOREIGN
    return State.OVERDUE if block.is_over(now) else State.BLOCKED


def _order(one: EntryState) -> tuple[bool, float, int, Network]:
    until = 0.0 if one.block is None else one.block.until
    # Networks of two versions cannot be compared: the version comes before.
    return one.state is State.FOREIGN, until, one.network.version, one.network

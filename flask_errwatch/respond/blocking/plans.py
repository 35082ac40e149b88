"""What `block` and `unblock` would do, as values that print. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from flask_errwatch._parsers import Network
from flask_errwatch.errors import Problem
from flask_errwatch.respond.blocking.brakes import Brake, Decision, Stop
from flask_errwatch.respond.blocking.durations import check_duration, duration, longest
from flask_errwatch.respond.blocking.errors import BlockingError
from flask_errwatch.respond.blocking.history import Block, History
from flask_errwatch.respond.blocking.networks import covering
from flask_errwatch.respond.blocking.records import Blocked
from flask_errwatch.respond.blocking.set_entries import MOST_ENTRIES, SetEntries

#: Why a block ends.
OVER: Final = "its time is over"
EVICTED: Final = "the set was full, and it ended first"
BY_HAND: Final = "by hand"
NOT_THERE: Final = "it was not in the set"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """The networks to block, and how.

    Attributes:
        networks: The networks, each with what is known of it, for its line.
        reason: Why.
        seconds: How long. None means by the number of earlier blocks.
        overrides: Brakes that are overridden.
        alarm: The alarm that it is for, or None.
        transition: When that alarm fired, the same text for each delivery of it, or None.
    """

    networks: Mapping[Network, Mapping[str, object]]
    reason: str
    seconds: float | None = None
    overrides: frozenset[Brake] = frozenset()
    alarm: str | None = None
    transition: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedBlock:
    """One block.

    Attributes:
        record: Its line.
        is_renewal: Whether the app blocks it already, so that only its end changes.
        cover: An entry of the set that contains it and more, as it is written there, or None.
    """

    record: Blocked
    is_renewal: bool = False
    cover: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockPlan:
    """What `block` would do.

    Attributes:
        blocks: What is blocked.
        stopped: What is left out, and why.
        expired: The app's own entries whose time is over. They are removed.
        evicted: The app's own entries that end first. They are removed where a set is full.
        notes: Sentences about what the brakes could not compare.
    """

    blocks: tuple[PlannedBlock, ...] = ()
    stopped: tuple[Stop, ...] = ()
    expired: tuple[Network, ...] = ()
    evicted: tuple[Network, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def networks(self) -> tuple[Network, ...]:
        """What is blocked."""
        return tuple(planned.record.network for planned in self.blocks)


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlap:
    """An entry that has addresses of a network that has no entry of its own.

    Attributes:
        network: The network.
        entry: The entry, as it is written.
        is_ours: Whether it is the app's own.
    """

    network: Network
    entry: str
    is_ours: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class UnblockPlan:
    """What `unblock` would do.

    Attributes:
        reason: Why blocks end, for their lines. One that was renewed meanwhile does not end where
            it is `OVER`.
        removed: The app's own entries that are removed.
        closed: Blocks that are in no set, for which only a line is missing.
        foreign: Entries that are not the app's. They stay.
        unknown: What is neither an entry nor blocked.
        covers: Entries that still contain what is removed, as they are written.
        overlaps: Entries that have addresses of a network without an entry of its own.
    """

    reason: str
    removed: tuple[Network, ...] = ()
    closed: tuple[Network, ...] = ()
    foreign: tuple[Network, ...] = ()
    unknown: tuple[Network, ...] = ()
    covers: Mapping[Network, str] = field(default_factory=dict)
    overlaps: tuple[Overlap, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all that was asked for is done."""
        return not (self.foreign or self.unknown or self.overlaps)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The IP sets, and then the lines, as they were read.

    Attributes:
        sets: Both sets.
        history: The blocks.
        now: When they were read, in seconds since the epoch.
    """

    sets: tuple[SetEntries, ...]
    history: History
    now: float

    @property
    def present(self) -> frozenset[Network]:
        """All entries of the sets."""
        return frozenset(network for one in self.sets for network in one.networks)

    def set_of(self, version: int) -> SetEntries:
        """The set for an IP version."""
        return next(one for one in self.sets if one.version == version)

    def sets_of(self, networks: Iterable[Network]) -> tuple[SetEntries, ...]:
        """The sets that have entries for some networks."""
        versions = {network.version for network in networks}
        return tuple(one for one in self.sets if one.version in versions)

    def own(self, one: SetEntries) -> Mapping[Network, Block]:
        """The app's own blocks of a set, whether the set has them or not."""
        blocks = self.history.blocks(one.arn)
        return {network: block for network, block in blocks.items() if block.is_ours}

    def expired(self) -> Iterator[Network]:
        """The app's own entries whose time is over."""
        for one in self.sets:
            for network, block in self.own(one).items():
                if block.is_over(self.now) and network in one.networks:
                    yield network

    def cover(self, network: Network) -> str | None:
        """An entry that contains the network and more, as it is written."""
        networks = self.set_of(network.version).networks
        entry = covering(network, networks)
        return None if entry is None else networks[entry]

    def overlaps(self, network: Network) -> tuple[Overlap, ...]:
        """The entries that contain the network, or are in it."""
        one = self.set_of(network.version)
        own = self.own(one)
        return tuple(
            Overlap(network=network, entry=written, is_ours=entry in own)
            for entry, written in one.networks.items()
            if entry.overlaps(network)
        )


def plan_block(
    request: Request,
    decision: Decision,
    reading: Reading,
    *,
    actor: str,
    retention_days: int | None,
) -> BlockPlan:
    """Plans what the brakes allow.

    Args:
        request: The networks to block, and how.
        decision: What may be blocked.
        reading: The sets and the lines.
        actor: Who blocks.
        retention_days: How long the lines are kept. None means for ever.

    Raises:
        BlockingError: When a set has too little room, or the block would outlive its line.
    """
    check_duration(request.seconds, retention_days)
    most = longest(retention_days)
    networks = frozenset(decision.allowed)
    expired = frozenset(reading.expired()) - networks
    return BlockPlan(
        blocks=tuple(
            _planned(network, request, reading, most=most, overrides=overrides, actor=actor)
            for network, overrides in decision.allowed.items()
        ),
        stopped=decision.stopped,
        expired=tuple(network for network in reading.expired() if network in expired),
        evicted=tuple(
            network for one in reading.sets for network in _evicted(one, reading, networks, expired)
        ),
    )


def plan_unblock(
    networks: Iterable[Network], reading: Reading, *, reason: str = BY_HAND
) -> UnblockPlan:
    """Plans the end of some blocks.

    Args:
        networks: Exactly the entries that shall go.
        reading: The sets and the lines.
        reason: Why they end.
    """
    removed: list[Network] = []
    closed: list[Network] = []
    foreign: list[Network] = []
    unknown: list[Network] = []
    overlaps: list[Overlap] = []
    for network in dict.fromkeys(networks):
        one = reading.set_of(network.version)
        is_ours, is_present = network in reading.own(one), network in one.networks
        if is_ours:
            (removed if is_present else closed).append(network)
        elif is_present:
            foreign.append(network)
        elif found := reading.overlaps(network):
            overlaps += found
        else:
            unknown.append(network)
    covers = {network: cover for network in removed if (cover := reading.cover(network))}
    return UnblockPlan(
        reason=reason,
        removed=tuple(removed),
        closed=tuple(closed),
        foreign=tuple(foreign),
        unknown=tuple(unknown),
        covers=covers,
        overlaps=tuple(overlaps),
    )


def plan_expired(reading: Reading) -> UnblockPlan:
    """Plans the end of all blocks whose time is over."""
    over = [
        network
        for one in reading.sets
        for network, block in reading.own(one).items()
        if block.is_over(reading.now)
    ]
    return plan_unblock(over, reading, reason=OVER)


def _planned(
    network: Network,
    request: Request,
    reading: Reading,
    *,
    most: int,
    overrides: Sequence[Brake],
    actor: str,
) -> PlannedBlock:
    one = reading.set_of(network.version)
    block = reading.own(one).get(network)
    strike = reading.history.strike(network, reading.now)
    seconds = duration(strike) if request.seconds is None else request.seconds
    until = reading.now + min(seconds, most)
    record = Blocked(
        network=network,
        set=one.arn,
        until=until if block is None else max(until, block.until),
        strike=strike,
        reason=request.reason,
        actor=actor,
        alarm=request.alarm,
        transition=request.transition,
        evidence=request.networks.get(network, {}),
        overrides=tuple(map(str, overrides)),
        is_already_present=block is None and network in one.networks,
    )
    is_renewal = block is not None and network in one.networks
    return PlannedBlock(record=record, is_renewal=is_renewal, cover=reading.cover(network))


def _evicted(
    one: SetEntries, reading: Reading, networks: frozenset[Network], expired: frozenset[Network]
) -> list[Network]:
    """The app's own entries that are evicted from a full set: those that end first."""
    new = sum(
        network.version == one.version and network not in one.networks for network in networks
    )
    gone = sum(network in one.networks for network in expired)
    missing = len(one.entries) - gone + new - MOST_ENTRIES
    if missing <= 0 or not new:
        return []
    candidates = [
        (block.until, str(network), network)
        for network, block in reading.own(one).items()
        if network in one.networks and network not in networks and network not in expired
    ]
    if len(candidates) < missing:
        remedy = (
            f"It has {len(one.entries):,} of {MOST_ENTRIES:,} entries, {missing:,} too many with "
            f"these, and {len(candidates):,} of the app's own could be evicted: remove some, or "
            "block networks instead of addresses."
        )
        raise BlockingError(Problem(key="IP set", value=one.name, remedy=remedy))
    return [network for _, _, network in sorted(candidates)[:missing]]

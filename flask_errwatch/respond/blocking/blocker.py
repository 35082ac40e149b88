"""`Blocker`: set read, lines accepted, set written.

A block line is accepted before the set is written, so that no entry of the app's own is without
one. The line of an end follows its write. A process that dies between leaves a line whose address
is in no set: `blocked` shows it, and the next run completes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from flask_errwatch._parsers import Network
from flask_errwatch.config import Config
from flask_errwatch.errors import AwsCallError, ErrWatchError, Problem
from flask_errwatch.provision.ip_set_problems import missing_scope
from flask_errwatch.respond.blocking.audit_log import AuditLog
from flask_errwatch.respond.blocking.block_lines import BlockLines
from flask_errwatch.respond.blocking.brakes import Brake, Decision, Facts, Seen, decide
from flask_errwatch.respond.blocking.client_lines import seen_in_lines, seen_window
from flask_errwatch.respond.blocking.crawlers import Resolver, SystemResolver, find_crawlers
from flask_errwatch.respond.blocking.durations import check_duration
from flask_errwatch.respond.blocking.errors import BlockingError
from flask_errwatch.respond.blocking.ip_sets import IpSets, may_be_written
from flask_errwatch.respond.blocking.never_block import read_never_block
from flask_errwatch.respond.blocking.plans import (
    EVICTED,
    NOT_THERE,
    OVER,
    BlockPlan,
    Reading,
    Request,
    UnblockPlan,
    plan_block,
    plan_expired,
    plan_unblock,
)
from flask_errwatch.respond.blocking.records import Unblocked
from flask_errwatch.respond.blocking.seen import Answers, evidence, log_notes
from flask_errwatch.respond.blocking.set_entries import SetEntries

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerFacts:
    """What the caller passes for the brakes, beside the request.

    Attributes:
        own: Networks of the person who blocks, each by its source, such as `SSH_CONNECTION`.
        is_proven: Whether a probe proved that the app sees the right addresses.
        answers: The requests of access logs in a window. None without logs.
        resolver: Looks up the names of addresses.
    """

    own: Mapping[str, Network] = field(default_factory=dict)
    is_proven: bool = False
    answers: Answers | None = None
    resolver: Resolver = field(default_factory=SystemResolver)


class Blocker:
    """Blocks and unblocks in the IP sets of one app.

    Args:
        aws: The account and region of the log group.
        sets: The IP sets.
        config: The app's configuration.
        clock: The present, in seconds since the epoch.
    """

    def __init__(
        self, aws: Aws, sets: IpSets, config: Config, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._aws = aws
        self._sets = sets
        self._config = config
        self._audit = AuditLog(aws, config)
        self._clock = clock

    def read(self) -> Reading:
        """Reads the sets, and then the lines: a renewal between the two readings is not missed.

        Raises:
            BlockingError: When a set is missing, or is not the app's.
            AwsCallError: When AWS cannot be read.
        """
        return self._with_history(self._sets.read())

    def plan_block(self, request: Request, caller: CallerFacts) -> tuple[BlockPlan, Reading]:
        """What blocking would do. It changes nothing.

        Raises:
            BlockingError: When nothing can be blocked.
            AwsCallError: When AWS cannot be read.
        """
        config = self._config
        check_config(config)
        check_duration(request.seconds, config.retention_days)
        never = read_never_block(config.never_block)
        reading = self.read()
        networks = [*request.networks]
        seen = seen_in_lines(self._aws, config, networks, reading.now, answers=caller.answers)
        proxies = config.trusted_proxies
        facts = Facts(
            proxies=proxies if isinstance(proxies, tuple) else (),
            never=never,
            own=caller.own,
            seen=seen,
            present=reading.present,
            is_proven=caller.is_proven,
        )
        decision = _decide(request, facts, caller.resolver)
        known = {
            network: given or evidence(seen[network].rows if network in seen else ())
            for network, given in request.networks.items()
        }
        plan = plan_block(
            replace(request, networks=known),
            decision,
            reading,
            actor=self.actor() if decision.allowed else "",
            retention_days=config.retention_days,
        )
        blocked = {network: seen[network] for network in plan.networks if network in seen}
        notes = tuple(log_notes(blocked, seen_window(reading.now)))
        return replace(plan, notes=notes), reading

    def block(self, plan: BlockPlan, reading: Reading) -> None:
        """Does what was planned.

        Raises:
            BlockingError: When a line was refused, or a set became full.
            AwsCallError: When a call failed.
        """
        records = [planned.record for planned in plan.blocks]
        lines = BlockLines(self._audit, self._clock, reading.sets, records)
        ends = dict.fromkeys(plan.expired, OVER) | dict.fromkeys(plan.evicted, EVICTED)
        try:
            self._change(reading, ends, lines)
        except ErrWatchError:
            with suppress(ErrWatchError):
                lines.withdraw()
            raise

    def unblock(self, plan: UnblockPlan, reading: Reading) -> None:
        """Does what was planned.

        Args:
            plan: What `plan_unblock` or `plan_expired` returned.
            reading: What it was planned for.

        Raises:
            AwsCallError: When a call failed.
        """
        self._change(reading, dict.fromkeys((*plan.removed, *plan.closed), plan.reason))

    def plan_unblock(self, networks: Iterable[Network]) -> tuple[UnblockPlan, Reading]:
        """What the end of some blocks would do. It changes nothing."""
        reading = self.read()
        return plan_unblock(networks, reading), reading

    def plan_expired(self) -> tuple[UnblockPlan, Reading]:
        """What the end of all blocks whose time is over would do. It changes nothing."""
        reading = self.read()
        return plan_expired(reading), reading

    def actor(self) -> str:
        """The ARN of the identity that calls AWS, or why it is not known."""
        try:
            return str(self._aws.call("sts", "get_caller_identity")["Arn"])
        except AwsCallError as error:
            if error.kind == "credentials":
                raise
            return f"unknown ({error.code})"

    def _change(
        self, reading: Reading, ends: Mapping[Network, str], lines: BlockLines | None = None
    ) -> None:
        """Writes the sets, and then the lines of what ended by that."""
        for one in reading.sets:
            ending = {key: reason for key, reason in ends.items() if key.version == one.version}
            if ending or (lines is not None and lines.of(one.version)):
                known, ended = self._write(one.version, reading, ending, lines)
                reasons = {
                    network: reason if network in one.networks else NOT_THERE
                    for network, reason in ended.items()
                }
                self._write_ends(known, reasons)

    def _write(
        self,
        version: int,
        reading: Reading,
        ending: Mapping[Network, str],
        lines: BlockLines | None,
    ) -> tuple[Reading, Mapping[Network, str]]:
        """Writes one set. Returns what was known then, and what ended by it.

        The set is written also where nothing changes in it. That voids the lock tokens of all runs
        that read it before, so that a run whose block ends here has to write another line.
        """
        tries = count()

        def attempt() -> tuple[Reading, Mapping[Network, str]]:
            known = reading
            if next(tries):
                one = self._sets.read_one(version)
                known = self._with_history((one,), without=() if lines is None else lines.ids)
                if lines is not None:
                    lines.renew(known, one)
            present = known.set_of(version)
            ended = {network: ending[network] for network in _still(ending, known, reading)}
            added = () if lines is None else lines.of(version)
            if added or ended:
                entries = present.changed((record.network for record in added), frozenset(ended))
                self._update(present, entries, lines)
            return known, ended

        return self._sets.patiently(attempt)

    def _update(
        self, present: SetEntries, entries: tuple[str, ...], lines: BlockLines | None
    ) -> None:
        try:
            self._sets.write(present, entries)
        except AwsCallError as error:
            if lines is not None and may_be_written(error):
                lines.doubt(present)
            raise
        if lines is not None:
            lines.confirm(present.version)

    def _write_ends(self, known: Reading, ends: Mapping[Network, str]) -> None:
        """Writes the lines of ends, each with the time of the newest known line of its block."""
        if not ends:
            return
        actor = self.actor()
        records = []
        for network, reason in ends.items():
            one = known.set_of(network.version)
            end = Unblocked(
                network=network,
                set=one.arn,
                reason=reason,
                actor=actor,
                ends=known.own(one)[network].last_at,
            )
            records.append(end)
        self._audit.write(records, self._clock())

    def _with_history(self, sets: tuple[SetEntries, ...], without: Collection[str] = ()) -> Reading:
        now = self._clock()
        try:
            history = self._audit.history(now, without=without)
        except AwsCallError as error:
            if not error.is_not_found:
                raise
            remedy = "It does not exist, and lines of blocks go there: run flask errwatch apply."
            problem = Problem(key="log group", value=self._config.log_group, remedy=remedy)
            raise BlockingError(problem) from error
        return Reading(sets=sets, history=history, now=now)


def check_config(config: Config) -> None:
    """Refuses a configuration with which nothing can be blocked.

    Raises:
        BlockingError: When the app has no IP sets, or its lines have no addresses.
    """
    if config.waf_scope is None:
        raise BlockingError(missing_scope())
    if config.privacy == "hashed":
        remedy = (
            "Lines have hashes instead of addresses, so that no brake can look at them: block in "
            "AWS WAF by its own logs."
        )
        raise BlockingError(Problem(key="ERRWATCH_PRIVACY", value="hashed", remedy=remedy))


def _decide(request: Request, facts: Facts, resolver: Resolver) -> Decision:
    """Decides twice: a look-up takes time, so only what no other brake stops is looked up."""
    first = decide(request.networks, facts, {*request.overrides, Brake.MANY})
    addresses = {network: _addresses(network, facts.seen) for network in first.allowed}
    crawlers = find_crawlers(addresses, resolver)
    return decide(request.networks, replace(facts, crawlers=crawlers), request.overrides)


def _still(ending: Mapping[Network, str], known: Reading, planned: Reading) -> Iterator[Network]:
    """What of one set may end still: no foreign entry, and what was renewed only by hand."""
    if not ending:
        return
    version = next(iter(ending)).version
    blocks, planned_blocks = (one.own(one.set_of(version)) for one in (known, planned))
    for network, reason in ending.items():
        block, before = blocks.get(network), planned_blocks.get(network)
        if block is None or (reason == OVER and not block.is_over(known.now)):
            continue
        if reason != EVICTED or (before is not None and block.last_at == before.last_at):
            yield network


def _addresses(network: Network, seen: Mapping[Network, Seen]) -> tuple[str, ...]:
    """Addresses of a network whose names are looked up."""
    known = seen[network].addresses if network in seen else ()
    is_one = network.prefixlen == network.max_prefixlen
    return tuple(dict.fromkeys((*known, str(network.network_address)) if is_one else known))

"""`BlockLines`: the lines of one run of `block`, which hold for each of its writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Final

from flask_errwatch.respond.blocking.audit_log import AuditLog
from flask_errwatch.respond.blocking.plans import Reading
from flask_errwatch.respond.blocking.records import Blocked, Record, Unblocked
from flask_errwatch.respond.blocking.set_entries import SetEntries

#: Why lines are withdrawn.
TAKEN: Final = "an entry of others was there first"
NOT_WRITTEN: Final = "the set was not written"


class BlockLines:
    """The lines of blocks, from the first one until the sets are written.

    Another run may change a set between its reading and its write, and end the blocks of lines
    that it reads meanwhile. So each reading has lines of its own, unless the set is as before.

    Args:
        audit: Writes lines.
        clock: The present, in seconds since the epoch.
        sets: The sets for which the records were planned.
        records: What is to be blocked.
    """

    def __init__(
        self,
        audit: AuditLog,
        clock: Callable[[], float],
        sets: Iterable[SetEntries],
        records: Iterable[Blocked],
    ) -> None:
        self._audit = audit
        self._clock = clock
        self._records = {record.network: record for record in records}
        self._tokens = {one.version: one.resource.lock_token for one in sets}
        self._doubtful: dict[int, frozenset[object]] = {}
        self._ids: dict[object, list[str]] = {network: [] for network in self._records}
        self._write([], self._records.values())

    @property
    def ids(self) -> Collection[str]:
        """The ids of all lines."""
        return [line_id for ids in self._ids.values() for line_id in ids]

    def of(self, version: int) -> tuple[Blocked, ...]:
        """The newest record of each network of an IP version."""
        return tuple(record for record in self._records.values() if _is_of(record, version))

    def renew(self, known: Reading, one: SetEntries) -> None:
        """Writes lines that hold for a later reading of a set.

        Args:
            known: The set and the lines, without those of this run.
            one: The set.
        """
        token, version = one.resource.lock_token, one.version
        if token == self._tokens[version]:
            return
        self._tokens[version] = token
        doubtful = self._doubtful.get(version, frozenset()) & one.networks.keys()
        self._doubtful[version] = doubtful
        blocks = known.own(one)
        ends: list[Unblocked] = []
        for record in self.of(version):
            network = record.network
            block = blocks.get(network)
            is_foreign = block is None and network in one.networks and network not in doubtful
            if is_foreign and not record.is_already_present:
                ends.append(self._withdrawn(record, TAKEN))
            self._records[network] = replace(
                record,
                set=one.arn,
                until=record.until if block is None else max(record.until, block.until),
                is_already_present=is_foreign,
            )
        self._write(ends, self.of(version))

    def doubt(self, one: SetEntries) -> None:
        """Notes that the write after a reading may have been made, though it failed."""
        new = {record.network for record in self.of(one.version)} - one.networks.keys()
        self._doubtful[one.version] = self._doubtful.get(one.version, frozenset()) | new

    def confirm(self, version: int) -> None:
        """Notes that a set was written."""
        for record in self.of(version):
            del self._records[record.network]

    def withdraw(self) -> None:
        """Writes that the blocks of all lines whose set was not written never began."""
        doubtful = frozenset[object]().union(*self._doubtful.values())
        left = [record for record in self._records.values() if record.network not in doubtful]
        self._audit.write([self._withdrawn(record, NOT_WRITTEN) for record in left], self._clock())

    def _withdrawn(self, record: Blocked, reason: str) -> Unblocked:
        return Unblocked(
            network=record.network,
            set=record.set,
            reason=reason,
            actor=record.actor,
            withdrawn=tuple(self._ids[record.network]),
        )

    def _write(self, ends: Iterable[Unblocked], records: Iterable[Blocked]) -> None:
        blocks = [*records]
        lines: list[Record] = [*ends, *blocks]
        ids = self._audit.write(lines, self._clock())
        for record, line_id in zip(lines, ids, strict=True):
            if isinstance(record, Blocked):
                self._ids[record.network].append(line_id)


def _is_of(record: Blocked, version: int) -> bool:
    return record.network.version == version

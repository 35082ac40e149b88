"""The IP sets of an app in AWS WAF: read, and written under the token of that reading.

An update replaces all entries. So each one has the entries that were just read, with the changes:
those of others are written as they were. After a concurrent update the set is read again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Final, TypeVar

from flask_errwatch._aws import Aws
from flask_errwatch.config import Config
from flask_errwatch.errors import AwsCallError, Problem
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.ip_set_discovery import PAGE
from flask_errwatch.provision.ip_set_problems import (
    misfits,
    missing_ip_set,
    missing_scope,
    name_problems,
)
from flask_errwatch.provision.ip_sets import ip_sets as declared_ip_sets
from flask_errwatch.provision.ip_sets import waf_region
from flask_errwatch.respond.blocking.errors import BlockingError
from flask_errwatch.respond.blocking.set_entries import MOST_ENTRIES, VERSIONS, SetEntries

T = TypeVar("T")

#: Seconds of the first wait, the longest wait, and all tries together. The service takes one write
#: a second of an account, and responders compete.
_FIRST, _LONGEST, _PATIENCE = 1.0, 8.0, 60.0
_GROWTH: Final = 1.5
#: Errors after which a later try may succeed.
_LOCKED: Final = "WAFOptimisticLockException"
_PASSING: Final = frozenset({"throttled", "fault"})
_DOUBTFUL: Final = frozenset({"unreachable", "fault"})
#: From the system: the state of `random` belongs to the application.
_JITTER: Final = random.SystemRandom()


class IpSets:
    """The two IP sets of an app.

    Args:
        aws: Calls AWS WAF in the region of the sets, once each: this class tries again by itself.
        config: The app's configuration.
        sleep: Waits some seconds.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        aws: Aws,
        config: Config,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._aws = aws
        self._app = config.app_name
        self._declared = {VERSIONS[one.family]: one for one in declared_ip_sets(config)}
        self._sleep = sleep
        self._clock = clock
        self._ids: dict[str, str] = {}

    @classmethod
    def of(cls, aws: Aws, config: Config) -> IpSets:
        """The sets of an app's configuration, in their region."""
        return cls(aws.with_single_attempts().in_region(waf_region(config)), config)

    def read(self) -> tuple[SetEntries, ...]:
        """Both sets.

        Raises:
            BlockingError: When one does not exist, is not the app's, or has the wrong family.
            AwsCallError: When AWS WAF cannot be read.
        """
        if not self._declared:
            raise BlockingError(missing_scope())
        problems = [*name_problems(self._declared.values(), self._app)]
        if problems:
            raise BlockingError(*problems)
        return tuple(self.patiently(partial(self.read_one, each)) for each in self._declared)

    def read_one(self, version: int) -> SetEntries:
        """The set of an IP version, as `read` reads it."""
        declared = self._declared[version]
        if declared.name not in self._ids:
            entries = self._aws.pages(
                "wafv2", "list_ip_sets", "IPSets", Scope=declared.scope, Limit=PAGE
            )
            self._ids = {entry["Name"]: entry["Id"] for entry in entries}
        if declared.name not in self._ids:
            raise BlockingError(missing_ip_set(declared))
        answer = self._aws.call(
            *("wafv2", "get_ip_set"),
            Name=declared.name,
            Scope=declared.scope,
            Id=self._ids[declared.name],
        )
        resource = from_aws.ip_set(answer, declared.scope)
        problems = [*misfits(declared, resource, self._app)]
        if problems:
            raise BlockingError(*problems)
        return SetEntries(resource=resource, entries=tuple(answer["IPSet"]["Addresses"]))

    def write(self, one: SetEntries, entries: Collection[str]) -> None:
        """Replaces the entries of a set under the token with which it was read.

        Raises:
            BlockingError: When there are too many entries.
            AwsCallError: When AWS WAF refused, also because of a concurrent update.
        """
        if len(entries) > MOST_ENTRIES:
            remedy = (
                f"It has room for {MOST_ENTRIES:,} entries, and would have {len(entries):,}: "
                "remove some, or block networks instead."
            )
            raise BlockingError(Problem(key="IP set", value=one.name, remedy=remedy))
        resource = one.resource
        self._aws.call(
            *("wafv2", "update_ip_set"),
            Name=resource.name,
            Scope=resource.scope,
            Id=resource.id,
            Description=resource.description,
            Addresses=[*entries],
            LockToken=resource.lock_token,
        )

    def patiently(self, attempt: Callable[[], T]) -> T:
        """Tries until it succeeds, for 60 seconds, while AWS asks to try again.

        Args:
            attempt: Reads and writes. It reads again on each call.

        Raises:
            AwsCallError: The last error.
        """
        limit, wait = self._clock() + _PATIENCE, _FIRST
        while True:
            try:
                return attempt()
            except AwsCallError as error:
                seconds = wait * (1 + _JITTER.random() / 2)
                if not _is_passing(error) or self._clock() + seconds > limit:
                    raise
            self._sleep(seconds)
            wait = min(wait * _GROWTH, _LONGEST)


def may_be_written(error: AwsCallError) -> bool:
    """Whether an update that failed may have been made: its answer was lost, or AWS was faulty."""
    return error.action == "wafv2:UpdateIPSet" and error.kind in _DOUBTFUL


def _is_passing(error: AwsCallError) -> bool:
    """Whether a later try may succeed."""
    return error.code == _LOCKED or error.kind in _PASSING or may_be_written(error)

"""`SetEntries`: an IP set with its entries, and what they are after a change. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from typing import Final

from flask_errwatch._parsers import Network
from flask_errwatch.provision.resources import Family, IpSet

#: Entries of a set (quotas of AWS WAF).
MOST_ENTRIES: Final = 10_000
#: The IP version of the addresses of a family.
VERSIONS: Final[dict[Family, int]] = {"IPV4": 4, "IPV6": 6}


@dataclass(frozen=True, kw_only=True)
class SetEntries:
    """An IP set as it was read, with its entries.

    Attributes:
        resource: The set.
        entries: Its entries as they are written.
    """

    resource: IpSet
    entries: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name."""
        return self.resource.name

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.resource.arn or ""

    @property
    def version(self) -> int:
        """The IP version of its entries."""
        return VERSIONS[self.resource.family]

    @cached_property
    def networks(self) -> Mapping[Network, str]:
        """The entries as they are written, by their networks: one has several spellings."""
        return {network: entry for entry in self.entries if (network := _network(entry))}

    def changed(
        self, add: Iterable[Network], remove: Collection[Network] = frozenset()
    ) -> tuple[str, ...]:
        """The entries after a change. All others are as they came.

        Args:
            add: Networks that it shall have. Those of another IP version are left out.
            remove: Networks that it shall not have.
        """
        kept = [entry for entry in self.entries if _network(entry) not in remove]
        new = [
            str(network)
            for network in dict.fromkeys(add)
            if network.version == self.version and network not in self.networks
        ]
        return (*kept, *new)


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None

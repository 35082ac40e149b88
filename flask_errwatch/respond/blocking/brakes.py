"""The brakes: which of the proposed networks must not be blocked, and why. Pure.

`decide` looks at each proposal and at all of them together. A brake that is overridden is recorded
with the block. Two stops have no override: `never`, and a network that is very wide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from flask_errwatch._parsers import Network
from flask_errwatch._text import counted
from flask_errwatch.respond.blocking.networks import overlapped
from flask_errwatch.respond.blocking.special_networks import DOCUMENTATION, INTERNAL
from flask_errwatch.respond.ranking.summary import SourceRow
from flask_errwatch.respond.ranking.window import Window

#: Answers per error from which people share an address. On 72 blocked sources of real logs, three
#: that look like people have 8 and more, and the next highest has 0.5.
ANSWERS_PER_ERROR: Final = 2
#: New entries of one call.
MOST_NEW: Final = 50
#: The shortest prefixes, by IP version: what one person may have, and what no override allows.
_WIDE: Final = {4: 24, 6: 48}
_TOO_WIDE: Final = {4: 16, 6: 32}


class Brake(StrEnum):
    """Why a network must not be blocked, by the name that `--override` takes."""

    INTERNAL = "internal"
    DOCUMENTATION = "documentation"
    PROXY = "proxy"
    NEVER = "never"
    SELF = "self"
    SHARED = "shared"
    CRAWLER = "crawler"
    WIDE = "wide"
    MANY = "many"
    UNSEEN = "unseen"
    UNTRUSTED = "untrusted"


#: Those that may be overridden.
OVERRIDABLE: Final = tuple(brake for brake in Brake if brake is not Brake.NEVER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """What a brake stops.

    Attributes:
        network: Which one.
        brake: The brake.
        sentence: The reason, for a person.
        is_final: Whether no override helps.
    """

    network: Network
    brake: Brake
    sentence: str
    is_final: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LogCoverage:
    """How far access logs can be compared with the lines.

    Attributes:
        window: The time of their requests. None where they have none of the 24 hours.
        errors: Lines of that time by source, without sign-ins.
    """

    window: Window | None
    errors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the lines of 24 hours show of a network.

    Attributes:
        rows: Its sources with their figures.
        addresses: A few of its addresses, which a crawler may have.
        is_cut: Whether it has lines, but none of its sources is among those with rows.
        is_claimed: Whether a line has no `client_ip_trust`, or an unknown one.
        log: What access logs show of it. None without logs.
    """

    rows: tuple[SourceRow, ...] = ()
    addresses: tuple[str, ...] = ()
    is_cut: bool = False
    is_claimed: bool = False
    log: LogCoverage | None = None

    @property
    def lines(self) -> int:
        """Their lines."""
        return sum(row.lines for row in self.rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the brakes compare proposals with.

    Attributes:
        proxies: The networks of the trusted proxies, as far as they are configured.
        never: What is never blocked.
        own: Networks of the person who blocks, each by its source, such as `SSH_CONNECTION`.
        seen: What the lines show of each proposal.
        crawlers: The confirmed names of those that are search engines.
        present: The networks that the IP sets have.
        is_proven: Whether a probe proved that the app sees the right addresses.
    """

    proxies: tuple[Network, ...] = ()
    never: tuple[Network, ...] = ()
    own: Mapping[str, Network] = field(default_factory=dict)
    seen: Mapping[Network, Seen] = field(default_factory=dict)
    crawlers: Mapping[Network, str] = field(default_factory=dict)
    present: Collection[Network] = ()
    is_proven: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What may be blocked.

    Attributes:
        allowed: The networks, each with the brakes that were overridden for it.
        stopped: Why the others may not: one entry for each brake of each network.
    """

    allowed: Mapping[Network, tuple[Brake, ...]]
    stopped: tuple[Stop, ...] = ()


def decide(
    networks: Iterable[Network], facts: Facts, overrides: Collection[Brake] = ()
) -> Decision:
    """Decides which networks may be blocked.

    Args:
        networks: The proposals.
        facts: What they are compared with.
        overrides: Brakes that a person overrides.

    Example:
        >>> from ipaddress import ip_network
        >>> facts = Facts(seen={ip_network("10.0.0.1/32"): Seen()})
        >>> [stop.brake.value for stop in decide(facts.seen, facts).stopped]
        ['internal', 'unseen']
    """
    allowed: dict[Network, tuple[Brake, ...]] = {}
    stopped: list[Stop] = []
    for network in dict.fromkeys(networks):
        stops = [*stops_of(network, facts)]
        holding = [stop for stop in stops if stop.is_final or stop.brake not in overrides]
        stopped += holding
        if not holding:
            allowed[network] = tuple(dict.fromkeys(stop.brake for stop in stops))
    new = [network for network in allowed if network not in facts.present]
    if len(new) > MOST_NEW:
        if Brake.MANY in overrides:
            allowed |= {network: (*allowed[network], Brake.MANY) for network in new}
        else:
            reason = f"{counted(len(new), 'new address')} are more than {MOST_NEW} in one call."
            stopped += [Stop(network=one, brake=Brake.MANY, sentence=reason) for one in new]
            allowed = {one: found for one, found in allowed.items() if one in facts.present}
    return Decision(allowed=allowed, stopped=tuple(stopped))


def stops_of(network: Network, facts: Facts) -> Iterator[Stop]:
    """Every brake that stops one network, whatever the others are."""
    for brake, sentence in _reasons(network, facts):
        is_too_wide = brake is Brake.WIDE and network.prefixlen < _TOO_WIDE[network.version]
        is_final = brake is Brake.NEVER or is_too_wide
        yield Stop(network=network, brake=brake, sentence=sentence, is_final=is_final)


def _reasons(network: Network, facts: Facts) -> Iterator[tuple[Brake, str]]:
    internal = overlapped(network, INTERNAL)
    if internal is not None:
        yield Brake.INTERNAL, f"It has internal addresses ({internal})."
    example = overlapped(network, DOCUMENTATION)
    if example is not None:
        yield Brake.DOCUMENTATION, f"It has addresses for examples in documents ({example})."
    proxy = overlapped(network, facts.proxies)
    if proxy is not None:
        yield Brake.PROXY, f"It has trusted proxies ({proxy}): every client comes through them."
    never = overlapped(network, facts.never)
    if never is not None:
        yield Brake.NEVER, f"ERRWATCH_NEVER_BLOCK has {never}."
    for name, own in facts.own.items():
        if overlapped(network, [own]) is not None:
            yield Brake.SELF, f"It is your own address ({name})."
    if network.prefixlen < _WIDE[network.version]:
        yield Brake.WIDE, _wide(network)
    yield from _reasons_of_lines(network, facts)
    crawler = facts.crawlers.get(network)
    if crawler is not None:
        yield Brake.CRAWLER, f"It is a search engine ({crawler}), by reverse and forward DNS."


def _reasons_of_lines(network: Network, facts: Facts) -> Iterator[tuple[Brake, str]]:
    seen = facts.seen.get(network, Seen())
    if seen.is_cut:
        reason = (
            "Too many sources have lines, and its own were not ranked: block fewer in one call."
        )
        yield Brake.UNSEEN, reason
        return
    if not seen.lines:
        yield Brake.UNSEEN, "No line of 24 hours came from there: is it a typing error?"
        return
    for row in seen.rows:
        yield from ((Brake.SHARED, reason) for reason in _shared(row, seen.log))
    trusts = {row.trust for row in seen.rows} - {"verified"}
    if seen.is_claimed:
        trusts.add(None)
    if trusts and not facts.is_proven:
        listed = ", ".join(sorted(trust or "missing" for trust in trusts))
        reason = (
            f"A client may have claimed this address (client_ip_trust is {listed}): give --url, "
            "whose probe finds out, or set ERRWATCH_TRUSTED_PROXIES to networks."
        )
        yield Brake.UNTRUSTED, reason


def _shared(row: SourceRow, log: LogCoverage | None) -> Iterator[str]:
    """Why other people come from there too."""
    if row.sign_ins_before:
        yield (
            f"Signed-in users came from {row.source} before its first suspicious line or failed "
            f"login ({counted(row.sign_ins_before, 'line')})."
        )
    errors = max(row.lines - row.sign_ins, 1)
    if log is not None:
        errors = log.errors.get(row.source or "", 0)
    if row.answers is not None and row.answers >= ANSWERS_PER_ERROR * max(errors, 1):
        yield (
            f"{row.source} had {counted(row.answers, 'successful answer')} and "
            f"{counted(errors, 'error')}: people come from there."
        )


def _wide(network: Network) -> str:
    limit, most = _WIDE[network.version], _TOO_WIDE[network.version]
    if network.prefixlen < most:
        return f"It is wider than /{most}, which nothing allows."
    return f"It is wider than /{limit}: many others are in it."

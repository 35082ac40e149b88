"""Derives the client's address, and how sure it is. Of headers it uses only what proxies wrote.

A rule (`ERRWATCH_TRUSTED_PROXIES`) decides which peers are proxies, and which entry of a chain of
proxies is the client's. A header (`ERRWATCH_CLIENT_HEADER`) has that chain. Where the rule does not
hold from the peer to the entry, the client's address is unknown, and only the peer's is given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Final, NamedTuple

from flask_errwatch._parsers import Network, TrustedProxies
from flask_errwatch._text import text_of
from flask_errwatch.capture.addresses import Address, address_text, parse_address
from flask_errwatch.capture.forwarding import (
    BROKEN,
    FORWARDED,
    NAMING,
    ONLY_PROXIES,
    X_FORWARDED_FOR,
    Chain,
    ChainRule,
    SingleAddress,
    bounded,
    came_through_proxy,
    claim_of,
    key_of,
)
from flask_errwatch.capture.header_names import keeps_names_apart

#: Each hop is in a given network, or the client is the peer and nothing speaks against it.
VERIFIED: Final = "verified"
#: The hops were counted, or one of them is known only by its number.
COUNTED: Final = "counted"
#: No proxy is configured, yet the request seems to come from one.
NONE: Final = "none"

_PROXY_FIX: Final = "werkzeug.proxy_fix.orig"
#: The peer of a Unix socket: as most servers give it, nginx, and waitress (`UnixWSGIServer`).
_LOCAL_SOCKETS: Final = frozenset({"", "unix:", "localhost"})
#: Longest header whose result is kept.
_LONGEST_KNOWN: Final = 256
#: Addresses that no one has on the internet.
_INTERNAL: Final = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
    *("169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
)


class ClientAddress(NamedTuple):
    """A client address, its source, and how sure it is.

    Attributes:
        ip: The address in canonical form, without port or zone.
        source: `peer` (the peer of the socket), `proxy-fix` (the peer as rewritten by Werkzeug's
            ProxyFix), or the header that names it, in lower case.
        trust: `verified`, `counted` or `none`.
        claim: What the request claimed besides, bounded, or an empty string.
    """

    ip: str
    source: str
    trust: str
    claim: str = ""


class UnknownClient(NamedTuple):
    """The rule did not hold from the peer to the client's entry.

    Attributes:
        peer: The peer of the socket, or an empty string where it has no address.
        claim: What the request claimed, bounded, or an empty string.
    """

    peer: str
    claim: str


Client = ClientAddress | UnknownClient


class UnknownProxies:
    """Nothing is known about proxies: the client is the peer, which may be one."""

    def __init__(self, header: str) -> None:
        self._own = key_of(header)

    def client(self, environ: dict[str, Any]) -> Client:
        """The peer, with trust `none` if the request has a header that proxies add."""
        remote = text_of(environ.get("REMOTE_ADDR"))
        is_rewritten = _PROXY_FIX in environ or self._own in environ
        if not (is_rewritten or _hides_headers(environ) or came_through_proxy(environ)):
            return _verified_peer(remote)
        claim = claim_of(environ, self._own)
        is_short = len(remote) + len(claim) <= _LONGEST_KNOWN
        return (_known_peer if is_short else _possible_proxy)(remote, _peer_of(environ), claim)


class NoProxies:
    """The app is reached directly: the client is the peer, whatever it sends."""

    def __init__(self, header: str) -> None:
        self._own = key_of(header)
        self._signs = frozenset({*NAMING, self._own, _PROXY_FIX})

    def client(self, environ: dict[str, Any]) -> Client:
        """The peer, before ProxyFix rewrote it."""
        if environ.keys().isdisjoint(self._signs):
            return _verified_peer(text_of(environ.get("REMOTE_ADDR")))
        return _itself(_peer_of(environ), claim_of(environ, self._own))


class Hops(ChainRule):
    """So many proxies are in front of the app. Whether a request passed them is not known.

    Args:
        count: Their number, at least 1.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._internal = Networks(tuple(map(ip_network, _INTERNAL)))

    def trust(self, _peer: str) -> str:
        """How sure an entry is."""
        return COUNTED

    def select(self, entries: list[str]) -> int:
        """The entry at this number from the right."""
        count = self._count
        if not entries:
            return ONLY_PROXIES
        if len(entries) < count:
            return BROKEN
        is_internal = self._internal.is_proxy(entries[-count])
        if is_internal is None:
            return BROKEN
        # An internal address that names a public one is a further proxy: the count is too low.
        if is_internal and len(entries) > count:
            return BROKEN if self._internal.is_proxy(entries[-count - 1]) is False else count
        return count

    def is_proxy(self, _text: str) -> bool | None:
        """Never, as far as is known: a count names no addresses."""
        return False


class Networks(ChainRule):
    """The proxies have addresses in these networks.

    Args:
        networks: At least one.
    """

    def __init__(self, networks: tuple[Network, ...]) -> None:
        # Compared as numbers: by prefix length, the networks without the bits of their hosts.
        self._prefixes: dict[int, list[tuple[int, frozenset[int]]]] = {4: [], 6: []}
        for version, prefixes in self._prefixes.items():
            ours = [network for network in networks if network.version == version]
            for bits in sorted({network.max_prefixlen - network.prefixlen for network in ours}):
                numbers = frozenset(
                    int(network.network_address) >> bits
                    for network in ours
                    if network.max_prefixlen - network.prefixlen == bits
                )
                prefixes.append((bits, numbers))

    def trust(self, peer: str) -> str:
        """How sure an entry is by its nearest hop. Empty if the peer is not a proxy."""
        if peer in _LOCAL_SOCKETS:
            return COUNTED  # only programs of this host reach it, but it has no address
        return VERIFIED if self.is_proxy(peer) else ""

    def select(self, entries: list[str]) -> int:
        """The first entry from the right that is not a proxy's."""
        for at in range(1, len(entries) + 1):
            is_proxy = self.is_proxy(entries[-at])
            if is_proxy is None:
                return BROKEN
            if not is_proxy:
                return at
        return ONLY_PROXIES

    def is_proxy(self, text: str) -> bool | None:
        """Whether the address is in one of the networks. None where it is not an address."""
        address = parse_address(text)
        return None if address is None else self._contains(address)

    def _contains(self, address: Address) -> bool:
        version, number = address
        for bits, numbers in self._prefixes[version]:  # noqa: SIM110 - `any` takes twice the time
            if number >> bits in numbers:
                return True
        return False


class ThroughProxies:
    """The client is the one that a header names, if the peer is a proxy by the rule.

    Args:
        rule: Which peers are proxies, and which entry is the client's.
        header: The header that the proxies write.
    """

    def __init__(self, rule: Hops | Networks, header: Chain | SingleAddress) -> None:
        self._rule = rule
        self._header = header
        # Clients come again, so most requests find their answer here.
        self._known: Callable[[str, str, str, str, bool], Client]
        self._known = lru_cache(maxsize=1024)(self._derived)

    def client(self, environ: dict[str, Any]) -> Client:
        """The client by the rule. A peer that is not a proxy is the client itself."""
        text, chain = self._header.texts(environ)
        claim = text or claim_of(environ, X_FORWARDED_FOR)
        derive = self._known if len(claim) + len(chain) <= _LONGEST_KNOWN else self._derived
        is_mixed = not keeps_names_apart(environ, self._header.key)
        return derive(_peer_of(environ), text, chain, claim, is_mixed)

    def _derived(
        self,
        peer: str,
        text: str,
        chain: str,
        claim: str,
        is_mixed: bool,  # noqa: FBT001 - a part of the key
    ) -> Client:
        trust = self._rule.trust(peer)
        if not trust:
            return _itself(peer, claim)
        named = self._header.named(text, chain, self._rule)
        peer_ip = address_text(peer)
        if not named.ip or named.ip == peer_ip:
            return UnknownClient(peer_ip, bounded(claim, ""))
        return ClientAddress(
            named.ip, self._header.source, COUNTED if is_mixed else trust, named.claim
        )


AddressRule = UnknownProxies | NoProxies | ThroughProxies


def address_rule(trusted: TrustedProxies, header: str = "X-Forwarded-For") -> AddressRule:
    """Returns what derives the address of each client of an app.

    Args:
        trusted: `ERRWATCH_TRUSTED_PROXIES`.
        header: `ERRWATCH_CLIENT_HEADER`.

    Example:
        >>> environ = {"REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 192.0.2.9"}
        >>> address_rule(1).client(environ)
        ClientAddress(ip='192.0.2.9', source='x-forwarded-for', trust='counted', claim='6.6.6.6')
        >>> address_rule(3).client(environ)
        UnknownClient(peer='10.0.0.7', claim='6.6.6.6, 192.0.2.9')
    """
    if trusted == "none":
        return NoProxies(header)
    if not trusted:
        return UnknownProxies(header)
    rule = Hops(trusted) if isinstance(trusted, int) else Networks(trusted)
    is_chain = key_of(header) in {X_FORWARDED_FOR, FORWARDED}
    return ThroughProxies(rule, Chain(header) if is_chain else SingleAddress(header))


@lru_cache(maxsize=1024)
def _verified_peer(remote: str) -> Client:
    return _itself(remote, "")


def _itself(peer: str, claim: str) -> Client:
    """The client is the peer, without doubt."""
    ip = address_text(peer)
    text = bounded(claim, ip)
    return ClientAddress(ip, "peer", VERIFIED, text) if ip else UnknownClient("", text)


def _possible_proxy(remote: str, peer: str, claim: str) -> Client:
    """The client is the peer, which may be a proxy, or what ProxyFix made of it."""
    ip = address_text(remote)
    text = bounded(claim, ip)
    if not ip:
        return UnknownClient(address_text(peer), text)
    if peer != remote:
        return ClientAddress(ip, "proxy-fix", COUNTED, text)
    return ClientAddress(ip, "peer", NONE, text)


_known_peer: Final[Callable[[str, str, str], Client]] = lru_cache(maxsize=1024)(_possible_proxy)


def _peer_of(environ: dict[str, Any]) -> str:
    """The peer of the socket, before ProxyFix rewrote it."""
    original = environ.get(_PROXY_FIX)
    if isinstance(original, dict):
        return text_of(original.get("REMOTE_ADDR"))
    return text_of(environ.get("REMOTE_ADDR"))


def _hides_headers(environ: dict[str, Any]) -> bool:
    """Whether the server removes what proxies send: then their absence proves nothing.

    waitress does, unless it was told not to (`clear_untrusted_proxy_headers`).
    """
    return "waitress.client_disconnected" in environ or environ.get("SERVER_SOFTWARE") == "waitress"

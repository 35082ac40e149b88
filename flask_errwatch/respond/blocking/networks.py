"""Networks as people write them, and what they overlap. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from flask_errwatch._parsers import Network, RefusedValueError
from flask_errwatch.capture.addresses import LONGEST, parse_address
from flask_errwatch.config.values import CARRIERS
from flask_errwatch.respond.ranking.source import source_of

#: IPv6 addresses whose bits 16 to 47 are an IPv4 address (RFC 3056).
_6TO4: Final = IPv6Network("2002::/16")
_ALL_IPV4: Final = IPv4Network("0.0.0.0/0")
_FORMS: Final = "Use an address, or a network such as '203.0.113.0/24'."


def read_network(text: str) -> Network:
    """The network that is meant: an IPv4 address is a /32, an IPv6 address its /64.

    An IPv4 address that IPv6 only carries is the IPv4 address. Host bits are dropped.

    Args:
        text: An address, also with a port, brackets or a zone, or a network in CIDR notation.

    Raises:
        RefusedValueError: When it is neither.

    Example:
        >>> read_network("203.0.113.66"), read_network("::ffff:203.0.113.66")
        (IPv4Network('203.0.113.66/32'), IPv4Network('203.0.113.66/32'))
        >>> read_network("2001:db8::5:6"), read_network("203.0.113.66/24")
        (IPv6Network('2001:db8::/64'), IPv4Network('203.0.113.0/24'))
    """
    bare = text.strip()
    address, slash, prefix = bare.partition("/")
    if not slash:
        source = source_of(bare)
        if source is None:
            raise RefusedValueError(_FORMS)
        return ip_network(source)
    # `ipaddress` takes a netmask too, and a wrong one would be read as another network.
    is_prefix = len(bare) <= LONGEST and prefix.isascii() and prefix.isdigit()
    try:
        network = ip_network(bare, strict=False) if is_prefix else None
    except ValueError:
        network = None
    if network is None or "%" in address:
        raise RefusedValueError(_FORMS)
    return _without_carrier(network)


def listed(lines: Iterable[str]) -> Iterator[str]:
    """The entries of a list with one a line. A `#` begins a comment.

    Example:
        >>> [*listed(["# offices", "192.0.2.0/28  # Berlin", ""])]
        ['192.0.2.0/28']
    """
    for line in lines:
        entry = line.partition("#")[0].strip()
        if entry:
            yield entry


def overlapped(network: Network, ranges: Iterable[Network]) -> Network | None:
    """The first of the ranges that has an address in common with the network, in any of its forms.

    Example:
        >>> overlapped(ip_network("2002:a00:1::/64"), [ip_network("10.0.0.0/8")])
        IPv4Network('10.0.0.0/8')
        >>> overlapped(ip_network("192.0.0.0/8"), [ip_network("10.0.0.0/8")]) is None
        True
    """
    forms = [*_forms(network)]
    return next((one for one in ranges if any(one.overlaps(form) for form in forms)), None)


def covering(network: Network, entries: Iterable[Network]) -> Network | None:
    """The first of the entries that contains the network and more."""
    for entry in entries:
        if entry != network and _is_inside(network, entry):
            return entry
    return None


class Networks:
    """Networks in which many addresses are looked up.

    Args:
        networks: Any number of them.
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        self._by_length: dict[tuple[int, int], dict[int, Network]] = {}
        for network in networks:
            length = network.max_prefixlen - network.prefixlen
            numbers = self._by_length.setdefault((network.version, length), {})
            numbers[int(network.network_address) >> length] = network

    def of(self, address: object) -> Iterator[Network]:
        """The networks that an address is in."""
        parsed = parse_address(address) if isinstance(address, str) else None
        if parsed is None:
            return
        version, number = parsed
        for (of_version, length), numbers in self._by_length.items():
            if of_version == version:
                network = numbers.get(number >> length)
                if network is not None:
                    yield network


def _without_carrier(network: Network) -> Network:
    if isinstance(network, IPv6Network):
        for carrier in CARRIERS:
            if _is_inside(network, carrier):
                number = int(network.network_address) & 0xFFFF_FFFF
                return IPv4Network((number, network.prefixlen - carrier.prefixlen))
    return network


def _forms(network: Network) -> Iterator[Network]:
    """The network, and the IPv4 networks that are in its addresses."""
    yield network
    if isinstance(network, IPv4Network):
        return
    for carrier in CARRIERS:
        if network.overlaps(carrier):
            inner = _without_carrier(network)
            yield inner if isinstance(inner, IPv4Network) else _ALL_IPV4
    if network.overlaps(_6TO4):
        length = min(max(network.prefixlen - _6TO4.prefixlen, 0), 32)
        number = int(network.network_address) >> 80 & 0xFFFF_FFFF
        is_part = network.prefixlen >= _6TO4.prefixlen
        yield IPv4Network((number, length), strict=False) if is_part else _ALL_IPV4


def _is_inside(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)

"""Reads IP addresses as servers and proxies write them: with ports, brackets and zones."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: An IPv6 address with an IPv4 tail, brackets, a zone and a port is shorter.
LONGEST: Final = 96
#: The well-known prefix of NAT64: the last 32 bits are the client's IPv4 address (RFC 6052).
_NAT64: Final = 0x64FF9B << 96
_MAPPED: Final = 0xFFFF << 32


def parse_address(text: str) -> Address | None:
    """Parses an address, which may have a port, brackets or a zone.

    A client has one address: that of an IPv4 client which IPv6 only carries (mapped, `::ffff:…`, or
    NAT64, `64:ff9b::…`) becomes the IPv4 address. An address of 6to4 (`2002::/16`) stays: its
    packets are IPv6, no block of the IPv4 address in it would stop them, and a client may have any.

    Example:
        >>> parse_address("[2001:db8::1]:443"), parse_address("::ffff:192.0.2.1")
        (IPv6Address('2001:db8::1'), IPv4Address('192.0.2.1'))
        >>> parse_address("192.0.2.1:many") is None
        True
    """
    bare = text.strip(" \t")
    return _parsed(bare) if len(bare) <= LONGEST else None


def address_text(text: str) -> str:
    """The address in canonical form, without port and zone, or an empty string.

    Example:
        >>> address_text("2001:DB8:0:0::1"), address_text("192.0.2.7:80"), address_text("unknown")
        ('2001:db8::1', '192.0.2.7', '')
    """
    bare = text.strip(" \t")
    return _canonical(bare) if len(bare) <= LONGEST else ""


@lru_cache(maxsize=1024)
def _canonical(text: str) -> str:
    address = _parsed(text)
    return "" if address is None else str(address)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Address | None:
    bare = _without_port(text)
    if ":" in bare:
        bare = bare.partition("%")[0]  # the zone
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    number = int(address)
    if address.version == 6 and number >> 32 in {_MAPPED >> 32, _NAT64 >> 32}:
        return ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    return address


def _without_port(text: str) -> str:
    """The address, or an empty string where what follows it is not a port."""
    if text.startswith("["):
        bare, bracket, rest = text[1:].partition("]")
        is_whole = bracket != "" and ":" in bare and (rest == "" or _is_port(rest))
        return bare if is_whole else ""
    if text.count(":") != 1:
        return text
    bare, _, port = text.partition(":")
    return bare if _is_port(f":{port}") else ""


def _is_port(text: str) -> bool:
    """A colon and a number, or a name that stands for one (RFC 7239, section 6.2)."""
    port = text[1:]
    is_number = port.isascii() and port.isdigit() and len(port) <= 5
    return text[:1] == ":" and (is_number or port.startswith("_"))

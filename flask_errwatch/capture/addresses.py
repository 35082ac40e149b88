"""Reads IP addresses as servers and proxies write them: with ports, brackets and zones."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import Final

#: An IPv6 address with an IPv4 tail, brackets, a zone and a port is shorter.
LONGEST: Final = 96
#: The first 96 bits of addresses whose last 32 bits are an IPv4 address: mapped ones (RFC 4291),
#: and those of the well-known prefix of NAT64 (RFC 6052).
_CARRIERS: Final = frozenset({0xFFFF, 0x64FF9B << 64})
#: The version of an address, 4 or 6, and its bits as a number.
Address = tuple[int, int]


def parse_address(text: str) -> Address | None:
    """Parses an address, which may have a port, brackets or a zone.

    A client has one address: that of an IPv4 client which IPv6 only carries (mapped, `::ffff:…`, or
    NAT64, `64:ff9b::…`) becomes the IPv4 address. An address of 6to4 (`2002::/16`) stays: its
    packets are IPv6, no block of the IPv4 address in it would stop them, and a client may have any.

    Example:
        >>> parse_address("[::2]:443"), parse_address("::ffff:0.0.1.1")
        ((6, 2), (4, 257))
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
    if address is None:
        return ""
    version, number = address
    return str((ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address)(number))


def _parsed(text: str) -> Address | None:
    # By the system: `ipaddress` takes ten times as long, and a header may have 64 addresses.
    bare = text if ":" not in text else _without_port(text)
    try:
        if ":" not in bare:
            return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, bare))
        bare = bare.partition("%")[0]  # the zone
        number = int.from_bytes(socket.inet_pton(socket.AF_INET6, bare))
    except (OSError, ValueError):
        return None
    return (4, number & 0xFFFF_FFFF) if number >> 32 in _CARRIERS else (6, number)


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
    """A colon and a number, or a name in its place (RFC 7239, section 6.2)."""
    port = text[1:]
    is_number = port.isascii() and port.isdigit() and len(port) <= 5
    return text[:1] == ":" and (is_number or port.startswith("_"))

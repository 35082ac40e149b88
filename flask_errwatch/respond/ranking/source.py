"""`source_of`: whom a line is by. One rule for ranking and blocks."""

from __future__ import annotations

import socket
from ipaddress import IPv6Network
from typing import Final

from flask_errwatch.capture.addresses import parse_address

#: Bits of an IPv6 address that are one customer's: within a /64 a client may have any address.
_PREFIX: Final = 64


def source_of(address: object) -> str | None:
    """The IPv4 address, or the /64 of an IPv6 address. None for anything else.

    Args:
        address: The field `client_ip` of a line, or what an access log has in its place. An IPv4
            address that IPv6 only carries (`::ffff:192.0.2.7`) is the IPv4 address.

    Example:
        >>> source_of("192.0.2.7"), source_of("2001:db8::5:6"), source_of("::ffff:192.0.2.7")
        ('192.0.2.7', '2001:db8::/64', '192.0.2.7')
        >>> source_of("unknown") is None
        True
    """
    parsed = parse_address(address) if isinstance(address, str) else None
    if parsed is None:
        return None
    version, number = parsed
    if version == 4:
        return socket.inet_ntoa(number.to_bytes(4))
    return str(IPv6Network((number >> _PREFIX << _PREFIX, _PREFIX)))

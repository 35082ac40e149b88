"""Networks that no client of the internet has.

The lists are our own: `is_global` of `ipaddress` looks only at the two ends of a network, and
differs between versions of Python.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Final

from flask_errwatch._parsers import Network

#: What the IANA registries of special-purpose addresses have besides documentation: private,
#: shared, loopback, link-local, multicast, benchmarking, transition and reserved addresses. Global
#: unicast of IPv6 is 2000::/3: all else is internal.
INTERNAL: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        *("::/3", "4000::/2", "8000::/1", "2001::/23"),
    )
)
#: For examples in documents (RFC 5737, RFC 6676, RFC 3849, RFC 9637). `lab` and tests use them.
DOCUMENTATION: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "233.252.0.0/24"),
        *("2001:db8::/32", "3fff::/20"),
    )
)

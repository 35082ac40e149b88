"""Derives the client's address. Of `X-Forwarded-For` it uses only what trusted proxies appended."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any, NamedTuple

from flask_errwatch._parsers import Network
from flask_errwatch._text import text_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: More entries than this are not a chain of proxies, but an attempt to cost time.
_MOST_HOPS = 64
_LONGEST_HEADER = 4096


class ClientAddress(NamedTuple):
    """A client address and its source.

    Attributes:
        ip: The address in canonical form, without port or zone.
        source: `peer` (the peer of the socket), `proxy-fix` (the peer as rewritten by Werkzeug's
            ProxyFix) or `x-forwarded-for` (an entry that a trusted proxy appended).
    """

    ip: str
    source: str


def client_address(
    environ: dict[str, Any], trusted: int | tuple[Network, ...]
) -> ClientAddress | None:
    """Returns the address that connected to the outermost trusted proxy.

    `X-Forwarded-For` is read from right to left: each proxy appends the address that it saw.
    Only the entries that trusted proxies appended are evidence. Those to the left of them were
    written by the client (MDN, X-Forwarded-For, "Selecting an IP address").

    Args:
        environ: The WSGI environment.
        trusted: Number of proxies in front of the app, or their networks.

    Returns:
        The address, or None when the server has none (a Unix socket) or it is not valid.

    Example:
        >>> environ = {"REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 192.0.2.9"}
        >>> client_address(environ, 1)
        ClientAddress(ip='192.0.2.9', source='x-forwarded-for')
        >>> client_address(environ, 0)
        ClientAddress(ip='10.0.0.7', source='peer')
    """
    remote = text_of(environ.get("REMOTE_ADDR"))
    if trusted:
        peer = parse_address(remote)
        entry = _forwarded(text_of(environ.get("HTTP_X_FORWARDED_FOR")), peer, trusted)
        if entry is not None:
            return _from_source(entry, "x-forwarded-for")
    return _rewritten(remote) if "werkzeug.proxy_fix.orig" in environ else _peer(remote)


@lru_cache(maxsize=1024)
def _peer(remote: str) -> ClientAddress | None:
    return _from_source(parse_address(remote), "peer")


@lru_cache(maxsize=1024)
def _rewritten(remote: str) -> ClientAddress | None:
    return _from_source(parse_address(remote), "proxy-fix")


def _from_source(address: Address | None, source: str) -> ClientAddress | None:
    return None if address is None else ClientAddress(ip=str(address), source=source)


def _forwarded(
    header: str, peer: Address | None, trusted: int | tuple[Network, ...]
) -> Address | None:
    """The entry that the outermost trusted proxy appended, or None."""
    entries = header[-_LONGEST_HEADER:].split(",")[-_MOST_HOPS:]
    if isinstance(trusted, int):
        # Fewer entries than proxies: the request did not come through all of them.
        return parse_address(entries[-trusted]) if len(entries) >= trusted else None
    client: Address | None = None
    if peer is not None and not _is_in(peer, trusted):
        return None
    for entry in reversed(entries):
        address = parse_address(entry)
        if address is None:
            break
        client = address
        if not _is_in(address, trusted):
            break
    return client


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


@lru_cache(maxsize=1024)
def parse_address(text: str) -> Address | None:
    """Parses an address, which may have a port, brackets or a zone.

    An IPv4 address mapped into IPv6 becomes the IPv4 address, so that a client has one address.

    Example:
        >>> parse_address("[2001:db8::1]:443"), parse_address("::ffff:192.0.2.1")
        (IPv6Address('2001:db8::1'), IPv4Address('192.0.2.1'))
    """
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped

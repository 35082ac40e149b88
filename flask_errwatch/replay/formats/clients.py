"""Checks the client of an access line: an address, a host name, or none."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from flask_errwatch.capture.addresses import address_text

# The longest name of DNS (RFC 1035, section 2.3.4).
_LONGEST_NAME: Final = 253
# How logs write that there is no address: of a Unix socket nginx (`unix:`), HAProxy (`unix`) and
# Werkzeug (`<local>`) and hypercorn (`None`), and in RFC 7239, section 6.3 (`unknown`).
_NO_CLIENT: Final = frozenset({"", "-", "unix:", "unix", "<local>", "None", "unknown"})
# Containers have names with an underscore. The last label has a letter: else a number, or an
# address that is not valid, would be a name.
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME: Final = re.compile(rf"(?:{_LABEL}\.)*(?=[0-9_-]*[A-Za-z]){_LABEL}", re.ASCII)
# Clients that are remembered: they come again.
_REMEMBERED: Final = 4096


class Peer(NamedTuple):
    """The peer of a server, and what it forwarded.

    Attributes:
        source: The peer, as `client_of` gives it.
        forwarded: The addresses that it forwarded, as they are. None where the log shows none.
    """

    source: str
    forwarded: str | None = None


def client_of(text: str) -> str | None:
    """The client that a line names: an address in canonical form, without a port, or a host name.

    Args:
        text: What the log has in the place of the client.

    Returns:
        An empty string where the client is unknown, as behind a Unix socket. None where the text
        is neither an address nor a host name: then the line is in another format.

    Example:
        >>> client_of("203.0.113.9:2817"), client_of("[2001:DB8::9]:443"), client_of("-")
        ('203.0.113.9', '2001:db8::9', '')
        >>> client_of("2026-11-25T01:17:00Z"), client_of("web-1.shop.internal")
        (None, 'web-1.shop.internal')
    """
    return _known_client(text) if len(text) <= _LONGEST_NAME else None


@lru_cache(maxsize=_REMEMBERED)
def _known_client(text: str) -> str | None:
    if text in _NO_CLIENT:
        return ""
    return address_text(text) or (text if _NAME.fullmatch(text) else None)


def peer_of(text: str) -> Peer | None:
    """The peer that a line names, where it may be a list as `X-Forwarded-For` has it.

    Each proxy appends the address of its own peer: the last entry is the peer of the proxy before
    the server. Anyone may have written those before it, so they may be anything.

    Returns:
        None where the last entry is not a client.

    Example:
        >>> peer_of("203.0.113.9, 10.0.3.114")
        Peer(source='10.0.3.114', forwarded='203.0.113.9')
        >>> peer_of("203.0.113.9")
        Peer(source='203.0.113.9', forwarded=None)
    """
    others, comma, last = text.rpartition(",")
    source = client_of(last.strip(" "))
    if source is None or (comma and not last.strip(" ")):
        return None
    return Peer(source, others.strip(" ") if comma else None)


def without_port(text: str) -> str:
    """The host of a socket's address: that of IPv6 has no brackets in some logs.

    Example:
        >>> without_port("2001:db8::9:56789"), without_port("[2001:db8::9]:443"), without_port("")
        ('2001:db8::9', '[2001:db8::9]', '')
    """
    host, _, port = text.rpartition(":")
    return host if port.isascii() and port.isdigit() else text

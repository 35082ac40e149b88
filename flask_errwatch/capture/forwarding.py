"""Reads the headers in which proxies name the client whose request they forward."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from flask_errwatch._text import text_of
from flask_errwatch.capture.addresses import address_text

#: More entries than this are not a chain of proxies, but an attempt to cost time.
_MOST_HOPS: Final = 64
#: The pairs of a Forwarded header that has quotes.
_MOST_PAIRS: Final = 96
_LONGEST_HEADER: Final = 4096
_CLAIM_LENGTH: Final = 256

X_FORWARDED_FOR: Final = "HTTP_X_FORWARDED_FOR"
FORWARDED: Final = "HTTP_FORWARDED"
#: Its port is always there, and its IPv6 addresses have no brackets.
_VIEWER_ADDRESS: Final = "HTTP_CLOUDFRONT_VIEWER_ADDRESS"
#: Headers that name a client. The first that a request has is its claim.
NAMING: Final = (
    X_FORWARDED_FOR,
    FORWARDED,
    *("HTTP_X_REAL_IP", "HTTP_TRUE_CLIENT_IP", "HTTP_CF_CONNECTING_IP", _VIEWER_ADDRESS),
    *("HTTP_X_CLIENT_IP", "HTTP_X_CLUSTER_CLIENT_IP", "HTTP_CLIENT_IP", "HTTP_FLY_CLIENT_IP"),
    *("HTTP_FASTLY_CLIENT_IP", "HTTP_X_AZURE_CLIENTIP", "HTTP_X_AZURE_SOCKETIP"),
    *("HTTP_X_ENVOY_EXTERNAL_ADDRESS", "HTTP_X_APPENGINE_USER_IP", "HTTP_DO_CONNECTING_IP"),
    *("HTTP_X_ORIGINAL_FORWARDED_FOR", "HTTP_X_VERCEL_FORWARDED_FOR", "HTTP_X_FORWARDED"),
    *("HTTP_FORWARDED_FOR", "HTTP_X_NF_CLIENT_CONNECTION_IP", "HTTP_INCAP_CLIENT_IP"),
    *("HTTP_X_SUCURI_CLIENTIP", "HTTP_WL_PROXY_CLIENT_IP", "HTTP_PROXY_CLIENT_IP"),
)
#: How the keys of headers begin that proxies add. A balancer that removes X-Forwarded-For still
#: sends some of them. Each known proxy sends one of these, besides what is its own.
_ADDED: Final = "|".join(
    (
        *("X_FORWARD", "FORWARD", "VIA", "X_REAL_", "X_CLIENT_", "X_CLUSTER_", "X_ORIGINAL_"),
        *("CLIENT_IP", "TRUE_CLIENT_", "PROXY_CLIENT_", "WL_PROXY_", "FRONT_END_", "SURROGATE_"),
        *("X_AMZ", "CLOUDFRONT_", "CF_", "CDN_", "X_AZURE_", "X_ARR_", "X_APPGW_", "X_ENVOY_"),
        *("X_APPENGINE_", "X_CLOUD_TRACE_", "FASTLY_", "FLY_", "X_VERCEL_", "X_NF_", "X_SCHEME"),
        *("DO_CONNECTING_", "X_AKAMAI_", "AKAMAI_", "INCAP_", "X_SUCURI_", "X_VARNISH", "X_PROXY"),
        *("X_REQUEST_START", "X_MS_FORWARDED_"),
    )
)

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the token of HTTP (RFC 9110, 5.6.2)
#: One pair of a Forwarded header and what separates it from the next (RFC 7239, section 4). An
#: address with a port or brackets should be quoted, and is also read without quotes.
_PAIR: Final = rf"""[ \t]*({_TOKEN})=([^\s",;]+|"(?:[^"\\]|\\.)*")[ \t]*([,;]|$)"""


def key_of(header: str) -> str:
    """The key of a header in the WSGI environment.

    Example:
        >>> key_of("X-Forwarded-For")
        'HTTP_X_FORWARDED_FOR'
    """
    return f"HTTP_{header.upper().replace('-', '_')}"


def came_through_proxy(environ: dict[str, Any]) -> bool:
    """Whether the request has a header that proxies add. Its absence proves little.

    Example:
        >>> came_through_proxy({"HTTP_FLY_CLIENT_IP": "192.0.2.9"})
        True
        >>> came_through_proxy({"HTTP_HOST": "a.example", "REMOTE_ADDR": "192.0.2.9"})
        False
    """
    # One search in one text: a loop over the keys takes four times as long.
    return _added_by_proxies().search("\n".join(["", *environ])) is not None


@lru_cache(maxsize=1)
def _added_by_proxies() -> re.Pattern[str]:
    """Compiled at its first use: the import stays cheap."""
    return re.compile(rf"\nHTTP_(?:{_ADDED})")


def claim_of(environ: dict[str, Any], own: str) -> str:
    """What the request claims about its client: its first header that names one.

    Args:
        environ: The WSGI environment.
        own: The key of the configured header, which comes before all others.
    """
    text = text_of(environ.get(own))
    if text:
        return text
    for key in NAMING:
        text = text_of(environ.get(key))
        if text:
            return text
    return ""


def bounded(text: str, ip: str) -> str:
    """A claim as lines have it, empty when it is the address itself.

    Of a long one the end is kept: proxies append.
    """
    claim = text.strip()
    if ip and address_text(claim) == ip:
        return ""
    cut = len(claim) - _CLAIM_LENGTH
    return claim if cut <= 0 else f"[{cut} more]…{claim[cut:]}"


# A protocol would take a quarter of a millisecond of every import.
class ChainRule:
    """Says which entry of a chain is the client's."""

    def select(self, entries: list[str]) -> int:
        """The client's entry, counted from the right from 1, or `BROKEN` or `ONLY_PROXIES`."""
        raise NotImplementedError

    def is_proxy(self, text: str) -> bool | None:
        """Whether the address is known to be a proxy's. None where it is not an address."""
        raise NotImplementedError


#: The chain has an entry that is not an address, or has too few.
BROKEN: Final = -1
#: Every entry of the chain is a trusted proxy, or the chain is empty.
ONLY_PROXIES: Final = 0


class Named(NamedTuple):
    """The client that a header names, and what the client itself had claimed, or empty strings."""

    ip: str
    claim: str


_NO_CLIENT: Final = Named("", "")


class Chain:
    """A header to which each proxy appends the address that it saw.

    Args:
        header: `X-Forwarded-For` or `Forwarded`.
    """

    def __init__(self, header: str) -> None:
        self.source = header.lower()
        self.key = key_of(header)

    def texts(self, environ: dict[str, Any]) -> tuple[str, str]:
        """The texts that `named` reads: of this header only."""
        return text_of(environ.get(self.key)), ""

    def named(self, text: str, _chain: str, rule: ChainRule) -> Named:
        """The client by the rule. What is to the left of its entry, it sent itself."""
        entries = self.entries(text)
        at = rule.select(entries)
        if at <= 0:
            return _NO_CLIENT
        ip = address_text(entries[-at])
        return Named(ip, bounded(_joined(entries[:-at]), ip))

    def entries(self, text: str) -> list[str]:
        """The addresses as they are written. An empty one is an entry that cannot be read."""
        if not text:
            return []
        return _forwarded_for(text) if self.key == FORWARDED else _x_forwarded_for(text)


class SingleAddress:
    """A header with one address, set by the outermost proxy, such as `CloudFront-Viewer-Address`.

    Whoever reaches an inner proxy past the outermost one can send this header too. So
    `X-Forwarded-For`, where there is one, must agree: it names the same client, or only proxies.
    """

    def __init__(self, header: str) -> None:
        self.source = header.lower()
        self.key = key_of(header)
        self._chain = Chain("X-Forwarded-For")

    def texts(self, environ: dict[str, Any]) -> tuple[str, str]:
        """The texts that `named` reads: of this header and of `X-Forwarded-For`."""
        return text_of(environ.get(self.key)), text_of(environ.get(X_FORWARDED_FOR))

    def named(self, text: str, chain: str, rule: ChainRule) -> Named:
        """The address, or `_NO_CLIENT` where it is missing or `X-Forwarded-For` contradicts it."""
        has_port = self.key == _VIEWER_ADDRESS and ":" in text
        ip = address_text(text.rpartition(":")[0] if has_port else text)
        entries = self._chain.entries(chain)
        at = rule.select(entries)
        if at == BROKEN or (at > 0 and address_text(entries[-at]) != ip):
            return _NO_CLIENT
        if not ip or rule.is_proxy(ip):  # an inner proxy wrote the address of an outer one
            return _NO_CLIENT
        return Named(ip, bounded(_joined(entries[:-at]), ip) if at > 0 else "")


def _x_forwarded_for(text: str) -> list[str]:
    entries = text[-_LONGEST_HEADER:].rsplit(",", _MOST_HOPS)
    if len(text) > _LONGEST_HEADER or len(entries) > _MOST_HOPS:
        entries[0] = ""  # part of an entry, or several
    return entries


def _joined(entries: list[str]) -> str:
    return ", ".join([entry.strip() for entry in entries])


def _forwarded_for(text: str) -> list[str]:
    """The `for` of each element (RFC 7239), or an empty string where it is not valid."""
    if len(text) > _LONGEST_HEADER:
        return [""]
    if '"' in text:
        return _quoted_forwarded_for(text)
    elements = text.rsplit(",", _MOST_HOPS)
    entries = [_for_of(element.strip(" \t")) for element in elements]
    return entries if len(entries) <= _MOST_HOPS else ["", *entries[1:]]


def _for_of(element: str) -> str:
    """The `for` of an element without quotes, whatever it says, or an empty string."""
    if ";" not in element:
        return element[4:] if element[:4].lower() == "for=" else ""
    found = [pair for pair in element.split(";") if pair.lstrip(" \t")[:4].lower() == "for="]
    return found[0].partition("=")[2] if len(found) == 1 else ""


def _quoted_forwarded_for(text: str) -> list[str]:
    """The same where there are quotes.

    What is not valid, or too long, makes the whole unreadable: a quote that a client opened could
    enclose what proxies appended.
    """
    pair = re.compile(_PAIR, re.DOTALL)
    entries: list[str] = []
    names: dict[str, str] = {}
    position, separator, count = 0, ",", 0
    while separator:
        match = pair.match(text, position)
        count += 1
        if match is None or count > _MOST_PAIRS:
            return [""]
        name, value, separator = match.groups()
        if (name := name.lower()) in names:
            return [""]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1]) if "\\" in value else value[1:-1]
        position = match.end()
        names[name] = value
        if separator != ";":
            entries.append(names.get("for", ""))
            names = {}
    return entries if len(entries) <= _MOST_HOPS else ["", *entries[-_MOST_HOPS:]]

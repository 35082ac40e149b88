"""Where a request was linked from, as its client says."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

#: Characters of a referrer or host that are read.
LENGTH: Final = 512
#: Referrers whose kind is kept: pages of the same site are linked from the same ones.
_KEPT: Final = 512


@lru_cache(maxsize=_KEPT)
def referrer_kind(referrer: str, host: str) -> str:
    """One of the values of the field `referrer`: `same`, `other` or `none`.

    Args:
        referrer: The header, of at most `LENGTH` characters, or an empty string.
        host: The host that the request was sent to, with or without its port.

    Example:
        >>> referrer_kind("https://shop.example/a", "Shop.example:443"), referrer_kind("", "a")
        ('same', 'none')
    """
    if referrer in {"", "-"}:
        return "none"
    scheme, _, rest = referrer.partition("://")
    if scheme.lower() not in {"http", "https"}:
        return "other"
    for end in "/?#":
        rest = rest.partition(end)[0]
    named = _without_port(rest.rpartition("@")[2])
    return "same" if named and named == _without_port(host) else "other"


def _without_port(host: str) -> str:
    """The host in lower case, without its port. An address of IPv6 keeps its brackets."""
    host = host.strip().lower()
    name, colon, port = host.rpartition(":")
    name = name if colon and "]" not in port else host
    return name.removesuffix(".")

"""Replaces addresses and users in events by keyed hashes, for `ERRWATCH_PRIVACY="hashed"`.

It is imported only there. The hash is HMAC-SHA256 (RFC 2104), cut to 128 bits: whoever has the key
can compute that of a known address, and no one else can try out all addresses.
"""

from __future__ import annotations

import hmac
from typing import Any

#: The fields that name a person, or a machine.
KEYS = ("client_ip", "peer_ip", "forwarded_claim", "user")
PREFIX = "hmac-"
_DIGITS = 32


class KeyedHashes:
    """Replaces the values of `KEYS` in an event.

    Args:
        key: The secret key. Another key gives other hashes.

    Example:
        >>> event = {"path": "/", "client_ip": "192.0.2.7"}
        >>> KeyedHashes("sixteen characters or more").replace_in(event)
        >>> event
        {'path': '/', 'client_ip': 'hmac-b570a8d875c317b3a0170c32241c27df'}
    """

    def __init__(self, key: str) -> None:
        # Each hash starts from a copy, which takes half the time.
        self._start = hmac.new(key.encode("utf-8", "surrogatepass"), digestmod="sha256")

    def replace_in(self, event: dict[str, Any]) -> None:
        """Replaces the values in the event itself, which the signal's receivers see, too."""
        for key in KEYS:
            if key in event:
                event[key] = self._hash(str(event[key]))

    def _hash(self, text: str) -> str:
        code = self._start.copy()
        code.update(text.encode("utf-8", "surrogatepass"))
        return f"{PREFIX}{code.hexdigest()[:_DIGITS]}"

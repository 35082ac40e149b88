"""Whose a request of an access log is: the client behind the proxies, by the app's own rule."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from flask_errwatch._parsers import TrustedProxies
from flask_errwatch.capture.client_address import ClientAddress, address_rule
from flask_errwatch.simulation import PEER_MARK

#: Pairs of peer and header whose client is remembered: they come again.
_REMEMBERED: Final = 4_096


class ClientRule:
    """Derives the client of a request from what its log shows, as the sensor does in the app.

    Args:
        trusted: `ERRWATCH_TRUSTED_PROXIES`: 0 where nothing is known, a number, networks, `none`.

    Attributes:
        ignores_forwarded: Whether a request had `X-Forwarded-For`, and nothing is known of proxies.

    Example:
        >>> rule = ClientRule(1)
        >>> rule.client("10.0.3.114", "203.0.113.9"), rule.client("10.0.3.114", None)
        ('203.0.113.9', '10.0.3.114')
        >>> rule.client("203.0.113.9", "6.6.6.6", is_of_proxy=True)
        '203.0.113.9'
    """

    def __init__(self, trusted: TrustedProxies) -> None:
        self.ignores_forwarded = False
        self._is_unknown = trusted == 0
        self._at_app = address_rule(trusted)
        # The proxy that writes the log is one of them, and its peer is the next.
        before = trusted - 1 if isinstance(trusted, int) and trusted > 0 else trusted
        self._at_proxy = address_rule(before or "none")
        self._derived = lru_cache(_REMEMBERED)(self._derive)

    def client(
        self, source: str, forwarded: str | None, *, is_of_proxy: bool = False
    ) -> str | None:
        """The client, or None where it is unknown.

        Args:
            source: The peer, as the log has it. Empty where it is unknown.
            forwarded: `X-Forwarded-For`, empty where the request had none. None where the log
                does not show it.
            is_of_proxy: As of `LogFormat`.
        """
        if not forwarded:
            return source or None
        if self._is_unknown:
            self.ignores_forwarded = True
            return source or None
        return self._derived(source, forwarded, is_of_proxy)

    def _derive(self, source: str, forwarded: str, is_of_proxy: bool) -> str | None:  # noqa: FBT001 - a part of the key
        rule = self._at_proxy if is_of_proxy else self._at_app
        client = rule.client({"REMOTE_ADDR": source, "HTTP_X_FORWARDED_FOR": forwarded})
        if isinstance(client, ClientAddress):
            return client.ip
        return PEER_MARK + client.peer if client.peer else None
